"""The interface of a family of models."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.imbalance import class_weights
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.workspace import FoldData, Workspace
from automl_runtime.events import EpochCompleted, EventSink, ignore
from automl_runtime.inference.parts import Predictor, Reading

__all__ = ["EpochReports", "Fit", "Job", "Learner", "Params", "Scale", "Stopper", "target_scale"]

Params = Mapping[str, Any]
_MARGIN = 0.1
_SKEWED_WEIGHT = 100.0


@dataclass(slots=True)
class Stopper:
    """Tells a fit when it has to end with what it has."""

    deadline: float | None = None
    """`time.monotonic()` seconds; None when the clock does not matter."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when the whole search ends."""
    full: threading.Event = field(default_factory=threading.Event)
    """Set while the process holds too much memory."""

    def __call__(self) -> bool:
        """Whether the time, or the memory, is used up; cheap enough for every iteration."""
        return (
            self.stopped.is_set()
            or self.full.is_set()
            or (self.deadline is not None and time.monotonic() > self.deadline)
        )


class EpochReports:
    """Emits `EpochCompleted`, at most one in `seconds` and the last of every fit; thread-safe."""

    def __init__(self, emit: EventSink = ignore, seconds: float = 0.1) -> None:
        """Shared by all fits of a search."""
        self._emit, self._seconds = emit, seconds
        self._next = 0.0
        self._guard = threading.Lock()

    def due(self) -> bool:
        """Whether enough time has passed since the last report; the caller then reports."""
        if self._emit is ignore or time.monotonic() < self._next:
            return False
        with self._guard:
            due = time.monotonic() >= self._next
            if due:
                self._next = time.monotonic() + self._seconds
            return due

    def report(self, event: EpochCompleted) -> None:
        """Emits `event`."""
        self._emit(event)


@dataclass(frozen=True, slots=True)
class Job:
    """One model to be fitted."""

    workspace: Workspace
    rows: FoldData
    params: Params
    seed: int
    threads: int
    stop: Stopper
    rounds: int | None = None
    """Iterations to run at most (a replay), or exactly (when no row validates); None: the learner's own limit."""
    model: str = ""
    """The name of the configuration."""
    epochs: EpochReports = field(default_factory=EpochReports)

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.workspace.problem

    def epoch(
        self,
        epoch: int,
        most: int,
        *,
        train_loss: float | None = None,
        val_loss: float | None = None,
        last: bool = False,
    ) -> None:
        """Says that `epoch` (from 1) of at most `most` is done; cheap enough for every iteration."""
        if last or self.epochs.due():
            fold = self.rows.number if len(self.rows.fold.valid) else None
            self.epochs.report(EpochCompleted(epoch, most, train_loss, val_loss, self.model, fold))

    def train_weights(self) -> NDArray[np.float64] | None:
        """Weights of the rows that train, for the loss that suits the metric."""
        return self._weights(self.rows.fold.train)

    def valid_weights(self) -> NDArray[np.float64] | None:
        """Weights of the rows that validate."""
        return self._weights(self.rows.fold.valid)

    def _weights(self, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
        weights = loss_weights(self.problem)
        weights = None if weights is None else weights[rows]
        if self.workspace.asked.imbalance != "weights":
            return weights
        codes = self.problem.codes
        balanced = class_weights(codes[self.rows.fold.train], len(self.problem.classes))[codes[rows]]
        return np.asarray(balanced if weights is None else weights * balanced)


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model, ready to predict."""

    predictor: Predictor
    reading: Reading
    rounds: int
    """Iterations that ran, as the learner counts them; with this limit the same model comes out again."""
    best: int
    """Iterations that the model keeps; what a fit on all rows should run."""


class Learner(Protocol):
    """A family of models; instances hold no state.

    To add one: implement this, and register it in `engine.learners.registry`.
    """

    name: ClassVar[str]
    refits: ClassVar[bool]
    """Its models are large, or those of folds no better than one of all rows: only the best are held meanwhile, and one
    fold is followed by a fit on all rows too. Where there are several folds that is so for every family."""

    def recipe(self, params: Params) -> Recipe:
        """The preprocessing that the model reads."""

    def prepare(self) -> None:
        """Imports what a fit needs.

        Raises:
            MissingExtraError: if it is not installed.
        """

    def fit(self, job: Job) -> Fit:
        """Fits on the rows that train and ends early by those that validate; polls `job.stop`.

        Called from several threads at once, for different folds. A model that was stopped is still valid.
        """


def loss_weights(problem: Problem) -> NDArray[np.float64] | None:
    """The given weights; for a relative error also divided by the size of the target (at most 100-fold apart)."""
    if problem.metric != "mape":
        return problem.weights
    size = np.abs(problem.y)
    inverse = 1.0 / np.maximum(size, max(float(size.max()) / _SKEWED_WEIGHT / 10, 1e-12))
    inverse = np.minimum(inverse, np.median(inverse) * _SKEWED_WEIGHT)
    weights = inverse if problem.weights is None else inverse * problem.weights
    return np.asarray(weights * (len(weights) / weights.sum()))


@dataclass(frozen=True, slots=True)
class Scale:
    """The target of a regression as models see it: standardised, after log(1 + y) when asked for."""

    y: NDArray[np.float64]
    reading: Reading


def target_scale(problem: Problem, train: NDArray[np.int64], params: Params) -> Scale:
    """The scaled target of all rows, measured on those that train.

    Predictions are cut off a tenth of the range outside the values seen, so that no model runs away.
    """
    y = np.log1p(problem.y) if params.get("target") == "log1p" else problem.y
    seen = problem.y[train]
    margin = _MARGIN * float(seen.max() - seen.min())
    shift, spread = float(y[train].mean()), float(y[train].std())
    scale = spread if spread > 0 else 1.0
    reading = Reading(
        link="log1p" if params.get("target") == "log1p" else "none",
        scale=scale,
        shift=shift,
        low=max(float(seen.min()) - margin, 0.0) if seen.min() >= 0 else float(seen.min()) - margin,
        high=float(seen.max()) + margin,
    )
    return Scale((y - shift) / scale, reading)
