"""`tune`: the strategies of the engine for any function of parameters."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from automl_runtime.engine.strategies.base import SearchStrategy, Status, is_better
from automl_runtime.engine.strategies.registry import canonical, make_strategy
from automl_runtime.engine.strategies.space import Params, SearchSpace, key_of
from automl_runtime.engine.study import Direction, Study, TunedTrial, directions_of
from automl_runtime.errors import Cancelled, RequestError, shorten
from automl_runtime.events import EventSink, Progress, TrialFinished, ignore

__all__ = ["Objective", "Trial", "tune"]

_RECENT = 20
_LAST = 0.5
"""A trial is begun when half of it, by the median of those so far, fits into the time left."""


class Trial(Mapping[str, Any]):
    """What an objective gets: its parameters, by name; `dict(trial)` and `**trial` work."""

    def __init__(self, params: Params, report: Callable[[int, float], None]) -> None:
        self._params, self._report = params, report

    def __getitem__(self, name: str) -> Any:
        return self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def report(self, value: float, step: int) -> None:
        """Says how good the first objective is after `step` of `steps` (from 1).

        Does not return when the trial is not worth going on, or the time is over: the trial then counts as pruned.
        """
        self._report(step, float(value))


class _Pruned(BaseException):
    """Leaves an objective early; no `except Exception` in it stops this."""


Objective: TypeAlias = Callable[[Trial], float | Sequence[float]]


def tune(
    objective: Objective,
    space: SearchSpace | Mapping[str, Any],
    *,
    trials: int = 100,
    budget_seconds: float | None = None,
    strategy: str = "asht",
    direction: Direction | Sequence[Direction] = "minimize",
    seed: int = 0,
    steps: int = 1,
    patience: int | None = None,
    suggested: Sequence[Mapping[str, Any]] = (),
    study: Study | None = None,
    on_event: EventSink = ignore,
    cancel: Callable[[], bool] | None = None,
) -> Study:
    """Looks for the parameters with the best value of `objective`.

        study = tune(lambda trial: (trial["x"] - 1) ** 2, {"x": (-5.0, 5.0)}, trials=40)
        study.best_params, study.best_value

    Args:
        objective: gets a `Trial`, returns a number, or one for each direction. What it raises, and what is not
            finite, makes the trial a failed one, which is not scored.
        space: what may be chosen; see `SearchSpace`.
        trials: at most so many, those of `study` included.
        budget_seconds: wall clock; a trial that runs is not interrupted unless it reports.
        strategy: `asht`, `tpe`, `gp`, `cma`, `nsga2`, `hyperband`, `random`, `grid`, `auto`.
        direction: `minimize` or `maximize`, or one of them for each objective.
        seed: of everything that is random; the same seed gives the same trials.
        steps: of a trial that reports: how many; `hyperband` ends most trials after a few of them.
        patience: ends the search after so many trials without a better one; `asht` also ends by itself when nothing
            more is to be gained.
        suggested: parameters that are tried first.
        study: an earlier search over the same space that goes on.
        on_event: gets `TrialFinished` and `Progress`.
        cancel: asked before each trial; True ends the search.

    Raises:
        RequestError: if an argument does not fit.
        MissingExtraError: if the strategy needs a package that is not installed.
        Cancelled: after `cancel` said so, or Ctrl-C.
    """
    space = space if isinstance(space, SearchSpace) else SearchSpace(space)
    limits = _Limits(trials, budget_seconds, patience, cancel)
    study = _begun(study, space, directions_of(direction), strategy, seed)
    engine = make_strategy(strategy, space, seed=seed, objectives=len(study.directions), steps=steps)
    for trial in study.trials:
        engine.tell(study.observation(trial))
    queue = [space.check(params) for params in suggested]
    try:
        _Run(study, engine, objective, limits, on_event).loop(queue)
    except KeyboardInterrupt as interrupt:
        raise Cancelled("The search was cancelled.") from interrupt
    return study


def _begun(
    study: Study | None, space: SearchSpace, directions: tuple[Direction, ...], strategy: str, seed: int
) -> Study:
    if study is None:
        return Study(space, directions, canonical(strategy), seed)
    if study.space.names != space.names or study.directions != directions:
        raise RequestError("The study that shall go on has another search space, or other directions.")
    return study


@dataclass(frozen=True, slots=True)
class _Limits:
    trials: int
    seconds: float | None
    patience: int | None
    cancel: Callable[[], bool] | None
    start: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if self.trials < 1 or (self.patience is not None and self.patience < 1):
            raise RequestError("trials and patience must be at least 1.")
        if self.seconds is not None and not self.seconds > 0:
            raise RequestError("budget_seconds must be positive.")

    def left(self) -> float:
        return math.inf if self.seconds is None else self.seconds - (time.monotonic() - self.start)


class _Run:
    def __init__(
        self, study: Study, engine: SearchStrategy, objective: Objective, limits: _Limits, on_event: EventSink
    ) -> None:
        self._study, self._engine, self._objective = study, engine, objective
        self._limits, self._on_event = limits, on_event
        self._stale = 0

    def loop(self, queue: list[Params]) -> None:
        """Trials, until a limit is reached or the strategy has no more."""
        known = {key_of(trial.params) for trial in self._study.trials}
        queue = [params for params in queue if key_of(params) not in known]
        while not self._over():
            params = queue.pop(0) if queue else self._engine.ask()
            if params is None:
                return
            trial = self._evaluate(params)
            self._study.trials.append(trial)
            self._engine.tell(self._study.observation(trial))
            self._tell(trial)

    def _over(self) -> bool:
        limits, trials = self._limits, self._study.trials
        if limits.cancel is not None and limits.cancel():
            raise Cancelled("The search was cancelled.")
        typical = float(np.median([trial.seconds for trial in trials[-_RECENT:]])) if trials else 0.0
        return (
            len(trials) >= limits.trials
            or limits.left() < _LAST * typical
            or limits.left() <= 0
            or (limits.patience is not None and self._stale >= limits.patience)
        )

    def _evaluate(self, params: Params) -> TunedTrial:
        number, start = len(self._study.trials) + 1, time.monotonic()
        reported: list[float] = []
        sign = 1.0 if self._study.directions[0] == "minimize" else -1.0

        def report(step: int, value: float) -> None:
            reported.append(value)
            if self._limits.left() <= 0 or not self._engine.report(params, step, sign * value):
                raise _Pruned

        values: tuple[float, ...] | None = None
        status: Status = "complete"
        error = None
        try:
            values = self._checked(self._objective(Trial(params, report)))
        except _Pruned:
            status = "pruned"
            values = (reported[-1],) if math.isfinite(reported[-1]) else None
        except Cancelled:
            raise
        except Exception as raised:  # noqa: BLE001 -- whatever an objective raises is a failed trial, which says why
            status, error = "failed", f"{type(raised).__name__}: {str(raised)[:300]}"
        return TunedTrial(number, params, values, status, time.monotonic() - start, error)

    def _checked(self, returned: float | Sequence[float]) -> tuple[float, ...]:
        values = tuple(float(value) for value in (returned if isinstance(returned, Sequence) else (returned,)))
        if len(values) != len(self._study.directions):
            raise ValueError(
                f"the objective returned {len(values)} values for {len(self._study.directions)} directions"
            )
        if not all(math.isfinite(value) for value in values):
            raise ValueError(f"the objective returned {shorten(returned)}, which is not finite")
        return values

    def _tell(self, trial: TunedTrial) -> None:
        study = self._study
        earlier = [losses for each in study.complete[:-1] if (losses := study.losses(each)) is not None]
        losses = study.losses(trial) if trial.status == "complete" else None
        self._stale = 0 if losses is not None and is_better(losses, earlier) else self._stale + 1
        best = study.best_value if study.complete else None
        self._on_event(TrialFinished(trial.number, study.strategy, trial.value, best, trial.seconds, trial.error))
        self._on_event(Progress("tuning", float(len(study.trials)), float(self._limits.trials)))
