"""What a project should be rendered from now: its records, or a new draft where words, settings or data changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from automl_generators.names import package_name
from automl_generators.plan import ProjectPlan
from automl_generators.update.learned import ROWS, differences
from automl_generators.update.pristine import Pristine
from automl_generators.update.recorded import recorded_plan
from automl_generators.update.specs import merge_specs
from automl_runtime.data.reading.source import sha256_of
from automl_runtime.data.reading.walk import walk
from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import Event, EventSink, Finding, Progress, Warned, ignore
from automl_runtime.project import Project
from automl_runtime.project.kept import data_manifest
from automl_runtime.project.specfile import dump_spec, parse_spec
from automl_schemas.question import Question
from automl_schemas.spec import ProjectSpec

from automl_agent.creating import plan_of, refuse_untrainable
from automl_agent.drafting import Draft, DraftOptions, draft
from automl_agent.label_changes import LabelChanges, label_changes

__all__ = ["Respecified", "Wishes", "draft_again", "plan_again", "respecify"]

_SUBJECT = ("task", "target")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an update is told besides what stands in the project."""

    request: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    data: Path | None = None
    budget_seconds: float | None = None
    ask: Callable[[Question], str] | None = None


@dataclass(frozen=True, slots=True)
class Respecified:
    """What to render, and whether words and project.yaml now want different things of the same key."""

    plan: ProjectPlan
    clash: bool = False
    labels: LabelChanges | None = None
    """Of several labels a row, where the data were read: which are new, and which are gone."""


def respecify(project: Project, wishes: Wishes, *, on_event: EventSink = ignore) -> Respecified:
    """The plan that `project` should be rendered from.

    Its project.yaml is the spec, whatever was changed there by hand. New words or answers change in it what they say
    otherwise than the old ones. Data are read only where words, data, or settings that decide about rows have changed;
    what else is needed stands in the records of the project.

    Raises:
        RequestError: if the words, an answer or project.yaml cannot be used.
        DataError: if data are needed and not there, or cannot be used.
    """
    base = Pristine.load(project.root).text("project.yaml")
    before = project.spec if base is None else parse_spec(base.decode(), origin=".automl/base/project.yaml")
    _refuse_new_name(project, before)
    if wishes.request is not None or wishes.answers:
        return _from_words(project, wishes, on_event)
    spec = _with_budget(project.spec, wishes)
    changed = differences(before, spec, ROWS)
    if wishes.data is None and not changed and not _data_changed(project):
        return Respecified(recorded_plan(Project(project.root, spec)))
    subject = differences(before, spec, _SUBJECT)
    drafted = draft_again(dump_spec(spec), project, wishes, on_event=on_event)
    asked_before = [] if subject else project.catalog.questions
    return _respecified(drafted, project, wishes, asked_before)


def draft_again(
    request: str, project: Project, wishes: Wishes, *, keep_answers: bool = True, on_event: EventSink = ignore
) -> Draft:
    """A draft of `request` on the data of `project`; what was answered there once is not asked again.

    Raises:
        RequestError: if the request or an answer cannot be used.
        DataError: if the data are not there or cannot be used.
    """
    options = DraftOptions(
        data=_place(project, wishes),
        answers=dict(wishes.answers),
        reject=_rejected(project) if wishes.data is None else (),
        budget_seconds=wishes.budget_seconds,
        seed=project.spec.seed,
    )
    quiet = _only_progress(on_event)
    drafted = draft(request, options, on_event=quiet)
    while True:
        # An answer counts only where its question is asked: others are refused.
        asked = {question.id for question in drafted.questions} if keep_answers else set()
        known = {key: value for key, value in project.spec.answers.items() if key in asked - {*options.answers}}
        if not known:
            break
        options = replace(options, answers={**options.answers, **known})
        drafted = draft(request, options, on_event=quiet)
    if wishes.ask is not None and any(question.id not in options.answers for question in drafted.questions):
        drafted = draft(request, replace(options, ask=wishes.ask), on_event=quiet)
    return drafted


