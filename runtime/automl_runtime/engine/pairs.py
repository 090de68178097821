"""Finds sums, differences and ratios of two numbers that tell more about the target than the numbers alone.

Trees split one column at a time: what depends on a total, a balance or a rate costs them many splits.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.short_boosting import short_boosting
from automl_runtime.engine.target_means import Target
from automl_runtime.inference.blocks import Pairs
from automl_runtime.inference.encoding import Encoded
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["can_pair", "fit_pairs", "gains"]

_MOST_COLUMNS = 8
_MOST_PAIRS = 16
_MOST_ROWS = 10_000
_MOST_CLASSES = 10
_FEWEST_VALUES = 10
_ROUNDS = 60


def fit_pairs(data: Encoded, target: Target, seed: int) -> Pairs | None:
    """The pairs of up to eight numbers that a small forest of boosted trees gains most from; None when there are none.

    Looks at 10,000 rows at most. Everything is learned from the rows given.
    """
    if target.classes > _MOST_CLASSES:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(len(data))[:_MOST_ROWS])
    values, y = data.numbers[rows], target.y[rows]
    fine = _fine(values)
    if len(fine) < 2:
        return None
    if len(fine) > _MOST_COLUMNS:
        found = gains(values[:, fine], y, target.classes, seed)
        fine = np.sort(fine[np.argsort(-found, kind="stable")[:_MOST_COLUMNS]])
    every = _all_pairs(values, fine)
    made = every.compute(values)
    found = gains(np.hstack([values[:, fine], made]), y, target.classes, seed)[len(fine) :]
    chosen = np.argsort(-found, kind="stable")[:_MOST_PAIRS]
    chosen = np.sort(chosen[found[chosen] > 0])
    if not len(chosen):
        return None
    return Pairs(
        every.left[chosen], every.right[chosen], every.first[chosen], every.second[chosen], every.ratio[chosen]
    )


def can_pair(data: Encoded) -> bool:
    """Whether there are two numbers with many values."""
    return len(_fine(data.numbers[:_MOST_ROWS])) > 1


def _fine(values: Floats) -> Ints:
    return np.array([place for place, column in enumerate(values.T) if _has_many(column)], dtype=np.int64)


def _has_many(column: Floats) -> bool:
    known = column[np.isfinite(column)]
    return len(np.unique(known)) >= _FEWEST_VALUES


def _all_pairs(values: Floats, columns: Ints) -> Pairs:
    """For each two columns: sum and difference as they stand, both standardised, and the ratio."""
    spread = {column: float(np.nanstd(values[:, column])) for column in columns.tolist()}
    left, right, first, second, ratio = [], [], [], [], []
    for one, other in combinations(columns.tolist(), 2):
        scaled = spread[one] / spread[other] if spread[other] > 0 else 1.0
        for weight, divided in ((1.0, False), (-1.0, False), (scaled, False), (-scaled, False), (1.0, True)):
            left.append(one)
            right.append(other)
            first.append(1.0)
            second.append(weight)
            ratio.append(divided)
    return Pairs(np.array(left), np.array(right), np.array(first), np.array(second), np.array(ratio))


def gains(matrix: Floats, y: NDArray[np.float64], classes: int, seed: int) -> Floats:
    """How much each column (NaN: missing) adds to a short boosting of `y`: places of classes, or values when 0."""
    booster = short_boosting(matrix, y, classes, seed, _ROUNDS)
    return np.asarray(booster.feature_importance("gain"), dtype=np.float64)
