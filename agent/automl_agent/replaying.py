"""Rebuilds a project from project.yaml, data and seed, with no model of language, and compares the outcome."""

from __future__ import annotations

import functools
import importlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from automl_generators.git import commit_project
from automl_generators.plan import ProjectPlan
from automl_generators.project import render_project
from automl_generators.staging import signals_held, staged, unchanged
from automl_generators.update.pristine import Pristine
from automl_generators.update.recorded import recorded_environment, renders_vendor
from automl_generators.update.renames import list_files
from automl_runtime.contracts import load_yaml
from automl_runtime.engine.recorded import parse_trials
from automl_runtime.errors import AutomlError, DataError, RequestError
from automl_runtime.events import EventSink, Finding, Progress, ignore
from automl_runtime.project import Project
from automl_runtime.project.specfile import dump_spec
from automl_runtime.registry.aliases import PRODUCTION, find_version, list_versions
from automl_schemas.bundle import BundleManifest
from automl_schemas.metrics import Metrics

from automl_agent.comparing import Comparison, compare_trees
from automl_agent.respecifying import Wishes, draft_again, plan_again
from automl_agent.steps import judge, package_of, read_data, run_module, run_step

__all__ = ["Replayed", "replay"]

_MADE: Final = ("data/contract.json", "tests/golden.jsonl", ".automl/manifest.json")
"""What the steps and the generator make, besides the files that are rendered, models and reports."""
_REPORTS: Final = ("metrics.json", "model_card.md", "report.html")


@dataclass(frozen=True, slots=True)
class Replayed:
    """A project and what came out when it was built again."""

    project: Path
    plan: ProjectPlan
    """What it was rendered from."""
    comparison: Comparison
    trials: int | None
    """How many recorded trials were executed; None: the number was fixed from the start."""
    before: Metrics
    after: Metrics
    edited: Sequence[str] = ()
    """Files that the user has changed or added, which were taken as they are."""
    out: Path | None = None

    @property
    def identical(self) -> bool:
        """Whether every file is the same, apart from times, run ids and speeds."""
        return not self.comparison.differences

    def lines(self) -> list[str]:
        """What a person should know."""
        trials = "" if self.trials is None else f", {self.trials} recorded trials"
        said = [f"rebuilt from project.yaml, the data and seed {self.after.seed}{trials}"]
        said += [f"your own versions of: {', '.join(self.edited)}"] if self.edited else []
        scores = f"{self.after.metric} {self.before.holdout!r} -> {self.after.holdout!r}"
        said += [f"holdout: {scores}", f"tree: {self.comparison.first[:16]} -> {self.comparison.second[:16]}"]
        said += [f"differs: {line}" for line in self.comparison.differences]
        said += ["identical" if self.identical else "NOT identical"]
        return said + ([f"kept in {self.out}"] if self.out is not None else [])

    def to_json(self) -> dict[str, Any]:
        """The outcome as a JSON object."""
        return {
            "project": str(self.project),
            "identical": self.identical,
            "tree": {"before": self.comparison.first, "after": self.comparison.second},
            "differences": list(self.comparison.differences),
            "trials": self.trials,
            "edited": list(self.edited),
            "metrics": {
                "before": self.before.model_dump(mode="json"),
                "after": self.after.model_dump(mode="json"),
            },
            "out": None if self.out is None else str(self.out),
        }


def replay(project: Path, *, out: Path | None = None, on_event: EventSink = ignore) -> Replayed:
    """Builds the project at `project` again and compares file by file.

    The data are read, cleaned and joined anew, leaks are looked for, the trials of the model in production are executed
    again instead of a search by the clock, and the reports are made. Files that the user edited are taken as they are.

    Args:
        project: the project, or a clone of its repository; its data must be there. The list of trials lies in
            the bundle of its model; it is not needed where `training.trials` fixed their number.
        out: where the rebuilt project is kept, with a git repository of its own; None: it is not kept.
        on_event: gets the progress.

    Raises:
        RequestError: if `out` is taken, or project.yaml cannot be used.
        DataError: if the data, the model or the list of its trials is not there, or the bundle was tampered with.
        TrainingError: if the trials cannot be executed.
        Cancelled: on Ctrl-C and SIGTERM.
    """
    loaded = Project.load(project)
    if out is None:
        return _replayed(loaded, None, on_event)
    with staged(out) as folder:
        done = _replayed(loaded, folder, on_event)
        _relocate(loaded, folder, done.plan, out.expanduser().resolve())
        commit_project(folder, f"Add {loaded.spec.name}, rebuilt by automl replay")
    return replace(done, out=out.resolve())


def _replayed(project: Project, kept: Path | None, on_event: EventSink) -> Replayed:
    """Builds the project beside the first one and compares; a copy goes to `kept`."""
    root = project.root
    trials, before = _recorded_trials(project), _metrics(root)
    plan = _plan(project, on_event)
    with _scratch(root) as folder:
        render_project(folder, plan, vendor=renders_vendor(project), environment=recorded_environment(project))
        edited = _take_edits(project, folder)
        _make(project, folder, trials, on_event)
        names = [*_compared(root), *_compared(folder)]
        comparison = compare_trees(root, folder, names, Pristine.load(folder).content["run_dependent"])
        after = _metrics(folder)
        if kept is not None:
            shutil.copytree(folder, kept, dirs_exist_ok=True)
    return Replayed(root, plan, comparison, None if trials is None else len(trials), before, after, edited)


