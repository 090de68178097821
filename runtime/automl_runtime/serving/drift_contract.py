"""What `/drift` answers, for OpenAPI and for clients that are generated from it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from automl_runtime.serving.contract import Problems

__all__ = ["NO_DRIFT", "Drift"]

NO_DRIFT: dict[int | str, dict[str, Any]] = {
    404: {"model": Problems, "description": "There is no such model, it is not loaded, or has no sketch of training."}
}


class DriftAlert(BaseModel):
    """Whether columns have moved."""

    active: bool
    number: int = Field(description="How many alerts there have been.")
    since: float | None = Field(description="When it was raised, in seconds since 1970.")
    columns: list[str] = Field(
        description="Those that have moved; `prediction` is that of the model, `prediction of <label>` of one label."
    )


class ColumnDistance(BaseModel):
    """How far a column, the prediction, or that of a label is from what it was in training."""

    column: str
    kind: Literal["number", "category", "length"]
    rows: int
    psi: float = Field(description="Population stability index; above 0.1 a shift, above 0.25 a large one.")
    jensen_shannon: float = Field(description="Divergence in bits, 0 to 1.")
    wasserstein: float | None = Field(description="Distance in standard deviations of training; null: of categories.")
    p_value: float = Field(description="How often chance alone makes an index as large.")
    missing: tuple[float, float] = Field(description="Shares of rows without a value: in training, and now.")
    mean: tuple[float, float] | None = Field(description="In training, and now; of moments in seconds since 1970.")
    judged: bool = Field(description="Whether it can raise an alert: moments cannot, for time goes on.")
    alert: bool


class Drift(BaseModel):
    """Answer of `/drift`."""

    model_version: str
    rows: int = Field(description="Rows counted since `since`, by all workers.")
    skipped: int = Field(description="Rows that came too fast to be counted.")
    since: float = Field(description="Seconds since 1970.")
    window_rows: int = Field(description="Rows of the distances: of the window that was judged last, and the open one.")
    windows: int = Field(description="How many were judged.")
    enough: bool = Field(description="Whether there are rows enough to judge.")
    columns: list[ColumnDistance] = Field(description="Largest index first.")
    prediction: ColumnDistance | None = Field(description="Null where training left no sketch of predictions.")
    labels: list[ColumnDistance] = Field(
        description="Of a model of several labels the probability of each, largest index first."
    )
    alert: DriftAlert
