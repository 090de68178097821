"""`reports/metrics.json` and the records of runs."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AllowInfNan, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from automl_schemas.base import Contract
from automl_schemas.vocabulary import MetricName, Operator

__all__ = ["GoalResult", "LeaderboardRow", "Metrics", "RunRecord", "Scored", "score_or_none"]


def score_or_none(value: float) -> float | None:
    """`value`, and None for NaN: where no score is claimed."""
    return None if math.isnan(value) else value


def _nan_for_null(value: Any) -> Any:
    return math.nan if value is None else value


def _is_unset(value: Any) -> bool:
    return value is None


Scored = Annotated[
    float,
    AllowInfNan(True),
    BeforeValidator(_nan_for_null),
    PlainSerializer(score_or_none, return_type=float | None, when_used="json"),
]
"""A score; NaN, in JSON null, where nothing says how good a model is: of anomalies without known labels, of rows that
all lie in one cluster."""


class GoalResult(Contract):
    """The goal that was asked, and whether the holdout score met it."""

    op: Operator
    value: float
    met: bool


class LeaderboardRow(Contract):
    """One model of the search."""

    model: str
    cv: float
    """Out-of-fold score in the metric's own unit."""
    fit_seconds: float
    predict_us_per_row: float


class Metrics(BaseModel):
    """What the final evaluation measured; computed by the runtime and by nothing else."""

    model_config = ConfigDict(extra="forbid")

    metric: MetricName
    higher_is_better: bool
    holdout: Scored
    holdout_ci: tuple[Scored, Scored]
    """95 % bootstrap interval."""
    cv: Scored
    """Out-of-fold score; of clusters the silhouette on training rows, of anomalies null."""
    goal: GoalResult | None
    rows_train: int
    rows_holdout: int
    best_model: str
    seconds: float
    seed: int
    data_sha256: str
    leaderboard: list[LeaderboardRow]
    flagged: float | None = Field(default=None, exclude_if=_is_unset)
    """Of anomalies: the share of the rows of the holdout that counts as strange."""
    scores: dict[str, float] | None = Field(default=None, exclude_if=_is_unset)
    """Of anomalies with known labels: every metric that these allow, by its name."""


class RunRecord(Contract):
    """One line of `automl runs`: a folder below `experiments/`."""

    run_id: str
    """`run_{NNN}_{YYYYMMDD}_{HHMM}`."""
    started: str
    """ISO 8601, UTC."""
    seconds: float
    status: str
    """`running`, `completed`, `failed` or `cancelled`."""
    metric: MetricName
    cv: float | None = None
    holdout: float | None = None
    best_model: str | None = None
    trials: int = 0
    message: str = ""
    rows: int | None = None
    """Of the training table."""
    seed: int | None = None
    data_sha256: str | None = None
    """Of the source files, as in `Metrics`."""
    resumed: str | None = None
    """The interrupted run whose finished trials were taken over."""
