"""Linear models that leave columns out: lasso and elastic net, for values and for classes.

Tibshirani, Regression Shrinkage and Selection via the Lasso, 1996; Zou and Hastie, Regularization and Variable
Selection via the Elastic Net, 2005. Fitted by accelerated proximal gradient steps (Beck and Teboulle, FISTA, 2009)
that start anew when they overshoot (O'Donoghue and Candes, Adaptive Restart, 2015), along a path of penalties as in
glmnet (Friedman et al., 2010).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Job
from automl_runtime.engine.learners.linear import Ending, LinearLearner, raw_of, slope_of
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = ["ElasticNetLearner", "LassoLearner", "strengths"]

_STEPS = 13
_WEAKEST = 1e-3
_MOST = {"values": (5_000, 1e-8), "classes": (300, 1e-5)}
"""Steps for each strength, and the change of the weights that ends them; those of classes pass over all rows."""
_POWER_STEPS = 30
_SAFETY = 1.1

Slope = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class LassoLearner(LinearLearner):
    """The loss (a mean over rows) plus a strength times the absolute weights."""

    name: ClassVar[str] = "lasso"
    patience: ClassVar[int] = 3
    share: ClassVar[float] = 1.0
    """Of the penalty that is absolute; the rest is squared."""

    def path(
        self, job: Job, matrix: Matrix, y: Floats, weights: Floats, ending: Ending
    ) -> Iterator[NDArray[np.float64]]:
        """Weights (columns + intercept x outputs) for each strength of the penalty, strongest first."""
        classes = len(job.problem.classes)
        mass = weights / weights.sum()
        current = _start(matrix.shape[1], y, mass, classes)
        slope = _slope(matrix, y, mass, classes)
        ends = _MOST["classes" if classes else "values"]
        curvature = _SAFETY * _largest(matrix, mass) * (1.0 if not classes else 0.25 if classes == 2 else 0.5)
        for strength in strengths(slope(current), self.share):
            absolute, squared = strength * self.share, strength * (1 - self.share)
            current = _descend(slope, curvature, current, absolute, squared, *ends, ending)
            yield current


class ElasticNetLearner(LassoLearner):
    """As lasso, half of the penalty squared: columns that say the same share their weight."""

    name: ClassVar[str] = "elastic_net"
    share: ClassVar[float] = 0.5


def strengths(slope: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """The path: from the strength that leaves every weight at 0 down to a thousandth of it."""
    most = max(float(np.abs(slope[:-1]).max(initial=0.0)) / share, 1e-12)
    return np.asarray(np.geomspace(most, most * _WEAKEST, _STEPS))


def _start(width: int, y: Floats, mass: Floats, classes: int) -> NDArray[np.float64]:
    """No weights, and the intercept that is best without them."""
    start = np.zeros((width + 1, classes if classes > 2 else 1))
    if not classes:
        start[-1] = mass @ y
    else:
        chances = np.bincount(y.astype(np.int64), mass, minlength=classes).clip(1e-9)
        logs = np.log(chances)
        start[-1] = logs[1] - logs[0] if classes == 2 else logs - logs.mean()
    return start


def _slope(matrix: Matrix, y: Floats, mass: Floats, classes: int) -> Slope:
    """The gradient of the mean loss; for values from the Gram matrix, so that steps do not depend on the rows."""
    transposed, codes = matrix.T, y.astype(np.int64)
    if not classes and isinstance(matrix, np.ndarray):
        weighted = np.vstack([transposed, np.ones(len(y))]) * mass
        rows = np.hstack([matrix, np.ones((len(y), 1))])
        gram, cross = weighted @ rows, (weighted @ y)[:, None]
        return lambda current: gram @ current - cross

    def slope(current: NDArray[np.float64]) -> NDArray[np.float64]:
        error = slope_of(raw_of(matrix, current), y, codes, classes) * mass[:, None]
        return np.vstack([np.asarray(transposed @ error), error.sum(axis=0)])

    return slope


def _largest(matrix: Matrix, mass: Floats) -> float:
    """The largest eigenvalue of the weighted Gram matrix, intercept included, by power iteration."""
    vector = np.random.default_rng(0).normal(size=matrix.shape[1] + 1)
    size = 1.0
    for _ in range(_POWER_STEPS):
        vector /= np.linalg.norm(vector)
        images = (np.asarray(matrix @ vector[:-1]) + vector[-1]) * mass
        vector = np.append(np.asarray(matrix.T @ images), images.sum())
        size = float(np.linalg.norm(vector))
    return max(size, 1e-12)


def _descend(
    slope: Slope,
    curvature: float,
    start: NDArray[np.float64],
    absolute: float,
    squared: float,
    most: int,
    tolerance: float,
    ending: Ending,
) -> NDArray[np.float64]:
    current, ahead, momentum = start, start, 1.0
    for iteration in range(most):
        step = ahead - slope(ahead) / curvature
        weights = np.sign(step[:-1]) * np.maximum(np.abs(step[:-1]) - absolute / curvature, 0.0)
        moved = np.vstack([weights / (1.0 + squared / curvature), step[-1:]])
        change = moved - current
        if float(np.abs(change).max()) <= tolerance * max(1.0, float(np.abs(moved).max())):
            return moved
        if float(((ahead - moved) * change).sum()) > 0:
            momentum = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead = moved + (momentum - 1.0) / following * change
        current, momentum = moved, following
        if iteration % 10 == 9 and ending():
            break
    return current
