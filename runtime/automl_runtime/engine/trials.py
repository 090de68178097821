"""One configuration, fitted on the folds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from automl_runtime.engine.cost import predictor_microseconds
from automl_runtime.engine.learners.base import EpochReports, Fit, Job, Learner, Params, Stopper
from automl_runtime.engine.learners.registry import learner_named
from automl_runtime.engine.views import VIEW_PARAMS, view_of
from automl_runtime.engine.workspace import ALL_ROWS, Workspace
from automl_runtime.inference.parts import Design
from automl_runtime.inference.storage import stored_bytes
from automl_runtime.kernels.arrays import Floats

__all__ = ["MORE_ROUNDS", "MOST_ROUNDS", "Config", "FoldResult", "Status", "TrialResult", "fit_fold"]

MOST_ROUNDS = "most_rounds"
"""The setting of a configuration that limits its iterations."""

MORE_ROUNDS = 1.2
"""A boosted model of all rows bears so many times the rounds of those of the folds."""

Status = Literal["complete", "abandoned", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Config:
    """What a trial fits. `cost` is relative to other configurations of the learner."""

    name: str
    learner: str
    params: Params = field(default_factory=dict)
    cost: float = 1.0
    rounds: tuple[int, ...] = ()
    """Iterations of each fold, when a recorded trial is executed again."""
    final_rounds: int | None = None
    """Iterations of the model on all rows, likewise; None when it was not fitted on all rows."""

    def key(self) -> str:
        """The same for configurations that do the same, whatever their names."""
        return json.dumps([self.learner, dict(self.params), self.rounds, self.final_rounds], sort_keys=True)

    def family(self) -> Learner:
        """The learner."""
        return learner_named(self.learner)


@dataclass(frozen=True, slots=True)
class FoldResult:
    """One model, its preprocessing, and its outputs for the rows that validate."""

    fit: Fit
    design: Design
    outputs: Floats
    seconds: float
    predict_seconds: float
    stored: float
    """About how many bytes the model takes in a file."""
    microseconds: float
    """About how long it takes to predict a row; see `cost`."""


@dataclass(slots=True)
class TrialResult:
    """What a trial left; `outputs` are those of all validating rows, in the order of the folds."""

    number: int
    config: Config
    status: Status
    folds: list[FoldResult]
    seconds: float
    score: float | None = None
    outputs: Floats | None = None
    error: str | None = None
    final_rounds: int | None = None
    rounds: list[int] = field(default_factory=list)
    ended: float = 0.0
    """Seconds since `fit` was called."""

    @property
    def complete(self) -> bool:
        """Whether every fold has been fitted."""
        return self.status == "complete"

    @property
    def usable(self) -> bool:
        """Whether the models are still there."""
        return self.complete and bool(self.folds)

    def record(self, plan: Mapping[str, Any]) -> dict[str, Any]:
        """The trial as JSON, enough to execute it again with the same outcome."""
        return {
            "model": self.config.name,
            "learner": self.config.learner,
            "params": dict(self.config.params),
            "recipe": str(self.config.family().recipe(self.config.params)),
            "status": self.status,
            "score": self.score,
            "rounds": list(self.rounds),
            "final_rounds": self.final_rounds,
            "plan": dict(plan),
        }


def fit_fold(
    workspace: Workspace,
    config: Config,
    number: int,
    *,
    seed: int,
    threads: int,
    stop: Stopper,
    rounds: int | None,
    epochs: EpochReports,
) -> FoldResult:
    """Fits `config` on one fold, or on `ALL_ROWS` (then there are no outputs)."""
    start = time.monotonic()
    learner = config.family()
    rows = workspace.fold_data(learner.recipe(config.params), number, view_of(config.params))
    if not rows.fitted.matrix.shape[1]:
        raise ValueError("no column varies in the rows that train")
    params = {key: value for key, value in config.params.items() if key not in (MOST_ROUNDS, *VIEW_PARAMS)}
    limit = rounds or config.params.get(MOST_ROUNDS)
    fit = learner.fit(Job(workspace, rows, params, seed, threads, stop, limit, config.name, epochs))
    fitted = time.monotonic()
    outputs: Floats = np.empty((0, workspace.problem.outputs))
    if number != ALL_ROWS:
        raw = fit.predictor.predict(rows.valid_matrix())
        outputs = fit.reading.outputs(raw, len(workspace.problem.classes))
    seconds = fitted - start, time.monotonic() - fitted
    burden = stored_bytes(fit.predictor), predictor_microseconds(fit.predictor)
    return FoldResult(fit, rows.design, outputs, *seconds, *burden)
