"""Settings of one family that a person fixed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from automl_runtime.contracts import nearest
from automl_runtime.engine.learners.foreign import ForeignLearner
from automl_runtime.engine.portfolio import factors_of
from automl_runtime.engine.trials import MOST_ROUNDS, Config
from automl_runtime.errors import RequestError, shorten

__all__ = ["with_params"]

_BOOSTERS = ("lightgbm", "catboost", "xgboost")
_FORESTS = ("extra_trees", "random_forest")
_MORE: dict[str, tuple[str, ...]] = {
    "lightgbm": ("n_estimators", "max_depth"),
    "catboost": ("n_estimators",),
    "xgboost": ("n_estimators",),
    "extra_trees": ("n_estimators", "max_depth"),
    "random_forest": ("n_estimators", "max_depth"),
}
"""What may be set besides what searches vary."""
_INNER = ("target", "loss", "pairs", "groups", "trees")


def with_params(configs: Sequence[Config], params: Mapping[str, Any]) -> list[Config]:
    """The first of the family's configurations with `params` in place of its own; `n_estimators` limits rounds.

    Raises:
        RequestError: if there is not one family, or it has no such setting, naming the nearest.
    """
    families = sorted({config.learner for config in configs})
    if len(families) != 1:
        raise RequestError(f"`params` are settings of one family; `models` names {', '.join(families) or 'none'}.")
    first, family = configs[0], families[0]
    allowed = sorted(_allowed(configs, family))
    for name in params:
        if name not in allowed:
            raise RequestError(
                f"{family} has no setting {shorten(name)}{nearest(name, allowed) or '.'} "
                f"Possible: {', '.join(allowed)}."
            )
    changed = dict(first.params) | dict(params)
    if family in _FORESTS and "n_estimators" in changed:
        changed["trees"] = changed.pop("n_estimators")
    if family in _BOOSTERS and "n_estimators" in changed:
        changed[MOST_ROUNDS] = changed.pop("n_estimators")
    return [replace(first, params=changed)]


def _allowed(configs: Sequence[Config], family: str) -> set[str]:
    learner = configs[0].family()
    if isinstance(learner, ForeignLearner):
        return set(inspect.signature(learner.estimator).parameters)
    known = {name for config in configs for name in config.params} | set(factors_of(family))
    return (known | set(_MORE.get(family, ()))) - set(_INNER)
