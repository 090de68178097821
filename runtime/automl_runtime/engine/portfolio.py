"""Which configurations are tried, in which order: cheap and different ones first, then variations of the best."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from automl_runtime.engine.configurations import Entry, shipped
from automl_runtime.engine.families import of_pictures, registered
from automl_runtime.engine.groups import can_group
from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.pairs import can_pair
from automl_runtime.engine.probes import BOOSTERS
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.selection import SCALABLE, fitting_families, named_families, select_families
from automl_runtime.engine.strategies.families import FAMILY_SPACES
from automl_runtime.engine.trials import Config, TrialResult
from automl_runtime.events import EventSink, Warned, ignore
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.raw import PIXELS

__all__ = ["cost_of", "factors_of", "is_skewed", "portfolio", "smallest_leaf", "variations"]

_SKEW = 1.0
_WIDE = 300
_MANY_CELLS = 2_500_000
_MANY_CLASSES = 10
_TREES = 100
_FORESTS = ("extra_trees", "random_forest")
_MOST_LEAVES = 800_000
_MOST_LEAF_VALUES = 10_000_000
_FEW_ROWS = 200
_MOST_OF_FEW = 2_000
_EXPLORE = 0.5
"""How often a variation is made of any family, not of the best trials."""


def portfolio(
    problem: Problem,
    data: Encoded,
    *,
    interpretable: bool,
    models: Sequence[str] | None = None,
    budget_seconds: float | None = None,
    on_event: EventSink = ignore,
) -> list[Config]:
    """The configurations of a search, in order; `models` names the only families (None: those that suit).

    `on_event` gets a `Warned` for each family that is left out, replaced or sampled.

    Raises:
        RequestError: if a family does not exist, or cannot do what is asked.
    """
    rows, width = data.numbers.shape
    if models is None:
        families = select_families(len(problem), budget_seconds=budget_seconds, interpretable=interpretable)
    else:
        families = named_families(models, interpretable=interpretable)
    if models is None and PIXELS in data.readings and not interpretable:
        families = (*families, "cnn")
    families, notes = fitting_families(families, problem.task, len(problem))
    for note in notes:
        on_event(Warned(note))
    configs = _of_families(problem, families, interpretable, named=models is not None)
    if data.images and not interpretable:
        first = [config for config in of_pictures(shipped(), copies=bool(data.copies)) if config.learner in families]
        configs = list({config.name: config for config in (*first, *configs)}.values())
    if data.texts:
        # Linear models read words as they are.
        configs.sort(key=lambda config: config.name != "linear")
    if len(problem.classes) > _MANY_CLASSES:
        # Boosters grow a tree for each class in every round.
        configs.sort(key=lambda config: config.learner != "extra_trees")
    if (rows * width > _MANY_CELLS or families == SCALABLE) and not interpretable:
        configs = _for_many_rows(configs, families, problem)
    if width > _WIDE or rows * width > _MANY_CELLS:
        configs = [_plain(config) for config in configs if config.name != "linear_splines"]
    if not can_pair(data):
        configs = [config for config in configs if not config.params.get("pairs")]
    if not can_group(data):
        configs = [config for config in configs if not config.params.get("groups")]
    if rows < _FEW_ROWS:
        configs = [_for_few_rows(config, rows) for config in configs]
    configs = [_for_metric(config, problem) for config in configs]
    return [*configs[:2], *_logged(configs), *configs[2:]] if is_skewed(problem) else configs


def _logged(configs: Sequence[Config]) -> list[Config]:
    """The first booster with log(1 + y), so that even a short search learns which scale suits a skewed target."""
    first = next((config for config in configs if config.learner in BOOSTERS), None)
    return (
        [] if first is None else [replace(first, name=f"{first.name}_log", params={**first.params, "target": "log1p"})]
    )


def _of_families(problem: Problem, families: Sequence[str], interpretable: bool, *, named: bool) -> list[Config]:
    """Configurations of `families`: registered ones second, further ones last.

    Of the further ones, all where families were named, else the first of each family that has no other.
    """
    if interpretable:
        first, *rest = [shipped().named(name) for name in shipped().readable]
    else:
        # The order that public tables gave was found on few rows, and says nothing of more.
        few = len(problem) <= _MOST_OF_FEW
        first, *rest = _configs(shipped().few_rows if few else shipped().diverse, problem)
    own = registered()
    found = {config.name: config for config in (first, *own, *rest)}
    for config in _configs((*shipped().diverse, *shipped().further), problem):
        if named or config.learner not in {other.learner for other in found.values()}:
            found.setdefault(config.name, config)
    return [config for config in found.values() if config.learner in families]


def _configs(entries: Sequence[Entry], problem: Problem) -> list[Config]:
    """Those of `entries` that are for the task, as the table bears them."""
    return [_for_size(shipped().config(entry), problem) for entry in entries if problem.task in entry.tasks]


def _plain(config: Config) -> Config:
    """Without piecewise linear numbers, of which there would be too many."""
    return replace(config, params=dict(config.params) | {"basis": "plain"}) if "basis" in config.params else config


def _for_size(forest: Config, problem: Problem) -> Config:
    """Larger leaves where a forest would get too large to store and to hold."""
    if forest.learner not in _FORESTS:
        return forest
    params = {"trees": _TREES} | dict(forest.params)
    params["min_samples_leaf"] = max(params["min_samples_leaf"], smallest_leaf(problem, params))
    return replace(forest, params=params)


def smallest_leaf(problem: Problem, params: Mapping[str, Any]) -> int:
    """The fewest rows in a leaf with which a forest of so many `trees` is not too large."""
    leaves = len(problem) * params["trees"]
    least: float = max(leaves / _MOST_LEAVES, leaves * problem.outputs / _MOST_LEAF_VALUES)
    return math.ceil(least)


def _for_many_rows(configs: list[Config], families: Sequence[str], problem: Problem) -> list[Config]:
    """Boosters first, and those that learn fast: what is not fitted in time is worth nothing."""
    fast = _configs(shipped().many_rows, problem)
    order = ["lightgbm", *(family for family in families if families == SCALABLE and family != "lightgbm")]
    ranked = sorted(configs, key=lambda config: order.index(config.learner) if config.learner in order else len(order))
    return [*(config for config in fast if config.learner in families), *ranked]


def _for_few_rows(config: Config, rows: int) -> Config:
    params = dict(config.params)
    if config.learner in ("lightgbm", "additive"):
        params |= {"min_data_in_leaf": max(2, rows // 20), "num_leaves": 7, "bagging_fraction": 1.0}
    if config.learner == "catboost":
        params |= {"bootstrap_type": "No", "depth": min(params["depth"], 4)}
        params.pop("subsample", None)
    return replace(config, params=params)


def _for_metric(config: Config, problem: Problem) -> Config:
    """Absolute loss where the metric is absolute or relative; log(1 + y) of a skewed target where the entry says so."""
    params = dict(config.params)
    if problem.metric in ("mae", "mape", "pinball") and config.learner in BOOSTERS:
        params["loss"] = "l1"
    if is_skewed(problem) and config.name in shipped().logging:
        params["target"] = "log1p"
    return replace(config, params=params)


def is_skewed(problem: Problem) -> bool:
    """Whether a target is nowhere negative, and has a long tail to the right."""
    if problem.classes or problem.y.min() < 0:
        return False
    centered = problem.y - problem.y.mean()
    return bool((centered**3).mean() > _SKEW * centered.std() ** 3)


def factors_of(family: str) -> tuple[str, ...]:
    """The settings of a family that a search draws anew."""
    space = FAMILY_SPACES.get(family)
    return () if space is None else tuple(space.names)


def variations(results: Sequence[TrialResult], problem: Problem, rng: np.random.Generator) -> Iterator[Config]:
    """Endless: the configuration of one of the best trials with two or three of its settings drawn anew.

    `results` may grow between two draws. No configuration comes twice.
    """
    seen = {_key(result.config) for result in results}
    for number in range(1, 1000):
        usable = [result for result in results if result.complete and result.config.learner in FAMILY_SPACES]
        if not usable:
            return
        ranked = sorted(usable, key=lambda result: loss_of(problem.metric, result.score or 0.0))
        if rng.random() < _EXPLORE:
            families = sorted({result.config.learner for result in ranked})
            family = families[int(rng.integers(len(families)))]
            ranked = [result for result in ranked if result.config.learner == family]
        parent = ranked[min(int(rng.exponential(2.0)), len(ranked) - 1)].config
        config = _vary(parent, f"{parent.learner}_{number}", rng)
        if _key(config) not in seen:
            seen.add(_key(config))
            yield config


def _vary(parent: Config, name: str, rng: np.random.Generator) -> Config:
    space = FAMILY_SPACES[parent.learner]
    options = {name: dimension.grid() for name, dimension in space.dimensions.items()}
    chosen = rng.choice(sorted(options), size=min(len(options), int(rng.integers(2, 4))), replace=False)
    changes = {str(key): options[key][int(rng.integers(len(options[key])))] for key in chosen}
    if "min_samples_leaf" in changes:
        # Never smaller than the size of the table allows.
        changes["min_samples_leaf"] = max(changes["min_samples_leaf"], parent.params["min_samples_leaf"])
    params = dict(parent.params) | changes
    return replace(parent, name=name, params=params, cost=cost_of(parent, params))


def cost_of(parent: Config, params: Mapping[str, Any]) -> float:
    """The cost of `parent` with other `params`: by how much slower it learns and how much larger its trees are."""
    cost = parent.cost
    for key, power in (("learning_rate", -1.0), ("num_leaves", 0.7), ("epochs", 1.0), ("width", 1.2)):
        if key in params and key in parent.params:
            cost *= (params[key] / parent.params[key]) ** power
    for key, factor in (("depth", 1.5), ("max_depth", 1.25)):
        cost *= factor ** (params.get(key, 6) - parent.params.get(key, 6))
    return float(cost)


def _key(config: Config) -> str:
    return repr((config.learner, sorted(config.params.items())))
