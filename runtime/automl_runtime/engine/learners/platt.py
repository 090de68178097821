"""Turns scores into log odds by Platt's method.

Platt, Probabilistic Outputs for Support Vector Machines, 1999, with the targets of his section 2.2; Newton's method as
in Lin, Lin and Weng, A Note on Platt's Probabilistic Outputs, 2007.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from automl_runtime.inference.linear import sigmoid
from automl_runtime.kernels.arrays import Floats

__all__ = ["InnerFolds", "inner_folds", "platt"]

InnerFolds: TypeAlias = list[tuple[NDArray[np.int64], NDArray[np.int64]]]

_STEPS = 50
_RIDGE = 1e-10


def platt(scores: Floats, positive: NDArray[np.bool_], weights: Floats) -> tuple[float, float]:
    """Slope and shift of the log odds `slope * score + shift` of the positive class."""
    ones, zeros = float(weights[positive].sum()), float(weights[~positive].sum())
    targets = np.where(positive, (ones + 1.0) / (ones + 2.0), 1.0 / (zeros + 2.0))
    rows = np.column_stack([scores, np.ones(len(scores))])
    current = np.array([0.0, np.log((ones + 1.0) / (zeros + 1.0))])
    loss = _loss(rows, targets, weights, current)
    for _ in range(_STEPS):
        chances = sigmoid(rows @ current)
        gradient = rows.T @ (weights * (chances - targets))
        hessian = (rows * (weights * chances * (1.0 - chances))[:, None]).T @ rows
        step = np.linalg.solve(hessian + _RIDGE * (1.0 + np.trace(hessian)) * np.eye(2), gradient)
        size = 1.0
        while size > 1e-8 and _loss(rows, targets, weights, current - size * step) > loss:
            size /= 2.0
        current = current - size * step
        before, loss = loss, _loss(rows, targets, weights, current)
        if before - loss <= 1e-10 * max(abs(before), 1.0):
            break
    return float(current[0]), float(current[1])


def _loss(rows: Floats, targets: Floats, weights: Floats, current: Floats) -> float:
    raw = rows @ current
    return float(weights @ (np.logaddexp(0.0, raw) - targets * raw))


def inner_folds(train: NDArray[np.int64], count: int, seed: int) -> InnerFolds:
    """The places of `train` in `count` parts drawn at random, each with the rest: its scores come from a fit on it.

    A row that comes more than once (balanced classes, copies of pictures) is in one part only.
    """
    rows, owner = np.unique(train, return_inverse=True)
    part = (np.random.default_rng(seed).permutation(len(rows)) % count)[owner]
    return [(np.flatnonzero(part == number), np.flatnonzero(part != number)) for number in range(count)]
