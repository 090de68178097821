"""A table that trips tree libraries up, and LightGBM models of all kinds trained on it."""

from __future__ import annotations

import numpy as np

FAMILIES = {
    "binary": {"objective": "binary"},
    "steep": {"objective": "binary", "sigmoid": 2.5, "is_unbalance": True},
    "multiclass": {"objective": "multiclass", "num_class": 3},
    "regression": {"objective": "regression"},
    "absolute": {"objective": "regression_l1", "num_leaves": 90},
    "quantile": {"objective": "quantile", "alpha": 0.2, "max_depth": 3},
    "zero is missing": {"objective": "regression", "zero_as_missing": True},
    "nothing is missing": {"objective": "regression", "use_missing": False},
    "many sets": {"objective": "regression", "max_cat_to_onehot": 1, "min_data_per_group": 2, "cat_smooth": 0.1},
    "forest": {"objective": "binary", "boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
    "dart": {"objective": "binary", "boosting": "dart"},
    "stumps": {"objective": "regression", "num_leaves": 2},
    "large trees": {"objective": "regression", "num_leaves": 400, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0},
    # Not by kernels:
    "too many sets": {
        **{"objective": "regression", "max_cat_to_onehot": 1, "min_data_per_group": 1, "cat_smooth": 0.1},
        **{"num_leaves": 90, "min_data_in_leaf": 1, "cat_l2": 0, "feature_contri": [0, 0, 0, 0, 1, 1]},
    },
    "linear leaves": {"objective": "regression", "linear_tree": True},
    "square roots": {"objective": "regression", "reg_sqrt": True},
    "counts": {"objective": "poisson"},
    "one against all": {"objective": "multiclassova", "num_class": 3},
}
BY_LIBRARY = ("too many sets", "linear leaves", "square roots", "counts", "one against all")


def table(seed, rows=500):
    """Numbers with gaps, zeros and ties (0 to 3) and codes (4, 5) with missing ones."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 4))
    numbers[:, 1] *= rng.random(rows) < 0.5
    numbers[:, 2] = np.round(numbers[:, 2], 1)
    cells = np.column_stack([numbers, rng.integers(0, 9, rows), rng.integers(0, 70, rows)])
    cells[rng.random(cells.shape) < 0.1] = np.nan
    cells[:, 3] = numbers[:, 3]
    signal = np.nan_to_num(cells[:, 0]) + np.sin(3 * numbers[:, 3]) + (cells[:, 4] % 3 == 1) - (cells[:, 5] % 7 > 3)
    return cells, signal + np.abs(numbers[:, 2])


def trained(params, seed=0, rounds=25, weighted=True):
    import lightgbm

    cells, signal = table(seed)
    classes = {"binary": 2, "multiclass": 3, "multiclassova": 3}.get(params["objective"])
    target = np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes)) if classes else signal
    if params["objective"] == "poisson":
        target = np.exp(signal)
    weights = np.random.default_rng(seed).uniform(0.5, 3, len(cells)) if weighted else None
    data = lightgbm.Dataset(cells, target, weight=weights, categorical_feature=[4, 5], params={"verbosity": -1})
    fixed = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5}
    return lightgbm.train(fixed | params, data, rounds), cells
