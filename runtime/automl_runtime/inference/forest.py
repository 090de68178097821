"""Forests and single trees as packed arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.trees import Trees, TreeSum, own_fields, singles
from automl_runtime.kernels.arrays import Floats, Ints, Matrix, Singles

__all__ = ["Forest"]


@dataclass(frozen=True)
class Forest:
    """The mean of the trees in these arrays, which lie one behind the other; an output for each class, or one.

    Node `i` sends a row to `left[i]` when `row[feature[i]] <= threshold[i]` and to `right[i]` otherwise; a leaf has
    `feature[i] == -1`, and `left[i]` is its row in `values`.
    """

    roots: Ints
    feature: Ints
    threshold: Singles
    left: Ints
    right: Ints
    values: Floats

    __getstate__ = own_fields

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs; no cell is missing."""
        cells = np.ascontiguousarray(rows, dtype=np.float32)
        out = np.zeros((len(cells), self.values.shape[1]))
        self._sum.add_to(out, cells)
        return out / len(self.roots)

    def edges(self, width: int) -> list[Singles]:
        """For each of `width` columns the thresholds and codes that trees ask for."""
        return [each.astype(np.float32) for each in self._sum.edges(width)]

    @property
    def _trees(self) -> Trees:
        return Trees(self.roots, self.feature, self.left, self.right)

    @cached_property
    def _sum(self) -> TreeSum:
        trees, leaf = self._trees, np.where(self.feature < 0, self.left, 0)
        tests = singles(trees, self.threshold[trees.inner])
        return TreeSum(trees, tests, leaf, self.values, np.zeros(len(self.roots), np.int32))

    def check(self, width: int) -> None:
        """Refuses arrays that a walk could leave or never end in.

        Raises:
            BundleError: if an index is out of bounds, or a child does not lie behind its parent.
        """
        leaves = self.left[self.feature < 0] if self._has_types() else np.empty(0)
        if not len(leaves) or not ((leaves >= 0) & (leaves < len(self.values))).all():
            raise BundleError("The trees of the model are not valid: an index points out of its array or backwards.")
        self._trees.check(width)

    def _has_types(self) -> bool:
        wanted: dict[str, tuple[Any, int]] = {
            "roots": (np.int32, 1),
            "feature": (np.int32, 1),
            "threshold": (np.float32, 1),
            "left": (np.int32, 1),
            "right": (np.int32, 1),
            "values": (np.float64, 2),
        }
        typed = all(
            getattr(self, name).dtype == dtype and getattr(self, name).ndim == dimensions
            for name, (dtype, dimensions) in wanted.items()
        )
        return typed and len({len(self.feature), len(self.threshold), len(self.left)}) == 1
