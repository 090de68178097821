"""Strategies that others add: a class, or a function that makes one, called with the space and the seed.

It has `ask`, `report` and `tell` as `SearchStrategy` says; `History` is a base with the last two. It is told how many
`objectives` a trial has, and its `steps`, if it has arguments of these names; without the first it has one objective.
"""

from __future__ import annotations

import inspect
from typing import Any

from automl_runtime.engine.strategies.base import Observation, SearchStrategy
from automl_runtime.engine.strategies.space import Params, SearchSpace
from automl_runtime.errors import RequestError
from automl_runtime.inference.foreign import code_of_others
from automl_runtime.plugins import Plugin

__all__ = ["AddedSearch"]

_METHODS = ("ask", "report", "tell")


class AddedSearch:
    """A strategy of others; what it raises ends the search with its name, and what it proposes is checked."""

    def __init__(self, plugin: Plugin, space: SearchSpace, seed: int, *, objectives: int, steps: int) -> None:
        """Imports and begins.

        Raises:
            RequestError: if it cannot be imported, lacks a method, or has one objective and there are several.
            TrainingError: if its own code fails.
        """
        self._name, self._space = plugin.name, space
        made = plugin.load()
        wishes = {"objectives": objectives, "steps": steps}
        with code_of_others(self._name):
            known = inspect.signature(made).parameters
        if objectives > 1 and "objectives" not in known:
            raise RequestError(f"The strategy {self._name} has one objective: it takes no `objectives`.")
        with code_of_others(self._name):
            self._strategy: SearchStrategy = made(space, seed, **{k: v for k, v in wishes.items() if k in known})
        missing = [name for name in _METHODS if not callable(getattr(self._strategy, name, None))]
        if missing:
            raise RequestError(
                f"The strategy {self._name} ({plugin.target}, {plugin.origin}) has no {' and no '.join(missing)}.",
                hint="Derive it from automl_runtime.engine.strategies.base.History.",
            )

    def ask(self) -> Params | None:
        """What it proposes, moved into the space.

        Raises:
            RequestError: if that lacks a parameter, or has none of the options of one.
        """
        with code_of_others(self._name):
            params: Any = self._strategy.ask()
            return None if params is None else self._space.check(params)

    def report(self, params: Params, step: int, loss: float) -> bool:
        """Whether it wants to go on."""
        with code_of_others(self._name):
            return bool(self._strategy.report(params, step, loss))

    def tell(self, observation: Observation) -> None:
        """Passes it on."""
        with code_of_others(self._name):
            self._strategy.tell(observation)
