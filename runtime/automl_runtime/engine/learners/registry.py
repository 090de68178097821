"""The families of models that the search can use, by name."""

from __future__ import annotations

from automl_runtime.engine.learners.base import Learner
from automl_runtime.engine.learners.catboost import CatBoostLearner
from automl_runtime.engine.learners.forest import ExtraTreesLearner, TreeLearner
from automl_runtime.engine.learners.lightgbm import LightGbmLearner
from automl_runtime.engine.learners.linear import LinearLearner
from automl_runtime.engine.learners.network import NetworkLearner
from automl_runtime.errors import RequestError

__all__ = ["learner_named", "learner_names"]

_LEARNERS: dict[str, Learner] = {
    learner.name: learner
    for learner in (
        LightGbmLearner(),
        CatBoostLearner(),
        ExtraTreesLearner(),
        LinearLearner(),
        NetworkLearner(),
        TreeLearner(),
    )
}


def learner_names() -> list[str]:
    """The names of all families."""
    return sorted(_LEARNERS)


def learner_named(name: str) -> Learner:
    """The family called `name`.

    Raises:
        RequestError: naming those there are.
    """
    if name not in _LEARNERS:
        raise RequestError(f"There is no learner {name!r}; possible: {', '.join(learner_names())}.")
    return _LEARNERS[name]
