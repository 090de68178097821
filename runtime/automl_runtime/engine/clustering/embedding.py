"""From a table to the points between which distances are taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl_runtime.engine.axes import main_axes
from automl_runtime.engine.saving import Arrays
from automl_runtime.engine.spaces import Space, encoded_chunks, fit_filling, fit_likeness, read_space, write_space
from automl_runtime.errors import BundleError
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["Embedding", "fit_embedding"]

_LIMIT = 4.0
"""Where coordinates are cut off: a wild cell makes no group of its own."""
_DIMENSIONS = 32
_SHARE = 0.9
_COMPARED = 4_000
_QUANTILES = (0.2, 0.4, 0.6, 0.8)
_CHANCE = 0.01
_WEAKEST = 0.1
_WIDE = 600
_SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class Embedding:
    """The encoder, the space of coordinates, and `axes` (coordinates x dimensions), along which points lie.

    `axes` is None where the coordinates are the points.
    """

    encoder: Encoder
    space: Space
    axes: Floats | None

    @property
    def dimensions(self) -> int:
        """Of a point."""
        return len(self.space.owners) if self.axes is None else self.axes.shape[1]

    @property
    def counted(self) -> list[str]:
        """The input columns that count in distances."""
        return [self.encoder.columns[owner].name for owner in np.unique(self.space.owners[self.space.scale > 0])]

    def project(self, coordinates: Floats) -> Floats:
        """The points of rows of coordinates."""
        return coordinates if self.axes is None else coordinates @ self.axes

    def chunks(self, frame: pd.DataFrame) -> Iterator[tuple[Floats, Floats]]:
        """Coordinates and points of the rows in order, some thousands at a time; float64."""
        for data in encoded_chunks(self.encoder, frame):
            coordinates = self.space.coordinates(data)
            yield coordinates, self.project(coordinates)

    def points(self, frame: pd.DataFrame) -> Floats:
        """float64, rows x dimensions."""
        return np.vstack([np.empty((0, self.dimensions)), *(points for _, points in self.chunks(frame))])

    def write(self, arrays: Arrays) -> dict[str, Any]:
        """Puts the arrays into `arrays`; returns the rest as JSON."""
        if self.axes is not None:
            arrays["axes"] = self.axes
        return {"columns": self.encoder.to_json(), "space": write_space(self.space, "space", arrays)}

    @classmethod
    def read(cls, record: dict[str, Any], arrays: Arrays) -> Embedding:
        """What `write` wrote.

        Raises:
            BundleError: if its parts do not fit together.
        """
        encoder = Encoder.from_json(record["columns"])
        space, axes = read_space(record["space"], "space", arrays, encoder), arrays.get("axes")
        if axes is not None and (axes.ndim != 2 or len(axes) != len(space.owners) or axes.dtype != np.float64):
            raise BundleError("The main directions of the model do not fit its columns.")
        return cls(encoder, space, axes)


def fit_embedding(encoder: Encoder, data: Encoded, seed: int) -> Embedding:
    """The space of likeness, of the input columns that go with another one, in its main directions.

    Groups show in several columns together; a column that goes with no other would split every group once more.
    Where no column goes with another, all count. The directions are those of 90 % of the variance, 2 to 32.

    Raises:
        TrainingError: if every column has the same value in all rows.
    """
    space = fit_likeness(encoder, data, seed, limit=_LIMIT)
    # Before gaps are filled: what is filled in by other columns goes with them by its making.
    coordinates = space.coordinates(data)
    drawn = np.random.default_rng(seed).permutation(len(coordinates))[:_COMPARED]
    counts = _goes_with_another(coordinates[drawn], space.owners)
    if counts.any():
        space = replace(space, scale=np.where(counts, space.scale, 0.0))
    space = fit_filling(space, data)
    coordinates = space.coordinates(data)
    axes = main_axes(coordinates, _SHARE, _DIMENSIONS)
    if axes.shape[1] == 1:
        axes = main_axes(coordinates, 1.0, 2)
    return Embedding(encoder, space, axes if axes.shape[1] < len(space.owners) else None)


def _goes_with_another(coordinates: Floats, owners: Ints) -> Bools:
    """Which coordinates belong to an input column that goes with another one.

    Coordinates are cut at their quintiles; two go together when Cramer's V is at least 0.1, and chi-square would be as
    large by chance among all pairs once in a hundred times. Of more than 600 coordinates all count: their pairs would
    not fit into the memory.
    """
    from scipy.special import chdtri

    if len(owners) > _WIDE:
        return np.ones(len(owners), dtype=bool)
    rows = len(coordinates)
    hot, starts = _one_hot_bins(coordinates)
    levels = np.add.reduceat(hot.any(axis=0), starts).astype(np.int64)
    observed = (hot.T @ hot).astype(np.float64)
    expected = np.maximum(np.outer(np.diag(observed), np.diag(observed)) / rows, _SMALLEST)
    cells = (observed - expected) ** 2 / expected
    squares = np.add.reduceat(np.add.reduceat(cells, starts, axis=0), starts, axis=1)
    freedom = np.outer(levels - 1, levels - 1)
    limit = chdtri(np.maximum(freedom, 1), _CHANCE / max(1, len(owners) * (len(owners) - 1) // 2))
    strength = np.sqrt(squares / (rows * np.maximum(np.minimum.outer(levels, levels) - 1, 1)))
    together = (freedom > 0) & (owners[:, None] != owners) & (squares > limit) & (strength >= _WEAKEST)
    return np.isin(owners, owners[together.any(axis=1)])


def _one_hot_bins(coordinates: Floats) -> tuple[Floats, Ints]:
    """A 0/1 column for each bin of each coordinate (float32), and where the bins of each begin."""
    cuts = [np.unique(np.quantile(column, _QUANTILES)) for column in coordinates.T]
    starts = np.concatenate([[0], np.cumsum([len(cut) + 1 for cut in cuts])])
    hot = np.zeros((len(coordinates), starts[-1]), dtype=np.float32)
    for start, cut, column in zip(starts, cuts, coordinates.T, strict=False):
        hot[np.arange(len(coordinates)), start + np.searchsorted(cut, column)] = 1.0
    return hot, starts[:-1]
