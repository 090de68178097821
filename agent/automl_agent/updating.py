"""Regenerates a project and merges the result with what its user has edited: one commit on a branch, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from automl_generators.names import package_name
from automl_generators.ownership import generator_name
from automl_generators.project import Environment, render_project
from automl_generators.staging import signals_held, unchanged
from automl_generators.update.checkout import Checkout
from automl_generators.update.learned import reasons_to_evaluate, reasons_to_train
from automl_generators.update.merging import Conflict
from automl_generators.update.pristine import Pristine, adopt_pristine
from automl_generators.update.recorded import recorded_environment, recorded_plan, renders_vendor
from automl_generators.update.specs import merge_spec_texts
from automl_generators.update.trees import Action, FileChange, apply_changes, merge_trees
from automl_runtime.errors import AutomlError, DataError
from automl_runtime.events import EventSink, Finding, Progress, ignore
from automl_runtime.project import Project
from automl_runtime.registry.aliases import list_versions
from automl_runtime.tracking.index import index_run
from automl_runtime.tracking.runs import run_names
from automl_schemas.metrics import Metrics
from automl_schemas.question import Question

from automl_agent.label_changes import LabelChanges
from automl_agent.respecifying import Respecified, Wishes, respecify
from automl_agent.steps import judge, read_data, run_step, run_tests

__all__ = ["Behind", "Updated", "check", "update"]

_ROWS: Final = ("data/clean", "data/processed")
"""Made by `make data`; git ignores them."""
_SPEC: Final = "project.yaml"


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update did; of a dry run, what it would do."""

    project: Path
    branch: str | None = None
    """Checked out, unless there are conflicts; None: nothing was changed."""
    commit: str | None = None
    changes: Sequence[FileChange] = ()
    reasons: Sequence[str] = ()
    """Why the model had to be trained again; empty: it had not to."""
    retrained: bool = False
    tests: str | None = None
    """Closing line of the project's own tests."""
    before: Metrics | None = None
    after: Metrics | None = None
    labels: LabelChanges | None = None
    """Of several labels a row, where the data were read: which are new, and which are gone."""
    diff: str = ""
    """As git shows it, without the copies and hashes in `.automl`, and without models and reports in a dry run."""

    @property
    def conflicts(self) -> list[Conflict]:
        """Where the update and the user want different things; with any, the checkout is as it was."""
        return [conflict for change in self.changes for conflict in change.conflicts]

    @property
    def changed(self) -> list[str]:
        """Files that the user had not edited, and that are new or other now."""
        return self._paths("added", "replaced")

    @property
    def merged(self) -> list[str]:
        """Files with both the user's edits and those of the update."""
        return self._paths("merged")

    @property
    def kept(self) -> list[str]:
        """Files that the user edited, deleted or owns, and that stay as they are."""
        return self._paths("kept")

    @property
    def removed(self) -> list[str]:
        """Files that are no longer generated and that the user had not edited."""
        return self._paths("removed")

    def _paths(self, *actions: Action) -> list[str]:
        return [change.path for change in self.changes if change.action in actions and not change.conflicts]

    def to_json(self) -> dict[str, Any]:
        """The outcome as a JSON object."""
        metrics = {"before": self.before, "after": self.after}
        return {
            "project": str(self.project),
            "branch": self.branch,
            "commit": self.commit,
            **{name: getattr(self, name) for name in ("changed", "merged", "kept", "removed")},
            "conflicts": [
                {"path": item.path, "kind": item.kind, "lines": item.lines, "explanation": item.explain()}
                for item in self.conflicts
            ],
            "retrained": self.retrained,
            "reasons": list(self.reasons),
            "tests": self.tests,
            "labels": None if self.labels is None else self.labels.to_json(),
            "metrics": {name: value and value.model_dump(mode="json") for name, value in metrics.items()},
            "diff": self.diff,
        }


