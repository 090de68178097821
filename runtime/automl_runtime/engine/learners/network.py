"""A multilayer perceptron over piecewise linear numbers and one-hot categories, trained by AdamW in NumPy.

The recipe follows what made plain networks strong on tables: piecewise linear encoding of numbers (Gorishniy et al., On
Embeddings for Numerical Features in Tabular Deep Learning, 2022), smooth activations, dropout, decoupled weight decay
and a learning rate that falls to nothing (Holzmueller et al., Better by Default, 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.inference.linear import sigmoid, softmax
from automl_runtime.inference.network import Network
from automl_runtime.inference.parts import Reading
from automl_runtime.kernels.arrays import Floats

__all__ = ["NetworkLearner"]

Single: TypeAlias = NDArray[np.float32]

_FEWEST_BATCHES = 8
_WARM_UP = 0.05
_MOMENTUM = 0.9
_DAMPING = 0.99
_EPSILON = 1e-8
_MOST_CHECKED = 20_000


class NetworkLearner:
    """The final model is the mean of those of the folds."""

    name: ClassVar[str] = "network"
    refits: ClassVar[bool] = False

    def recipe(self, params: Params) -> Recipe:
        """`network`."""
        del params
        return "network"

    def prepare(self) -> None:
        """Needs nothing but NumPy."""

    def fit(self, job: Job) -> Fit:
        """Keeps the weights of the epoch with the least loss on the rows that validate; ends after `patience` more."""
        train = job.rows.fold.train
        y, reading = _target(job)
        matrix = np.ascontiguousarray(job.rows.train_matrix(), dtype=np.float32)
        weights = job.train_weights()
        rows = _Rows(matrix, y[train], None if weights is None else weights.astype(np.float32))
        valid = _valid(job, y)
        epochs = int(job.params["epochs"])
        training = _Training(job, rows, y.shape[1], epochs)
        patience = training.epoch * int(job.params["patience"])
        limit = min(training.epoch * epochs, job.rounds or training.epoch * epochs)
        best, kept, at, stopped = np.inf, training.network(), 0, False
        while training.steps < limit and not stopped and training.steps - at < patience:
            training.step()
            stopped = job.stop()
            if training.steps % training.epoch and training.steps < limit and not stopped:
                continue
            loss = -training.steps if valid is None else _loss(training.network().predict(valid.matrix), valid, job)
            if loss < best:
                best, kept, at = loss, training.network(), training.steps
            last = training.steps >= limit or stopped or training.steps - at >= patience
            shown = None if valid is None else loss
            job.epoch(-(-training.steps // training.epoch), epochs, val_loss=shown, last=last)
        return Fit(kept, reading, training.steps, at or training.steps)


@dataclass(frozen=True, slots=True)
class _Rows:
    matrix: Single
    y: Single
    """rows x outputs."""
    weights: Single | None


def _target(job: Job) -> tuple[Single, Reading]:
    """What the outputs are compared with: 0/1, one column for each class, or scaled values."""
    problem = job.problem
    classes = len(problem.classes)
    if classes > 2:
        return np.eye(classes, dtype=np.float32)[problem.codes], Reading("softmax")
    if classes == 2:
        return problem.y.astype(np.float32)[:, None], Reading("logistic")
    scaled = target_scale(problem, job.rows.fold.train, job.params)
    return scaled.y.astype(np.float32)[:, None], scaled.reading


def _valid(job: Job, y: Single) -> _Rows | None:
    valid = job.rows.fold.valid
    if not len(valid):
        return None
    weights = job.valid_weights()
    step = -(-len(valid) // _MOST_CHECKED)
    matrix = np.ascontiguousarray(job.rows.valid_matrix()[::step], dtype=np.float32)
    return _Rows(matrix, y[valid][::step], None if weights is None else weights[::step].astype(np.float32))


def _chances(raw: Floats) -> Floats:
    return sigmoid(raw) if raw.shape[1] == 1 else softmax(raw)


def _loss(raw: Floats, rows: _Rows, job: Job) -> float:
    if not job.problem.classes:
        off = raw - rows.y
        losses = (np.abs(off) if job.params.get("loss") == "l1" else off**2)[:, 0]
    elif raw.shape[1] == 1:
        losses = (np.logaddexp(0.0, raw) - rows.y * raw)[:, 0]
    else:
        losses = -np.log(np.maximum((softmax(raw) * rows.y).sum(axis=1), 1e-12))
    return float(np.average(losses, weights=rows.weights))


class _Training:
    """Weights, and the moments of AdamW."""

    def __init__(self, job: Job, rows: _Rows, outputs: int, epochs: int) -> None:
        self._job, self._rows = job, rows
        self._rng = np.random.default_rng(job.seed)
        self.steps = 0
        self._batch = min(int(job.params["batch"]), max(1, len(rows.matrix) // _FEWEST_BATCHES))
        self.epoch = len(rows.matrix) // self._batch
        """Steps in which all rows are seen once."""
        self._last = self.epoch * epochs
        self._order: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        hidden = [int(job.params["width"])] * int(job.params["layers"])
        self._widths = np.array([rows.matrix.shape[1], *hidden, outputs], dtype=np.int64)
        sizes = [(int(n), int(m)) for n, m in zip(self._widths, self._widths[1:], strict=False)]
        self._flat = np.zeros(sum((n + 1) * m for n, m in sizes), dtype=np.float32)
        self._slope = np.zeros_like(self._flat)
        self._first = np.zeros_like(self._flat)
        self._second = np.zeros_like(self._flat)
        self._decays = np.zeros_like(self._flat)
        self._layers, self._slopes = _views(self._flat, sizes), _views(self._slope, sizes)
        for place, (weights, biases) in enumerate(self._layers):
            gain = np.sqrt((2.0 if place < len(sizes) - 1 else 0.1) / sizes[place][0])
            weights[:] = self._rng.normal(0.0, gain, weights.shape)
            biases[:] = 0.0
        for weights, _ in _views(self._decays, sizes):
            weights[:] = float(job.params["decay"])

    def network(self) -> Network:
        """The network as it is now."""
        return Network(self._flat.copy(), self._widths)

    def step(self) -> None:
        """The next batch; rows come in a new order in every epoch."""
        rows, place = self._rows, self.steps % self.epoch
        if not place:
            self._order = self._rng.permutation(len(rows.matrix))
        chosen = self._order[place * self._batch : (place + 1) * self._batch]
        self._descend(rows.matrix[chosen], rows.y[chosen], None if rows.weights is None else rows.weights[chosen])
        self._update(self.steps / self._last)

    def _descend(self, inputs: Single, y: Single, weights: Single | None) -> None:
        """Forward and backward; leaves the gradient in `_slope`."""
        dropout = np.float32(self._job.params["dropout"])
        given, gates = [inputs], []
        for layer, (matrix, biases) in enumerate(self._layers):
            raw = given[-1] @ matrix
            raw += biases
            if layer == len(self._layers) - 1:
                break
            gate = np.tanh(np.float32(0.5) * raw)
            gate += 1
            gate *= np.float32(0.5)
            value = raw * gate
            # The derivative of x s(x) is s + x s (1 - s).
            slope = gate + value * (1 - gate)
            if dropout > 0:
                kept = self._rng.random(raw.shape, dtype=np.float32) >= dropout
                mask = kept * (1 / (1 - dropout))
                value *= mask
                slope *= mask
            given.append(value)
            gates.append(slope)
        error = self._error(raw, y)
        if weights is not None:
            error *= weights[:, None]
        error /= len(inputs)
        for layer in range(len(self._layers) - 1, -1, -1):
            weights_slope, biases_slope = self._slopes[layer]
            np.matmul(given[layer].T, error, out=weights_slope)
            biases_slope[:] = error.sum(axis=0)
            if layer:
                error = error @ self._layers[layer][0].T
                error *= gates[layer - 1]

    def _error(self, raw: Single, y: Single) -> Single:
        if not self._job.problem.classes:
            off = raw - y
            return np.clip(off, -1, 1) if self._job.params.get("loss") == "l1" else off
        return np.asarray(_chances(raw) - y, dtype=np.float32)

    def _update(self, progress: float) -> None:
        """One step of AdamW, at a rate that rises at first and then falls as a cosine."""
        self.steps += 1
        rate = float(self._job.params["rate"]) * min(1.0, progress / _WARM_UP + 0.05)
        rate *= 0.5 * (1 + np.cos(np.pi * min(progress, 1.0)))
        self._first += (1 - _MOMENTUM) * (self._slope - self._first)
        self._second += (1 - _DAMPING) * (self._slope * self._slope - self._second)
        first = self._first * np.float32(rate / (1 - _MOMENTUM**self.steps))
        second = np.sqrt(self._second * np.float32(1 / (1 - _DAMPING**self.steps))) + np.float32(_EPSILON)
        self._flat *= 1 - np.float32(rate) * self._decays
        self._flat -= first / second


def _views(flat: Single, sizes: list[tuple[int, int]]) -> list[tuple[Any, Any]]:
    views, start = [], 0
    for inputs, outputs in sizes:
        middle = start + inputs * outputs
        views.append((flat[start:middle].reshape(inputs, outputs), flat[middle : middle + outputs]))
        start = middle + outputs
    return views
