"""What may come into the portfolio: what was written by hand, and draws from the engine's own search spaces."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from automl_runtime.engine.configurations import Entry
from automl_runtime.engine.portfolio import cost_of, is_skewed
from automl_runtime.engine.probes import BOOSTERS
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.strategies.families import FAMILY_SPACES
from automl_runtime.engine.trials import Config

__all__ = ["by_hand", "candidates", "config_for", "defaults"]

BY_HAND = Path(__file__).with_name("by_hand.json")
"""The portfolio as it was before: in its order, probes of made features left out."""

_DRAWS = {"lightgbm": 11, "network": 8, "extra_trees": 6, "xgboost": 6, "rbf_svm": 4, "linear_svm": 2}
_LATER = ("catboost", "xgboost", "random_forest", "lasso", "rbf_svm", "linear_svm")
"""Families that take longest, or that only long searches come to: measured when all others are."""
_MOST_COST = 4.0
"""Draws that are slower, beside the family's first, are drawn anew: the portfolio is what comes before patience."""
_DIGITS = 2


def by_hand() -> list[Entry]:
    """What was written by hand, in its order."""
    return [Entry.model_validate(each) for each in json.loads(BY_HAND.read_text(encoding="utf-8"))]


def defaults() -> list[Entry]:
    """What the libraries take by themselves, a configuration a family."""
    found = []
    for family in ("lightgbm", "extra_trees", "xgboost", "catboost", "random_forest"):
        params = {name: dimension.default for name, dimension in FAMILY_SPACES[family].dimensions.items()}
        more = {"trees": 100} if family in ("extra_trees", "random_forest") else {}
        found.append(Entry(name=f"{family}_default", learner=family, params=params | more))
    return found


def candidates(seed: int = 0) -> list[Entry]:
    """All, in the order in which they are evaluated: by hand, defaults, draws of the families in turn."""
    drawn = [_drawn(family, count, seed) for family, count in _DRAWS.items()]
    turns = chain.from_iterable(zip_longest(*drawn))
    found = [*by_hand(), *defaults(), *(each for each in turns if each is not None)]
    return sorted(found, key=lambda entry: entry.learner in _LATER)


def _drawn(family: str, count: int, seed: int) -> list[Entry]:
    rng = np.random.default_rng([seed, *family.encode()])
    own = [each.config({}) for each in by_hand() if each.learner == family]
    base = own[0] if own else Config(family, family)
    # The first booster of a search is impatient so that there is a model soon.
    kept = {key: value for key, value in base.params.items() if key != "patience" or family not in BOOSTERS}
    found: list[Entry] = []
    while len(found) < count:
        drawn = {name: _rounded(value) for name, value in FAMILY_SPACES[family].sample(rng).items()}
        params = kept | FAMILY_SPACES[family].check(drawn)
        cost = _rounded(cost_of(base, params))
        if cost <= _MOST_COST:
            number = len(found) + 1
            name = f"{family}_{ascii_lowercase[number - 1]}"
            found.append(Entry(name=name, learner=family, params=params, cost=cost, logs=number % 2 == 0))
    return found


def config_for(entry: Entry, problem: Problem) -> Config | None:
    """What is fitted, if it is for the task."""
    if problem.task not in entry.tasks:
        return None
    config = entry.config({})
    logged = {"target": "log1p"} if entry.logs and is_skewed(problem) else {}
    return replace(config, params=dict(config.params) | logged)


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
