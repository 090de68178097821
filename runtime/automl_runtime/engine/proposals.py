"""What a search tries, in the words of the engine: configurations of learners, from the portfolio and a strategy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.portfolio import cost_of, smallest_leaf, variations
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.strategies.base import Observation, SearchStrategy, Status
from automl_runtime.engine.strategies.families import FAMILY, FAMILY_SPACES, joint_space, name_in_joint
from automl_runtime.engine.strategies.registry import STRATEGIES, make_strategy
from automl_runtime.engine.strategies.space import Choice, Params
from automl_runtime.engine.trials import Config, TrialResult

__all__ = ["Guided", "Proposals", "Varied", "make_proposals"]

_WEIGHING = ("asht", "nsga2", "tpe")
_STATUS: dict[str, Status] = {"complete": "complete", "abandoned": "pruned", "stopped": "pruned", "failed": "failed"}


class Proposals(Protocol):
    """Where a search gets its configurations from; used from one thread."""

    judges: bool
    """Whether `goes_on` wants to hear of every fold."""

    def first(self, configs: Sequence[Config]) -> list[Config]:
        """Those of the portfolio `configs` that are tried in order, before the first `more`."""

    def more(self) -> Iterator[Config]:
        """Proposals one after the other; the iterator may end, and can be asked for again."""

    def tell(self, result: TrialResult, loss: float | None, seconds: float, latency: float | None = None) -> None:
        """Takes a finished trial: its loss (of the folds it got), what it cost, and what a prediction would."""

    def goes_on(self, config: Config, step: int, loss: float) -> bool:
        """Whether a trial is worth going on after `step` folds."""


class Varied:
    """The strategy `auto`: the portfolio in order, then its best with some settings drawn anew."""

    judges = False

    def __init__(self, results: Sequence[TrialResult], problem: Problem, seed: int) -> None:
        self._variations = variations(results, problem, np.random.default_rng(seed))

    def first(self, configs: Sequence[Config]) -> list[Config]:
        """All."""
        return list(configs)

    def more(self) -> Iterator[Config]:
        """Variations."""
        return self._variations

    def tell(self, result: TrialResult, loss: float | None, seconds: float, latency: float | None = None) -> None:
        """Needs nothing: variations read the results themselves."""
        del result, loss, seconds, latency

    def goes_on(self, config: Config, step: int, loss: float) -> bool:
        """Always."""
        del config, step, loss
        return True


class Guided:
    """A strategy over the joint space of all families of the portfolio; a step is a fold.

    `asht` comes after the whole portfolio. Before the others stands the first configuration of each family only, so
    that every family is heard. Settings that are not searched are those of the family's best trial so far.
    """

    def __init__(
        self,
        name: str,
        configs: Sequence[Config],
        results: Sequence[TrialResult],
        problem: Problem,
        *,
        seed: int,
        folds: int,
        most_microseconds: float | None = None,
    ) -> None:
        """With `most_microseconds`, strategies that can have several objectives weigh loss and latency."""
        self._most_microseconds = most_microseconds if name in _WEIGHING else None
        self._name, self._problem, self._results = name, problem, results
        self.judges = name == "hyperband" or name not in STRATEGIES
        self._firsts: dict[str, Config] = {}
        for config in configs:
            self._firsts.setdefault(config.learner, config)
        self._asked: dict[str, Params] = {}
        families = [family for family in self._firsts if family in FAMILY_SPACES]
        self._strategy: SearchStrategy | None = None
        if families:
            objectives = 1 if self._most_microseconds is None else 2
            space = joint_space(families)
            self._strategy = make_strategy(name, space, seed=seed, objectives=objectives, steps=folds)

    def first(self, configs: Sequence[Config]) -> list[Config]:
        """All for `asht`, else the first of each family."""
        return [config for config in configs if self._name == "asht" or config in self._firsts.values()]

    def more(self) -> Iterator[Config]:
        """What the strategy asks for, until it has no more."""
        while self._strategy is not None and (params := self._strategy.ask()) is not None:
            config = self._config(params, len(self._asked) + 1)
            self._asked[config.name] = params
            yield config

    def tell(self, result: TrialResult, loss: float | None, seconds: float, latency: float | None = None) -> None:
        """Passes it on to the strategy; as fast as was asked for is fast enough."""
        params = self._asked.get(result.config.name) or _params(result.config)
        if self._strategy is not None and params is not None:
            losses: tuple[float, ...] | None = None if loss is None or not np.isfinite(loss) else (loss,)
            if losses is not None and self._most_microseconds is not None:
                losses += (max(latency or 0.0, self._most_microseconds),)
            status = _STATUS[result.status] if losses is not None else "failed"
            self._strategy.tell(Observation(params, losses, status, seconds))

    def goes_on(self, config: Config, step: int, loss: float) -> bool:
        """What the strategy says of its own proposals; those of the portfolio go on."""
        params = self._asked.get(config.name)
        return self._strategy is None or params is None or self._strategy.report(params, step, loss)

    def _config(self, params: Params, number: int) -> Config:
        family = params[FAMILY]
        base = self._base(family)
        chosen = {name: params[name_in_joint(family, name)] for name in FAMILY_SPACES[family].names}
        if family == "extra_trees":
            chosen["min_samples_leaf"] = max(chosen["min_samples_leaf"], smallest_leaf(self._problem, base.params))
        settings = dict(base.params) | chosen
        return replace(base, name=f"{family}_{number}", params=settings, cost=cost_of(base, settings))

    def _base(self, family: str) -> Config:
        """The family's best trial, or what the portfolio begins with."""
        own = [result for result in self._results if result.complete and result.config.learner == family]
        if not own:
            return self._firsts[family]
        return min(own, key=lambda result: loss_of(self._problem.metric, result.score or 0.0)).config


def make_proposals(
    name: str, configs: Sequence[Config], results: Sequence[TrialResult], problem: Problem, *, seed: int, **more: Any
) -> Proposals:
    """The proposals of the strategy `name` (no alias); `results` grows while the search runs; `more` as in `Guided`."""
    if name == "auto":
        return Varied(results, problem, seed)
    return Guided(name, configs, results, problem, seed=seed, **more)


def _params(config: Config) -> Params | None:
    """A configuration of the portfolio in the joint space; None when it has a value that is not there."""
    space = FAMILY_SPACES.get(config.learner)
    if space is None:
        return None
    params: Params = {FAMILY: config.learner}
    for name, dimension in space.dimensions.items():
        value = config.params.get(name, dimension.default)
        if isinstance(dimension, Choice) and dimension.place_of(value) is None:
            return None
        params[name_in_joint(config.learner, name)] = dimension.clip(value)
    return params
