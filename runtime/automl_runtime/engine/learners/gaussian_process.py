"""Gaussian processes with a squared exponential kernel whose length scales differ by column.

Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006: the regression is algorithm 2.1, its length
scales maximise the marginal likelihood (section 5.4.1) of a sample. Classes are regressions on 1 and -1 whose
leave-one-out predictions (equation 5.12) Platt's method turns into probabilities: the probabilistic least-squares
classifier of their section 6.5.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Fit, Job, Params, Stopper, target_scale
from automl_runtime.engine.learners.platt import platt
from automl_runtime.engine.learners.samples import fit_affordable, sample, sizes
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.inference.kernel_machine import KernelMachine, radial
from automl_runtime.inference.parts import Reading
from automl_runtime.kernels.arrays import Floats

__all__ = ["MOST_GP_ROWS", "GaussianProcessLearner", "Kernel", "tune"]

MOST_GP_ROWS = 10_000
"""A table with more rows is sampled: time grows with their third power, memory with the second."""
_FIRST_ROWS = 500
_TUNED_ROWS = 400
_POWER = 3.0
_WIDEST = 40
"""Columns that get a length scale each; more share one."""
_STEPS = 30
_BOUNDS = {"amplitude": (-4.0, 4.0), "noise": (-9.0, 2.0), "lengths": (-2.5, 6.0)}
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True, slots=True)
class Kernel:
    """amplitude x exp(-distance² / 2), distances in units of `lengths`; `noise` is the variance of the targets."""

    amplitude: float
    noise: float
    lengths: NDArray[np.float64]


class GaussianProcessLearner:
    """Takes as many rows as the time allows, at most 10,000."""

    name: ClassVar[str] = "gaussian_process"
    refits: ClassVar[bool] = True

    def recipe(self, params: Params) -> Recipe:
        """`scaled`."""
        del params
        return "scaled"

    def prepare(self) -> None:
        """Imports SciPy's linear algebra."""
        import scipy.linalg
        import scipy.optimize  # noqa: F401

    def fit(self, job: Job) -> Fit:
        """Chooses the kernel on a sample, then solves for as many rows as there is time for."""
        train = job.rows.fold.train
        # What is stored is float32; what is fitted has to be the same.
        matrix = np.asarray(job.rows.train_matrix(), dtype=np.float32).astype(np.float64)
        given = job.train_weights()
        noise = np.ones(len(train)) if given is None else 1.0 / np.maximum(given, _LEAST_WEIGHT)
        y, reading = _targets(job, train)
        places = sample(len(train), _TUNED_ROWS, job.seed)
        limit = min(job.rounds or _STEPS, _STEPS)
        kernel, steps = tune(matrix[places], y[places], noise[places], limit, _half(job.stop))

        def on(rows: int) -> KernelMachine:
            places = sample(len(train), rows, job.seed)
            weights = None if given is None else np.maximum(given[places], _LEAST_WEIGHT)
            owners = train[places] if job.problem.classes else None
            return _solve(kernel, matrix[places], y[places], noise[places], weights, owners)

        # Rounds are steps of the tuning, and then sizes: with as many the same model comes out again.
        if steps < _STEPS or job.rounds == _STEPS:
            return Fit(on(_FIRST_ROWS), reading, steps, steps)
        grown = replace(job, rounds=None if job.rounds is None else job.rounds - _STEPS)
        model, place = fit_affordable(grown, sizes(len(train), _FIRST_ROWS, MOST_GP_ROWS), _POWER, on)
        return Fit(model, reading, _STEPS + place, _STEPS + place)


def _half(stop: Stopper) -> Stopper:
    """Ends after half of the time that `stop` leaves."""
    if stop.deadline is None:
        return stop
    now = time.monotonic()
    return Stopper(now + (stop.deadline - now) / 2, stop.stopped, stop.full)


def _targets(job: Job, train: NDArray[np.int64]) -> tuple[NDArray[np.float64], Reading]:
    classes = len(job.problem.classes)
    if not classes:
        scaled = target_scale(job.problem, train, job.params)
        return scaled.y[train][:, None], scaled.reading
    signs = np.where(job.problem.codes[train][:, None] == np.arange(classes), 1.0, -1.0)
    return (signs[:, 1:], Reading("logistic")) if classes == 2 else (signs, Reading("one_vs_rest"))


