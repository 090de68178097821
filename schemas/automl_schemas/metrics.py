"""`reports/metrics.json` and the records of runs."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from automl_schemas.base import Contract
from automl_schemas.vocabulary import MetricName, Operator

__all__ = ["GoalResult", "LeaderboardRow", "Metrics", "RunRecord"]


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
    holdout: float
    holdout_ci: tuple[float, float]
    """95 % bootstrap interval."""
    cv: float
    goal: GoalResult | None
    rows_train: int
    rows_holdout: int
    best_model: str
    seconds: float
    seed: int
    data_sha256: str
    leaderboard: list[LeaderboardRow]


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
