"""ExperimentConfig: the small configuration of a training on one table."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from automl_schemas.base import Contract
from automl_schemas.spec import EvaluationPlots, TrainingSpec
from automl_schemas.vocabulary import MetricName, TaskType

__all__ = ["EvaluationSettings", "ExperimentConfig", "ExperimentTraining", "ExportSettings"]

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names are folders."""


class ExperimentTraining(TrainingSpec):
    """How long and how the search runs, and what an architecture that learns in epochs is told."""

    epochs: int | None = Field(default=None, ge=1)
    """Of an architecture that has such a setting."""
    batch_size: int | None = Field(default=None, ge=1)
    """Likewise."""


class ExportSettings(Contract):
    """What is written besides the model itself."""

    auto: bool = False
    """Whether the model is exported as soon as it is trained."""
    format: Literal["onnx"] = "onnx"


class EvaluationSettings(EvaluationPlots):
    """How the model is judged on the holdout."""

    auto: bool = True
    """Whether it is judged as soon as it is trained."""
    evaluator: str | None = None
    """A name of `automl list evaluators`; None: the one of the task."""


class ExperimentConfig(Contract):
    """What is trained on which table; runs are kept in `project/family/experiment` below the folder of the file."""

    project: str = Field(pattern=_NAME)
    family: str = Field(default="tables", pattern=_NAME)
    experiment: str = Field(default="baseline", pattern=_NAME)
    version: str = "1.0.0"
    """Of the experiment, as its author counts."""
    dataset: str
    """File of the table; a relative path counts from the folder of the configuration."""
    target: str | None = None
    """The column to predict; of a search for anomalies the column with the known ones, which is no input."""
    positive: str | bool | int | float | None = None
    task: TaskType | None = None
    """None: told from the metric, then from the target; without a target `clustering`."""
    metric: MetricName | None = None
    time: str | None = None
    """Column that orders the rows, for `training.validation: temporal`."""
    group: str | None = None
    """Column whose value is shared by rows that a split must not divide."""
    drop: list[str] = []
    """Columns that are not to be used."""
    keep: list[str] = []
    """Columns that are used although they look like a leak or an identifier."""
    architecture: str | None = None
    """The only family of models; None: all that suit."""
    params: dict[str, Any] | None = None
    """Settings of `architecture`."""
    clusters: int | None = Field(default=None, ge=2)
    contamination: float | None = Field(default=None, gt=0, le=0.5)
    training: ExperimentTraining = ExperimentTraining()
    export: ExportSettings = ExportSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    seed: int = Field(default=0, ge=0, lt=2**31)
