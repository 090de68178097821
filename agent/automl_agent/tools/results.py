"""What the work of a run leaves: one kind for each tool that starts one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from automl_schemas.base import Contract
from automl_schemas.features import TriedFeature
from automl_schemas.metrics import GoalResult, Metrics, score_or_none
from pydantic import Field

if TYPE_CHECKING:
    from automl_agent.retraining import Outcome

__all__ = [
    "FeatureVerdict",
    "FeaturesJudged",
    "PredictedFile",
    "ProjectCreated",
    "ProjectUpdated",
    "Result",
    "Score",
    "Trained",
    "VersionScore",
    "score_of",
    "versions_of",
]


class Score(Contract):
    """How good a model is, on rows that no model had seen; computed by the runtime and by nothing else."""

    metric: str
    higher_is_better: bool
    holdout: float | None
    interval: tuple[float | None, float | None]
    """95 %."""
    cv: float | None
    rows_holdout: int
    best_model: str
    goal: GoalResult | None = None


def score_of(metrics: Metrics) -> Score:
    """The part of `metrics` that a caller needs."""
    return Score(
        metric=metrics.metric,
        higher_is_better=metrics.higher_is_better,
        holdout=score_or_none(metrics.holdout),
        interval=(score_or_none(metrics.holdout_ci[0]), score_or_none(metrics.holdout_ci[1])),
        cv=score_or_none(metrics.cv),
        rows_holdout=metrics.rows_holdout,
        best_model=metrics.best_model,
        goal=metrics.goal,
    )


class ProjectCreated(Contract):
    """A new project; its own tests pass."""

    kind: Literal["project_created"] = "project_created"
    project: str
    score: Score
    tests: str
    """Closing line of the project's own tests."""
    warnings: list[str] = []


class VersionScore(Contract):
    """A version on the holdout."""

    version: str
    holdout: float | None
    interval: tuple[float | None, float | None]


def versions_of(outcome: Outcome) -> list[VersionScore]:
    """The models of a training, each as it scored."""
    return [
        VersionScore(
            version=scored.version,
            holdout=score_or_none(scored.score),
            interval=(score_or_none(scored.interval[0]), score_or_none(scored.interval[1])),
        )
        for scored in outcome.models
    ]


class Trained(Contract):
    """A project trained again."""

    kind: Literal["trained"] = "trained"
    project: str
    metric: str
    versions: list[VersionScore]
    """The old one and the new one, on the same rows."""
    production: str
    """The better of them."""


class FeatureVerdict(TriedFeature):
    """A proposed feature, and what repeated folds of the training rows say of it."""

    code: str
    """The function that makes it."""


class FeaturesJudged(Contract):
    """A round of proposals."""

    kind: Literal["features_judged"] = "features_judged"
    project: str
    metric: str
    features: list[FeatureVerdict]
    commit: str | None = None
    """Of the change to the project; None: nothing was changed."""
    tests: str | None = None
    """Closing line of the project's own tests."""
    versions: list[VersionScore] = []
    """The old model and the new one on the same sealed rows, where it was trained again."""
    production: str | None = None
    """The better of them."""


class ProjectUpdated(Contract):
    """A project generated anew, merged with what its owner changed."""

    kind: Literal["project_updated"] = "project_updated"
    project: str
    branch: str | None
    """Checked out where the merge was clean; None: nothing had to be changed."""
    changed: list[str]
    """Files that are other, new or gone."""
    kept: list[str]
    """Files that their owner changed and that stay so."""
    conflicts: list[str]
    """In words; with any the checkout is as it was, and the branch holds both versions."""
    retrained: bool
    reasons: list[str]
    """Why the model had to be trained again."""
    before: Score | None
    after: Score | None
    diff: list[str]
    """Lines of the change, or of what it would be."""


class PredictedFile(Contract):
    """Predictions for a file or folder of rows."""

    kind: Literal["predicted_file"] = "predicted_file"
    project: str
    output: str
    """Below the workspace."""
    summary: str


Result = Annotated[
    ProjectCreated | Trained | FeaturesJudged | ProjectUpdated | PredictedFile, Field(discriminator="kind")
]
