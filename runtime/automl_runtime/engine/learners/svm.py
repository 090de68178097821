"""Support vector machines: linear, and with radial basis functions; one class against the rest, Platt's probabilities.

Cortes and Vapnik, Support-Vector Networks, 1995; the linear one with squared hinge loss as in LIBLINEAR (Fan et al.,
2008, there called L2-loss), the other by LIBSVM (Chang and Lin, 2011) through scikit-learn. Columns are scaled by the
recipe. The scores that probabilities are fitted to come from inner folds of the rows that train.
"""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Fit, Job, Params, Stopper, target_scale
from automl_runtime.engine.learners.linear import raw_of
from automl_runtime.engine.learners.platt import InnerFolds, inner_folds, platt
from automl_runtime.engine.learners.samples import fit_affordable, sample, sizes
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.inference.kernel_machine import KernelMachine, radial
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.parts import FAR, Reading
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = ["MOST_RBF_ROWS", "LinearSvmLearner", "RbfSvmLearner"]

_INNER_FOLDS = 3
_ITERATIONS = 200
_INSENSITIVE = 0.1
_FIRST_ROWS = 1_000
MOST_RBF_ROWS = 50_000
"""More rows are for the linear machine."""
_CHUNK = 1_000
_POWER = 2.2
"""LIBSVM's time grows with the rows to the power of two to three."""
_CACHE_MEGABYTES = 200


class LinearSvmLearner:
    """`params["strength"]` is LIBLINEAR's C, the weight of the errors."""

    name: ClassVar[str] = "linear_svm"
    refits: ClassVar[bool] = True

    def recipe(self, params: Params) -> Recipe:
        """`linear`."""
        del params
        return "linear"

    def prepare(self) -> None:
        """Imports SciPy's optimiser."""
        import scipy.optimize  # noqa: F401

    def fit(self, job: Job) -> Fit:
        """Minimises, for a third of the time at most; inner fits get as many iterations."""
        matrix, train = job.rows.train_matrix(), job.rows.fold.train
        y, reading, weights = _targets(job, train)
        strength = float(job.params.get("strength", 0.1))
        model, steps = _squared_hinge(job, matrix, y, weights, strength, job.rounds or _ITERATIONS, _third(job.stop))
        if job.problem.classes:
            scores = np.zeros(y.shape)
            for part, rest in inner_folds(train, _INNER_FOLDS, job.seed):
                inner, _ = _squared_hinge(job, matrix[rest], y[rest], weights[rest], strength, steps, None)
                scores[part] = np.asarray(matrix[part] @ inner[:-1]) + inner[-1]
            slopes, shifts = _calibrate(scores, y, weights)
            model = model * slopes
            model[-1] += shifts
        return Fit(Linear(model[:-1], model[-1], -FAR, FAR), reading, steps, steps)


class RbfSvmLearner:
    """`params`: `strength` (C) and `reach` (gamma = reach / columns / variance of the cells).

    Takes as many rows as the time allows, at most 50,000.
    """

    name: ClassVar[str] = "rbf_svm"
    refits: ClassVar[bool] = True

    def recipe(self, params: Params) -> Recipe:
        """`scaled`."""
        del params
        return "scaled"

    def prepare(self) -> None:
        """Imports scikit-learn's support vector machines."""
        import sklearn.svm  # noqa: F401

    def fit(self, job: Job) -> Fit:
        """Fits on a sample first, and on as many rows as there is time for then."""
        train = job.rows.fold.train
        matrix = np.asarray(job.rows.train_matrix(), dtype=np.float32).astype(np.float64)
        y, reading, weights = _targets(job, train)
        spread = float(matrix.var())
        gamma = float(job.params.get("reach", 1.0)) / (matrix.shape[1] * (spread if spread > 0 else 1.0))

        def on(rows: int) -> KernelMachine:
            places = sample(len(train), rows, job.seed)
            return _rbf(job, matrix[places], y[places], weights[places], gamma, train[places])

        steps = sizes(len(train), _FIRST_ROWS, MOST_RBF_ROWS)
        model, place = fit_affordable(job, steps, _POWER, on)
        return Fit(model, reading, place, place)


def _third(stop: Stopper) -> Stopper:
    """Ends after a third of the time that `stop` leaves."""
    if stop.deadline is None:
        return stop
    now = time.monotonic()
    return Stopper(now + (stop.deadline - now) / 3, stop.stopped, stop.full)


def _targets(job: Job, train: NDArray[np.int64]) -> tuple[NDArray[np.float64], Reading, NDArray[np.float64]]:
    """Targets of the rows that train (1 and -1, a column for each class; one of two), their reading, and weights."""
    given = job.train_weights()
    weights = np.ones(len(train)) if given is None else np.asarray(given, dtype=np.float64)
    classes = len(job.problem.classes)
    if not classes:
        scaled = target_scale(job.problem, train, job.params)
        return scaled.y[train][:, None], scaled.reading, weights
    signs = np.where(job.problem.codes[train][:, None] == np.arange(classes), 1.0, -1.0)
    return (signs[:, 1:], Reading("logistic"), weights) if classes == 2 else (signs, Reading("one_vs_rest"), weights)


