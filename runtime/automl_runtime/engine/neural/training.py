"""How a network is trained: AdamW at a rate that rises and falls, and the epoch that is best on other rows is kept.

Everything random is drawn from generators with the seed of the fit, so that folds may train side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import cos, pi
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from automl_runtime.engine.learners.base import Fit, Job, target_scale
from automl_runtime.engine.neural.nets import Net, seeded
from automl_runtime.engine.neural.precision import DTYPES, device_name
from automl_runtime.inference.parts import Reading
from automl_runtime.kernels.arrays import Singles

__all__ = ["Changed", "Rows", "fit_net", "target_of"]

Changed = Callable[[Tensor, torch.Generator], Tensor]
"""What is done to the raw part of a batch before the network sees it."""

_WARM_UP = 0.05
_FEWEST_BATCHES = 8
_MOST_CHECKED = 10_000
_CHECKED_AT_ONCE = 512
_LONGEST_STEP = 1.0
"""The norm at which gradients are cut off (Pascanu et al., On the difficulty of training RNNs, 2013)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a network reads, and what it should say."""

    others: Tensor
    raw: Tensor
    y: Tensor
    """Class numbers; of two classes 0.0 and 1.0; scaled values."""
    weights: Tensor | None

    def batch(self, places: Tensor) -> Rows:
        """The rows at `places`."""
        weights = None if self.weights is None else self.weights[places]
        return Rows(self.others[places], self.raw[places], self.y[places], weights)


def target_of(job: Job) -> tuple[np.ndarray[Any, Any], Reading, int]:
    """What the network should say of all rows, how it is read, and how many outputs it has."""
    problem = job.problem
    classes = len(problem.classes)
    if classes > 2:
        return problem.codes.astype(np.int64), Reading("softmax"), classes
    if classes == 2:
        return problem.y.astype(np.float32), Reading("logistic"), 1
    scaled = target_scale(problem, job.rows.fold.train, job.params)
    return scaled.y.astype(np.float32), scaled.reading, 1


def fit_net(job: Job, net: Any, matrix: Singles, changed: Changed | None = None) -> Fit:
    """Trains `net` on the rows that train, whose matrix this is, and ends by those that validate, as a `Learner` does.

    The epoch with the least loss on the rows that validate is kept; after `patience` more the training ends.
    """
    # More threads would add in another order, and change the last digits; folds train side by side.
    torch.set_num_threads(1)
    target, reading, _ = target_of(job)
    fold = job.rows.fold
    training = _Training(job, net, _rows(net, matrix, target[fold.train], job.train_weights()), changed)
    valid = _valid(job, net, target)
    epochs, patience = int(job.params["epochs"]), int(job.params["patience"]) * training.epoch
    limit = min(training.epoch * epochs, job.rounds or training.epoch * epochs)
    best, kept, at, stopped = np.inf, net.predictor(), 0, False
    while training.steps < limit and not stopped and training.steps - at < patience:
        training.step(training.epoch * epochs)
        stopped = job.stop()
        if training.steps % training.epoch and training.steps < limit and not stopped:
            continue
        loss = -float(training.steps) if valid is None else training.loss(valid)
        if loss < best:
            best, kept, at = loss, net.predictor(), training.steps
        last = training.steps >= limit or stopped or training.steps - at >= patience
        shown = None if valid is None else loss
        job.epoch(-(-training.steps // training.epoch), epochs, val_loss=shown, last=last)
    return Fit(kept, reading, training.steps, at or training.steps)


def _rows(net: Net, matrix: Singles, target: np.ndarray[Any, Any], weights: Any) -> Rows:
    others, raw = net.inputs(np.ascontiguousarray(matrix, dtype=np.float32))
    told = None if weights is None else torch.from_numpy(np.asarray(weights, dtype=np.float32))
    read, seen, wanted = (torch.from_numpy(np.ascontiguousarray(part)) for part in (others, raw, target))
    return Rows(read, seen, wanted, told)


def _valid(job: Job, net: Net, target: np.ndarray[Any, Any]) -> Rows | None:
    valid = job.rows.fold.valid
    if not len(valid):
        return None
    step = -(-len(valid) // _MOST_CHECKED)
    weights = job.valid_weights()
    matrix = np.asarray(job.rows.valid_matrix()[::step])
    return _rows(net, matrix, target[valid][::step], None if weights is None else weights[::step])


class _Training:
    """Weights, and the moments of AdamW."""

    def __init__(self, job: Job, net: Any, rows: Rows, changed: Changed | None) -> None:
        self._job, self._net, self._rows, self._changed = job, net, rows, changed
        self.steps = 0
        params, self._device = job.params, device_name()
        self._shuffling = torch.Generator().manual_seed(job.seed)
        self._generator = torch.Generator(self._device).manual_seed(job.seed)
        seeded(net, torch.Generator().manual_seed(job.seed))
        net.to(self._device)
        self._batch = min(int(params["batch"]), max(2, len(rows.y) // _FEWEST_BATCHES))
        self.epoch = max(1, len(rows.y) // self._batch)
        """Steps in which all rows are seen once."""
        self._order: Iterator[Tensor] = iter(())
        decayed, others = ([each for each in net.parameters() if (each.dim() > 1) == wide] for wide in (True, False))
        groups = [{"params": decayed, "weight_decay": float(params["decay"])}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups)
        self._scaler = torch.amp.GradScaler(self._device, enabled=params["precision"] == "float16")

    def step(self, last: int) -> None:
        """The next batch of `last` in all; rows come in a new order in every epoch."""
        rate = float(self._job.params["rate"]) * _rate(self.steps / last)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        if self.steps % self.epoch == 0:
            order = torch.randperm(len(self._rows.y), generator=self._shuffling)
            self._order = iter(order[: self.epoch * self._batch].split(self._batch))
        self._net.train()
        self._optimizer.zero_grad(set_to_none=True)
        batch = self._placed(self._rows.batch(next(self._order)))
        with self._casting():
            raw = batch.raw if self._changed is None else self._changed(batch.raw, self._generator)
            said = self._net(batch.others, raw, float(self._job.params["dropout"]), self._generator)
        self._scaler.scale(self._loss(said.float(), batch)).backward()
        self._scaler.unscale_(self._optimizer)
        torch.nn.utils.clip_grad_norm_(self._net.parameters(), _LONGEST_STEP)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self.steps += 1

    def loss(self, rows: Rows) -> float:
        """The mean loss of `rows`."""
        self._net.eval()
        total = mass = 0.0
        with torch.inference_mode():
            for places in torch.arange(len(rows.y)).split(_CHECKED_AT_ONCE):
                batch = self._placed(rows.batch(places))
                with self._casting():
                    said = self._net(batch.others, batch.raw, 0.0, self._generator)
                weight = float(len(places)) if batch.weights is None else float(batch.weights.sum())
                total, mass = total + float(self._loss(said.float(), batch)) * weight, mass + weight
        return total / mass if mass > 0 else float("inf")

    def _placed(self, rows: Rows) -> Rows:
        if self._device == "cpu":
            return rows
        weights = None if rows.weights is None else rows.weights.to(self._device)
        return Rows(rows.others.to(self._device), rows.raw.to(self._device), rows.y.to(self._device), weights)

    def _casting(self) -> AbstractContextManager[Any]:
        dtype = DTYPES[str(self._job.params["precision"])]
        return nullcontext() if dtype is None else torch.autocast(self._device, getattr(torch, dtype))

    def _loss(self, said: Tensor, rows: Rows) -> Tensor:
        if said.shape[1] > 1:
            losses = functional.cross_entropy(said, rows.y, reduction="none")
        elif self._job.problem.classes:
            losses = functional.binary_cross_entropy_with_logits(said[:, 0], rows.y, reduction="none")
        elif self._job.params.get("loss") == "l1":
            losses = functional.l1_loss(said[:, 0], rows.y, reduction="none")
        else:
            losses = functional.mse_loss(said[:, 0], rows.y, reduction="none")
        if rows.weights is None:
            return losses.mean()
        return (losses * rows.weights).sum() / rows.weights.sum().clamp_min(1e-12)


def _rate(progress: float) -> float:
    """Rises at first, then falls as a cosine."""
    return min(1.0, progress / _WARM_UP + 0.05) * 0.5 * (1 + cos(pi * min(progress, 1.0)))