def _from_words(project: Project, wishes: Wishes, on_event: EventSink) -> Respecified:
    """What new words or answers change, on top of what was settled otherwise in project.yaml."""
    mine = project.spec
    words = mine.request if wishes.request is None else wishes.request
    drafted = draft_again(words, project, wishes, on_event=on_event)
    refuse_untrainable(drafted.spec)
    try:
        old = draft_again(mine.request, project, replace(wishes, answers={}, budget_seconds=None, ask=None)).spec
    except RequestError as error:
        on_event(
            Warned(f"The words in project.yaml give no spec of themselves ({error.message}); the new ones replace it")
        )
        old = mine
    named = {"name": mine.name, "seed": mine.seed}
    specs = [_at_home(spec.model_copy(update=named), mine) for spec in (old, mine, drafted.spec)]
    merged, clashes = merge_specs(*specs)
    for key in clashes:
        on_event(Finding("settled", f"{key}: as the words say; project.yaml has it otherwise"))
    if merged == specs[2]:
        drafted = replace(drafted, spec=drafted.spec.model_copy(update=named))
        return _respecified(drafted, project, wishes, [], clash=bool(clashes))
    questions = drafted.questions
    settled = replace(wishes, answers={}, budget_seconds=None, ask=None)
    drafted = draft_again(dump_spec(merged), project, settled, on_event=on_event)
    return _respecified(drafted, project, wishes, questions, clash=bool(clashes))


def _respecified(
    drafted: Draft, project: Project, wishes: Wishes, asked: Sequence[Question], *, clash: bool = False
) -> Respecified:
    plan, target = plan_again(drafted, project, wishes, asked), drafted.spec.target
    if target is None or drafted.spec.task.type != "multilabel":
        return Respecified(plan, clash)
    return Respecified(plan, clash, label_changes(target, project, drafted.discovery.tables[target.table].data))


def plan_again(drafted: Draft, project: Project, wishes: Wishes, asked: Sequence[Question]) -> ProjectPlan:
    """The plan of a draft, with the questions that were asked on the way to its spec."""
    questions = {question.id: question for question in [*asked, *drafted.questions]}
    plan = plan_of(replace(drafted, questions=list(questions.values())), project.root)
    if wishes.data is not None:
        return plan
    # The same data, told as the project tells it.
    manifest = plan.manifest.model_copy(update={"source": data_manifest(project).source})
    return replace(plan, spec=_at_home(plan.spec, project.spec), manifest=manifest)


def _at_home(spec: ProjectSpec, mine: ProjectSpec) -> ProjectSpec:
    return spec.model_copy(update={"data": spec.data.model_copy(update={"source": mine.data.source})})


def _with_budget(spec: ProjectSpec, wishes: Wishes) -> ProjectSpec:
    if wishes.budget_seconds is None:
        return spec
    training = spec.training.model_copy(update={"budget_seconds": wishes.budget_seconds})
    return spec.model_copy(update={"training": training})


def _place(project: Project, wishes: Wishes) -> Path:
    place = project.data_source if wishes.data is None else wishes.data.expanduser().resolve()
    if not place.exists():
        raise DataError(
            f"The data have to be read again, and {place} does not exist.",
            hint="Say where they are with --data, or correct data.source in project.yaml.",
        )
    return place


def _data_changed(project: Project) -> bool:
    """Whether the files that the project was made from are there and others than they were."""
    place = project.data_source
    if not place.exists():
        return False
    known = {file.path: file.sha256 for file in data_manifest(project).files if "!/" not in file.path}
    unused = {ignored.path for ignored in project.catalog.ignored}
    if place.is_file():
        return sha256_of(place) != known.get(place.name)
    found = {name: path for path, name in walk(place).files}
    if known.keys() - found.keys() or found.keys() - known.keys() - unused:
        return True
    return any(sha256_of(found[name]) != sha256 for name, sha256 in known.items())


def _rejected(project: Project) -> tuple[str, ...]:
    """The columns whose cleaning somebody has rejected."""
    tables = project.catalog.tables
    return tuple(f"{t.name}.{c.name}:all" for t in tables for c in t.columns if not c.plan.accepted)


def _refuse_new_name(project: Project, before: ProjectSpec) -> None:
    if package_name(project.spec.name) != package_name(before.name):
        raise RequestError(
            f"`name` in {project.root / 'project.yaml'} was {before.name!r} and is {project.spec.name!r}: the package "
            "src/ is called by it, and an update renames no package.",
            hint=f"Set it back to {before.name!r}.",
        )


def _only_progress(on_event: EventSink) -> EventSink:
    """Several drafts are made; what each finds is not what the update does."""

    def tell(event: Event) -> None:
        if isinstance(event, Progress):
            on_event(event)

    return tell
