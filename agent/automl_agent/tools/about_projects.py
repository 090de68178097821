"""Tools for whole projects: create_project, list_projects, get_report, update_project."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from automl_generators.names import clean_name
from automl_runtime.events import EventSink
from automl_schemas.base import Contract
from automl_schemas.metrics import LeaderboardRow
from pydantic import Field

from automl_agent.tools.about_specs import Wanted, drafted, options_of
from automl_agent.tools.asking import Settled, answers_in
from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import Answer, NextAction, Request, StartRequest, link_to
from automl_agent.tools.long_tools import long_tool
from automl_agent.tools.registry import tool
from automl_agent.tools.results import ProjectCreated, ProjectUpdated, Score, score_of
from automl_agent.tools.workspace import Workspace

__all__ = ["OfProject", "create_project", "get_report", "list_projects", "refuse_foreign_data", "update_project"]

_LONGEST_DIFF = 12_000


class OfProject(Request):
    """Which project."""

    project: str = Field(description="A project of the workspace, as list_projects names it.")


class NewProject(Wanted, StartRequest):
    """What to make."""

    name: str | None = Field(
        default=None, max_length=100, description="Name of the project; null: one made of the request."
    )


def _check_new(workspace: Workspace, request: NewProject) -> None:
    options_of(workspace, request)
    if request.name is not None:
        clean_name(request.name)


@long_tool("Create a project", check=_check_new)
def create_project(workspace: Workspace, request: NewProject, on_event: EventSink) -> ProjectCreated:
    """Makes a project: cleans and joins the data, searches models for budget_seconds, judges the best on rows that no
    model has seen, and writes a tested git repository with a service into the workspace. Starts a run and returns at
    once: poll it with get_run. Never touches the data. Call draft_spec before it when anything is open."""
    from automl_agent.creating import create, refuse_untrainable

    begun = time.monotonic()
    draft = drafted(workspace, request, on_event)
    refuse_untrainable(draft.spec)
    place = workspace.new_project(request.name or draft.spec.name)
    made = create(draft, place, started=begun, resume=True, on_event=on_event)
    return ProjectCreated(
        project=workspace.name_of(made.path),
        score=score_of(made.metrics),
        tests=made.tests,
        warnings=[plain(text, 300) for text in draft.warnings],
    )


class Everything(Request):
    """No arguments."""


class ListedProject(Contract):
    """A project of the workspace."""

    project: str
    task: str
    target: str | None
    score: Score | None
    """None: not evaluated yet."""


class Projects(Answer):
    """What there is, and what is broken."""

    projects: list[ListedProject]
    unreadable: list[str]


@tool("List projects", reads_only=True)
def list_projects(workspace: Workspace, request: Everything, on_event: EventSink) -> Projects:
    """Lists the projects of the workspace with their tasks and scores. The names are what other tools take."""
    del request, on_event
    from automl_runtime.errors import AutomlError
    from automl_runtime.project import Project

    listed, unreadable = [], []
    for place in workspace.projects():
        try:
            project = Project.load(place)
            listed.append(_listed(workspace, project))
        except (AutomlError, ValueError) as error:
            unreadable.append(plain(f"{workspace.name_of(place)}: {error}", 300))
    follow = [NextAction(tool="discover_data", arguments={"path": "."}, why="begin with data")] if not listed else []
    return Projects(projects=listed, unreadable=unreadable, next_actions=follow)


def _listed(workspace: Workspace, project: object) -> ListedProject:
    from automl_runtime.project import Project

    assert isinstance(project, Project)
    spec, metrics = project.spec, project.metrics
    return ListedProject(
        project=workspace.name_of(project.root),
        task=spec.task.type,
        target=None if spec.target is None else plain(f"{spec.target.table}.{spec.target.column}", 200),
        score=None if metrics is None else score_of(metrics),
    )


class WantedReport(OfProject):
    """Which part of the report."""

    part: Literal["summary", "card"] = Field(
        default="summary", description="`summary`: scores and leaderboard; `card`: the model card, in Markdown."
    )


class Input(Contract):
    """A column that the model needs."""

    column: str
    type: str
    required: bool
    """Whether a row must name it; its value may still be null."""


class Report(Answer):
    """How good a project's model is, and what it is made of."""

    project: str
    request: str
    score: Score
    in_short: list[str]
    """What it relies on, whether it is as good as promised, what was taken out, what has moved."""
    rows_train: int
    leaderboard: list[LeaderboardRow]
    inputs: list[Input]
    """What a row to predict holds."""
    dropped: list[str]
    card: str | None
    page: str
    """The report for people, a HTML file below the workspace."""


