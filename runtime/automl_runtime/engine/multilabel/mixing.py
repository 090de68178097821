"""A second level in which the labels inform each other.

The log odds of all labels, out of fold, are the inputs of a logistic regression for each label: stacked binary
relevance (Godbole and Sarawagi, Discriminative Methods for Multi-labeled Classification, 2004). Its weights are drawn
towards those of the label's own model alone, and it is kept only where it is better on rows it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from automl_runtime.inference.linear import sigmoid
from automl_runtime.kernels.arrays import Floats, Ints
from automl_runtime.kernels.rows import mix_chances

__all__ = ["apply_mixing", "fit_mixing", "log_odds", "one_row"]

_FOLDS = 5
_PENALTY = 10.0
_STEPS = 25
_HELPS = 0.01
"""Share of the log loss that a second level must save."""
_FARTHEST = 12.0


def log_odds(shares: Floats) -> NDArray[np.float64]:
    """Of probabilities, cut off at 12."""
    safe = np.clip(shares, 1e-12, 1 - 1e-12)
    return np.asarray(np.clip(np.log(safe) - np.log1p(-safe), -_FARTHEST, _FARTHEST), dtype=np.float64)


def apply_mixing(shares: Floats, weights: Floats) -> NDArray[np.float64]:
    """Probabilities (rows x labels) after the second level: `weights` are labels x (labels + intercept).

    Labels whose weights are those of their own model alone stay as they are.
    """
    result = np.array(shares, dtype=np.float64)
    odds = log_odds(shares)
    for place in _mixed(weights):
        result[:, place] = sigmoid(odds @ weights[place, :-1] + weights[place, -1])
    return result


def one_row(weights: Floats) -> Callable[[Floats], Floats]:
    """`apply_mixing` with these `weights`, of a single row (as long as there are labels); made for speed."""
    mixed = _mixed(weights)
    rows = np.ascontiguousarray(weights[mixed], dtype=np.float64)

    def mix(shares: Floats) -> Floats:
        out = np.empty(len(shares))
        mix_chances(shares, rows, mixed, out)
        return out

    return mix if len(mixed) else lambda shares: shares


def _mixed(weights: Floats) -> NDArray[np.intp]:
    """The places of the labels that others inform."""
    return np.flatnonzero((weights != np.eye(len(weights), len(weights) + 1)).any(axis=1))


def fit_mixing(shares: Floats, truth: Ints, folds: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights for `apply_mixing`, and the probabilities after it, those of each row from a fit on other rows.

    Args:
        shares: rows x labels, out of fold.
        truth: 0 and 1, likewise.
        folds: which of five parts each row belongs to.
    """
    labels = shares.shape[1]
    weights, mixed = np.eye(labels, labels + 1), np.array(shares, dtype=np.float64)
    odds = np.column_stack([log_odds(shares), np.ones(len(shares))])
    for place in range(labels):
        y, found = truth[:, place].astype(np.float64), np.zeros(len(shares))
        for part in range(_FOLDS):
            rest = folds != part
            found[~rest] = sigmoid(odds[~rest] @ _fitted(odds[rest], y[rest], place))
        if _loss(found, y) < (1.0 - _HELPS) * _loss(shares[:, place], y):
            weights[place], mixed[:, place] = _fitted(odds, y, place), found
    return weights, mixed


def _fitted(odds: Floats, y: Floats, place: int) -> NDArray[np.float64]:
    """Newton's method for logistic regression with a ridge around the label's own log odds."""
    start = np.zeros(odds.shape[1])
    start[place] = 1.0
    current = start.copy()
    for _ in range(_STEPS):
        chances = sigmoid(odds @ current)
        gradient = odds.T @ (chances - y) + _PENALTY * (current - start)
        hessian = (odds * (chances * (1 - chances))[:, None]).T @ odds + _PENALTY * np.eye(len(start))
        step = np.linalg.solve(hessian, gradient)
        current = current - step
        if np.abs(step).max() < 1e-8:
            break
    return current


def _loss(shares: Floats, y: Floats) -> float:
    safe = np.clip(shares, 1e-7, 1 - 1e-7)
    return float(-(y * np.log(safe) + (1 - y) * np.log(1 - safe)).mean())
