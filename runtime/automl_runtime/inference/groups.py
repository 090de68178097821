"""Fitted pieces of preprocessing that look at two columns at once, of which one at least is a category."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.inference.encoding import UNSEEN, Encoded
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["GROUP_STATISTICS", "CrossedMeans", "Grouped"]

GROUP_STATISTICS = ("mean", "spread", "difference", "ratio", "rank")
"""What `Grouped` can say of a number among the rows of a level."""


@dataclass(frozen=True, slots=True)
class CrossedMeans:
    """Two categories as one: smoothed means of the target of each combination that was seen, and log counts.

    A combination is written as one number, `keys` (ascending within each pair of columns; those of pair `j` begin at
    `starts[j]`), with a row of `table` for each and a last one for combinations that were not seen.
    """

    left: Ints
    right: Ints
    widths: Ints
    """By how much the code of `left` is multiplied: the codes of `right`."""
    keys: Ints
    starts: Ints
    table: Floats

    def transform(self, data: Encoded) -> Floats:
        """float64, outputs x pairs wide."""
        return self.table[self.places(data)].reshape(len(data), len(self.left) * self.table.shape[1])

    def places(self, data: Encoded) -> Ints:
        """The row of `table` for each row and pair."""
        found = np.empty((len(data), len(self.left)), dtype=np.int64)
        wanted = cross(data, self.left, self.right, self.widths)
        for pair, (first, last) in enumerate(zip(self.starts, self.starts[1:], strict=False)):
            keys = self.keys[first:last]
            place = np.minimum(np.searchsorted(keys, wanted[:, pair]), len(keys) - 1)
            found[:, pair] = np.where(keys[place] == wanted[:, pair], first + place, len(self.keys))
        return found


def cross(data: Encoded, left: Ints, right: Ints, widths: Ints) -> Ints:
    """One number for the two codes of each pair of columns (rows x pairs)."""
    one, other = (data.codes[:, columns].astype(np.int64) - UNSEEN for columns in (left, right))
    return one * widths + other


@dataclass(frozen=True, slots=True)
class Grouped:
    """Statistics of a number among the rows with the same category; unseen and rare levels lean on all rows.

    Pair `j` is of category `categories[j]` and number `numbers[j]`; its levels have the rows `offsets[j]` and following
    of `means`, `spreads` and `edges` (quantiles, ascending). `kept` are places among `GROUP_STATISTICS` x pairs.
    """

    categories: Ints
    numbers: Ints
    offsets: Ints
    means: Floats
    spreads: Floats
    edges: Floats
    kept: Ints

    def transform(self, data: Encoded) -> Floats:
        """float64, `kept` wide; NaN where the number is missing and the statistic needs it."""
        found = np.empty((len(data), len(self.kept)))
        for column, kept in enumerate(self.kept.tolist()):
            pair, place = divmod(kept, len(GROUP_STATISTICS))
            levels = data.codes[:, self.categories[pair]] + (self.offsets[pair] - UNSEEN)
            found[:, column] = self._statistic(GROUP_STATISTICS[place], levels, data.numbers[:, self.numbers[pair]])
        return np.where(np.isfinite(found), found, np.nan)

    def _statistic(self, name: str, levels: Ints, values: Floats) -> Floats:
        if name == "mean":
            return self.means[levels]
        if name == "spread":
            return self.spreads[levels]
        if name == "difference":
            return values - self.means[levels]
        if name == "ratio":
            means = self.means[levels]
            return values / np.where(means == 0, np.nan, means)
        ranks = np.zeros(len(values))
        # One quantile after the other: all at once would take fifteen times the memory of the column.
        for edges in self.edges.T:
            ranks += (edges[levels] < values) + 0.0 + (edges[levels] <= values)
        return np.where(np.isnan(values), np.nan, ranks / (2.0 * self.edges.shape[1]))