@tool("Get a report", reads_only=True)
def get_report(workspace: Workspace, request: WantedReport, on_event: EventSink) -> Report:
    """Tells how good the model of a project is and what it relies on: score on sealed rows with its interval, goal,
    leaderboard, dropped columns, and on demand the model card. The numbers were measured by the runtime; quote them as
    they are."""
    del on_event
    from automl_runtime.project import Project

    from automl_agent.explaining import explanation_of, in_a_line, without_cells
    from automl_agent.listing import metrics_of

    project = Project.load(workspace.project(request.project))
    metrics, page = metrics_of(project.root)
    name = workspace.name_of(project.root)
    return Report(
        project=name,
        request=plain(project.spec.request, 500),
        score=score_of(metrics),
        in_short=[plain(in_a_line(each), 400) for each in without_cells(explanation_of(project.root))],
        rows_train=metrics.rows_train,
        leaderboard=metrics.leaderboard,
        inputs=[
            Input(column=column.name, type=column.type, required=column.required)
            for column in project.bundle().schema.columns
        ],
        dropped=[plain(f"{drop.table}.{drop.column}: {drop.reason}", 240) for drop in project.spec.data.drop],
        card=_card(project.root) if request.part == "card" else None,
        page=workspace.name_of(page),
        links=[link_to(name, "card"), link_to(name, "spec")],
        next_actions=[
            NextAction(tool="propose_features", arguments={"project": name}, why="see whether new features help"),
            NextAction(tool="predict", arguments={"project": name}, why="use the model"),
        ],
    )


def _card(root: Path) -> str:
    lines = (root / "reports" / "model_card.md").read_text(encoding="utf-8").splitlines()
    return "\n".join(plain(line, 400) for line in lines)[:_LONGEST_DIFF]


class Update(OfProject, StartRequest):
    """What is to be otherwise."""

    request: str | None = Field(
        default=None, max_length=50_000, description="The request in other words; null: as it was."
    )
    path: str | None = Field(default=None, description="Other data of the same kind; null: those that it was made of.")
    answers: list[Settled] = Field(default=[], description="Answers to open questions.")
    budget_seconds: float | None = Field(default=None, gt=0, le=86_400)
    dry_run: bool = Field(default=False, description="Only show what would be changed.")


def _check_update(workspace: Workspace, request: Update) -> None:
    place = workspace.project(request.project)
    if request.path is not None:
        workspace.source(request.path)
    refuse_foreign_data(workspace, place)


def refuse_foreign_data(workspace: Workspace, place: Path) -> None:
    """A project names its data in two places; where reading is limited, neither may lead elsewhere."""
    from automl_runtime.project import Project

    if workspace.readable is not None:
        project = Project.load(place)
        for source in {project.source, project.data_source}:
            workspace.source(str(source))


@long_tool("Update a project", check=_check_update, destructive=True)
def update_project(workspace: Workspace, request: Update, on_event: EventSink) -> ProjectUpdated:
    """Generates a project anew from changed words, answers, data or a newer template, and merges that with what its
    owner edited, on a git branch of its own; nothing of the owner's is lost. With conflicts the checkout stays as it is
    and they are explained. Retrains only when what was learned would change. Starts a run: poll it with get_run."""
    from automl_agent.updating import update

    _check_update(workspace, request)
    done = update(
        workspace.project(request.project),
        request=request.request,
        answers=answers_in(request.answers),
        data=None if request.path is None else workspace.source(request.path),
        budget_seconds=request.budget_seconds,
        dry_run=request.dry_run,
        on_event=on_event,
    )
    return ProjectUpdated(
        project=request.project,
        branch=done.branch,
        changed=[plain(path, 200) for path in (*done.changed, *done.merged, *done.removed)],
        kept=[plain(path, 200) for path in done.kept],
        conflicts=[plain(conflict.explain(), 1_000) for conflict in done.conflicts],
        retrained=done.retrained,
        reasons=[plain(reason, 200) for reason in done.reasons],
        before=None if done.before is None else score_of(done.before),
        after=None if done.after is None else score_of(done.after),
        diff=[plain(line, 200) for line in done.diff.splitlines()],
    )
