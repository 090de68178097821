"""LightGBM's models, run by our kernels, predict as the library does, to the last bit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from automl_runtime.errors import BundleError
from automl_runtime.inference.lightgbm import Library, LightGbm, shrink


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


def probes(booster, cells):
    """Rows of the table, rows at and beside every threshold, and rows of what training did not see."""
    trees = booster.trees_to_dataframe()
    numbers = trees[trees.decision_type == "<="]
    places = np.array([name.rsplit("_", 1)[1] for name in numbers.split_feature], dtype=int)
    limits = numbers.threshold.to_numpy(dtype=float)
    around = np.concatenate([np.nextafter(limits, -np.inf), limits, np.nextafter(limits, np.inf)])
    near = np.tile(cells, (len(around) // len(cells) + 1, 1))[: len(around)]
    near[np.arange(len(around)), np.tile(places, 3)] = around
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-36, -1e-36, 1e-35, 1e300, 77.0, -1.0, -0.5, 3.7, 2.0**31, 2.0**40]
    rng = np.random.default_rng(0)
    return np.vstack([cells, near, rng.choice(odd, (300, cells.shape[1]))])


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
    "linear leaves": {"objective": "regression", "linear_tree": True},
    "square roots": {"objective": "regression", "reg_sqrt": True},
    "counts": {"objective": "poisson"},
    "one against all": {"objective": "multiclassova", "num_class": 3},
}
BY_LIBRARY = ("linear leaves", "square roots", "counts", "one against all")


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


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_equal_the_librarys(family):
    booster, cells = trained(FAMILIES[family])
    rows = probes(booster, cells)
    ours = LightGbm(shrink(booster.model_to_string()))
    wanted = booster.predict(rows, num_threads=1).reshape(len(rows), -1)
    np.testing.assert_array_equal(ours.predict(rows), wanted)
    np.testing.assert_array_equal(np.vstack([ours.predict(rows[[place]]) for place in range(50)]), wanted[:50])
    assert ours.compiled == (family not in BY_LIBRARY)
    np.testing.assert_array_equal(Library(ours.text).predict(rows, ours.outputs), wanted)


@pytest.mark.parametrize("column", range(6))
def test_a_model_may_end_before_the_first_split(column):
    import lightgbm

    cells, _ = table(0)
    data = lightgbm.Dataset(cells, np.arange(len(cells)) == column, params={"verbosity": -1})
    booster = lightgbm.train({"objective": "binary", "verbosity": -1}, data, 2)
    np.testing.assert_array_equal(
        LightGbm(booster.model_to_string()).predict(cells)[:, 0], booster.predict(cells, num_threads=1)
    )


DAMAGE = {
    "no trees": lambda text: text.partition("\n\nTree=")[0],
    "a child backwards": lambda text: _edited(text, "left_child", 1, "0"),
    "a child outside": lambda text: _edited(text, "right_child", 0, "999"),
    "a leaf outside": lambda text: _edited(text, "right_child", 0, "-999"),
    "a leaf twice": lambda text: _edited(text, "left_child", -1, text.split("right_child=")[1].split()[0]),
    "a column outside": lambda text: _edited(text, "split_feature", 0, "6"),
    "a negative column": lambda text: _edited(text, "split_feature", 0, "-1"),
    "a leaf too few": lambda text: _edited(text, "leaf_value", 0, ""),
    "a threshold that is no number": lambda text: _edited(text, "threshold", 0, "nan"),
    "words": lambda text: _edited(text, "threshold", 0, "one"),
    "a set outside": lambda text: _edited(text, "threshold", _first_set(text), "99"),
    "boundaries backwards": lambda text: _edited(text, "cat_boundaries", -1, "0"),
    "words outside": lambda text: _edited(text, "cat_threshold", 0, str(2**32)),
}


def _edited(text, key, place, value):
    before, rest = text.split(f"\n{key}=", 1)
    line, after = rest.split("\n", 1)
    values = line.split()
    values[place] = value
    return f"{before}\n{key}={' '.join(values)}\n{after}"


def _first_set(text):
    return [int(kind) & 1 for kind in text.split("decision_type=")[1].split("\n")[0].split()].index(1)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_texts_are_refused(damage):
    booster, _ = trained(FAMILIES["many sets"], rounds=3)
    text = shrink(booster.model_to_string())
    assert len(text) < 0.7 * len(booster.model_to_string())
    LightGbm(text)
    with pytest.raises(BundleError):
        LightGbm(DAMAGE[damage](text))


def test_leaves_that_read_a_column_outside_are_refused():
    booster, _ = trained(FAMILIES["linear leaves"], rounds=3)
    with pytest.raises(BundleError, match="points out"):
        LightGbm(re.sub(r"\nleaf_features=\d", "\nleaf_features=6", shrink(booster.model_to_string())))


def test_rows_of_another_width_are_refused():
    booster, cells = trained(FAMILIES["regression"], rounds=3)
    with pytest.raises(BundleError, match="reads 6 columns, the rows have 5"):
        LightGbm(booster.model_to_string()).predict(cells[:, :5])
