"""LightGBM's models, run by our kernels, predict as the library does, to the last bit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from automl_runtime.errors import BundleError
from automl_runtime.inference.equivalence import edge_rows
from automl_runtime.inference.lightgbm import Library, LightGbm, shrink
from boosted_tables import BY_LIBRARY, FAMILIES, table, trained


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_equal_the_librarys(family):
    booster, cells = trained(FAMILIES[family])
    ours = LightGbm(shrink(booster.model_to_string()))
    rows = np.vstack([cells, edge_rows(ours.edges())])
    wanted = booster.predict(rows, num_threads=1).reshape(len(rows), -1)
    np.testing.assert_array_equal(ours.predict(rows), wanted)
    np.testing.assert_array_equal(np.vstack([ours.predict(rows[[place]]) for place in range(50)]), wanted[:50])
    assert ours.backend == ("library" if family in BY_LIBRARY else "kernels")
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
