"""How far out a row lies in the empirical distributions of its columns.

Li et al., ECOD: Unsupervised Outlier Detection Using Empirical Cumulative Distribution Functions (2022): the tail
probabilities of all columns are multiplied, once those to the left, once those to the right, and once those on the
side to which each column is skewed; the largest of the three counts. Here columns of counts have a left tail only
(a level is strange when it is rare), and large columns keep some quantiles instead of all their values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["Tails", "fit_tails", "quantile_places"]

_KNOTS = 512


@dataclass(frozen=True, slots=True)
class Tails:
    """The knots of column `j` are `values[offsets[j]:offsets[j + 1]]`, ascending, with the shares of rows there."""

    values: Floats
    below: Floats
    """The share of the training rows that have the value or less."""
    above: Floats
    """The share that have it or more."""
    offsets: Ints
    side: Ints
    """-1 where little is strange, 1 where much is: the side to which the column is skewed."""
    counted: Bools
    """Columns with a left tail only."""
    rows: int

    def surprise(self, cells: Floats) -> Floats:
        """-log of the tail probability of each cell on the side that counts for its row: rows x columns, float64.

        The sum over columns is the score of ECOD. A cell further out than all training rows counts as one row more.
        """
        left, right = np.empty(cells.shape), np.empty(cells.shape)
        least = 1.0 / (self.rows + 1)
        for column in range(cells.shape[1]):
            part = slice(self.offsets[column], self.offsets[column + 1])
            knots, values = self.values[part], cells[:, column]
            below = np.interp(values, knots, self.below[part], left=least)
            above = np.interp(values, knots, self.above[part], right=least)
            left[:, column], right[:, column] = -np.log(below), -np.log(above)
        right[:, self.counted] = left[:, self.counted]
        skewed = np.where(self.side < 0, left, right)
        sums = np.stack([left.sum(axis=1), right.sum(axis=1), skewed.sum(axis=1)])
        best = np.argmax(sums, axis=0)[:, None]
        return np.where(best == 0, left, np.where(best == 1, right, skewed))

    def check(self, width: int) -> None:
        """Refuses arrays that do not fit each other or `width` columns.

        Raises:
            BundleError: if they do not.
        """
        knots = len(self.values)
        sound = (
            self.offsets.shape == (width + 1,)
            and self.offsets.dtype.kind == "i"
            and self.offsets[0] == 0
            and self.offsets[-1] == knots
            and bool((np.diff(self.offsets) > 0).all())
            and self.side.shape == self.counted.shape == (width,)
            and self.counted.dtype == np.bool_
            and all(array.shape == (knots,) and array.dtype == np.float64 for array in (self.below, self.above))
            and bool(((self.below > 0) & (self.above > 0)).all())
            and self.rows > 0
        )
        if not sound:
            raise BundleError("The tails of the model do not fit its columns.")


def fit_tails(cells: Floats, counted: Bools) -> Tails:
    """The empirical distributions of the columns of `cells` (rows x columns, finite)."""
    values, below, above, offsets = [], [], [], [0]
    for column in cells.T:
        ordered = np.sort(column)
        known, first = np.unique(ordered, return_index=True)
        last = np.append(first[1:], len(ordered))
        if len(known) > _KNOTS:
            places = quantile_places(len(known), _KNOTS)
            known, first, last = known[places], first[places], last[places]
        values.append(known)
        below.append(last / len(ordered))
        above.append(1.0 - first / len(ordered))
        offsets.append(offsets[-1] + len(known))
    centered = cells - cells.mean(axis=0)
    # Divided first: cubes of the largest numbers would overflow.
    centered /= np.maximum(np.abs(centered).max(axis=0), np.finfo(float).tiny)
    side = np.where((centered**3).mean(axis=0) < 0, -1, 1)
    return Tails(
        np.concatenate(values),
        np.concatenate(below),
        np.concatenate(above),
        np.array(offsets, dtype=np.int64),
        side.astype(np.int64),
        counted,
        len(cells),
    )


def quantile_places(count: int, most: int) -> Ints:
    """About `most` places among `count` sorted values: half of them evenly, half ever denser towards both ends."""
    if count <= most:
        return np.arange(count)
    even = np.linspace(0, count - 1, most // 2)
    tail = np.geomspace(1, count, most // 4) - 1
    return np.unique(np.concatenate([even, tail, count - 1 - tail]).astype(np.int64))
