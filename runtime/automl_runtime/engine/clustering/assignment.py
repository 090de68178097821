"""How a row finds its cluster: the label of the nearest reference point, or noise when that is out of reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["NOISE", "Assignment"]

NOISE = -1
_CELLS = 4_000_000
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Assignment:
    """Reference points: the centers of k-means, or the rows that a hierarchy or a density was computed on."""

    points: Floats
    """float64, references x dimensions."""
    labels: Ints
    """int64; `NOISE` for a row that belongs to no cluster."""
    reach: Floats
    """How far from a reference a row may lie to get its label; infinite where distance does not matter."""

    def predict(self, rows: Floats) -> Ints:
        """int64: the label of each row (float64, rows x dimensions); memory stays small however many there are."""
        nearest = np.empty(len(rows), dtype=np.int64)
        lengths = (self.points**2).sum(axis=1)
        step = max(1, _CELLS // len(self.points))
        for start in range(0, len(rows), step):
            chunk = rows[start : start + step]
            nearest[start : start + step] = np.argmin(lengths - 2.0 * (chunk @ self.points.T), axis=1)
        labels = self.labels[nearest]
        bounded = np.isfinite(self.reach[nearest])
        if bounded.any():
            distances = np.linalg.norm(rows[bounded] - self.points[nearest[bounded]], axis=1)
            limits = self.reach[nearest[bounded]] * (1.0 + _ROUNDING) + _ROUNDING
            labels[bounded] = np.where(distances <= limits, labels[bounded], NOISE)
        return labels

    def check(self, dimensions: int) -> None:
        """Refuses arrays that do not fit together.

        Raises:
            BundleError: if they do not.
        """
        sound = (
            self.points.dtype == np.float64
            and self.labels.dtype == np.int64
            and self.reach.dtype == np.float64
            and self.points.ndim == 2
            and self.points.shape[1] == dimensions
            and self.labels.shape == self.reach.shape == (len(self.points),)
            and bool(np.isfinite(self.points).all())
            and bool((self.labels >= NOISE).all())
            and bool((self.labels >= 0).any())
        )
        if not sound:
            raise BundleError("The reference points of the clusters do not fit together.")
