"""What was asked, and nothing that was not."""

from __future__ import annotations

from pydantic import Field

from automl_schemas.base import Contract
from automl_schemas.vocabulary import MetricName, Operator, TaskType

__all__ = ["Goal", "Requirement", "Threshold"]


class Goal(Contract):
    """A score to reach, as `> 0.85`."""

    op: Operator
    value: float


class Threshold(Contract):
    """A number that turns a quantity into yes and no, as in "earns more than 50,000"."""

    op: Operator
    value: float
    unit: str | None = None
    """Unit of time that was said with it: `second`, `minute`, `hour`, `day`, ...; None for all else."""


class Requirement(Contract):
    """The phrases of one request; a field that was not mentioned is None or empty."""

    request: str
    """The words as they came (for YAML and JSON: the objective)."""
    project_name: str | None = None
    task: TaskType | None = None
    target: str | None = None
    """Phrase that names what is to be predicted, as "churn" or "median house value"."""
    positive: str | None = None
    """Phrase that names the class of interest, when it differs from the target ("spam")."""
    threshold: Threshold | None = None
    entity: str | None = None
    """What one row of the training table is, singular: "customer"."""
    entity_phrase: str | None = None
    """The entity with its qualifiers: "customers of the online shop"."""
    horizon_days: float | None = Field(default=None, gt=0)
    frequency: str | None = None
    """Step of a forecast: `hour`, `day`, `week`, `month`, `quarter`, `year`."""
    metric: MetricName | None = None
    goal: Goal | None = None
    requests_per_day: float | None = Field(default=None, gt=0)
    p99_ms: float | None = Field(default=None, gt=0)
    budget_seconds: float | None = Field(default=None, gt=0)
    strategy: str | None = None
    """How the search chooses what to try."""
    interpretable: bool | None = None
    data: str | None = None
    """Path of the data, as it was written."""
    exclude: list[str] = []
    """Phrases of columns not to be used."""
    known_before: str | None = None
    """The event before which everything used must be known: "departure"."""
    known_ahead: list[str] = []
    """Phrases of what will be known when a forecast is made: "the weather"."""
    clusters: int | None = Field(default=None, ge=2)
    contamination: float | None = Field(default=None, gt=0, le=0.5)
    """The share of the rows that is to count as strange: "the strangest 1 %"."""
    description: str | None = None
    """Free description of the data (older requirement form)."""
