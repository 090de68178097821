"""Nearest neighbours as the rows that they are taken from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Matrix
from automl_runtime.kernels.neighbors import nearest

__all__ = ["LEAST_DISTANCE", "LEAST_MASS", "Neighbors", "find"]

LEAST_DISTANCE = 1e-12
LEAST_MASS = 1e-300


@dataclass(frozen=True, slots=True)
class Neighbors:
    """What the `count` nearest of the stored rows say, nearer ones louder; of classes mixed with their `prior`."""

    stored: Floats
    """float32, rows x columns."""
    targets: Floats
    """Values, or places of classes."""
    mass: Floats
    """Weight of each row."""
    prior: Floats
    """Chances of the classes; empty for values."""
    count: int

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: probabilities or values."""
        places, distances = find(rows, self.stored, self.count)
        return self.vote(places, distances)

    def vote(self, places: NDArray[np.int64], distances: NDArray[np.float64]) -> Floats:
        """The outputs for the neighbours at `places`, whose distances are squared."""
        weights = self.mass[places] / np.maximum(np.sqrt(distances), LEAST_DISTANCE)
        total = np.maximum(weights.sum(axis=1), LEAST_MASS)
        if not len(self.prior):
            return np.asarray(((weights * self.targets[places]).sum(axis=1) / total)[:, None])
        votes = np.zeros((len(places), len(self.prior)))
        np.add.at(votes, (np.arange(len(places))[:, None], self.targets[places].astype(np.int64)), weights)
        # One more vote for what is usual: no class is impossible.
        return np.asarray((votes / total[:, None] * places.shape[1] + self.prior) / (places.shape[1] + 1))

    def check(self, width: int) -> None:
        """Refuses arrays that do not fit each other or a matrix of `width` columns.

        Raises:
            BundleError: if they do not.
        """
        classes = len(self.prior)
        sound = (
            self.stored.ndim == 2
            and self.stored.dtype == np.float32
            and self.stored.shape[1] == width
            and self.stored.shape[:1] == self.targets.shape == self.mass.shape
            and 1 <= self.count <= len(self.stored)
            and (not classes or bool(((self.targets >= 0) & (self.targets < classes)).all()))
        )
        if not sound:
            raise BundleError(f"The neighbours of the model do not fit a matrix of {width} columns.")


def find(rows: Matrix, stored: Floats, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places and squared distances (rows x count) of the nearest stored rows, nearest first."""
    cells = np.ascontiguousarray(rows, dtype=np.float32)
    places = np.empty((len(cells), count), dtype=np.int64)
    distances = np.empty((len(cells), count))
    nearest(cells, stored, places, distances)
    return places, distances
