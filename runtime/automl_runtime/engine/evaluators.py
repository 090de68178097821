"""Evaluators: what is said about a model, each a function of the model, rows and their target.

An evaluator says by its attribute `tasks` which tasks it is for; without one it is for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from automl_schemas.vocabulary import TaskType

from automl_runtime.engine.model import Model

__all__ = [
    "TaskEvaluator",
    "anomaly",
    "classification",
    "clustering",
    "importance",
    "out_of_fold",
    "regression",
    "scores",
    "time_series",
]


@dataclass(frozen=True, slots=True)
class TaskEvaluator:
    """An evaluator for some tasks."""

    tasks: tuple[TaskType, ...]
    function: Callable[[Any, pd.DataFrame, Any], dict[str, Any]]

    def __call__(self, model: Any, frame: pd.DataFrame, target: pd.Series | None = None) -> dict[str, Any]:
        """What is said about `model` on these rows."""
        return self.function(model, frame, target)


def scores(model: Model, frame: pd.DataFrame, target: pd.Series) -> dict[str, Any]:
    """Every metric of the task on these rows."""
    return {str(metric): score for metric, score in model.evaluate(frame, target).items()}


def importance(model: Model, frame: pd.DataFrame, target: pd.Series) -> dict[str, Any]:
    """The permutation importance of each column on these rows; shares of 1."""
    return dict(model.importance(frame, target))


def out_of_fold(model: Model, frame: pd.DataFrame, target: pd.Series) -> dict[str, Any]:
    """The score that the search found, in cross-validation on the rows that trained."""
    del frame, target
    return {model.metric: model.cv}


def _groups(model: Any, frame: pd.DataFrame, target: Any) -> dict[str, Any]:
    del target
    return dict(model.evaluate(frame))


def _strange(model: Any, frame: pd.DataFrame, target: Any) -> dict[str, Any]:
    """How many rows are strange; with labels also how well the scores tell them from the others."""
    told = {} if target is None else model.evaluate(frame, target)
    share = float((model.score_samples(frame) > model.threshold).mean())
    return {**{str(metric): score for metric, score in told.items()}, "anomalies": share}


def _ahead(model: Any, frame: pd.DataFrame, target: Any) -> dict[str, Any]:
    """Every metric of values, of the rows that follow the history; they hold the target."""
    rows = frame if target is None else frame.assign(**{str(target.name): target})
    return {str(metric): score for metric, score in model.evaluate(rows).items()}


classification = TaskEvaluator(("binary", "multiclass"), scores)
regression = TaskEvaluator(("regression",), scores)
clustering = TaskEvaluator(("clustering",), _groups)
anomaly = TaskEvaluator(("anomaly",), _strange)
time_series = TaskEvaluator(("forecast",), _ahead)
