"""LightGBM models, run by our kernels, or by the library where it has to be.

The library's Python package is left out: importing it costs seconds and brings scikit-learn.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Literal, TypeAlias

import numpy as np

from automl_runtime.errors import BundleError, MissingExtraError
from automl_runtime.inference.lightgbm_text import read_text, shrink
from automl_runtime.kernels.arrays import Bools, Floats, Matrix
from automl_runtime.kernels.links import sigmoids, softmaxes

__all__ = ["Library", "LightGbm", "SingleRow", "shrink"]

_FLOAT64 = 1
_ROW_MAJOR = 1
_NORMAL = 0
_ROWS_FOR_THREADS = 1_000
_Backend: TypeAlias = Literal["kernels", "single_row", "library"]


class LightGbm:
    """A model in LightGBM's text format; thread-safe."""

    def __init__(self, text: str, backend: _Backend = "kernels") -> None:
        """Checks `text` and reads it.

        Args:
            text: the model.
            backend: `kernels`, or `library`, which runs what the kernels cannot in any case, or `single_row`: the
                library's call for one row, row by row.

        Raises:
            BundleError: if it is not a sound model.
            MissingExtraError: if it needs LightGBM, which is not installed.
        """
        self.text = text
        self._model = read_text(text)
        self.width, self.outputs = self._model.width, self._model.outputs
        self._library: Library | None = None
        if backend == "single_row":
            self._library = SingleRow(text, self.width)
        elif backend == "library" or not self._model.link:
            self._library = Library(text)

    @property
    def backend(self) -> _Backend:
        """What runs it."""
        if self._library is None:
            return "kernels"
        return "single_row" if isinstance(self._library, SingleRow) else "library"

    def by_library(self) -> LightGbm:
        """The same model, run by LightGBM.

        Raises:
            MissingExtraError: if it is not installed.
        """
        return LightGbm(self.text, "library")

    def edges(self) -> list[Floats]:
        """For each column the thresholds and codes that trees ask for."""
        return self._model.sum.edges(self.width)

    def coded(self) -> Bools:
        """For each column whether trees read it as a code."""
        return self._model.sum.coded(self.width)

    def __reduce__(self) -> tuple[Any, ...]:
        return LightGbm, (self.text, self.backend)

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: probabilities (of class 1 when there are two) or values, as LightGBM's to the bit.

        Raises:
            BundleError: if the rows do not have `width` columns.
        """
        cells = np.ascontiguousarray(rows, dtype=np.float64)
        if cells.shape[1] != self.width:
            raise BundleError(f"The LightGBM model reads {self.width} columns, the rows have {cells.shape[1]}.")
        if self._library is not None:
            return self._library.predict(cells, self.outputs)
        model, sums = self._model, np.zeros((len(cells), self.outputs))
        model.sum.add_to(sums, cells)
        if model.divisor > 1:
            sums /= model.divisor
        if model.link == "sigmoid":
            sigmoids(sums, model.slope)
        elif model.link == "softmax":
            softmaxes(sums)
        return sums

    def columns_of_trees(self) -> list[set[int]]:
        """The columns that each tree looks at."""
        trees = self._model.trees
        return [set(part[part >= 0].tolist()) for part in np.split(trees.feature, trees.roots[1:])]

    def check(self, width: int) -> None:
        """Refuses a model that does not read matrices of `width` columns.

        Raises:
            BundleError: if it does not.
        """
        if self.width != width:
            raise BundleError(f"The LightGBM model reads {self.width} columns, its preprocessing makes {width}.")


class Library:
    """A model in LightGBM's own hands. Thread-safe: predictions share a read lock inside the library."""

    def __init__(self, text: str) -> None:
        """Loads `text`, whose trees have been checked.

        Raises:
            BundleError: if LightGBM does not take it.
            MissingExtraError: if LightGBM is not installed.
        """
        self._functions, self._handle, iterations = _library(), ctypes.c_void_p(), ctypes.c_int()
        load = self._functions.LGBM_BoosterLoadModelFromString
        _call(load, text.encode(), ctypes.byref(iterations), ctypes.byref(self._handle))

    def predict(self, cells: Floats, outputs: int) -> Floats:
        """float64, rows x outputs; `cells`: float64 in C order, as wide as the model."""
        out = np.empty((len(cells), outputs))
        written = ctypes.c_int64()
        _call(
            self._functions.LGBM_BoosterPredictForMat,
            self._handle,
            cells.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(cells.shape[0]),
            ctypes.c_int32(cells.shape[1]),
            ctypes.c_int(_ROW_MAJOR),
            ctypes.c_int(_NORMAL),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            b"num_threads=1" if len(cells) < _ROWS_FOR_THREADS else b"",
            ctypes.byref(written),
            out.ctypes.data_as(ctypes.c_void_p),
        )
        return out

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._functions.LGBM_BoosterFree(self._handle)


class SingleRow(Library):
    """As `Library`, by its call for one row, whose settings are read once; thread-safe, one row after the other."""

    def __init__(self, text: str, width: int) -> None:
        """Loads `text`, whose trees have been checked, for rows of `width` columns.

        Raises:
            BundleError: if LightGBM does not take it.
            MissingExtraError: if LightGBM is not installed.
        """
        super().__init__(text)
        self._lock, self._fast = Lock(), ctypes.c_void_p()
        _call(
            self._functions.LGBM_BoosterPredictForMatSingleRowFastInit,
            self._handle,
            ctypes.c_int(_NORMAL),
            ctypes.c_int(0),
            ctypes.c_int(-1),
            ctypes.c_int(_FLOAT64),
            ctypes.c_int32(width),
            b"num_threads=1",
            ctypes.byref(self._fast),
        )

    def predict(self, cells: Floats, outputs: int) -> Floats:
        """float64, rows x outputs; `cells`: float64 in C order, as wide as the model."""
        out, written = np.empty((len(cells), outputs)), ctypes.c_int64()
        predict, told = self._functions.LGBM_BoosterPredictForMatSingleRowFast, ctypes.byref(written)
        read, write = cells.ctypes.data, out.ctypes.data
        with self._lock:
            for row in range(len(cells)):
                place = ctypes.c_void_p(read + row * cells.strides[0])
                _call(predict, self._fast, place, told, ctypes.c_void_p(write + row * out.strides[0]))
        return out

    def __del__(self) -> None:
        if getattr(self, "_fast", None):
            self._functions.LGBM_FastConfigFree(self._fast)
        super().__del__()


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    spec = find_spec("lightgbm")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(package="lightgbm", extra="all")
    root = Path(spec.submodule_search_locations[0])
    found = sorted(path for path in root.glob("*/*lib_lightgbm.*") if path.suffix in (".so", ".dylib", ".dll"))
    if not found:
        raise MissingExtraError(package="lightgbm", extra="all")
    library = ctypes.CDLL(str(found[0]))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


def _call(function: ctypes._NamedFuncPointer, *arguments: object) -> None:
    if function(*arguments) != 0:
        message = _library().LGBM_GetLastError().decode(errors="replace")
        raise BundleError(f"LightGBM refused the model or the rows: {message[:300]}")
