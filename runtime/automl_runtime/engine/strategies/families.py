"""The search space of each family of models: the one place where ranges, scales and choices of settings stand.

`levels` are the values that variations of the portfolio draw from; other strategies search the whole range. A family
that is not here is fitted as the portfolio says, and not searched. `default` is what its library takes by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from automl_runtime.engine.strategies.space import Choice, Dimension, Integer, Real, SearchSpace

__all__ = ["FAMILY", "FAMILY_SPACES", "joint_space", "name_in_joint"]

FAMILY = "learner"
"""The choice of the family in a joint space."""

_OF_WORDS: dict[str, Dimension] = {
    "size": Choice((32, 64, 128), default=64),
    "rate": Real(0.0005, 0.01, log=True, levels=(0.001, 0.003, 0.006), default=0.002),
    "dropout": Real(0.0, 0.6, levels=(0.1, 0.3, 0.5), default=0.3),
    "decay": Real(0.001, 1.0, log=True, levels=(0.01, 0.1), default=0.05),
    "epochs": Integer(5, 60, log=True, levels=(10, 20, 40), default=20),
}

FAMILY_SPACES: dict[str, SearchSpace] = {
    "lightgbm": SearchSpace(
        {
            "learning_rate": Real(0.015, 0.15, log=True, levels=(0.02, 0.03, 0.05, 0.08), default=0.1),
            "num_leaves": Integer(6, 192, log=True, levels=(8, 16, 31, 63, 127), default=31),
            "min_data_in_leaf": Integer(3, 120, log=True, levels=(5, 10, 20, 40, 80), default=20),
            "feature_fraction": Real(0.2, 1.0, levels=(0.3, 0.5, 0.7, 1.0), default=1.0),
            "max_cat_to_onehot": Choice((4, 64), default=4),
            "bagging_fraction": Real(0.5, 1.0, levels=(0.6, 0.8, 1.0), default=1.0),
            "lambda_l2": Real(0.01, 50.0, log=True, levels=(0.1, 1.0, 5.0, 20.0), default=0.01),
            "extra_trees": Choice((False, True), default=False),
        }
    ),
    "catboost": SearchSpace(
        {
            "learning_rate": Real(0.02, 0.2, log=True, levels=(0.03, 0.05, 0.08, 0.12), default=0.1),
            "depth": Integer(3, 9, levels=(4, 5, 6, 7, 8), default=6),
            "l2_leaf_reg": Real(0.5, 20.0, log=True, levels=(1.0, 3.0, 6.0, 12.0), default=3.0),
            "random_strength": Real(0.3, 5.0, log=True, levels=(0.5, 1.0, 3.0), default=1.0),
            "rsm": Real(0.4, 1.0, levels=(0.5, 0.75, 1.0), default=1.0),
        }
    ),
    "network": SearchSpace(
        {
            "width": Integer(48, 320, log=True, levels=(64, 128, 256), default=128),
            "layers": Integer(1, 3, levels=(1, 2, 3), default=2),
            "rate": Real(0.0005, 0.01, log=True, levels=(0.001, 0.003, 0.006), default=0.003),
            "dropout": Real(0.0, 0.4, levels=(0.0, 0.1, 0.3), default=0.1),
            "decay": Real(0.001, 1.0, log=True, levels=(0.003, 0.03, 0.3), default=0.01),
            "epochs": Integer(15, 80, log=True, levels=(20, 40, 80), default=40),
        }
    ),
    "extra_trees": SearchSpace(
        {
            "min_samples_leaf": Integer(1, 20, log=True, levels=(1, 2, 3, 5), default=1),
            "max_features": Choice(("sqrt", 0.3, 0.6, 1.0), default="sqrt"),
            "bootstrap": Choice((False, True), default=False),
        }
    ),
    "xgboost": SearchSpace(
        {
            "learning_rate": Real(0.015, 0.15, log=True, levels=(0.02, 0.03, 0.05, 0.08), default=0.1),
            "max_depth": Integer(2, 11, levels=(3, 4, 6, 8, 10), default=6),
            "min_child_weight": Real(0.5, 30.0, log=True, levels=(1.0, 3.0, 8.0, 20.0), default=1.0),
            "subsample": Real(0.5, 1.0, levels=(0.6, 0.8, 1.0), default=1.0),
            "colsample_bytree": Real(0.2, 1.0, levels=(0.3, 0.5, 0.7, 1.0), default=1.0),
            "reg_lambda": Real(0.05, 50.0, log=True, levels=(0.1, 1.0, 5.0, 20.0), default=1.0),
        }
    ),
    "random_forest": SearchSpace(
        {
            "min_samples_leaf": Integer(1, 20, log=True, levels=(1, 2, 3, 5), default=1),
            "max_features": Choice(("sqrt", 0.3, 0.5, 0.8), default="sqrt"),
        }
    ),
    "additive": SearchSpace(
        {
            "learning_rate": Real(0.015, 0.15, log=True, levels=(0.02, 0.05, 0.1), default=0.05),
            "num_leaves": Integer(2, 16, log=True, levels=(3, 4, 6, 10), default=6),
            "min_data_in_leaf": Integer(3, 120, log=True, levels=(5, 20, 60), default=20),
            "feature_fraction": Real(0.2, 1.0, levels=(0.2, 0.5, 1.0), default=0.5),
        }
    ),
    "naive_bayes": SearchSpace(
        {
            "smoothing": Real(1e-9, 1.0, log=True, levels=(1e-6, 1e-3, 0.03, 0.3), default=1e-3),
            "alpha": Real(0.01, 50.0, log=True, levels=(0.1, 1.0, 5.0, 20.0), default=1.0),
        }
    ),
    "linear_svm": SearchSpace(
        {"strength": Real(0.001, 10.0, log=True, levels=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0), default=0.1)}
    ),
    "rbf_svm": SearchSpace(
        {
            "strength": Real(0.1, 100.0, log=True, levels=(0.3, 1.0, 3.0, 10.0), default=1.0),
            "reach": Real(0.03, 10.0, log=True, levels=(0.1, 0.3, 1.0, 3.0), default=1.0),
        }
    ),
    "cnn": SearchSpace(
        {
            "width": Integer(8, 48, log=True, levels=(16, 24, 32), default=24),
            "rate": Real(0.0005, 0.01, log=True, levels=(0.001, 0.003, 0.006), default=0.003),
            "dropout": Real(0.0, 0.6, levels=(0.1, 0.3, 0.5), default=0.3),
            "decay": Real(0.001, 1.0, log=True, levels=(0.01, 0.1), default=0.05),
            "moves": Real(0.0, 0.2, levels=(0.0, 0.08, 0.15), default=0.08),
            "epochs": Integer(10, 80, log=True, levels=(20, 40), default=30),
        }
    ),
    "transformer": SearchSpace(_OF_WORDS | {"layers": Integer(1, 4, levels=(1, 2, 3), default=2)}),
    "lstm": SearchSpace(dict(_OF_WORDS)),
    "tree": SearchSpace(
        {
            "max_depth": Integer(2, 6, default=4),
            "min_samples_leaf": Integer(2, 60, log=True, default=5),
        }
    ),
}


def joint_space(families: Sequence[str]) -> SearchSpace:
    """One space for all `families`: the choice of the family, and under each its own dimensions."""
    dimensions: dict[str, Dimension] = {FAMILY: Choice(tuple(families))}
    when: dict[str, dict[str, Sequence[str]]] = {}
    for family in families:
        space = FAMILY_SPACES[family]
        for name, dimension in space.dimensions.items():
            joint = name_in_joint(family, name)
            dimensions[joint] = dimension
            own = {name_in_joint(family, parent): options for parent, options in space.when.get(name, {}).items()}
            when[joint] = {FAMILY: [family], **own}
    return SearchSpace(dimensions, when=when)


def name_in_joint(family: str, name: str) -> str:
    """The name of a family's dimension in a joint space."""
    return f"{family}.{name}"
