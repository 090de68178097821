"""Random search and grid search."""

from __future__ import annotations

import numpy as np

from automl_runtime.engine.strategies.base import History
from automl_runtime.engine.strategies.space import Params, SearchSpace

__all__ = ["GridSearch", "RandomSearch"]

_DRAWS = 300
_MOST_LISTED = 50_000


class RandomSearch(History):
    """Draws without looking back (Bergstra and Bengio, Random Search for Hyper-Parameter Optimization, 2012)."""

    def ask(self) -> Params | None:
        """A draw that was not there before; None when 300 draws gave none."""
        rng = np.random.default_rng([self.seed, len(self.seen)])
        return self.propose([self.space.decode(rng.random(len(self.space))) for _ in range(_DRAWS)])


class GridSearch(History):
    """Every combination of the levels of all dimensions, in random order, so that any part of it is spread out.

    Of a grid with more than 50,000 combinations, draws from it.
    """

    def __init__(self, space: SearchSpace, seed: int) -> None:
        super().__init__(space, seed)
        self._listed: list[Params] | None = None
        if space.grid_size() <= _MOST_LISTED:
            combinations = list(space.grid())
            order = np.random.default_rng(seed).permutation(len(combinations))
            self._listed = [combinations[place] for place in order]

    def ask(self) -> Params | None:
        """The next combination; None after the last."""
        if self._listed is not None:
            return self.propose(self._listed)
        rng = np.random.default_rng([self.seed, len(self.seen)])
        return self.propose([self._draw(rng) for _ in range(_DRAWS)])

    def _draw(self, rng: np.random.Generator) -> Params:
        params: Params = {}
        for name, dimension in self.space.dimensions.items():
            if self.space.is_active(name, params):
                levels = dimension.grid()
                params[name] = levels[int(rng.integers(len(levels)))]
        return params
