"""Finds the limits beyond which numbers are outliers, and the rows that hold some."""

from __future__ import annotations

import numpy as np
from automl_schemas.preprocessing import OutlierAction, Outliers

from automl_runtime.inference.steps import Bounded
from automl_runtime.kernels.arrays import Bools, Floats

__all__ = ["fit_bounds", "outlying_rows"]

_RANGES = 1.5
_DEVIATIONS = 3.0
_PERCENTILES = (1.0, 99.0)


def fit_bounds(numbers: Floats, method: Outliers, action: OutlierAction, seed: int) -> Bounded:
    """What is done with numbers (rows x columns, NaN where missing) beyond their column's limits.

    A column with at most two values, or without any spread that the method sees, has no limits.
    """
    regular = _regular(numbers, seed) if method == "isolation_forest" else np.ones(len(numbers), dtype=bool)
    found = [_bounds(column, regular, method, action) for column in numbers.T]
    low, high, below, above = np.array(found, dtype=np.float64).reshape(-1, 4).T
    return Bounded(low, high, below, above)


def outlying_rows(numbers: Floats, method: Outliers, seed: int) -> Bools:
    """The rows with an outlier in any column, or those that the isolation forest takes for irregular."""
    if method == "isolation_forest":
        return ~_regular(numbers, seed)
    bounds = fit_bounds(numbers, method, "clip", seed)
    return np.asarray(((numbers < bounds.low) | (numbers > bounds.high)).any(axis=1))


def _bounds(column: Floats, regular: Bools, method: Outliers, action: OutlierAction) -> tuple[float, ...]:
    """The limits, and what stands for numbers below and above them."""
    known = column[~np.isnan(column)]
    inside = column[regular & ~np.isnan(column)]
    low, high = (-np.inf, np.inf) if len(np.unique(known)) <= 2 or not len(inside) else _limits(known, inside, method)
    kept = known[(known >= low) & (known <= high)]
    if action == "mean" and len(kept):
        return low, high, float(kept.mean()), float(kept.mean())
    if action == "winsorize" and len(kept):
        return low, high, float(kept.min()), float(kept.max())
    return low, high, low, high


def _limits(known: Floats, inside: Floats, method: Outliers) -> tuple[float, float]:
    if method == "isolation_forest":
        return float(inside.min()), float(inside.max())
    if method == "percentile":
        low, high = np.percentile(known, _PERCENTILES)
    elif method == "zscore":
        reach = _DEVIATIONS * known.std()
        low, high = known.mean() - reach, known.mean() + reach
    else:
        first, third = np.percentile(known, (25, 75))
        reach = _RANGES * (third - first)
        low, high = first - reach, third + reach
    return (float(low), float(high)) if low < high else (-np.inf, np.inf)


def _regular(numbers: Floats, seed: int) -> Bools:
    """By scikit-learn's isolation forest (Liu et al., Isolation Forest, 2008), gaps filled with medians."""
    from sklearn.ensemble import IsolationForest

    filled = numbers.copy()
    for column in filled.T:
        gaps = np.isnan(column)
        column[gaps] = np.median(column[~gaps]) if not gaps.all() else 0.0
    if not filled.shape[1]:
        return np.ones(len(numbers), dtype=bool)
    return np.asarray(IsolationForest(random_state=seed, n_jobs=1).fit(filled).predict(filled) > 0)
