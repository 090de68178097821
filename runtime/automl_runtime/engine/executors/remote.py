"""Fits in other processes: a workspace is sent once, calls are small, fitted models come back.

What travels is pickled by the cluster's own transport, between processes that it started itself; nothing of it is ever
stored.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from automl_schemas.preprocessing import PreprocessingSpec

from automl_runtime.engine.folds import Fold
from automl_runtime.engine.learners.base import EpochReports, Stopper
from automl_runtime.engine.learners.foreign import plug_in
from automl_runtime.engine.preprocessing import depends_on_fold
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.trials import Config, FoldResult, fit_fold
from automl_runtime.engine.workspace import Workspace
from automl_runtime.events import ignore
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.parts import Design

__all__ = ["Call", "Parts", "SharedDesigns", "pack", "settle", "unpack"]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a workspace is made of, without what it has cached."""

    problem: Problem
    data: Encoded
    folds: list[Fold]
    seed: int
    asked: PreprocessingSpec


def pack(workspace: Workspace) -> Parts:
    """What another process needs to have the same workspace."""
    return Parts(workspace.problem, workspace.data, workspace.folds, workspace.seed, workspace.asked)


def unpack(parts: Parts) -> Workspace:
    """The workspace, with arrays of its own: those that a cluster shares cannot be written to."""
    plug_in(parts.problem.task, lambda _: None)
    data = parts.data.take(np.arange(len(parts.data)))
    return Workspace(parts.problem, data, parts.folds, parts.seed, parts.asked)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `fit_fold`, without the workspace and what belongs to the process that asked."""

    config: Config
    number: int
    seed: int
    threads: int
    rounds: int | None
    seconds: float | None
    """Until the fit has to end; None when time does not matter."""

    @classmethod
    def of(cls, config: Config, number: int, how: Mapping[str, Any]) -> Call:
        """The call with the keyword arguments `how`."""
        deadline = how["stop"].deadline
        seconds = None if deadline is None else max(deadline - time.monotonic(), 0.0)
        return cls(config, number, how["seed"], how["threads"], how["rounds"], seconds)

    def execute(self, workspace: Workspace) -> FoldResult:
        """The fit, in the process that has the workspace."""
        # SciPy brings a BLAS of its own; a limit holds only for those that are loaded.
        import scipy.linalg  # noqa: F401
        from threadpoolctl import threadpool_limits

        self.config.family().prepare()
        deadline = None if self.seconds is None else time.monotonic() + self.seconds
        # Threads of BLAS would change the last digits.
        with threadpool_limits(limits=1, user_api="blas"):
            return fit_fold(
                workspace,
                self.config,
                self.number,
                seed=self.seed,
                threads=self.threads,
                stop=Stopper(deadline),
                rounds=self.rounds,
                epochs=EpochReports(ignore),
            )


class SharedDesigns:
    """One object for equal designs: a model stores a preprocessing once, however many of its members came with it."""

    def __init__(self, workspace: Workspace) -> None:
        """Of the results of this workspace."""
        self._workspace = workspace
        self._known: dict[Any, Design] = {}

    def of(self, config: Config, number: int, result: FoldResult) -> FoldResult:
        """The result with the design that came first."""
        recipe = config.family().recipe(config.params)
        own = depends_on_fold(recipe, self._workspace.data, self._workspace.asked)
        return replace(result, design=self._known.setdefault((recipe, number if own else None), result.design))


def settle(done: Future[FoldResult], call: Call, came: Future[FoldResult], designs: SharedDesigns) -> None:
    """Gives `done` what came; an error of the cluster itself becomes a RuntimeError, which fails the trial alone."""
    if not done.set_running_or_notify_cancel():
        return
    error = None if came.cancelled() else came.exception()
    if error is None and not came.cancelled():
        done.set_result(designs.of(call.config, call.number, came.result()))
        return
    known = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
    done.set_exception(error if isinstance(error, known) else RuntimeError(f"the fit was lost: {error}"))
