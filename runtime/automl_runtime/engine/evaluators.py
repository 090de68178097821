"""Evaluators: what is said about a model, each a function of the model, rows and their target."""

from __future__ import annotations

from typing import Any

import pandas as pd

from automl_runtime.engine.model import Model

__all__ = ["importance", "out_of_fold", "scores"]


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
