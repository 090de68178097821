"""Target means of categories with many levels, out of fold for the rows that train.

Each row that trains gets the mean over the other rows' folds, so that a level that occurs once does not give
its target away (Micci-Barreca, A preprocessing scheme for high-cardinality categorical attributes, 2001; the
smoothing is its m-estimate).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl_runtime.inference.blocks import TargetMeans, table_places
from automl_runtime.inference.encoding import MISSING, UNSEEN, Encoded
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["Target", "by_frequency", "fit_target_means", "flatten_tables", "level_counts"]

_FOLDS = 5
_SMOOTHING = 10.0
_MOST_OUTPUTS = 10


@dataclass(frozen=True, slots=True)
class Target:
    """What target means are taken of: `y`, the number of `classes` (0: regression), and groups that stay together."""

    y: NDArray[np.float64]
    classes: int
    groups: NDArray[np.int64] | None = None

    def columns(self) -> Floats:
        """Standardised: the value, the second of two classes, or each of up to ten classes (rows x outputs)."""
        if self.classes > _MOST_OUTPUTS:
            return np.empty((len(self.y), 0))
        columns = (self.y[:, None] == np.arange(self.classes)).astype(np.float64) if self.classes else self.y[:, None]
        columns = columns[:, 1:] if self.classes == 2 else columns
        spread = columns.std(axis=0)
        return np.asarray((columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def level_counts(data: Encoded, column: int) -> NDArray[np.int64]:
    """How often each code of a column occurs: entry 0 is `UNSEEN`, 1 `MISSING`, then the vocabulary."""
    return np.bincount(data.codes[:, column] - UNSEEN, minlength=data.levels[column] - UNSEEN)


def by_frequency(data: Encoded, column: int) -> Ints:
    """The entries of `level_counts` that occur, the most frequent first; of equals missing, then the alphabet.

    Not the order of the vocabulary: that one knows how often levels occur in rows that do not train.
    """
    counts = level_counts(data, column)
    places = np.concatenate([[0, MISSING - UNSEEN], data.orders[column] - UNSEEN])
    places = places[counts[places] > 0]
    return np.asarray(places[np.argsort(-counts[places], kind="stable")])


def flatten_tables(tables: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The tables of a code block one behind the other, and where each begins (and the last ends)."""
    return np.concatenate(tables), np.concatenate([[0], np.cumsum([len(table) for table in tables])])


def fit_target_means(data: Encoded, columns: Ints, target: Target, seed: int) -> tuple[TargetMeans, Floats]:
    """The block, and its matrix for the rows it was fitted on."""
    outputs = target.columns()
    sizes = np.array([data.levels[column] - UNSEEN for column in columns], dtype=np.int64)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    places = table_places(data, columns, offsets)
    fold = _folds(len(data), target.groups, seed)
    sums = np.zeros((_FOLDS, offsets[-1], outputs.shape[1]))
    counts = np.zeros((_FOLDS, offsets[-1]))
    flat = (fold[:, None] * offsets[-1] + places).ravel()
    counts += np.bincount(flat, minlength=counts.size).reshape(counts.shape)
    for output, column in enumerate(outputs.T):
        weights = np.repeat(column, len(columns))
        sums[:, :, output] = np.bincount(flat, weights, minlength=counts.size).reshape(counts.shape)
    total, rows = sums.sum(axis=0), counts.sum(axis=0)
    block = TargetMeans(columns, _smooth(total, rows), offsets)
    others = _smooth((total - sums).reshape(-1, outputs.shape[1]), (rows - counts).ravel())
    cells = others[fold[:, None] * offsets[-1] + places]
    return block, cells.reshape(len(data), len(columns) * others.shape[1])


def _smooth(sums: Floats, counts: Floats) -> Floats:
    """Means shrunk to 0 (the targets are standardised), then log(1 + count) as the last column."""
    means = sums / (counts + _SMOOTHING)[:, None]
    return np.hstack([means, np.log1p(counts)[:, None]])


def _folds(rows: int, groups: NDArray[np.int64] | None, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.permutation(rows) % _FOLDS
    return np.asarray(rng.integers(0, _FOLDS, size=int(groups.max()) + 1)[groups])