@dataclass(frozen=True, slots=True)
class Behind:
    """What an update would change in a project whose words, settings and data stay as they are."""

    project: Path
    generated_by: str
    generator: str
    """The one that runs now."""
    changes: Sequence[FileChange] = field(default=())

    @property
    def files(self) -> list[str]:
        """The files that would be changed, added, removed, or are in conflict; empty: the project is up to date."""
        return [change.path for change in self.changes if change.action != "kept" or change.conflicts]

    def to_json(self) -> dict[str, Any]:
        """The answer as a JSON object."""
        return {
            "project": str(self.project),
            "behind": bool(self.files),
            "generated_by": self.generated_by,
            "generator": self.generator,
            "files": self.files,
            "conflicts": [conflict.explain() for change in self.changes for conflict in change.conflicts],
        }


def check(project: Path) -> Behind:
    """Says what an update would change in the files of the project at `project`; neither data nor a model is needed.

    Raises:
        DataError: if a record of the project is missing or broken.
        RequestError: if its project.yaml is wrong.
    """
    loaded = Project.load(project)
    with tempfile.TemporaryDirectory() as place:
        target = Respecified(recorded_plan(loaded))
        changes = _render_and_merge(loaded, target, Path(place) / "new", recorded_environment(loaded))
    return Behind(loaded.root, Pristine.load(loaded.root).generator, generator_name(), changes)


def update(
    project: Path,
    *,
    request: str | None = None,
    answers: Mapping[str, str] | None = None,
    data: Path | None = None,
    budget_seconds: float | None = None,
    dry_run: bool = False,
    ask: Callable[[Question], str] | None = None,
    on_event: EventSink = ignore,
) -> Updated:
    """Regenerates the project at `project` and merges the result with what its user edited.

    Everything is done in a worktree beside the project. After a clean merge and, where what was learned would change, a
    training, and when the project's own tests pass, the result is one commit on a new branch `automl/update-N`, which
    is checked out. With conflicts the branch holds the merge with its markers, and the checkout stays as it is.

    Args:
        project: the project, or a folder in it; the root of a git repository.
        request: the request in other words; None: as it was.
        answers: to open questions.
        data: other data; None: those that the project was made of, as they are now.
        budget_seconds: for the search, from now on.
        dry_run: change nothing; the result says what would be changed.
        ask: settles open questions; None: their defaults count.
        on_event: gets the progress.

    Raises:
        RequestError: if the project cannot be updated (no git repository, files that are not committed), or the words
            or project.yaml cannot be used.
        DataError: if data are needed and not there, or cannot be used.
        TrainingError: if no model could be trained.
        AutomlError: if the project's own tests fail with the result.
        Cancelled: on Ctrl-C and SIGTERM.
    """
    root = Project.load(project).root
    checkout = Checkout.open(root)
    checkout.refuse_changes()
    wishes = Wishes(request, dict(answers or {}), data, budget_seconds, ask)
    with unchanged(root):
        on_event(Progress("comparing", 0, None, "what the project is made from"))
        target = respecify(Project.load(root), wishes, on_event=on_event)
        for finding in () if target.labels is None else target.labels.findings():
            on_event(finding)
        with checkout.worktree() as work, tempfile.TemporaryDirectory() as place:
            return _updated(checkout, work, Path(place), target, dry_run=dry_run, on_event=on_event)


def _updated(
    checkout: Checkout, work: Path, place: Path, target: Respecified, *, dry_run: bool, on_event: EventSink
) -> Updated:
    root = checkout.root
    environment = recorded_environment(Project.load(work))
    changes = _built(checkout, work, target, place / "as it is", environment)
    if any(change.conflicts for change in changes):
        done = Updated(root, changes=changes, before=_metrics(root), labels=target.labels, diff=checkout.diff(work))
        return done if dry_run else _published(checkout, work, done, switch=False)
    reasons = reasons_to_train(root, work)
    if reasons and environment is not None:
        checkout.reset(work)
        changes = _built(checkout, work, target, place / "anew", None)
    before, diff = _metrics(root), checkout.diff(work)
    done = Updated(root, changes=changes, reasons=reasons, before=before, labels=target.labels, diff=diff)
    judged = reasons_to_evaluate(root, work)
    if dry_run or not (checkout.changed(work) or reasons or judged):
        return done
    done = replace(done, retrained=bool(reasons))
    _carry_in(root, work, rows=not reasons)
    if reasons or judged:
        for reason in reasons:
            on_event(Finding("training", reason))
        _train(work, train=bool(reasons), on_event=on_event)
    on_event(Progress("testing", 0, None, "the project's own tests"))
    done = replace(done, tests=_tested(work), after=_metrics(work), diff=checkout.diff(work))
    return _published(checkout, work, done, switch=True)


