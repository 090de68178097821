"""A second level over the models: a regularised logistic regression on their out-of-fold log chances.

Wolpert, Stacked Generalization, 1992; weights that are not negative as in Breiman, Stacked Regressions, 1996. Mixing
log chances (logarithmic pooling) sharpens what models agree on, which no mean can do. Only for classes: of values the
greedy mean did better on every table that was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import selection_loss
from automl_runtime.inference.parts import centered_logs, pool
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["Stack", "stack"]

_MOST_MODELS = 10
_MOST_CELLS = 100_000
_RIDGE = 1.0
_LEAST_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Stack:
    """The second level, and what it gives for rows of folds on which it was not fitted."""

    weights: NDArray[np.float64]
    """Of each model; 0 for those that are left out."""
    shifts: NDArray[np.float64]
    """Of each class."""
    outputs: Floats
    """Rows x classes, out of fold."""


def stack(problem: Problem, rows: Ints, folds: Sequence[int], outputs: Sequence[Floats], seed: int) -> Stack:
    """Fits the second level on all `rows`, and once without each fold for an honest score.

    Args:
        problem: of classes.
        rows: that validated, fold after fold.
        folds: how many rows each fold has, two or more.
        outputs: of each model, for `rows`.
        seed: of the sample, where there are many rows.
    """
    loss = selection_loss(problem, rows)
    ranked = np.argsort([loss(each) for each in outputs], kind="stable")[:_MOST_MODELS]
    logs = np.stack([centered_logs(outputs[place]) for place in ranked], axis=2)
    codes = problem.codes[rows]
    number = np.repeat(np.arange(len(folds)), folds)
    nested = np.empty_like(logs[:, :, 0])
    for fold in range(len(folds)):
        inside = np.flatnonzero(number == fold)
        nested[inside] = pool(logs[inside], *_fit(logs, codes, np.flatnonzero(number != fold), seed))
    found, shifts = _fit(logs, codes, np.arange(len(rows)), seed)
    weights = np.zeros(len(outputs))
    weights[ranked] = found
    return Stack(weights, shifts, nested)


def _fit(
    logs: Floats, codes: Ints, rows: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of the models (small ones are dropped, the others fitted again) and shifts of the classes."""
    most = max(_MOST_CELLS // (logs.shape[1] * logs.shape[2]), 10 * logs.shape[2])
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
    weights, _ = _minimise(logs[rows], codes[rows])
    kept = np.flatnonzero(weights >= _LEAST_SHARE * weights.sum())
    result = np.zeros(logs.shape[2])
    result[kept], shifts = _minimise(logs[rows][:, :, kept], codes[rows])
    return result, shifts


def _minimise(logs: Floats, codes: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The log loss, and a ridge that draws the weights to their mean and the shifts to 0."""
    from scipy.optimize import minimize

    count, classes, models = logs.shape
    usual, every = 1.0 / models, np.arange(count)

    def objective(current: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, shifts = current[:models], current[models:]
        chances = pool(logs, weights, shifts)
        loss = -float(np.log(np.maximum(chances[every, codes], 1e-300)).sum())
        loss += 0.5 * _RIDGE * float(((weights - usual) ** 2).sum() + (shifts**2).sum())
        chances[every, codes] -= 1.0
        slope = chances.ravel() @ logs.reshape(-1, models) + _RIDGE * (weights - usual)
        return loss, np.concatenate([slope, chances.sum(axis=0) + _RIDGE * shifts])

    start = np.concatenate([np.full(models, usual), np.zeros(classes)])
    bounds = [(0.0, None)] * models + [(None, None)] * classes
    found = minimize(objective, start, method="L-BFGS-B", jac=True, bounds=bounds).x
    return found[:models], found[models:]
