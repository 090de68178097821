"""The families of models that the search can use, by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from automl_runtime.engine.learners.base import Learner
from automl_runtime.engine.learners.catboost import CatBoostLearner
from automl_runtime.engine.learners.forest import ExtraTreesLearner, RandomForestLearner, TreeLearner
from automl_runtime.engine.learners.gaussian_process import GaussianProcessLearner
from automl_runtime.engine.learners.lightgbm import AdditiveLearner, LightGbmLearner
from automl_runtime.engine.learners.linear import LinearLearner
from automl_runtime.engine.learners.naive_bayes import NaiveBayesLearner
from automl_runtime.engine.learners.neighbors import NeighborsLearner
from automl_runtime.engine.learners.network import NetworkLearner
from automl_runtime.engine.learners.sparse_linear import ElasticNetLearner, LassoLearner
from automl_runtime.engine.learners.svm import LinearSvmLearner, RbfSvmLearner
from automl_runtime.engine.learners.xgboost import XGBoostLearner
from automl_runtime.engine.neural.learners import CnnLearner, LstmLearner, PretrainedLearner, TransformerLearner
from automl_runtime.errors import RequestError, shorten

__all__ = ["OTHER_NAMES", "forget_learner", "learner_named", "learner_names", "register_learner", "registered_params"]

_LEARNERS: dict[str, Learner] = {
    learner.name: learner
    for learner in (
        LightGbmLearner(),
        CatBoostLearner(),
        XGBoostLearner(),
        ExtraTreesLearner(),
        RandomForestLearner(),
        LinearLearner(),
        LassoLearner(),
        ElasticNetLearner(),
        NetworkLearner(),
        TreeLearner(),
        AdditiveLearner(),
        NaiveBayesLearner(),
        NeighborsLearner(),
        LinearSvmLearner(),
        RbfSvmLearner(),
        GaussianProcessLearner(),
        CnnLearner(),
        TransformerLearner(),
        LstmLearner(),
        PretrainedLearner(),
    )
}
OTHER_NAMES = {
    "logistic": "linear",
    "logistic_regression": "linear",
    "ridge": "linear",
    "mlp": "network",
    "neural_network": "network",
    "decision_tree": "tree",
    "ebm": "additive",
    "gam": "additive",
    "k_nearest_neighbors": "neighbors",
    "knn": "neighbors",
    "svm": "rbf_svm",
}
"""What else the families are called."""

_PARAMS: dict[str, tuple[Mapping[str, Any], ...]] = {}


def learner_names() -> list[str]:
    """The names of all families."""
    return sorted(_LEARNERS)


def learner_named(name: str) -> Learner:
    """The family called `name`, or known by it (`OTHER_NAMES`).

    Raises:
        RequestError: naming the nearest, and those there are.
    """
    known = OTHER_NAMES.get(name, name)
    if known not in _LEARNERS:
        near = get_close_matches(str(name), [*_LEARNERS, *OTHER_NAMES], n=2)
        guess = f" Did you mean {' or '.join(near)}?" if near else ""
        raise RequestError(
            f"There is no family of models {shorten(name)}.{guess} Possible: {', '.join(learner_names())}."
        )
    return _LEARNERS[known]


def register_learner(learner: Learner, *params: Mapping[str, Any]) -> None:
    """Adds a family of your own: searches try it with each of `params`, early, and `models=[learner.name]` names it.

    Its predictor must be of a kind that `inference.storage` writes (trees, linear models, networks, kernels ...), so
    that models can be saved and loaded without your code.

    Raises:
        RequestError: if the name is taken, or no settings are given.
    """
    if learner.name in _LEARNERS or learner.name in OTHER_NAMES:
        raise RequestError(f"There is already a family of models {shorten(learner.name)}; choose another name.")
    if not params:
        raise RequestError(f"Say with which settings {learner.name} is to be tried; {{}} for its own.")
    _LEARNERS[learner.name] = learner
    _PARAMS[learner.name] = params


def forget_learner(name: str) -> None:
    """Takes a family away that `register_learner` added."""
    del _LEARNERS[name], _PARAMS[name]


def registered_params() -> dict[str, tuple[Mapping[str, Any], ...]]:
    """The settings with which registered families are tried, by name."""
    return dict(_PARAMS)
