"""Keeps the arrays of large models in a file instead of in memory, until they are used again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import IO, Any

import numpy as np

from automl_runtime.engine.trials import FoldResult
from automl_runtime.inference.parts import Predictor

__all__ = ["spill", "spilled"]

_LARGE = 4_000_000


def spill(folds: Sequence[FoldResult]) -> list[FoldResult]:
    """The same models; those whose arrays take over 4 MB are mapped from a file without a name, which ends with them.

    Where no file can be written they stay as they are: the search goes on, and holds more.
    """
    return [replace(fold, fit=replace(fold.fit, predictor=spilled(fold.fit.predictor))) for fold in folds]


def spilled(predictor: Predictor) -> Predictor:
    """See `spill`."""
    arrays = _arrays(predictor)
    if sum(array.nbytes for array in arrays.values()) < _LARGE:
        return predictor
    try:
        with tempfile.TemporaryFile(prefix="automl-") as file:
            mapped = {name: _mapped(file, array) for name, array in arrays.items()}
    except OSError:
        return predictor
    changed: Predictor = replace(predictor, **mapped)  # type: ignore[type-var]
    return changed


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