def _make(project: Project, folder: Path, trials: Sequence[Mapping[str, Any]] | None, on_event: EventSink) -> None:
    """Makes the rows, the model and the reports in `folder`."""
    read_data(folder, project, on_event)
    with _numbered_alike(project.root, folder):
        if trials is None:
            run_step(folder, "train", on_event=on_event)
        else:
            on_event(Progress("training", 0, None, f"{len(trials)} recorded trials"))
            _execute(folder, trials)
    judge(folder, on_event)


def _plan(project: Project, on_event: EventSink) -> ProjectPlan:
    """The plan of the project, from its spec and data alone; the questions are those that were asked once."""
    on_event(Progress("reading", 0, None, "the data"))
    wishes = Wishes()
    drafted = draft_again(dump_spec(project.spec), project, wishes, on_event=on_event)
    recorded = project.catalog.questions
    plan = plan_again(replace(drafted, questions=[]), project, wishes, recorded)
    on_event(Finding("read", f"{len(plan.catalog.tables)} tables, {len(plan.columns)} columns"))
    return plan


def _recorded_trials(project: Project) -> Sequence[Mapping[str, Any]] | None:
    """The trials of the model in production; None where project.yaml alone decides what is trained."""
    if project.spec.training.trials is not None:
        return None
    bundle = project.bundle()
    return _trials_of_run(project, bundle.manifest) if bundle.trials is None else bundle.trials


def _trials_of_run(project: Project, manifest: BundleManifest) -> Sequence[Mapping[str, Any]]:
    """What an older automl left beside its bundle, which holds no list."""
    run = "" if manifest.training is None else manifest.training.run_id
    path = project.root / "experiments" / run / "config.yaml"
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
        return parse_trials(list(content["executed_trials"]), str(path))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The trials of the model in production are not recorded: models/{manifest.model_version} was made by an "
            f"older automl and holds no list of them, and {path} has none that can be read.",
            hint="Train it anew (`automl train PROJECT`), or replay it where it was trained: git keeps no runs.",
        ) from error


def _take_edits(project: Project, folder: Path) -> list[str]:
    """Copies what the user has changed or added into the rebuilt project; the paths."""
    pristine = Pristine.load(project.root)
    taken = []
    for name, path in list_files(project.root).items():
        if name in _MADE or path.read_bytes() == pristine.text(name):
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / name)
        taken.append(name)
    return sorted(taken)


@contextmanager
def _numbered_alike(root: Path, folder: Path) -> Iterator[None]:
    """Lets the version that is trained in the block have the number that the one in production was trained with.

    A forecast whose history goes on is a further version of the same run.
    """
    models = root / "models"
    run = _run_of(models, find_version(models))
    number = min(int(version[1:]) for version in list_versions(models) if _run_of(models, version) == run)
    before = folder / "models" / f"v{number - 1:03d}"
    if number > 1:
        before.mkdir(parents=True)
    yield
    if number > 1:
        before.rmdir()


def _run_of(models: Path, version: str) -> str | None:
    """The run that trained a version; None where its bundle is not here."""
    path = models / version / "manifest.json"
    return str((json.loads(path.read_bytes()).get("training") or {}).get("run_id")) if path.is_file() else None


def _execute(folder: Path, trials: Sequence[Mapping[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "trials.json"
        path.write_text(json.dumps(trials), encoding="utf-8")
        run_module(folder, "automl_agent.replaying", [package_of(folder), str(path)])


def _compared(root: Path) -> Iterator[str]:
    """The files that a spec, data and a seed decide."""
    yield from (name for name in Pristine.load(root).names)
    yield from _MADE
    yield from (f"reports/{name}" for name in _REPORTS)
    bundle = root / "models" / find_version(root / "models", PRODUCTION)
    yield from (path.relative_to(root).as_posix() for path in bundle.rglob("*") if path.is_file())


def _relocate(project: Project, folder: Path, plan: ProjectPlan, out: Path) -> None:
    """Writes the path of the data as it is seen from `out`."""
    place = os.path.relpath(project.data_source, out)
    if (out / project.spec.data.source).resolve() == project.data_source:
        return
    source = Path(place).as_posix()
    spec = plan.spec.model_copy(update={"data": plan.spec.data.model_copy(update={"source": source})})
    moved = replace(plan, spec=spec, manifest=plan.manifest.model_copy(update={"source": source}))
    with tempfile.TemporaryDirectory() as rendered:
        environment = recorded_environment(project)
        render_project(Path(rendered), moved, vendor=renders_vendor(project), environment=environment)
        shutil.copytree(rendered, folder, dirs_exist_ok=True)
    _take_edits(project, folder)


def _metrics(root: Path) -> Metrics:
    metrics = Project.load(root).metrics
    if metrics is None:
        raise DataError(f"{root / 'reports' / 'metrics.json'} is missing.", hint="Make it: make evaluate")
    return metrics


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """A folder beside the project, where relative paths lead to the same places; gone after the block."""
    folder = Path(tempfile.mkdtemp(dir=root.parent, prefix=f".{root.name[:40]}.replay-"))
    try:
        with unchanged(root):
            yield folder
    finally:
        with signals_held():
            shutil.rmtree(folder, ignore_errors=True)


def _train(package: str, trials: Sequence[Mapping[str, Any]]) -> str:
    """Runs the project's own training with the recorded trials in place of its search."""
    module: Any = importlib.import_module(f"{package}.train")
    if not hasattr(module, "fit"):
        raise RequestError(f"src/{package}/train.py calls no `fit`, so recorded trials cannot be executed again.")
    module.fit = functools.partial(module.fit, replay=trials)
    return str(module.run())


if __name__ == "__main__":
    try:
        sys.stdout.write(_train(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))) + "\n")
    except AutomlError as failed:
        sys.stderr.write(f"error: {failed}\n")
        sys.exit(failed.exit_code)
