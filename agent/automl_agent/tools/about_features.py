"""Tools for features: propose_features, add_feature."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from automl_runtime.events import EventSink
from pydantic import Field

from automl_agent.tools.about_projects import OfProject
from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import StartRequest
from automl_agent.tools.long_tools import long_tool
from automl_agent.tools.results import FeaturesJudged, FeatureVerdict, versions_of
from automl_agent.tools.workspace import Workspace

if TYPE_CHECKING:
    from automl_agent.feature_code.proposal import Judged, Proposal
    from automl_agent.feature_code.rounds import Added

__all__ = ["add_feature", "propose_features"]

_LONGEST_CODE = 4_000


class Round(OfProject, StartRequest):
    """A round of proposals."""

    code: list[str] = Field(
        default=[],
        max_length=8,
        description="Proposals of yours: each a function `def name(rows: pd.DataFrame) -> pd.Series` with a docstring, "
        "pure and row by row, of the columns that get_report lists as inputs. No imports.",
    )
    most: int = Field(default=8, ge=0, le=20, description="Proposals of rules that are judged beside.")
    apply: bool = Field(default=False, description="Make those that help part of the project, and train it again.")
    budget_seconds: float | None = Field(default=None, gt=0, le=86_400, description="Of that training.")


def _check_round(workspace: Workspace, request: Round) -> None:
    place = workspace.project(request.project)
    for code in request.code:
        _proposal(place, code)


@long_tool("Propose features", check=_check_round)
def propose_features(workspace: Workspace, request: Round, on_event: EventSink) -> FeaturesJudged:
    """Judges new features of a project: ratios, differences, dates and such that rules propose, and functions of yours.
    Each is run apart from everything, checked for leaks, and kept only if its gain on repeated folds of the training
    rows is significant. Changes nothing unless `apply`. Starts a run: poll it with get_run."""
    from automl_agent.feature_code.rounds import propose, propose_and_apply

    place = workspace.project(request.project)
    own = [_proposal(place, code) for code in request.code]
    if not request.apply:
        return _told(request.project, propose(place, also=own, most=request.most, on_event=on_event))
    seconds = request.budget_seconds
    added = propose_and_apply(place, also=own, most=request.most, budget_seconds=seconds, on_event=on_event)
    return _told(request.project, added.judged, added)


class NewFeature(OfProject, StartRequest):
    """A feature to add."""

    feature: str = Field(
        min_length=1,
        max_length=_LONGEST_CODE,
        description="In words ('ratio of support calls to tenure', 'days between start and end'), or a function "
        "`def name(rows: pd.DataFrame) -> pd.Series` with a docstring.",
    )
    keep: bool = Field(default=False, description="Write it although it does not help.")
    train: bool = Field(default=True, description="Train again and keep the better model.")
    budget_seconds: float | None = Field(default=None, gt=0, le=86_400, description="Of that training.")


def _check_feature(workspace: Workspace, request: NewFeature) -> None:
    place = workspace.project(request.project)
    if _is_code(request.feature):
        _proposal(place, request.feature)


@long_tool("Add a feature", check=_check_feature)
def add_feature(workspace: Workspace, request: NewFeature, on_event: EventSink) -> FeaturesJudged:
    """Adds one feature to a project, said in words or as a function: it is run apart, checked for leaks, judged on
    folds of the training rows, and where it helps written with a test, committed, and the project trained again. Where
    it does not, nothing is changed. Starts a run: poll it with get_run."""
    from automl_agent.feature_code.rounds import add_feature as add

    place = workspace.project(request.project)
    added = add(
        place,
        _proposal(place, request.feature) if _is_code(request.feature) else request.feature,
        keep=request.keep,
        train=request.train,
        budget_seconds=request.budget_seconds,
        on_event=on_event,
    )
    return _told(request.project, added.judged, added)


def _is_code(text: str) -> bool:
    return text.lstrip().startswith("def ")


def _proposal(place: Path, code: str) -> Proposal:
    """What `code` proposes, if it is of the kind that is allowed; none of it is run, nor any code of the project."""
    from automl_runtime.project import Project

    from automl_agent.feature_code.allowed import check_code

    columns = [column.name for column in Project.load(place).bundle().schema.columns]
    return check_code(code, columns, by="model")


def _told(project: str, judged: Sequence[Judged], added: Added | None = None) -> FeaturesJudged:
    writing = None if added is None else added.writing
    outcome = None if writing is None else writing.outcome
    return FeaturesJudged(
        project=project,
        metric=next((each.metric for each in judged if each.metric), ""),
        features=[_verdict(each, kept=added is not None and each.proposal.name in added.kept) for each in judged],
        commit=None if writing is None else writing.commit or None,
        tests=None if writing is None else writing.tests or None,
        versions=[] if outcome is None else versions_of(outcome),
        production=None if outcome is None else outcome.production,
    )


def _verdict(judged: Judged, *, kept: bool) -> FeatureVerdict:
    tried = judged.tried(kept=kept)
    shown = {"columns": [plain(name) for name in tried.columns], "why": plain(tried.why, 300)}
    return FeatureVerdict(**dict(tried) | shown | {"note": plain(tried.note, 300), "code": judged.proposal.code})