def _built(
    checkout: Checkout, work: Path, target: Respecified, new: Path, environment: Environment | None
) -> list[FileChange]:
    """Renders into `new` and merges into `work`."""
    found = _render_and_merge(Project.load(work), target, new, environment)
    taken = checkout.ignored([change.path for change in found if change.action == "added"])
    changes = [
        FileChange(change.path, "kept", conflicts=(Conflict(change.path, "taken"),)) if change.path in taken else change
        for change in found
    ]
    apply_changes(changes, work)
    adopt_pristine(new, work)
    return changes


def _render_and_merge(
    project: Project, target: Respecified, new: Path, environment: Environment | None
) -> list[FileChange]:
    plan = target.plan
    render_project(new, plan, vendor=renders_vendor(project), environment=environment)
    base = Pristine.load(project.root).text(_SPEC)
    spec = merge_spec_texts(base, (project.root / _SPEC).read_bytes(), plan.spec, clash=target.clash)
    return merge_trees(project.root, new, package_name(plan.spec.name), settled={_SPEC: spec})


def _train(work: Path, *, train: bool, on_event: EventSink) -> None:
    """Makes the rows, the model and the reports of the project in `work`, or the reports alone."""
    project = Project.load(work)
    place = project.data_source
    if train or not (work / "data" / "processed" / "holdout.parquet").is_file():
        if not place.exists():
            raise DataError(
                f"The update needs the data that the project was made of, and {place} does not exist.",
                hint="Say where they are with --data, or correct data.source in project.yaml.",
            )
        read_data(work, project, on_event)
    if train:
        run_step(work, "train", on_event=on_event)
    judge(work, on_event)


def _tested(work: Path) -> str:
    try:
        return run_tests(work)
    except AutomlError as error:
        raise AutomlError(
            f"With the update, tests of the project fail, so nothing was changed:\n{error.message}",
            hint="If they fail without it too (`make test`), mend them first; else say what you see with --dry-run.",
        ) from error


def _published(checkout: Checkout, work: Path, done: Updated, *, switch: bool) -> Updated:
    counts = [f"{len(names)} {word}" for word in ("changed", "merged", "removed") if (names := getattr(done, word))]
    counts += [f"{len(done.conflicts)} conflicts"] if done.conflicts else []
    counts += ["trained again"] if done.retrained else []
    commit = checkout.commit(work, f"Update by {generator_name()}: {', '.join(counts) or 'nothing to merge'}")
    with signals_held():
        branch = checkout.next_branch()
        checkout.publish(branch, commit, switch=switch)
        if done.retrained:
            _carry_out(work, checkout.root)
    return replace(done, branch=branch, commit=commit)


def _carry_in(root: Path, work: Path, *, rows: bool) -> None:
    """Gives `work` what git ignores and the steps need: models, and the rows if they stay, else the names of runs."""
    for version in list_versions(root / "models"):
        if not (work / "models" / version).exists():
            _link_tree(root / "models" / version, work / "models" / version)
    for name in () if rows else run_names(root / "experiments"):
        (work / "experiments" / name).mkdir(parents=True)
    for name in _ROWS if rows else ():
        if (root / name).is_dir():
            _link_tree(root / name, work / name)


def _link_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        # Not every file system has links.
        shutil.copy2(source, target)


def _carry_out(work: Path, root: Path) -> None:
    """Gives the checkout what was made in `work` and git ignores."""
    for name in _ROWS:
        if (work / name).is_dir():
            shutil.rmtree(root / name, ignore_errors=True)
            shutil.move(work / name, root / name)
    for name in {*run_names(work / "experiments")} - {*run_names(root / "experiments")}:
        (root / "experiments").mkdir(exist_ok=True)
        shutil.move(work / "experiments" / name, root / "experiments" / name)
    for version in {*list_versions(work / "models")} - {*list_versions(root / "models")}:
        shutil.move(work / "models" / version, root / "models" / version)
    index_run(root)


def _metrics(root: Path) -> Metrics | None:
    return Project.load(root).metrics
