"""Proposals of one family: a Gaussian process over what was tried, and the greatest expected improvement.

Candidates are drawn everywhere and around the best points, in steps of many sizes: the search narrows where it pays,
and widens by itself where it does not; the best points stay its centre.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from automl_runtime.engine.strategies.gaussian import GaussianProcess, log_expected_improvement
from automl_runtime.engine.strategies.space import Choice, SearchSpace
from automl_runtime.kernels.arrays import Floats

__all__ = ["Surrogate", "warped"]

_MOST_POINTS = 250
_BEST_POINTS = 100
_ANYWHERE = 400
_AROUND = 600
_INCUMBENTS = 5
_ROUNDS = 4
_REFINED = 80
_PROPOSALS = 30
_FIRST = 20
_MOVED = 3.0
"""How many coordinates a step moves, on average."""


class Surrogate:
    """Fitted when it is made, to points of the unit cube (points x names) and their losses.

    `wide`: takes it that far from all points anything can be.
    """

    def __init__(
        self, space: SearchSpace, points: Floats, losses: Floats, rng: np.random.Generator, *, wide: bool
    ) -> None:
        self._space, self._rng = space, rng
        # What is not active at any point is none of the family's business.
        self._free = np.flatnonzero(space.active(points).any(axis=0))
        order = np.argsort(losses, kind="stable")
        if len(order) > _MOST_POINTS:
            rest = rng.choice(order[_BEST_POINTS:], _MOST_POINTS - _BEST_POINTS, replace=False)
            order = np.append(order[:_BEST_POINTS], np.sort(rest))
        self._points = points[order]
        features, owners = space.features(self._points)
        self._used = np.flatnonzero(np.isin(owners, self._free) & (np.ptp(features, axis=0) > 0))
        least = 1.0 if wide else 0.0
        self._model = GaussianProcess(features[:, self._used], owners[self._used], losses[order], least=least)
        self.best = float(self._model.predict(features[:, self._used])[0].min())
        """The least loss among the points, without noise."""

    def propose(self, best: float, fixed: Callable[[Floats], Floats]) -> tuple[Floats, float]:
        """Points worth trying, best first, and the logarithm of what the first is expected to gain.

        Gains are measured from `best`; `fixed` moves points to where they are allowed.
        """
        space, rng = self._space, self._rng
        centers = self._points[: min(_INCUMBENTS, len(self._points))]
        pool = fixed(np.vstack([rng.random((_ANYWHERE, len(space))), self._steps(centers, _AROUND, 1.0)]))
        values = self._gain(pool, best)
        for turn in range(_ROUNDS):
            top = np.argsort(-values, kind="stable")[:_INCUMBENTS]
            steps = fixed(self._steps(pool[top], _REFINED, 0.5**turn))
            pool, values = np.vstack([pool, steps]), np.append(values, self._gain(steps, best))
        order = np.argsort(-values, kind="stable")[:_PROPOSALS]
        return pool[order], float(values[order[0]])

    def _gain(self, points: Floats, best: float) -> Floats:
        mean, deviation = self._model.predict(self._space.features(points)[0][:, self._used])
        return log_expected_improvement(mean, deviation, best)

    def _steps(self, centers: Floats, number: int, largest: float) -> Floats:
        """Steps from `centers`, of sizes from a thousandth to `largest` / 2; choices are drawn anew."""
        rng, free = self._rng, self._free
        start = centers[rng.integers(len(centers), size=number)]
        size = 0.5 * largest * np.exp(rng.uniform(np.log(0.002), 0.0, (number, 1)))
        moved = np.zeros(start.shape, dtype=bool)
        moved[:, free] = rng.random((number, len(free))) < min(1.0, _MOVED / len(free))
        moved[np.arange(number), rng.choice(free, size=number)] = True
        target = np.clip(start + size * rng.normal(size=start.shape), 0.0, 1.0)
        for column, dimension in enumerate(self._space.dimensions.values()):
            if isinstance(dimension, Choice):
                target[:, column] = rng.random(number)
        return np.where(moved, target, start)


def warped(losses: Floats) -> Floats:
    """Losses with a long tail of bad values pulled in, so that the differences among the good ones count.

    In units of the deviation among the first trials: later ones crowd around the best.
    """
    first = losses[:_FIRST]
    middle = float(np.median(first))
    spread = float(np.median(np.abs(first - middle))) or float(losses.std()) or 1.0
    scaled = (losses - middle) / spread
    return np.asarray(np.where(scaled > 0, np.log1p(np.maximum(scaled, 0.0)), scaled))