def _calibrate(scores: Floats, y: Floats, weights: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and shifts of the log odds, for each column."""
    pairs = np.array([platt(scores[:, place], y[:, place] > 0, weights) for place in range(y.shape[1])])
    return pairs[:, 0], pairs[:, 1]


def _squared_hinge(
    job: Job, matrix: Matrix, y: Floats, weights: Floats, strength: float, most: int, stop: Stopper | None
) -> tuple[NDArray[np.float64], int]:
    """Weights (columns + intercept x outputs), and the iterations of L-BFGS."""
    from scipy.optimize import minimize

    rows, transposed, shape = len(y), matrix.T, (matrix.shape[1] + 1, y.shape[1])
    classes = bool(job.problem.classes)
    steps = 0

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        current = flat.reshape(shape)
        raw = raw_of(matrix, current)
        if classes:
            error = np.maximum(1.0 - y * raw, 0.0)
            slope = -2.0 * y * error
        else:
            error = np.maximum(np.abs(raw - y) - _INSENSITIVE, 0.0)
            slope = 2.0 * np.sign(raw - y) * error
        slope *= weights[:, None] * (strength / rows)
        gradient = np.vstack([np.asarray(transposed @ slope), slope.sum(axis=0)])
        gradient[:-1] += current[:-1] / rows
        loss = strength * float(weights @ (error**2).sum(axis=1)) + 0.5 * float((current[:-1] ** 2).sum())
        return loss / rows, gradient.ravel()

    def ends(intermediate_result: Any) -> None:
        nonlocal steps
        del intermediate_result
        steps += 1
        # A limit ends a replay in the way in which the clock ended the fit: the last digits depend on it.
        if steps == most or (stop is not None and stop()):
            raise StopIteration

    found = minimize(
        objective,
        np.zeros(shape).ravel(),
        method="L-BFGS-B",
        jac=True,
        callback=ends,
        options={"gtol": 1e-6, "ftol": 1e-12},
    )
    return np.asarray(found.x.reshape(shape)), max(steps, 1)


def _rbf(job: Job, matrix: Floats, y: Floats, weights: Floats, gamma: float, rows: NDArray[np.int64]) -> KernelMachine:
    """One machine for each column of `y`; they share the stored rows."""
    strength = float(job.params.get("strength", 1.0))
    if not job.problem.classes:
        columns = [_dual(matrix, y[:, 0], weights, strength, gamma, classify=False)]
    else:
        folds = inner_folds(rows, _INNER_FOLDS, job.seed)
        columns = [_calibrated(folds, matrix, signs, weights, strength, gamma) for signs in y.T]
    duals = np.column_stack([column[:-1] for column in columns])
    kept = np.flatnonzero((duals != 0).any(axis=1))
    kept = kept if len(kept) else np.arange(1)
    scale = np.full(matrix.shape[1], np.sqrt(2.0 * gamma))
    stored = (matrix[kept] * scale).astype(np.float32)
    return KernelMachine(scale, stored, duals[kept], np.array([column[-1] for column in columns]))


def _calibrated(
    folds: InnerFolds, matrix: Floats, y: Floats, weights: Floats, strength: float, gamma: float
) -> NDArray[np.float64]:
    """Dual weights and intercept of the log odds of one class."""
    scores = np.zeros(len(y))
    for part, rest in folds:
        inner = _dual(matrix[rest], y[rest], weights[rest], strength, gamma, classify=True)
        held = np.flatnonzero(inner[:-1])
        for chunk in np.array_split(part, max(1, len(part) // _CHUNK)):
            distances = np.sqrt(2.0 * gamma) * matrix[chunk], np.sqrt(2.0 * gamma) * matrix[rest[held]]
            scores[chunk] = radial(*distances) @ inner[held] + inner[-1]
    slope, shift = platt(scores, y > 0, weights)
    whole = _dual(matrix, y, weights, strength, gamma, classify=True) * slope
    whole[-1] += shift
    return whole


def _dual(
    matrix: Floats, y: Floats, weights: Floats, strength: float, gamma: float, *, classify: bool
) -> NDArray[np.float64]:
    """Dual weights of all rows, then the intercept; LIBSVM."""
    from sklearn.svm import SVC, SVR

    result = np.zeros(len(y) + 1)
    if classify and (y == y[0]).all():
        result[-1] = y[0]
        return result
    settings: dict[str, Any] = {"C": strength, "gamma": gamma, "cache_size": _CACHE_MEGABYTES}
    model = SVC(**settings) if classify else SVR(epsilon=_INSENSITIVE, **settings)
    model.fit(matrix, y, sample_weight=np.maximum(weights, 1e-9))
    result[model.support_] = model.dual_coef_[0]
    result[-1] = model.intercept_[0]
    return result
