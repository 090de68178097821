"""Gaussian process regression for few points, in NumPy: what a search expects of configurations that it has not tried.

Matern 5/2 kernel with a length for each dimension (Rasmussen and Williams, Gaussian Processes for Machine Learning,
2006, ch. 4 and 5); lengths, noise and scale by the maximum of the posterior, under priors that grow with the number of
dimensions (Hvarfner et al., Vanilla Bayesian Optimization Performs Great in High Dimensions, 2024).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from automl_runtime.kernels.arrays import Floats

__all__ = ["GaussianProcess", "log_expected_improvement"]

_ROOT5 = math.sqrt(5.0)
_JITTER = 1e-8
_NOISE = (-7.0, 2.0)
"""Mean and deviation of the log of the noise's share of the variance."""
_SPREAD = 1.5
_BOUNDS = (-8.0, 8.0)
_STEPS = 40


class GaussianProcess:
    """Fitted when it is made; `predict` gives the mean and the deviation of the value without noise."""

    def __init__(self, features: Floats, owners: NDArray[np.int64], y: Floats, *, least: float = 0.0) -> None:
        """Fits `y` (standardised here) at `features`; columns with the same owner share a length.

        `least` is that of the variance far from all points, in units of that of `y`: points that crowd around one
        optimum make it seem smaller than it is.
        """
        self._x, self._owners = features, owners
        self._shift, self._scale = float(y.mean()), float(y.std()) or 1.0
        z = (y - self._shift) / self._scale
        groups = np.unique(owners)
        self._group = np.searchsorted(groups, owners)
        distances = np.stack([_squared(features[:, self._group == group], None) for group in range(len(groups))])
        # The median of distances grows with the dimensions; so do the lengths that are likely.
        center = -2.0 * (math.log(0.35) + 0.5 * math.log(len(groups)))
        theta = _maximise(distances, z, center)
        self._weights, noise = np.exp(theta[:-1]), math.exp(theta[-1])
        kernel = _matern(np.tensordot(self._weights, distances, 1)) + (noise + _JITTER) * np.eye(len(z))
        self._root = np.linalg.cholesky(kernel)
        self._alpha = _solve(self._root, z)
        self._amplitude = max(float(z @ self._alpha) / len(z), least)

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean and deviation at each row, in the unit of `y`."""
        from scipy.linalg import solve_triangular

        scale = np.sqrt(self._weights[self._group])
        cross = _matern(_squared(features * scale, self._x * scale))
        mean = cross @ self._alpha
        half = solve_triangular(self._root, cross.T, lower=True, check_finite=False)
        variance = self._amplitude * np.maximum(1.0 - (half**2).sum(axis=0), 1e-12)
        return mean * self._scale + self._shift, np.sqrt(variance) * self._scale


def log_expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """The logarithm of how much less than `best` is to be expected (Ament et al., Unexpected Improvements, 2023)."""
    from scipy.special import erfcx

    z = (best - mean) / deviation
    density = -0.5 * z**2 - 0.5 * math.log(2 * math.pi)
    ratio = 1.0 + z * math.sqrt(math.pi / 2) * erfcx(np.clip(-z, -25.0, None) / math.sqrt(2))
    # Far below, the two terms cancel; what is left is 1 / z^2.
    far = z < -50.0
    log_ratio = np.where(far, -2.0 * np.log(np.maximum(np.abs(z), 1.0)), np.log(np.maximum(ratio, 1e-300)))
    return np.asarray(np.where(z > 20.0, np.log(np.maximum(z, 1.0)), density + log_ratio) + np.log(deviation))


def _maximise(distances: Floats, z: Floats, center: float) -> Floats:
    from scipy.optimize import minimize

    start = np.append(np.full(len(distances), center), _NOISE[0])
    found = minimize(
        _negative_posterior,
        start,
        args=(distances, z, center),
        jac=True,
        method="L-BFGS-B",
        bounds=[(center + low, center + high) for low, high in [_BOUNDS] * len(distances)] + [(-14.0, 0.0)],
        options={"maxiter": _STEPS},
    )
    return np.asarray(found.x)


def _negative_posterior(theta: Floats, distances: Floats, z: Floats, center: float) -> tuple[float, Floats]:
    """Minus the log posterior with the amplitude at its best, and its gradient."""
    weights, noise, n = np.exp(theta[:-1]), math.exp(theta[-1]), len(z)
    reach = _ROOT5 * np.sqrt(np.tensordot(weights, distances, 1))
    decay = np.exp(-reach)
    kernel = (1 + reach + reach**2 / 3) * decay
    root = np.linalg.cholesky(kernel + (noise + _JITTER) * np.eye(n))
    inverse = _solve(root, np.eye(n))
    alpha = inverse @ z
    fit = max(float(z @ alpha), 1e-12)
    # d(-log p) = tr(inverse dK) / 2 - n alpha' dK alpha / (2 fit)
    sensitivity = 0.5 * inverse - (0.5 * n / fit) * np.outer(alpha, alpha)
    slope = sensitivity * (-5.0 / 6.0) * (1 + reach) * decay
    gradient = np.append(weights * np.tensordot(distances, slope, 2), noise * np.trace(sensitivity))
    means = np.append(np.full(len(weights), center), _NOISE[0])
    spreads = np.append(np.full(len(weights), 2.0 * _SPREAD), _NOISE[1])
    off = (theta - means) / spreads
    value = 0.5 * n * math.log(fit / n) + float(np.log(np.diag(root)).sum()) + 0.5 * float(off @ off)
    return value, gradient + off / spreads


def _solve(root: Floats, right: Floats) -> Floats:
    from scipy.linalg import cho_solve

    return np.asarray(cho_solve((root, True), right, check_finite=False))


def _matern(squared: Floats) -> Floats:
    reach = _ROOT5 * np.sqrt(squared)
    return np.asarray((1 + reach + reach**2 / 3) * np.exp(-reach))


def _squared(left: Floats, right: Floats | None) -> Floats:
    """Squared distances of all pairs of rows."""
    other = left if right is None else right
    squares = (left**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2.0 * left @ other.T
    return np.asarray(np.maximum(squares, 0.0))
