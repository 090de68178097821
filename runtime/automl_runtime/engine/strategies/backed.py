"""The strategies that Optuna brings, behind our interface."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from automl_runtime.engine.strategies.base import Observation
from automl_runtime.engine.strategies.space import Choice, Integer, Params, SearchSpace, key_of
from automl_runtime.errors import MissingExtraError, RequestError

__all__ = ["OptunaSearch"]

_TRIES = 20
_POPULATION = 20
_REDUCTION = 3


class OptunaSearch:
    """Tree-structured Parzen estimators, CMA-ES, NSGA-II, or Hyperband over the first of these.

    Dimensions are suggested in order, those only that are active. CMA-ES, which knows numbers only, moves in the unit
    cube of the space instead: a choice is a stretch of an axis.
    """

    def __init__(self, space: SearchSpace, seed: int, *, kind: str, objectives: int = 1, steps: int = 1) -> None:
        """Begins; `steps` are those of a trial, which Hyperband divides among many trials and few.

        Raises:
            MissingExtraError: if Optuna is not installed.
            RequestError: if there are several objectives and `kind` can have one only.
        """
        for package in ("optuna", "cmaes") if kind == "cma" else ("optuna",):
            if find_spec(package) is None:
                raise MissingExtraError(package=package, extra="search")
        if objectives > 1 and kind in ("cma", "hyperband"):
            raise RequestError(f"The strategy {kind} has one objective; use asht, nsga2, tpe or random for several.")
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space, self._seed, self._cube = space, seed, kind == "cma"
        self._study: Any = optuna.create_study(
            study_name="search",  # Hyperband deals trials to brackets by this name.
            sampler=_sampler(kind, seed),
            pruner=_pruner(kind, steps),
            directions=["minimize"] * objectives,
        )
        self._open: dict[str, Any] = {}
        self._seen: dict[str, None] = {}

    def ask(self) -> Params | None:
        """What the sampler suggests; when that was there before, a draw that was not; None when there is none."""
        for _ in range(_TRIES):
            trial = self._study.ask()
            params = self._suggest(trial)
            if key_of(params) not in self._seen and self.space.allows(params):
                return self._opened(params, trial)
            self._withdraw(trial)
        rng = np.random.default_rng([self._seed, len(self._seen)])
        for _ in range(_TRIES * 10):
            params = self.space.decode(rng.random(len(self.space)))
            if key_of(params) not in self._seen and self.space.allows(params):
                self._study.enqueue_trial(self._places(params) if self._cube else params)
                trial = self._study.ask()
                self._suggest(trial)
                return self._opened(params, trial)
        return None

    def report(self, params: Params, step: int, loss: float) -> bool:
        """Whether Hyperband lets the trial go on; the others always do."""
        trial = self._open.get(key_of(params))
        if trial is None or not np.isfinite(loss):
            return True
        trial.report(loss, step)
        return not trial.should_prune()

    def tell(self, observation: Observation) -> None:
        """Takes a finished trial; Optuna ignores those that failed."""
        import optuna

        key = key_of(observation.params)
        self._seen.setdefault(key)
        trial = self._open.pop(key, None)
        states = optuna.trial.TrialState
        state = states.COMPLETE if observation.losses is not None else states.FAIL
        if observation.status == "pruned":
            state = states.PRUNED
        if trial is not None:
            values = list(observation.losses or ()) if state == states.COMPLETE else None
            self._study.tell(trial, values, state=state)
        elif observation.losses is not None:
            self._study.add_trial(self._foreign(observation, state))

    def _opened(self, params: Params, trial: Any) -> Params:
        self._seen[key_of(params)] = None
        self._open[key_of(params)] = trial
        return params

    def _withdraw(self, trial: Any) -> None:
        import optuna

        self._study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def _suggest(self, trial: Any) -> Params:
        if self._cube:
            return self.space.decode(np.array([trial.suggest_float(name, 0.0, 1.0) for name in self.space.names]))
        params: Params = {}
        for name, dimension in self.space.dimensions.items():
            if not self.space.is_active(name, params):
                continue
            if isinstance(dimension, Choice):
                params[name] = trial.suggest_categorical(name, dimension.options)
            elif isinstance(dimension, Integer):
                params[name] = trial.suggest_int(name, dimension.low, dimension.high, log=dimension.log)
            else:
                params[name] = trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)
        return params

    def _places(self, params: Params) -> Params:
        return dict(zip(self.space.names, self.space.encode(params).tolist(), strict=True))

    def _foreign(self, observation: Observation, state: Any) -> Any:
        import optuna

        params = self._places(observation.params) if self._cube else observation.params
        losses = list(observation.losses or ())
        return optuna.trial.create_trial(
            params=params,
            distributions={name: self._distribution(name) for name in params},
            values=losses if state == optuna.trial.TrialState.COMPLETE else None,
            intermediate_values={1: losses[0]},
            state=state,
        )

    def _distribution(self, name: str) -> Any:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        dimension = self.space.dimensions[name]
        if self._cube:
            return FloatDistribution(0.0, 1.0)
        if isinstance(dimension, Choice):
            return CategoricalDistribution(dimension.options)
        if isinstance(dimension, Integer):
            return IntDistribution(dimension.low, dimension.high, log=dimension.log)
        return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _sampler(kind: str, seed: int) -> Any:
    from optuna import samplers

    if kind == "cma":
        return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if kind == "nsga2":
        return samplers.NSGAIISampler(seed=seed, population_size=_POPULATION)
    return samplers.TPESampler(seed=seed)


def _pruner(kind: str, steps: int) -> Any:
    from optuna import pruners

    if kind != "hyperband":
        return pruners.NopPruner()
    return pruners.HyperbandPruner(min_resource=1, max_resource=max(steps, 1), reduction_factor=_REDUCTION)
