"""A pipeline written down: how rows are prepared, what learns from them, and how that is judged."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from automl_schemas.base import Contract
from automl_schemas.preprocessing import PreprocessingSpec
from automl_schemas.vocabulary import TaskType

__all__ = ["Ensemble", "EvaluationSpec", "ModelSpec", "PipelineSpec"]

Ensemble = Literal["auto", "voting", "stacking", "bagging"]
"""How models are mixed; `fit` says what each means."""


class ModelSpec(Contract):
    """What learns: a family of models with its settings, or several of them mixed."""

    type: str
    """A family, or `ensemble`."""
    params: dict[str, Any] = {}
    """Settings of the family that differ from its own; `n_estimators` limits rounds and trees."""
    members: list[str] = []
    """Of an ensemble: the families; empty for all that suit."""
    ensemble: Ensemble = "auto"


class EvaluationSpec(Contract):
    """How it is judged; the first metric is what the training optimises."""

    metrics: list[str] = Field(default=[], max_length=20)
    evaluators: list[str] = Field(default=[], max_length=20)


class PipelineSpec(Contract):
    """A pipeline, with variants: parts of the same keys that differ."""

    name: str
    description: str = ""
    task: TaskType | None = None
    preprocessing: PreprocessingSpec = PreprocessingSpec()
    model: ModelSpec
    evaluation: EvaluationSpec = EvaluationSpec()
    variants: dict[str, dict[str, Any]] = {}

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not name.replace("-", "_").isidentifier():
            raise ValueError("letters, digits, - and _ only, not beginning with a digit")
        return name
