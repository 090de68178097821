"""Tools that settle what is meant: draft_spec, validate_spec, explain_plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from automl_runtime.errors import RequestError, shorten
from automl_runtime.events import EventSink
from pydantic import Field

from automl_agent.tools.asking import Asked, Settled, answers_in, asked_of, taken_back
from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import Answer, NextAction, Request
from automl_agent.tools.registry import tool
from automl_agent.tools.workspace import Workspace

if TYPE_CHECKING:
    from automl_schemas.spec import ProjectSpec

    from automl_agent.drafting import Draft, DraftOptions

__all__ = ["Wanted", "draft_spec", "drafted", "explain_plan", "validate_spec"]


class Wanted(Request):
    """What is to be predicted, from which data."""

    request: str = Field(
        min_length=1,
        max_length=50_000,
        description="What to predict, in a sentence ('predict which customers will churn, AUC above 0.85'), or the "
        "content of a project.yaml.",
    )
    path: str | None = Field(
        default=None, description="File or folder with the data; null when the request names it or is a spec."
    )
    answers: list[Settled] = Field(default=[], description="Answers to open questions of an earlier draft.")
    keep: list[str] = Field(default=[], description="table.column that stays although it looks like a leak.")
    reject: list[str] = Field(default=[], description="Ids of cleaning steps that are not to be done.")
    budget_seconds: float | None = Field(default=None, gt=0, le=86_400, description="Time for the search of models.")
    trials: int | None = Field(default=None, ge=1, le=10_000, description="Fixed number of models to try instead.")
    seed: int = Field(default=0, ge=0, lt=2**31)


class Drafted(Answer):
    """What was understood; nothing is written."""

    spec_yaml: str
    """project.yaml as it would be written; it can be changed and given back as `request`."""
    task: str
    target: str | None
    metric: str
    rows: int
    """Of the training table, the sealed holdout included."""
    features: list[str]
    dropped: list[str]
    """Columns that the model will not see, each with the reason."""
    questions: list[Asked]
    assumed: list[str]
    warnings: list[str]


@tool("Draft a spec", reads_only=True)
def draft_spec(workspace: Workspace, request: Wanted, on_event: EventSink) -> Drafted:
    """Understands a request in plain English against the data: task, target, entity, metric, joins, leaks. Gives the
    spec as YAML, what was assumed, and open questions each with a default. Ask the person where a question matters, and
    call again with answers; then create the project. Changes nothing."""
    draft = drafted(workspace, request, on_event)
    spec = draft.spec
    names = {spec.target.column} if spec.target is not None else set()
    again = request.model_dump(mode="json", exclude_defaults=True)
    return Drafted(
        spec_yaml=_yaml(spec),
        task=spec.task.type,
        target=None if spec.target is None else plain(f"{spec.target.table}.{spec.target.column}", 200),
        metric=spec.metric.name,
        rows=len(draft.assembled.frame),
        features=[plain(column.name) for column in draft.assembled.columns if column.name not in names],
        dropped=[plain(f"{drop.table}.{drop.column}: {drop.reason}", 240) for drop in spec.data.drop],
        questions=asked_of(draft.questions, spec.answers),
        assumed=[plain(text, 300) for text in draft.assumed],
        warnings=[plain(text, 300) for text in draft.warnings],
        next_actions=[
            NextAction(tool="explain_plan", arguments=again, why="see files, time and cost before anything is written"),
            NextAction(tool="create_project", arguments=again, why="make the project"),
        ],
    )


class SpecText(Request):
    """A spec to be checked."""

    spec_yaml: str = Field(min_length=1, max_length=200_000, description="The content of a project.yaml.")


class Validated(Answer):
    """Whether a spec is well formed."""

    valid: bool
    problems: list[str]
    """Each names the key and what is allowed."""


@tool("Validate a spec", reads_only=True)
def validate_spec(workspace: Workspace, request: SpecText, on_event: EventSink) -> Validated:
    """Checks the content of a project.yaml: keys, types, allowed values. Whether its tables and columns exist is seen
    by draft_spec, which takes the same text as `request`. Changes nothing."""
    del workspace, on_event
    from automl_runtime.project.specfile import parse_spec

    try:
        parse_spec(request.spec_yaml, origin="spec_yaml")
    except RequestError as error:
        return Validated(valid=False, problems=str(error).splitlines())
    follow = [NextAction(tool="draft_spec", arguments={"request": request.spec_yaml}, why="bind it to the data")]
    return Validated(valid=True, problems=[], next_actions=follow if len(request.spec_yaml) < _SHORT else [])


class Planned(Answer):
    """What creating the project would do."""

    project: str
    """Where it would be written, below the workspace."""
    steps: list[str]
    files_read: list[str]
    rows_train: int
    rows_holdout: int
    columns: int
    seconds: float
    """About how long it takes."""
    megabytes: float
    """About how much memory the training table takes; a search needs several times that."""
    writes: list[str]


@tool("Explain the plan", reads_only=True)
def explain_plan(workspace: Workspace, request: Wanted, on_event: EventSink) -> Planned:
    """A dry run of create_project: which files are read, which tables are joined, how many rows are trained on and
    sealed, about how long it takes and what is written where. Nothing is trained or written; no model of language and
    no money is involved."""
    import time

    begun = time.monotonic()
    draft = drafted(workspace, request, on_event)
    reading = time.monotonic() - begun
    spec = draft.spec
    sealed = int(draft.holdout.sum())
    joins = [f"join {edge.child} to {edge.parent} ({edge.cardinality})" for edge in spec.data.joins]
    searched = (
        f"try {spec.training.trials} models" if spec.training.trials else f"search {spec.training.budget_seconds:g} s"
    )
    return Planned(
        project=workspace.name_of(workspace.new_project(spec.name)),
        steps=[
            f"clean {len(spec.data.tables)} tables",
            *[plain(text, 200) for text in joins],
            f"seal {sealed:,} of {len(draft.assembled.frame):,} rows as holdout",
            f"{searched} ({spec.training.validation} folds, {spec.metric.name})",
            "judge the best on the holdout, write the report, run the project's tests, commit",
        ],
        files_read=[plain(file, 200) for table in spec.data.tables for file in table.files],
        rows_train=len(draft.assembled.frame) - sealed,
        rows_holdout=sealed,
        columns=len(draft.assembled.columns),
        seconds=round(reading + _search_seconds(spec, reading) + _AROUND_SECONDS, 1),
        megabytes=round(float(draft.assembled.frame.memory_usage(deep=True).sum()) / 1e6, 2),
        writes=[
            "a git repository: code, tests, model, report, deployment files",
            "data/clean and data/processed in it",
        ],
    )


def drafted(workspace: Workspace, request: Wanted, on_event: EventSink) -> Draft:
    """What `request` means; data are read only where the workspace allows it."""
    from automl_agent.drafting import draft

    return draft(request.request, options_of(workspace, request), on_event=on_event)


def options_of(workspace: Workspace, request: Wanted) -> DraftOptions:
    """What the caller settled; nobody is asked."""
    from automl_agent.drafting import DraftOptions
    from automl_agent.requirements import load_request

    _refuse_files(request.request)
    asked = load_request(request.request)
    named = request.path or _source_of(asked)
    if named is None:
        raise RequestError("The request names no data.", hint="Give `path`, a file or folder.")
    options = DraftOptions(
        data=workspace.source(named),
        answers=answers_in(request.answers),
        keep=tuple(map(taken_back, request.keep)),
        reject=tuple(map(taken_back, request.reject)),
        trials=request.trials,
        seed=request.seed,
    )
    return options if request.budget_seconds is None else replace(options, budget_seconds=request.budget_seconds)


def _refuse_files(text: str) -> None:
    """The command line reads a request that is the path of a file; a tool would read whatever it is told to."""
    line = text.strip()
    if "\n" not in line and len(line) < _LONGEST_PATH and Path(line).expanduser().is_file():
        raise RequestError(f"The request {shorten(line)} is a file.", hint="Give its content.")


def _source_of(asked: object) -> str | None:
    from automl_schemas.spec import ProjectSpec

    return asked.data.source if isinstance(asked, ProjectSpec) else getattr(asked, "data", None)


def _yaml(spec: ProjectSpec) -> str:
    from automl_runtime.project.specfile import dump_spec

    return dump_spec(spec)


def _search_seconds(spec: ProjectSpec, reading: float) -> float:
    """Of a fixed number of trials nothing is known but that each reads the table some times."""
    if spec.training.trials is None:
        return spec.training.budget_seconds
    return spec.training.trials * max(1.0, reading)


_AROUND_SECONDS = 15.0
"""Rendering, judging and the project's tests, as measured on two cores."""
_SHORT = 4_000
_LONGEST_PATH = 1_000
