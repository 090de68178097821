"""Tools for trainings and runs: start_run, get_run, cancel_run, list_runs, compare_runs."""

from __future__ import annotations

from typing import Any

from automl_runtime.errors import RequestError
from automl_runtime.events import EventSink
from automl_schemas.base import Contract
from pydantic import Field

from automl_agent.tools.about_projects import OfProject, refuse_foreign_data
from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import LONGEST_WAIT, Answer, Request, StartRequest, ToolError
from automl_agent.tools.long_tools import RunState, long_tool, wait_for
from automl_agent.tools.registry import tool
from automl_agent.tools.results import Trained, versions_of
from automl_agent.tools.run_folder import Status, find_run, find_runs
from automl_agent.tools.workspace import Workspace

__all__ = ["cancel_run", "compare_runs", "get_run", "list_runs", "start_run"]

_MOST_RUNS = 100


class NewRun(OfProject, StartRequest):
    """How to train."""

    budget_seconds: float | None = Field(
        default=None, gt=0, le=86_400, description="Time for the search; null: as the project says."
    )
    path: str | None = Field(default=None, description="New raw data of the same layout; null: the old.")
    resume: bool = Field(default=False, description="Go on where the last training was interrupted.")


def _check_run(workspace: Workspace, request: NewRun) -> None:
    refuse_foreign_data(workspace, workspace.project(request.project))
    if request.path is not None:
        workspace.source(request.path)
    if request.resume and request.path is not None:
        raise RequestError("`resume` goes on with the data that the interrupted training had: it excludes `path`.")


@long_tool("Start a training run", check=_check_run)
def start_run(workspace: Workspace, request: NewRun, on_event: EventSink) -> Trained:
    """Trains a project again, on new data if given, compares the new model with the old one on the same sealed rows and
    puts the better one into production. Starts a run and returns at once: poll it with get_run."""
    from automl_agent.retraining import retrain

    _check_run(workspace, request)
    place = workspace.project(request.project)
    data = None if request.path is None else workspace.source(request.path)
    outcome = retrain(place, data, budget_seconds=request.budget_seconds, resume=request.resume, on_event=on_event)
    return Trained(
        project=workspace.name_of(place),
        metric=outcome.metric,
        versions=versions_of(outcome),
        production=outcome.production,
    )


class OfRun(Request):
    """Which run."""

    run_id: str = Field(description="As the tool that started it said.")


class Look(OfRun):
    """From where on."""

    since: int = Field(default=0, ge=0, description="The cursor of the last answer: only what is new is told.")
    wait_seconds: int = Field(default=0, ge=0, le=LONGEST_WAIT, description="Wait so long for something new.")


@tool("Look at a run", reads_only=True)
def get_run(workspace: Workspace, request: Look, on_event: EventSink) -> RunState:
    """Tells how a run stands: what it is doing, what happened since the cursor, and once it has ended its result or
    why there is none. Call it with the last cursor and wait_seconds=20 until the status is no longer `running`."""
    return wait_for(find_run(workspace.runs, request.run_id), request.since, request.wait_seconds, on_event)


@tool("Cancel a run", destructive=True, idempotent=True)
def cancel_run(workspace: Workspace, request: OfRun, on_event: EventSink) -> RunState:
    """Stops a run. What was there before stays as it was; a run that has ended stays ended."""
    del on_event
    run = find_run(workspace.runs, request.run_id)
    run.cancel()
    return wait_for(run, 0, LONGEST_WAIT, until_end=True)


class Which(Request):
    """Which runs."""

    project: str | None = Field(default=None, description="Only trainings of this project; null: of all.")
    where: str | None = Field(
        default=None, max_length=500, description="Only trainings for which this is true: 'cv > 0.8 and rows > 1000'."
    )
    sort: str | None = Field(default=None, max_length=50, description="Field of trainings, as cv; -cv: largest first.")


class ListedRun(Contract):
    """A run that a tool started."""

    run_id: str
    tool: str
    status: Status
    created: str
    about: str


class ListedTraining(Contract):
    """A training of a project, as its own store of experiments knows it."""

    project: str
    run: str
    status: str
    metric: str
    cv: float | None
    holdout: float | None
    best_model: str | None
    trials: int
    seconds: float
    started: str


class Runs(Answer):
    """Runs that tools started (newest first), and trainings of projects."""

    runs: list[ListedRun]
    trainings: list[ListedTraining]


@tool("List runs", reads_only=True)
def list_runs(workspace: Workspace, request: Which, on_event: EventSink) -> Runs:
    """Lists the runs that tools started, for get_run and cancel_run, and the trainings of the projects with their
    scores, for compare_runs."""
    del on_event
    from automl_agent.listing import runs_below

    places = [workspace.project(request.project)] if request.project is not None else workspace.projects()
    root = places[0] if request.project is not None else workspace.root
    trainings = runs_below(root, where=request.where, sort=request.sort) if places else []
    return Runs(
        runs=[_listed(run) for run in find_runs(workspace.runs)[:_MOST_RUNS]],
        trainings=[
            ListedTraining(
                project=workspace.name_of(each.place),
                **{name: getattr(each.run, name) for name in ListedTraining.model_fields if name != "project"},
            )
            for each in trainings
        ],
    )


def _listed(run: Any) -> ListedRun:
    request = run.request()
    about = request.arguments.get("project") or request.arguments.get("request") or ""
    return ListedRun(
        run_id=run.run_id,
        tool=request.tool,
        status=run.status(),
        created=request.created,
        about=plain(str(about), 200),
    )


class Pair(OfProject):
    """Two trainings."""

    before: str = Field(max_length=200, description="A training: its number or name.")
    after: str = Field(max_length=200, description="The one that should be better.")


class Difference(Contract):
    """A fact or setting in which they differ."""

    name: str
    before: str | None
    after: str | None


class Compared(Answer):
    """Whether the second is better."""

    metric: str
    part: str
    """`holdout` or `cv`: which scores are compared."""
    scores: tuple[float, float]
    better: bool
    gain: float
    interval: tuple[float, float] | None
    significant: bool | None
    """None: without holdout intervals nothing says whether the gain is chance."""
    same_data: bool | None
    differences: list[Difference]


@tool("Compare two trainings", reads_only=True)
def compare_runs(workspace: Workspace, request: Pair, on_event: EventSink) -> Compared:
    """Says whether one training of a project is better than another, by how much, whether that may be chance, and in
    which settings they differ. Trainings are named as list_runs does."""
    del on_event
    from automl_runtime.tracking.compare import compare_runs as compare
    from automl_runtime.tracking.compare import find_run as training

    place = workspace.project(request.project)
    for name in (request.before, request.after):
        if "/" in name or "\\" in name:
            raise ToolError("fix", "A training is named by its number or name, not by a path.", exit_code=2)
    found = compare(training(request.before, place), training(request.after, place))
    pairs = {**found.facts, **found.parameters}
    return Compared(
        metric=found.metric,
        part=found.part,
        scores=found.scores,
        better=found.better,
        gain=found.gain,
        interval=found.interval,
        significant=found.significant,
        same_data=found.same_data,
        differences=[
            Difference(name=name, before=_said(old), after=_said(new))
            for name, (old, new) in pairs.items()
            if old != new
        ],
    )


def _said(value: Any) -> str | None:
    return None if value is None else plain(f"{value:.6g}" if isinstance(value, float) else str(value))