def _solve(
    kernel: Kernel,
    matrix: Floats,
    y: Floats,
    noise: Floats,
    weights: Floats | None,
    owners: NDArray[np.int64] | None,
) -> KernelMachine:
    """Of classes the row that each was made from, in `owners`; None for a regression."""
    from scipy.linalg import cho_solve, cholesky, lapack

    stored = (matrix / kernel.lengths).astype(np.float32)
    center = y.mean(axis=0)
    gram = kernel.amplitude * radial(stored.astype(np.float64), stored.astype(np.float64))
    gram[np.diag_indices_from(gram)] += kernel.noise * noise
    factor = cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    duals = cho_solve((factor, True), y - center, check_finite=False)
    slopes, shifts = np.ones(y.shape[1]), center
    if owners is not None:
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        left_out = y - _errors_left_out(inverse, duals, owners)
        mass = np.ones(len(y)) if weights is None else weights
        pairs = np.array([platt(left_out[:, place], y[:, place] > 0, mass) for place in range(y.shape[1])])
        slopes, shifts = pairs[:, 0], pairs[:, 0] * center + pairs[:, 1]
    return KernelMachine(1.0 / kernel.lengths, stored, kernel.amplitude * duals * slopes, shifts)


def _errors_left_out(inverse: Floats, duals: Floats, owners: NDArray[np.int64]) -> Floats:
    """How far off the prediction for each row is without the rows of its owner; `inverse` holds its lower triangle."""
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(owners[order]) > 0])
    sizes = np.diff(np.r_[starts, len(order)])
    errors = np.empty_like(duals)
    for size in np.unique(sizes):
        rows = order[starts[sizes == size][:, None] + np.arange(size)]
        # `order` is stable, so that the rows of a group ascend: a place below the diagonal is known.
        low, high = np.maximum(rows[:, :, None], rows[:, None, :]), np.minimum(rows[:, :, None], rows[:, None, :])
        errors[rows] = np.linalg.solve(inverse[low, high], duals[rows])
    return errors


def tune(matrix: Floats, y: Floats, noise: Floats, limit: int, stop: Stopper) -> tuple[Kernel, int]:
    """The kernel with the largest marginal likelihood of all columns of `y`, by L-BFGS from one start.

    Ends after `limit` steps, or when told to; returns the steps that ran then, else `limit`.
    """
    from scipy.optimize import minimize

    width = matrix.shape[1]
    apart = width <= _WIDEST
    count = width if apart else 1
    centered = y - y.mean(axis=0)
    scales = [np.log(max(centered.var(), 1e-3)), np.log(0.1)]
    start = np.concatenate([scales, np.full(count, 0.5 * np.log(width) + 0.5)])
    bounds = [_BOUNDS["amplitude"], _BOUNDS["noise"], *[_BOUNDS["lengths"]] * count]
    steps, stopped = 0, False

    def objective(logs: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        return _evidence(logs, matrix, centered, noise, apart)

    def ends(intermediate_result: Any) -> None:
        nonlocal steps, stopped
        del intermediate_result
        steps += 1
        stopped = stop()
        # A limit ends a replay in the way in which the clock ended the fit: the last digits depend on it.
        if stopped or steps == limit:
            raise StopIteration

    found = minimize(objective, start, method="L-BFGS-B", jac=True, bounds=bounds, callback=ends)
    amplitude, level = np.exp(found.x[:2])
    kernel = Kernel(float(amplitude), float(level), np.broadcast_to(np.exp(found.x[2:]), (width,)).copy())
    return kernel, steps if stopped else limit


def _evidence(
    logs: NDArray[np.float64], matrix: Floats, y: Floats, noise: Floats, apart: bool
) -> tuple[float, NDArray[np.float64]]:
    """The negative log marginal likelihood and its gradient by the logs of amplitude, noise and length scales."""
    from scipy.linalg import cho_solve, cholesky

    amplitude, level = np.exp(logs[:2])
    rows = matrix / np.exp(logs[2:])
    signal = amplitude * radial(rows, rows)
    gram = signal + np.diag(level * noise + 1e-9 * amplitude)
    try:
        factor = cholesky(gram, lower=True, check_finite=False)
    except np.linalg.LinAlgError:
        return 1e25, np.zeros_like(logs)
    duals = cho_solve((factor, True), y, check_finite=False)
    inverse = cho_solve((factor, True), np.eye(len(y)), check_finite=False)
    outputs = y.shape[1]
    value = 0.5 * float((y * duals).sum()) + outputs * float(np.log(np.diag(factor)).sum())
    # Half the trace of (outputs x inverse - duals duals') times the derivative of the Gram matrix (equation 5.9).
    inner = outputs * inverse - duals @ duals.T
    spread = inner * signal
    sums = spread.sum(axis=1)
    # Of exp(-d²/2) by the log of a length scale: the squared difference in that column, in its units.
    lengths = (rows**2 * sums[:, None]).sum(axis=0) * 2.0 - 2.0 * (rows * (spread @ rows)).sum(axis=0)
    gradient = [0.5 * spread.sum(), 0.5 * level * float(inner.diagonal() @ noise)]
    return value, np.array([*gradient, *(0.5 * lengths if apart else [0.5 * lengths.sum()])])
