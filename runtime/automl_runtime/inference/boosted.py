"""Boosted trees as packed arrays: XGBoost's models, run without XGBoost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Bools, Floats, Ints, Matrix
from automl_runtime.kernels.boosted import boosted_sum

__all__ = ["Boosted", "single_cells"]

_TYPES: dict[str, tuple[Any, int]] = {
    "base": (np.float64, 1),
    "roots": (np.int32, 1),
    "outputs": (np.int32, 1),
    "feature": (np.int32, 1),
    "threshold": (np.float32, 1),
    "left": (np.int32, 1),
    "right": (np.int32, 1),
    "missing_left": (np.bool_, 1),
    "sets": (np.int32, 1),
    "words": (np.uint32, 2),
}
_LARGEST = np.finfo(np.float32).max


def single_cells(rows: Matrix) -> Floats:
    """`rows` as float32 in C order; what is too large for it becomes its largest number."""
    return np.ascontiguousarray(np.clip(rows, -_LARGEST, _LARGEST), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Boosted:
    """`base` plus the sum of the trees in these arrays (see `kernels.boosted`)."""

    base: Floats
    roots: Ints
    outputs: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    missing_left: Bools
    sets: Ints
    words: Ints

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds, logits or values."""
        cells = single_cells(rows)
        out = np.tile(self.base, (len(cells), 1))
        trees = (self.feature, self.threshold, self.left, self.right, self.missing_left, self.sets, self.words)
        boosted_sum(cells, self.roots, self.outputs, *trees, out)
        return out

    def check(self, width: int) -> None:
        """Refuses arrays that a walk could leave or never end in.

        Raises:
            BundleError: if an index is out of bounds, or a child does not lie behind its parent.
        """
        typed = all(
            getattr(self, name).dtype == dtype and getattr(self, name).ndim == dimensions
            for name, (dtype, dimensions) in _TYPES.items()
        )
        if not typed or not self._is_sound(width):
            raise BundleError("The boosted trees of the model are not valid: an index points out of its array.")

    def _is_sound(self, width: int) -> bool:
        nodes = np.arange(len(self.feature))
        inner = self.feature >= 0
        lengths = {len(getattr(self, name)) for name in ("threshold", "left", "right", "missing_left", "sets")}
        return (
            lengths == {len(nodes)}
            and len(self.roots) == len(self.outputs) > 0
            and bool(((self.roots >= 0) & (self.roots < len(nodes))).all())
            and bool(((self.outputs >= 0) & (self.outputs < len(self.base))).all())
            and bool((self.feature < width).all())
            and bool((self.sets < len(self.words)).all())
            and all(bool(((child > nodes) & (child < len(nodes)))[inner].all()) for child in (self.left, self.right))
        )
