"""Adaptive surrogate-assisted hyperparameter tuning: a bandit over families, a surrogate inside each.

The bandit draws from Beta distributions of how often a family was among the best quarter lately (discounted Thompson
sampling; Raj and Kalyani, Taming Non-stationary Bandits, 2017), by what a trial of it costs. Inside a family the
greatest expected improvement under a Gaussian process decides, and weighs families against each other as well; every
third proposal comes from Parzen estimators, which many optima do not mislead, and every twelfth from nowhere. Several
objectives are weighed at random each time (Knowles, ParEGO, 2006). It ends when nothing more is to be gained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from automl_runtime.engine.strategies.base import History, is_better
from automl_runtime.engine.strategies.parzen import parzen_points
from automl_runtime.engine.strategies.space import Choice, Params, SearchSpace
from automl_runtime.engine.strategies.surrogate import Surrogate, warped
from automl_runtime.kernels.arrays import Bools, Floats

__all__ = ["Asht", "GaussianSearch"]

_DISCOUNT = 0.96
_TOP = 0.25
_FEWEST = 4
_MOST_FIRST = 10
_SPREAD_OUT = 64
_ANYWHERE = 12
"""Every twelfth trial of a family is drawn at random: no surrogate is right everywhere."""
_OTHERWISE = 3
"""Every third trial of a family is what Parzen estimators propose, which look at dimensions one by one."""
_HEARD = 0.08
"""How likely each family is to be tried whatever its record says: first trials are a poor judge."""
_FIRST_IN_LINE = 1000.0
_MIX = 0.05
_GAIN = 1e-3
_SURE = 20
_PATIENCE = 20


@dataclass(frozen=True, slots=True)
class _Plan:
    candidates: list[Params]
    gain: float
    """Logarithm of the improvement that is expected of the first; 0 while nothing is known."""
    worth: float


class Asht(History):
    """See the module; without a choice that other dimensions depend on there is one family only."""

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        objectives: int = 1,
        bandit: bool = True,
        converges: bool = True,
    ) -> None:
        """Begins.

        Args:
            space: what may be chosen.
            seed: of everything that is random.
            objectives: how many losses a trial has.
            bandit: False: one Gaussian process for all families together, and no Parzen estimators.
            converges: whether it ends by itself.
        """
        super().__init__(space, seed)
        self._objectives, self._bandit, self._converges = objectives, bandit, converges
        self._arm = space.arms() if bandit else None

    def ask(self) -> Params | None:
        """The best of what the family that the bandit drew can do; None after convergence, or when all is tried."""
        rng = np.random.default_rng([self.seed, len(self.seen)])
        losses = warped(self._scalars(rng)) if self.observations else np.empty(0)
        surrogates = {arm: self._surrogate(arm, losses, rng) for arm in self._arms()}
        best = min((each.best for each in surrogates.values() if each is not None), default=0.0)
        plans = [self._plan(arm, surrogate, best, losses, rng) for arm, surrogate in surrogates.items()]
        if self._converges and self._converged(max(plan.gain for plan in plans)):
            return None
        for plan in sorted(plans, key=lambda plan: -plan.worth):
            found = self.propose(plan.candidates)
            if found is not None:
                return found
        return None

    def _arms(self) -> list[object]:
        if self._arm is None:
            return [None]
        choice = self.space.dimensions[self._arm]
        assert isinstance(choice, Choice)
        return list(choice.options)

    def _surrogate(self, arm: object, losses: Floats, rng: np.random.Generator) -> Surrogate | None:
        mine = self._mine(arm)
        if mine.sum() < _FEWEST or np.ptp(losses[mine]) == 0:
            return None
        # Every second proposal looks further: crowded points make a surrogate too sure of all that is far.
        return Surrogate(self.space, self._points(mine), losses[mine], rng, wide=bool(mine.sum() % 2))

    def _plan(
        self, arm: object, surrogate: Surrogate | None, best: float, losses: Floats, rng: np.random.Generator
    ) -> _Plan:
        """What the family would try next, and what that is worth."""
        mine = self._mine(arm)
        drawn = self._fixed(rng.random((_SPREAD_OUT, len(self.space))), arm)
        chosen, gain, tried = drawn[self._farthest(drawn, self._points(mine))], 0.0, int(mine.sum())
        if surrogate is not None:
            proposed, gain = surrogate.propose(best, lambda points: self._fixed(points, arm))
            if tried >= min(_MOST_FIRST, self._width(arm) + 1) and tried % _ANYWHERE:
                if self._bandit and tried % _OTHERWISE == 0:
                    proposed = self._fixed(parzen_points(self.space, self._points(mine), losses[mine], rng), arm)
                chosen = np.vstack([proposed, drawn])
        worth = math.inf if not tried else gain + self._luck(mine, losses, rng)
        if rng.random() < _HEARD:
            worth += _FIRST_IN_LINE
        return _Plan([self.space.decode(point) for point in chosen], gain, worth)

    def _mine(self, arm: object) -> Bools:
        """Which trials are of the family."""
        return np.array([self._belongs(each.params, arm) for each in self.observations], dtype=bool)

    def _points(self, mine: Bools) -> Floats:
        chosen = [each.params for each, own in zip(self.observations, mine, strict=True) if own]
        return np.array([self.space.encode(params) for params in chosen]).reshape(-1, len(self.space))

    def _luck(self, mine: Bools, losses: Floats, rng: np.random.Generator) -> float:
        """A draw of how likely the family is among the best, for each second of its trials; as a logarithm."""
        good = mine & (losses <= np.quantile(losses, _TOP))
        weights = _DISCOUNT ** np.arange(len(losses))[::-1]
        chance = rng.beta(1 + weights[good].sum(), 1 + weights[mine & ~good].sum())
        cost = float(np.median([each.seconds for each, own in zip(self.observations, mine, strict=True) if own]))
        return math.log(max(chance, 1e-12)) - math.log(max(cost, 1e-9))

    def _farthest(self, drawn: Floats, points: Floats) -> list[int]:
        """The drawn points, those first that are far from all that was tried."""
        if not len(points):
            return list(range(len(drawn)))
        new, old = self.space.features(drawn)[0], self.space.features(points)[0]
        nearest = np.abs(new[:, None, :] - old[None, :, :]).sum(axis=2).min(axis=1)
        return [int(place) for place in np.argsort(-nearest, kind="stable")]

    def _scalars(self, rng: np.random.Generator) -> Floats:
        """One number for each trial; what failed is as bad as the worst, what was pruned at least as the middle."""
        known = [each.losses for each in self.observations if each.losses is not None]
        if not known:
            return np.zeros(len(self.observations))
        table = np.array(known)
        if self._objectives == 1:
            scalars = table[:, 0]
        else:
            weights = rng.dirichlet(np.ones(self._objectives))
            spread = np.ptp(table, axis=0)
            scaled = (table - table.min(axis=0)) / np.where(spread > 0, spread, 1.0) * weights
            scalars = scaled.max(axis=1) + _MIX * scaled.sum(axis=1)
        middle, values, place = float(np.median(scalars)), [], 0
        for each in self.observations:
            if each.losses is None:
                values.append(float(scalars.max()))
                continue
            values.append(max(float(scalars[place]), middle) if each.status == "pruned" else float(scalars[place]))
            place += 1
        return np.array(values)

    def _belongs(self, params: Params, arm: object) -> bool:
        return arm is None or (params[self._arm] == arm if self._arm is not None else True)

    def _fixed(self, points: Floats, arm: object) -> Floats:
        """The points with the family set to `arm`."""
        if self._arm is not None and arm is not None:
            points[:, self.space.names.index(self._arm)] = self.space.dimensions[self._arm].to_unit(arm)
        return points

    def _width(self, arm: object) -> int:
        """How many dimensions a family has."""
        if self._arm is None or arm is None:
            return len(self.space)
        params = {self._arm: arm}
        return sum(self.space.is_active(name, params) for name in self.space.names) - 1

    def _converged(self, gain: float) -> bool:
        """No improvement for long, and none to be expected; or all values are the same."""
        finished = [each for each in self.observations if each.losses is not None]
        if len(finished) < _SURE:
            return False
        table = np.array([each.losses for each in finished])
        if (np.ptp(table, axis=0) <= 1e-12 * np.abs(table).max(axis=0)).all():
            return True
        if len(self.observations) - self._last_improvement() < _PATIENCE + 2 * len(self.space):
            return False
        return self._objectives > 1 or gain < math.log(_GAIN)

    def _last_improvement(self) -> int:
        """The number of the last trial that no earlier one was as good as in every objective."""
        last = 0
        before: list[tuple[float, ...]] = []
        for number, each in enumerate(self.observations, start=1):
            if each.losses is not None and each.status == "complete":
                last = number if is_better(each.losses, before) else last
                before.append(each.losses)
        return last


class GaussianSearch(Asht):
    """One Gaussian process over the whole space (Jones et al., Efficient Global Optimization, 1998)."""

    def __init__(self, space: SearchSpace, seed: int, *, objectives: int = 1) -> None:
        super().__init__(space, seed, objectives=objectives, bandit=False, converges=False)
