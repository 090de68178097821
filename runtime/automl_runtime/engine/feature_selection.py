"""Chooses the input columns that tell most about the target."""

from __future__ import annotations

import math

import numpy as np
from automl_schemas.preprocessing import Selection

from automl_runtime.engine.pairs import gains
from automl_runtime.engine.target_means import Target, fit_target_means
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.steps import Selected
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["fit_selection"]

_SHARE_DROPPED = 0.25


def fit_selection(data: Encoded, target: Target, method: Selection, k: float, seed: int) -> Selected:
    """The best `k` numbers and categories together (below 1: that share of them, rounded up); texts all stay.

    Categories are judged by their out-of-fold target means.
    """
    width, codes = data.numbers.shape[1], data.codes.shape[1]
    matrix, owners = data.numbers, np.arange(width)
    if codes:
        _, means = fit_target_means(data, np.arange(codes), target, seed)
        matrix = np.hstack([matrix, means])
        owners = np.concatenate([owners, width + np.repeat(np.arange(codes), means.shape[1] // codes)])
    wanted = min(width + codes, math.ceil(k * (width + codes)) if k < 1 else int(k))
    if method == "k_best":
        kept = _best(_scores(matrix, target), owners, np.arange(width + codes), wanted)
    else:
        kept = _by_gain(matrix, owners, target, wanted, seed, again=method == "recursive")
    return Selected(kept[kept < width], kept[kept >= width] - width, width)


def _best(scores: Floats, owners: Ints, candidates: Ints, wanted: int) -> Ints:
    """The `wanted` candidates with the largest score of any of their columns; ties: the first."""
    largest = np.full(len(candidates), -1.0)
    np.maximum.at(largest, np.searchsorted(candidates, owners), scores)
    return np.sort(candidates[np.argsort(-largest, kind="stable")[:wanted]])


def _by_gain(matrix: Floats, owners: Ints, target: Target, wanted: int, seed: int, *, again: bool) -> Ints:
    """By what each adds to a short boosting: at once, or dropping the last quarter `again` and again."""
    kept = np.unique(owners)
    while len(kept) > wanted:
        columns = np.flatnonzero(np.isin(owners, kept))
        scores = gains(matrix[:, columns], target.y, target.classes, seed)
        left = max(wanted, len(kept) - max(1, int(len(kept) * _SHARE_DROPPED))) if again else wanted
        kept = _best(scores, owners[columns], kept, left)
    return kept


def _scores(matrix: Floats, target: Target) -> Floats:
    """F statistics as scikit-learn's `f_classif` and `f_regression` give; missing numbers count as the mean."""
    from sklearn.feature_selection import f_classif, f_regression

    scores = np.zeros(matrix.shape[1])
    filled = matrix.copy()
    for column in filled.T:
        gaps = np.isnan(column)
        column[gaps] = column[~gaps].mean() if not gaps.all() else 0.0
    varying = np.flatnonzero(np.ptp(filled, axis=0) > 0)
    if len(varying):
        judge = f_classif if target.classes else f_regression
        scores[varying] = np.nan_to_num(judge(filled[:, varying], target.y)[0], nan=0.0)
    return scores
