"""The search strategies, by name: built in, or added by packages and by the user."""

from __future__ import annotations

from automl_runtime.engine.registries import registry
from automl_runtime.engine.strategies.added import AddedSearch
from automl_runtime.engine.strategies.asht import Asht, GaussianSearch
from automl_runtime.engine.strategies.backed import OptunaSearch
from automl_runtime.engine.strategies.base import SearchStrategy
from automl_runtime.engine.strategies.simple import GridSearch, RandomSearch
from automl_runtime.engine.strategies.space import SearchSpace

__all__ = ["ALIASES", "STRATEGIES", "canonical", "check_strategy", "make_strategy"]

STRATEGIES = {
    "auto": "the portfolio, then variations of its best; in `tune` the same as asht",
    "asht": "a bandit over families, a Gaussian process inside each, early stop on convergence",
    "tpe": "tree-structured Parzen estimators (Optuna)",
    "gp": "one Gaussian process over everything, expected improvement",
    "cma": "CMA-ES in the unit cube (Optuna)",
    "nsga2": "a genetic algorithm, for several objectives (Optuna)",
    "hyperband": "tree-structured Parzen estimators; most trials end after a few of their steps (Optuna)",
    "random": "draws without looking back",
    "grid": "every combination of a few levels, in random order",
}
"""Name -> what it does."""

ALIASES = {"bayesian": "tpe", "evolutionary": "nsga2", "hybrid": "asht"}
"""Other names, of HyperoptX."""


def canonical(name: str) -> str:
    """The name of the strategy that `name`, which may be an alias, stands for; nothing is imported.

    >>> canonical("hybrid")
    'asht'

    Raises:
        RequestError: naming those there are.
    """
    return ALIASES.get(name) or registry("strategies").named(name).name


def check_strategy(name: str) -> None:
    """Refuses a strategy that cannot be used.

    Raises:
        RequestError: if there is none of this name, or it was added and cannot be made.
        MissingExtraError: if it needs a package that is not installed.
    """
    make_strategy(name, SearchSpace({"x": (0.0, 1.0)}), seed=0)


def make_strategy(
    name: str,
    space: SearchSpace,
    *,
    seed: int,
    objectives: int = 1,
    steps: int = 1,
    converges: bool = True,
) -> SearchStrategy:
    """The strategy called `name`, with no history.

    Args:
        name: one of `STRATEGIES` or `ALIASES`, or one that was added.
        space: what may be chosen.
        seed: of everything that is random.
        objectives: how many losses a trial has.
        steps: of a trial; `hyperband` ends most after a few, and one that was added may.
        converges: whether `asht` ends by itself.

    Raises:
        RequestError: if there is none of this name, it was added and cannot be made, or has one objective only.
        MissingExtraError: if it needs a package that is not installed.
    """
    name = canonical(name)
    if name in ("auto", "asht"):
        return Asht(space, seed, objectives=objectives, converges=converges)
    if name == "gp":
        return GaussianSearch(space, seed, objectives=objectives)
    if name == "random":
        return RandomSearch(space, seed)
    if name == "grid":
        return GridSearch(space, seed)
    if name not in STRATEGIES:
        return AddedSearch(registry("strategies").named(name), space, seed, objectives=objectives, steps=steps)
    return OptunaSearch(space, seed, kind=name, objectives=objectives, steps=steps)
