"""Logistic and ridge regression, their strength of regularisation chosen by the rows that validate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.inference.linear import Linear, sigmoid, softmax
from automl_runtime.inference.parts import FAR, Reading
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = ["PENALTIES", "Ending", "LinearLearner", "raw_of", "slope_of"]

PENALTIES = (1000.0, 200.0, 50.0, 10.0, 2.0, 0.4, 0.1)
"""Strengths of the L2 penalty on a loss that is a sum over rows; each starts where the stronger one before it ended."""

_ITERATIONS = 100
_LARGEST_RAW = 30.0
_WIDEST_DENSE = 3000
_WIDEST_NEWTON = 400
_NEWTON_STEPS = 12


class Ending:
    """Tells the optimiser inside a step of the path when to end, and whether it did.

    The first step is kept even so, for there is no other model: its iterations are recorded, and end a replay.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.iterations = 0
        self.interrupted = False

    def __call__(self) -> bool:
        """To be asked once in so many iterations."""
        self.iterations += 1
        self.interrupted = self._job.stop() or self.iterations == -(self._job.rounds or 0)
        return self.interrupted


class LinearLearner:
    """The final model is fitted on all rows; `params["basis"]` is `plain` or `splines`."""

    name: ClassVar[str] = "linear"
    refits: ClassVar[bool] = True
    patience: ClassVar[int] = 2
    """The path ends after this many strengths without improvement."""

    def recipe(self, params: Params) -> Recipe:
        """`linear`, or `splines` for piecewise linear numbers."""
        return "splines" if params.get("basis") == "splines" else "linear"

    def prepare(self) -> None:
        """Imports SciPy's optimiser."""
        import scipy.optimize  # noqa: F401

    def fit(self, job: Job) -> Fit:
        """Walks down the penalties, and keeps the weights with the least loss on the rows that validate.

        Rounds are steps of this path; below zero, iterations of the first one, which the clock ended.
        """
        fold, classes = job.rows.fold, len(job.problem.classes)
        if classes:
            y, reading = job.problem.y, Reading("softmax" if classes > 2 else "logistic")
        else:
            scaled = target_scale(job.problem, fold.train, job.params)
            y, reading = scaled.y, scaled.reading
        weights = job.train_weights()
        weights = np.ones(len(fold.train)) if weights is None else weights
        valid = job.rows.valid_matrix() if len(fold.valid) else None
        best, chosen, rounds = np.inf, 0, 0
        ending = Ending(job)
        kept: NDArray[np.float64] = np.zeros((1, 1))
        for steps, weight in enumerate(
            self.path(job, job.rows.train_matrix(), y[fold.train], weights, ending), start=1
        ):
            if ending.interrupted and steps > 1:
                break
            rounds = -ending.iterations if ending.interrupted else steps
            loss = -steps if valid is None else _loss(raw_of(valid, weight), y[fold.valid], classes)
            if loss < best or steps == 1:
                best, chosen, kept = loss, steps, weight
            if ending.interrupted or job.stop() or steps == job.rounds or steps - chosen >= self.patience:
                break
        limit = _LARGEST_RAW if classes else FAR
        return Fit(Linear(kept[:-1], kept[-1], -limit, limit), reading, rounds, chosen)

    def path(
        self, job: Job, matrix: Matrix, y: Floats, weights: Floats, ending: Ending
    ) -> Iterator[NDArray[np.float64]]:
        """Weights (columns + intercept x outputs) for each strength of the penalty, strongest first."""
        classes = len(job.problem.classes)
        if not classes and isinstance(matrix, np.ndarray) and matrix.shape[1] <= _WIDEST_DENSE:
            yield from _ridge(matrix, y, weights)
            return
        current = np.zeros((matrix.shape[1] + 1, classes if classes > 2 else 1))
        newton = classes == 2 and isinstance(matrix, np.ndarray) and matrix.shape[1] <= _WIDEST_NEWTON
        for penalty in PENALTIES:
            found = _newton(matrix, y, weights, penalty, current) if newton else None
            current = _minimise(job, matrix, y, weights, penalty, current, ending) if found is None else found
            yield current


