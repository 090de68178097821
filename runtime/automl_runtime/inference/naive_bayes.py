"""Naive Bayes over numbers and codes of categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Ints, Matrix

__all__ = ["NaiveBayes"]


@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """Normal numbers and independent categories in each class; a missing cell says nothing."""

    prior: Floats
    """Log chance of each class."""
    means: Floats
    """Numbers x classes, as are `variances`."""
    variances: Floats
    table: Floats
    """Log chance of each code (rows) in each class; those of column `j` are rows `offsets[j]` to `offsets[j + 1]`."""
    offsets: Ints

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x classes: log chances up to a constant of the row."""
        numbers = rows[:, : len(self.means)]
        out = np.tile(self.prior, (len(rows), 1))
        spread = -0.5 * np.log(2 * np.pi * self.variances)
        for column in range(len(self.means)):
            logs = spread[column] - 0.5 * (numbers[:, [column]] - self.means[column]) ** 2 / self.variances[column]
            # Classes differ by little where a number is far from all of them, and its log would drown the others.
            logs -= logs.max(axis=1, keepdims=True)
            out += np.where(np.isnan(logs), 0.0, logs)
        for column in range(len(self.offsets) - 1):
            codes = rows[:, len(self.means) + column]
            first, last = self.offsets[column : column + 2]
            known = np.flatnonzero((codes >= 0) & (codes < last - first))
            out[known] += self.table[first + codes[known].astype(np.int64)]
        return out

    def check(self, width: int) -> None:
        """Refuses arrays that do not fit each other or a matrix of `width` columns.

        Raises:
            BundleError: if they do not.
        """
        classes = len(self.prior)
        shapes = self.means.shape == self.variances.shape and self.means.ndim == self.table.ndim == 2
        offsets = self.offsets
        sound = (
            shapes
            and self.means.shape[1] == self.table.shape[1] == classes
            and len(self.means) + len(offsets) - 1 == width
            and bool((np.diff(offsets) >= 0).all())
            and offsets[0] == 0
            and offsets[-1] == len(self.table)
            and bool((self.variances > 0).all())
        )
        if not sound:
            raise BundleError(f"The tables of the naive Bayes model do not read {width} columns.")
