"""LightGBM models, run by the library itself.

Its Python package is left out: importing it costs seconds and brings scikit-learn.
"""

from __future__ import annotations

import ctypes
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError, MissingExtraError
from automl_runtime.kernels.arrays import Floats, Ints, Matrix

__all__ = ["LightGbm", "shrink"]

_FLOAT64 = 1
_ROW_MAJOR = 1
_NORMAL = 0
_ROWS_FOR_THREADS = 1_000
_NEEDED = (
    *("Tree", "num_leaves", "num_cat", "split_feature", "threshold", "decision_type", "left_child", "right_child"),
    *("leaf_value", "cat_boundaries", "cat_threshold", "is_linear", "shrinkage"),
)


def shrink(text: str) -> str:
    """The text of a model without what only training needs (gains, counts, parameters): about a third of it."""
    head, *trees = text.split("\nend of trees")[0].split("\n\nTree=")
    kept = [line for line in head.splitlines() if not line.startswith("tree_sizes=")]
    for tree in trees:
        lines = f"Tree={tree}".splitlines()
        kept += ["", *(line for line in lines if line.partition("=")[0] in _NEEDED), ""]
    return "\n".join([*kept, "", "end of trees", ""])


class LightGbm:
    """A model in LightGBM's text format. Thread-safe: predictions share a read lock inside the library."""

    def __init__(self, text: str) -> None:
        """Checks `text` and loads it.

        Raises:
            BundleError: if it is not a sound model.
        """
        _check(text)
        self.text = text
        self._library = _library()
        self._handle = ctypes.c_void_p()
        iterations = ctypes.c_int()
        _call(
            self._library.LGBM_BoosterLoadModelFromString,
            text.encode(),
            ctypes.byref(iterations),
            ctypes.byref(self._handle),
        )
        self.width = self._ask(self._library.LGBM_BoosterGetNumFeature)
        self.outputs = self._ask(self._library.LGBM_BoosterGetNumClasses)

    def __reduce__(self) -> tuple[Any, ...]:
        return LightGbm, (self.text,)

    def _ask(self, function: ctypes._NamedFuncPointer) -> int:
        answer = ctypes.c_int()
        _call(function, self._handle, ctypes.byref(answer))
        return answer.value

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: probabilities (of class 1 when there are two) or values."""
        cells = np.ascontiguousarray(rows, dtype=np.float64)
        out = np.empty((len(cells), self.outputs))
        written = ctypes.c_int64()
        _call(
            self._library.LGBM_BoosterPredictForMat,
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

    def columns_of_trees(self) -> list[set[int]]:
        """The columns that each tree looks at."""
        lines = re.findall(r"^(?:Tree=\d+|split_feature=(.*))$", self.text, re.MULTILINE)
        return [set(map(int, line.split())) for line in lines if line]

    def check(self, width: int) -> None:
        """Refuses a model that does not read matrices of `width` columns.

        Raises:
            BundleError: if it does not.
        """
        if self.width != width:
            raise BundleError(f"The LightGBM model reads {self.width} columns, its preprocessing makes {width}.")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)


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


def _check(text: str) -> None:
    """Refuses trees with an index out of bounds or backwards, for which LightGBM itself does not look."""
    width = re.search(r"^max_feature_idx=(\d+)$", text, re.MULTILINE)
    leaves = _numbers(text, "num_leaves")
    if width is None or not len(leaves) or (leaves < 1).any():
        raise BundleError("The text of the LightGBM model is not complete.")
    inner = leaves - 1
    node = np.concatenate([np.arange(count) for count in inner])
    limit = np.repeat(inner, inner)
    features = _numbers(text, "split_feature")
    children = [_numbers(text, f"{side}_child") for side in ("left", "right")]
    sound = (
        len(features) == len(_numbers(text, "decision_type")) == len(node)
        and len(re.findall(r"[^\s=]+", " ".join(_lines(text, "leaf_value")))) == leaves.sum()
        and bool(((features >= 0) & (features <= int(width[1]))).all())
        and all(
            len(child) == len(node)
            and bool((np.where(child >= 0, (child > node) & (child < limit), ~child <= limit)).all())
            for child in children
        )
    )
    if not sound:
        raise BundleError(
            "The trees of the LightGBM model are not valid: an index points out of its tree or backwards."
        )


def _lines(text: str, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


def _numbers(text: str, key: str) -> Ints:
    values: NDArray[np.int64] = np.array(" ".join(_lines(text, key)).split(), dtype=np.int64)
    return values
