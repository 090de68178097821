"""Forests and single trees as packed arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Ints, Matrix
from automl_runtime.kernels.forest import forest_sum

__all__ = ["Forest"]


@dataclass(frozen=True, slots=True)
class Forest:
    """The mean of the trees in these arrays (see `kernels.forest`); an output for each class, or one."""

    roots: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    values: Floats

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs."""
        cells = np.ascontiguousarray(rows, dtype=np.float32)
        out = np.zeros((len(cells), self.values.shape[1]))
        forest_sum(cells, self.roots, self.feature, self.threshold, self.left, self.right, self.values, out)
        return out / len(self.roots)

    def check(self, width: int) -> None:
        """Refuses arrays that a walk could leave or never end in.

        Raises:
            BundleError: if an index is out of bounds, or a child does not lie behind its parent.
        """
        nodes = np.arange(len(self.feature))
        inner = self.feature >= 0
        sound = (
            self._has_types()
            and len({len(self.feature), len(self.threshold), len(self.left), len(self.right)}) == 1
            and len(self.roots) > 0
            and bool(((self.roots >= 0) & (self.roots < len(nodes))).all())
            and bool((self.feature < width).all())
            and all(bool(((child > nodes) & (child < len(nodes)))[inner].all()) for child in (self.left, self.right))
            and bool(((self.left >= 0) & (self.left < len(self.values)))[~inner].all())
        )
        if not sound:
            raise BundleError("The trees of the model are not valid: an index points out of its array or backwards.")

    def _has_types(self) -> bool:
        wanted: dict[str, tuple[Any, int]] = {
            "roots": (np.int32, 1),
            "feature": (np.int32, 1),
            "threshold": (np.float32, 1),
            "left": (np.int32, 1),
            "right": (np.int32, 1),
            "values": (np.float64, 2),
        }
        return all(
            getattr(self, name).dtype == dtype and getattr(self, name).ndim == dimensions
            for name, (dtype, dimensions) in wanted.items()
        )
