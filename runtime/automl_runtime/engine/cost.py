"""About how long a model takes to predict, told from its size alone, so that what depends on it is repeatable."""

from __future__ import annotations

from typing import Final

import numpy as np

from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.parts import Predictor

__all__ = ["microseconds_per_row", "predictions_within"]

# Measured on one core of a server of 2023 for batches of a thousand rows; what counts are the proportions.
_ANY_ROW: Final = 10.0
_TEXT: Final = 20.0
_PICTURE: Final = 800.0
_BOOSTED_TREE: Final = 0.003
_FOREST_TREE: Final = 0.035
_CATBOOST_BYTE: Final = 5e-5
_OTHER: Final = 5.0


def predictions_within(model: FittedModel, seconds: float, *, least: int, most: int) -> int:
    """How many rows the model predicts in about `seconds`, between `least` and `most`; always the same for a model."""
    return int(np.clip(seconds * 1e6 / microseconds_per_row(model), least, most))


def microseconds_per_row(model: FittedModel) -> float:
    """An estimate from the number of trees and the kinds of models, not a measurement."""
    parts = [part.predictor for member in model.members for part in member.parts]
    reading = _TEXT * len(model.encoder.text_owners) + _PICTURE * len(model.encoder.image_owners)
    return _ANY_ROW + reading + sum(map(_cost, parts))


def _cost(predictor: Predictor) -> float:
    if isinstance(predictor, LightGbm):
        return _BOOSTED_TREE * predictor.text.count("\nTree=")
    if isinstance(predictor, Forest):
        return _FOREST_TREE * len(predictor.roots)
    if isinstance(predictor, CatBoost):
        return _CATBOOST_BYTE * len(predictor.blob)
    return _OTHER
