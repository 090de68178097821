"""Packed forests predict as scikit-learn does."""

from __future__ import annotations

import numpy as np
from automl_runtime.engine.learners.forest import leaf_values, pack
from hypothesis import given, settings
from hypothesis import strategies as st


def _forest(seed, classes, leaf):
    from sklearn.ensemble import ExtraTreesClassifier

    rng = np.random.default_rng(seed)
    # Few distinct values, so that cells often equal thresholds.
    rows = rng.integers(-3, 4, size=(60, 4)).astype(np.float32) / np.float32(3)
    codes = np.arange(60) % classes
    model = ExtraTreesClassifier(n_estimators=5, min_samples_leaf=leaf, random_state=seed % 1000).fit(rows, codes)
    return model, pack([tree.tree_ for tree in model.estimators_], leaf_values(model.classes_, classes))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), classes=st.integers(2, 4), leaf=st.integers(1, 20))
def test_a_packed_forest_predicts_as_scikit_learn(seed, classes, leaf):
    model, forest = _forest(seed, classes, leaf)
    forest.check(4)
    rows = np.random.default_rng(seed).normal(size=(25, 4)).astype(np.float32)
    assert np.abs(forest.predict(rows) - model.predict_proba(rows)).max() < 1e-12
    np.testing.assert_array_equal(np.vstack([forest.predict(row[None]) for row in rows]), forest.predict(rows))


def test_leaves_that_say_the_same_are_held_once():
    model, forest = _forest(0, 3, 1)
    pure = [len(set(tree.tree_.value[tree.tree_.children_left < 0, 0].argmax(axis=1))) for tree in model.estimators_]
    leaves = sum(int(tree.tree_.n_leaves) for tree in model.estimators_)
    assert sum(pure) <= len(forest.values) < leaves / 2


def test_cells_next_to_thresholds_go_the_same_way_as_in_scikit_learn():
    from sklearn.tree import DecisionTreeRegressor

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 3)).astype(np.float32)
    model = DecisionTreeRegressor(random_state=0).fit(rows, rng.normal(size=500))
    forest = pack([model.tree_], leaf_values(None, 0))
    inner = model.tree_.feature >= 0
    edges = model.tree_.threshold[inner].astype(np.float32)
    around = np.concatenate([np.nextafter(edges, np.float32(side)) for side in (-9, 9)] + [edges])
    probes = np.repeat(around[:, None], 3, axis=1)
    assert np.abs(forest.predict(probes)[:, 0] - model.predict(probes)).max() < 1e-12
