"""How a search is done: what `fit` was asked for besides the rows and the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automl_schemas.preprocessing import PreprocessingSpec
from automl_schemas.spec import Validation

from automl_runtime.engine.clock import Clock
from automl_runtime.engine.executors.base import THREADS, Executor
from automl_runtime.engine.preprocessing import AS_THE_RECIPE
from automl_runtime.engine.strategies.registry import check_strategy
from automl_runtime.engine.thresholds import ThresholdPolicy
from automl_runtime.errors import Cancelled, RequestError
from automl_runtime.events import EventSink, Progress, ignore
from automl_runtime.inference.encoding import FeatureKind

__all__ = ["Options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """See `fit` for what each means."""

    budget_seconds: float = 60.0
    trials: int | None = None
    max_trials: int | None = None
    folds: int = 5
    validation: Validation = "stratified"
    interpretable: bool = False
    preprocessing: PreprocessingSpec = AS_THE_RECIPE
    models: Sequence[str] | None = None
    params: Mapping[str, Any] | None = None
    ensemble: str = "auto"
    strategy: str = "auto"
    threshold: ThresholdPolicy | None = None
    kinds: Mapping[str, FeatureKind] | None = None
    memory_gb: float | None = None
    memory: Path | None = None
    max_predict_us: float | None = None
    executor: Executor = THREADS
    seed: int = 0
    replay: Sequence[Mapping[str, Any]] | None = None
    on_event: EventSink = ignore
    cancel: Callable[[], bool] | None = None
    resume: Path | None = None

    def below(self, name: str) -> Options:
        """The same for one of several searches: it keeps its trials in a folder of its own, and executes its own again.

        Raises:
            RequestError: if `replay` names no trial of it.
        """
        replay = None if self.replay is None else [trial for trial in self.replay if trial["search"] == name]
        if replay is not None and not replay:
            raise RequestError(
                f"Among the recorded trials there is none of the search {name!r}.",
                hint="They are of other data, or were recorded by an older automl; train again.",
            )
        return replace(self, replay=replay, resume=None if self.resume is None else self.resume / name)

    def check_cancelled(self) -> None:
        """Between steps that cannot be interrupted.

        Raises:
            Cancelled: if `cancel` says so.
        """
        if self.cancel is not None and self.cancel():
            raise Cancelled("The training was cancelled.")

    def clock(self) -> Clock:
        """Starts the clock; without a budget when the number of trials is fixed.

        Raises:
            RequestError: if a number is out of its range, there is no such strategy, or `replay` holds no trial.
            MissingExtraError: if the strategy needs a package that is not installed.
        """
        if self.budget_seconds <= 0 or self.folds < 2 or (self.trials is not None and self.trials < 1):
            raise RequestError("budget_seconds must be positive, folds at least 2, trials at least 1.")
        if self.max_predict_us is not None and not self.max_predict_us > 0:
            raise RequestError("max_predict_us must be positive: microseconds for each row.")
        if self.replay is not None and all(trial["status"] == "failed" for trial in self.replay):
            raise RequestError("There is no trial to execute again: `replay` is empty, or all of it failed.")
        check_strategy(self.strategy)
        if self.memory_gb is not None and not self.executor.local:
            raise RequestError("memory_gb is about this process; with an executor elsewhere it says nothing.")
        clock = Clock(float(self.budget_seconds) if self.trials is None and self.replay is None else None)
        self.on_event(Progress("training", 0.0, clock.budget, "reading the table"))
        return clock
