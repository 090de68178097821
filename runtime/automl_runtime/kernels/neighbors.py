"""Finds the nearest rows by looking at all of them."""

from __future__ import annotations

import numpy as np

from automl_runtime.kernels.arrays import Floats, Ints
from automl_runtime.kernels.compiling import compiled

__all__ = ["nearest", "nearest_numpy"]


@compiled
def nearest(rows: Floats, stored: Floats, places: Ints, distances: Floats) -> None:
    """Fills `places` and `distances` (rows x k; int64, float64) with the nearest of `stored`, nearest first.

    Distances are squared and Euclidean; of equally near ones the earlier comes first. `rows`, `stored`: float32, C
    order, no NaN; at least k are stored. A row is left as soon as its distance is too large (the partial distances of
    Bei and Gray, 1985).
    """
    count = places.shape[1]
    width = rows.shape[1]
    for row in range(rows.shape[0]):
        for place in range(count):
            distances[row, place] = np.inf
            places[row, place] = -1
        for other in range(stored.shape[0]):
            worst = distances[row, count - 1]
            distance = 0.0
            column = 0
            while column < width and distance < worst:
                last = min(column + 8, width)
                while column < last:
                    off = np.float64(rows[row, column]) - np.float64(stored[other, column])
                    distance += off * off
                    column += 1
            if distance < worst:
                place = count - 1
                while place > 0 and distances[row, place - 1] > distance:
                    distances[row, place] = distances[row, place - 1]
                    places[row, place] = places[row, place - 1]
                    place -= 1
                distances[row, place] = distance
                places[row, place] = other


def nearest_numpy(rows: Floats, stored: Floats, places: Ints, distances: Floats) -> None:
    """The twin of `nearest`: one row at a time against all."""
    for number, row in enumerate(rows.astype(np.float64)):
        found = ((row - stored) ** 2).sum(axis=1)
        order = np.argsort(found, kind="stable")[: places.shape[1]]
        places[number], distances[number] = order, found[order]
