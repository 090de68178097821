"""Keeps the models of folds in files instead of in memory, until they are used again: most never are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import IO, Any

import numpy as np

from automl_runtime.engine.trials import FoldResult
from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.parts import Predictor
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = ["Asleep", "awake", "spill", "spilled"]

_LARGE = 20_000


@dataclass(frozen=True, slots=True)
class Asleep:
    """A model of a library, as the bytes that it can be made of; the library itself holds several times as much."""

    content: np.ndarray[Any, Any]
    make: Callable[[bytes], Predictor]

    def wake(self) -> Predictor:
        """The model."""
        return self.make(self.content.tobytes())

    def predict(self, rows: Matrix) -> Floats:
        """As the model does."""
        return self.wake().predict(rows)

    def check(self, width: int) -> None:
        """As the model does."""
        self.wake().check(width)


def spill(folds: Sequence[FoldResult]) -> list[FoldResult]:
    """The same models; those of over 20 kB are mapped from a file without a name, which ends with them.

    Where no file can be written they stay as they are: the search goes on, and holds more.
    """
    return [replace(fold, fit=replace(fold.fit, predictor=spilled(fold.fit.predictor))) for fold in folds]


def awake(predictor: Predictor) -> Predictor:
    """What `spill` was given, ready for use by many calls and to be stored."""
    return predictor.wake() if isinstance(predictor, Asleep) else predictor


def spilled(predictor: Predictor) -> Predictor:
    """See `spill`."""
    kept = _asleep(predictor)
    arrays = _arrays(kept)
    if sum(array.nbytes for array in arrays.values()) < _LARGE:
        return kept
    try:
        with tempfile.TemporaryFile(prefix="automl-") as file:
            mapped = {name: _mapped(file, array) for name, array in arrays.items()}
    except OSError:
        return predictor
    changed: Predictor = replace(kept, **mapped)  # type: ignore[type-var]
    return changed


def _asleep(predictor: Predictor) -> Predictor:
    if isinstance(predictor, LightGbm):
        return Asleep(_bytes(predictor.text.encode()), lambda content: LightGbm(content.decode()))
    if isinstance(predictor, CatBoost):
        numbers, outputs = predictor.numbers, predictor.outputs
        return Asleep(_bytes(predictor.blob), lambda content: CatBoost(content, numbers, outputs))
    return predictor


def _bytes(content: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(content, dtype=np.uint8)


def _arrays(predictor: Predictor) -> dict[str, np.ndarray[Any, Any]]:
    if not is_dataclass(predictor):
        return {}
    found = {field.name: getattr(predictor, field.name) for field in fields(predictor)}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray) and value.size}


def _mapped(file: IO[bytes], array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    start = file.seek(0, 2)
    file.write(np.ascontiguousarray(array).data)
    file.flush()
    # Copied when written to, which kernels take for an ordinary array; the map outlives the open file.
    return np.asarray(np.memmap(file, array.dtype, "c", start, array.shape))
