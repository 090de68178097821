"""Configurations of the families that a search comes to late, or when they are named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automl_runtime.engine.learners.registry import registered_params
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.trials import Config

__all__ = ["ADDITIVE", "GAUSSIAN_PROCESS", "further", "of_pictures"]

_XGBOOST: dict[str, Any] = {
    "learning_rate": 0.06,
    "max_depth": 6,
    "min_child_weight": 2.0,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "reg_lambda": 2.0,
    "max_cat_to_onehot": 8,
}
_LINEAR = Config("linear", "linear", {"basis": "plain"})
GAUSSIAN_PROCESS = Config("gaussian_process", "gaussian_process")
ADDITIVE = Config(
    "additive",
    "additive",
    {
        "learning_rate": 0.05,
        "num_leaves": 6,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 1.0,
        "cat_smooth": 10.0,
    },
)


def further(problem: Problem, trees: int) -> list[Config]:
    """Configurations of families that are not among the first of the portfolio; `trees` of each forest."""
    return [
        *_registered(),
        *_boosters(),
        *_forests(problem, trees),
        ADDITIVE,
        Config("lasso", "lasso", {"basis": "plain"}),
        Config("elastic_net", "elastic_net", {"basis": "splines"}),
        *([Config("naive_bayes", "naive_bayes", {"smoothing": 1e-3, "alpha": 1.0})] if problem.classes else []),
        Config("neighbors", "neighbors"),
        Config("linear_svm", "linear_svm", {"strength": 0.1}),
        Config("rbf_svm", "rbf_svm", {"strength": 1.0, "reach": 1.0}),
        GAUSSIAN_PROCESS,
    ]


def of_pictures(network: Mapping[str, Any], *, copies: bool) -> list[Config]:
    """What is tried first where columns hold pictures; `network`: the settings of one; `copies`: whether there are.

    Copies that are turned and moved cost time and help most problems; whether mirrored ones do depends on what the
    pictures show, and so does whether colours tell anything.
    """
    if not copies:
        shapes = Config("network_shapes", "network", dict(network) | {"colors": False}, 1.0)
        return [GAUSSIAN_PROCESS, Config("network", "network", network), _LINEAR, shapes]
    return [
        GAUSSIAN_PROCESS,
        Config("network_copies", "network", dict(network) | {"copies": 4}, 1.0),
        _LINEAR,
        Config("network_mirrored", "network", dict(network) | {"copies": 5}, 1.2),
        Config("network_shapes", "network", dict(network) | {"copies": 4, "colors": False}, 1.0),
        Config("network_wide", "network", dict(network) | {"copies": 4, "width": 320, "dropout": 0.3}, 2.5),
    ]


def _registered() -> list[Config]:
    return [
        Config(name if not place else f"{name}_{place + 1}", name, params)
        for name, settings in registered_params().items()
        for place, params in enumerate(settings)
    ]


def _boosters() -> list[Config]:
    leaves = {"grow_policy": "lossguide", "max_depth": 0, "max_leaves": 40, "colsample_bytree": 0.5}
    return [
        Config("xgboost", "xgboost", _XGBOOST | {"learning_rate": 0.1, "patience": 30}, 1.0),
        Config("xgboost_leaves", "xgboost", _XGBOOST | leaves | {"min_child_weight": 5.0}, 2.0),
    ]


def _forests(problem: Problem, trees: int) -> list[Config]:
    settings: dict[str, dict[str, Any]] = {
        "binary": {"max_features": "sqrt", "min_samples_leaf": 3},
        "multiclass": {"max_features": "sqrt", "min_samples_leaf": 1},
        "regression": {"max_features": 0.5, "min_samples_leaf": 2},
    }
    return [Config("random_forest", "random_forest", {"trees": trees} | settings[problem.task], 1.0)]