def _ridge(matrix: NDArray[np.float64], y: Floats, weights: Floats) -> Iterator[NDArray[np.float64]]:
    """In closed form, from one decomposition of the Gram matrix of the centred rows."""
    total = weights.sum()
    center, level = weights @ matrix / total, weights @ y / total
    rows = (matrix - center) * np.sqrt(weights)[:, None]
    values, vectors = np.linalg.eigh(rows.T @ rows)
    projected = vectors.T @ (rows.T @ ((y - level) * np.sqrt(weights)))
    for penalty in PENALTIES:
        weight = vectors @ (projected / (np.maximum(values, 0.0) + penalty))
        yield np.append(weight, level - center @ weight)[:, None]


def _newton(
    matrix: NDArray[np.float64], y: Floats, weights: Floats, penalty: float, start: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Newton's method for logistic regression; None when a step makes things worse."""
    rows = np.hstack([matrix, np.ones((len(matrix), 1))])
    ridge = np.append(np.full(matrix.shape[1], penalty), 1e-6)
    current, before = start, np.inf
    for _ in range(_NEWTON_STEPS):
        raw = rows @ current
        loss = float(weights @ _losses(raw, y, y.astype(np.int64), 2)) + 0.5 * float(ridge @ current[:, 0] ** 2)
        if not loss <= before * (1 + 1e-9):
            return None
        if before - loss <= 1e-7 * abs(loss):
            break
        before = loss
        chance = sigmoid(raw[:, 0])
        gradient = rows.T @ (weights * (chance - y)) + ridge * current[:, 0]
        hessian = (rows * (weights * chance * (1 - chance))[:, None]).T @ rows
        step = np.linalg.solve(hessian + np.diag(ridge), gradient)
        current = current - step[:, None]
    return current


def _minimise(
    job: Job,
    matrix: Matrix,
    y: Floats,
    weights: Floats,
    penalty: float,
    start: NDArray[np.float64],
    ending: Ending,
) -> NDArray[np.float64]:
    """L-BFGS on the weighted loss plus half the penalty times the squared weights, both over the number of rows."""
    from scipy.optimize import minimize

    shape, rows, transposed = start.shape, len(y), matrix.T
    classes = len(job.problem.classes)
    codes = y.astype(np.int64)

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        current = flat.reshape(shape)
        raw = raw_of(matrix, current)
        slope = slope_of(raw, y, codes, classes) * weights[:, None]
        gradient = np.vstack([np.asarray(transposed @ slope), slope.sum(axis=0)]) / rows
        gradient[:-1] += penalty / rows * current[:-1]
        loss = float(weights @ _losses(raw, y, codes, classes)) + 0.5 * penalty * float((current[:-1] ** 2).sum())
        return loss / rows, gradient.ravel()

    def ends(intermediate_result: Any) -> None:
        del intermediate_result
        if ending():
            raise StopIteration

    options = {"maxiter": _ITERATIONS, "gtol": 1e-5, "ftol": 1e-8}
    found = minimize(objective, start.ravel(), method="L-BFGS-B", jac=True, callback=ends, options=options)
    return np.asarray(found.x.reshape(shape))


def raw_of(matrix: Matrix, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows x outputs of a linear model whose last row of `weight` is the intercept."""
    return np.asarray(matrix @ weight[:-1] + weight[-1])


def slope_of(raw: Floats, y: Floats, codes: NDArray[np.int64], classes: int) -> Floats:
    """The derivative of each row's loss by its raw outputs: squared error (no `classes`) or log loss."""
    if classes == 0:
        return raw - y[:, None]
    if classes == 2:
        return sigmoid(raw) - y[:, None]
    slope = softmax(raw)
    slope[np.arange(len(codes)), codes] -= 1.0
    return slope


def _losses(raw: Floats, y: Floats, codes: NDArray[np.int64], classes: int) -> Floats:
    if classes == 0:
        return np.asarray(0.5 * (raw[:, 0] - y) ** 2)
    if classes == 2:
        return np.asarray(np.logaddexp(0.0, raw[:, 0]) - y * raw[:, 0])
    top = raw.max(axis=1)
    return np.asarray(top + np.log(np.exp(raw - top[:, None]).sum(axis=1)) - raw[np.arange(len(codes)), codes])


def _loss(raw: Floats, y: Floats, classes: int) -> float:
    return float(_losses(raw, y, y.astype(np.int64), classes).mean())
