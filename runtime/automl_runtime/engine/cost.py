"""About how long a model takes to predict, told from its size alone, so that what depends on it is repeatable."""

from __future__ import annotations

from typing import Final

import numpy as np

from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.encoding import Encoder
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.kernel_machine import KernelMachine
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.neighbors import Neighbors
from automl_runtime.inference.network import Network
from automl_runtime.inference.neural import Convolutional, Sequential
from automl_runtime.inference.parts import Predictor
from automl_runtime.inference.quantising import restored

__all__ = ["microseconds_per_row", "predictions_within", "predictor_microseconds", "reading_microseconds"]

# Measured on one core of a server of 2023 for batches of a thousand rows; what counts are the proportions.
_ANY_ROW: Final = 10.0
_TEXT: Final = 20.0
_PICTURE: Final = 800.0
_BOOSTED_TREE: Final = 0.003
_FOREST_TREE: Final = 0.035
_CATBOOST_BYTE: Final = 5e-5
_STORED_ROW: Final = 5e-3
_STORED_CELL: Final = 7e-4
_WEIGHT: Final = 1e-4
_MULTIPLICATION: Final = 2e-4
_ANY_MODEL: Final = 5.0
"""Its scaling and encoding, and all of a model that does little else; of parts of others nothing more is known."""


def predictions_within(model: FittedModel, seconds: float, *, least: int, most: int) -> int:
    """How many rows the model predicts in about `seconds`, between `least` and `most`; always the same for a model."""
    return int(np.clip(seconds * 1e6 / microseconds_per_row(model), least, most))


def microseconds_per_row(model: FittedModel) -> float:
    """An estimate from the number of trees and the kinds of models, not a measurement."""
    parts = [part.predictor for member in model.members for part in member.parts]
    return reading_microseconds(model.encoder) + sum(map(predictor_microseconds, parts))


def reading_microseconds(encoder: Encoder) -> float:
    """Likewise for a row alone, without any model."""
    return _ANY_ROW + _TEXT * len(encoder.text_owners) + _PICTURE * len(encoder.image_owners)


def predictor_microseconds(predictor: Predictor) -> float:
    """Likewise for what one model adds."""
    predictor = restored(predictor)
    if isinstance(predictor, LightGbm):
        return _BOOSTED_TREE * predictor.text.count("\nTree=")
    if isinstance(predictor, Boosted):
        return _BOOSTED_TREE * len(predictor.roots)
    if isinstance(predictor, Forest):
        return _FOREST_TREE * len(predictor.roots)
    if isinstance(predictor, CatBoost):
        return _CATBOOST_BYTE * len(predictor.blob)
    if isinstance(predictor, KernelMachine):
        return _ANY_MODEL + _STORED_ROW * len(predictor.stored)
    if isinstance(predictor, Neighbors):
        return _ANY_MODEL + _STORED_CELL * predictor.stored.size
    if isinstance(predictor, Convolutional | Sequential):
        return _ANY_MODEL + _MULTIPLICATION * predictor.multiplications
    if isinstance(predictor, Network):
        return _ANY_MODEL + _WEIGHT * len(predictor.weights)
    return _ANY_MODEL
