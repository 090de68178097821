"""Boosted trees as packed arrays: XGBoost's models, run without XGBoost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.trees import NAN_IS_MISSING, Splits, Trees, TreeSum, own_fields, ranked
from automl_runtime.kernels.arrays import Bools, Floats, Ints, Matrix, Singles

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
_BELOW_ZERO = -1e-300
"""Below 0 as no code is, and too close to it for a cell of float32."""


def single_cells(rows: Matrix) -> Singles:
    """`rows` as float32 in C order; what is too large for it becomes its largest number."""
    return np.ascontiguousarray(np.clip(rows, -_LARGEST, _LARGEST), dtype=np.float32)


@dataclass(frozen=True)
class Boosted:
    """`base` plus the sum of the trees in these arrays, which lie one behind the other.

    Node `i` looks at cell `feature[i]` of a row: a missing one goes left where `missing_left[i]` says so; a number goes
    left when it is below `threshold[i]`; where `sets[i]` names a row of `words`, a code goes left unless its bit is set
    there. A leaf has `feature[i] == -1`, and `threshold[i]` is its value. (The rules are those of XGBoost.)
    """

    base: Floats
    roots: Ints
    outputs: Ints
    feature: Ints
    threshold: Singles
    left: Ints
    right: Ints
    missing_left: Bools
    sets: Ints
    words: Ints

    __getstate__ = own_fields

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds, logits or values."""
        out = np.tile(self.base, (len(rows), 1))
        self._sum.add_to(out, single_cells(rows).astype(np.float64))
        return out

    def edges(self, width: int) -> list[Singles]:
        """For each of `width` columns the thresholds and codes that trees ask for."""
        return [each.astype(np.float32) for each in self._sum.edges(width)]

    def coded(self, width: int) -> Bools:
        """For each of `width` columns whether trees read it as a code."""
        return self._sum.coded(width)

    @property
    def _trees(self) -> Trees:
        return Trees(self.roots, self.feature, self.left, self.right)

    @cached_property
    def _sum(self) -> TreeSum:
        trees, (count, span) = self._trees, self.words.shape
        inner, leaf = trees.inner, np.cumsum(self.feature < 0) - 1
        splits = Splits(
            # What is below a number is not above the next smaller one of the same precision.
            threshold=np.nextafter(self.threshold[inner], np.float32(-np.inf)).astype(np.float64),
            missing=np.full(len(inner), NAN_IS_MISSING),
            missing_left=self.missing_left[inner],
            sets=self.sets[inner],
            bounds=np.arange(count + 1) * span,
            words=self.words.ravel(),
            other_left=True,
            edge=-1.0,
            least=_BELOW_ZERO,
        )
        values = self.threshold[self.feature < 0].astype(np.float64)[:, None]
        return TreeSum(trees, ranked(trees.feature[trees.inner], splits), leaf, values, self.outputs)

    def check(self, width: int) -> None:
        """Refuses arrays that a walk could leave or never end in.

        Raises:
            BundleError: if an index is out of bounds, or a child does not lie behind its parent.
        """
        typed = all(
            getattr(self, name).dtype == dtype and getattr(self, name).ndim == dimensions
            for name, (dtype, dimensions) in _TYPES.items()
        )
        if not typed or not self._is_sound():
            raise BundleError("The boosted trees of the model are not valid: an index points out of its array.")
        self._trees.check(width)

    def _is_sound(self) -> bool:
        lengths = {len(getattr(self, name)) for name in ("threshold", "missing_left", "sets")}
        return (
            lengths == {len(self.feature)}
            and len(self.roots) == len(self.outputs)
            and bool(((self.outputs >= 0) & (self.outputs < len(self.base))).all())
            and bool((self.sets < len(self.words)).all())
            and not np.isnan(self.threshold[(self.feature >= 0) & (self.sets < 0)]).any()
        )
