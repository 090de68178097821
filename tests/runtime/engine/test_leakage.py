"""Nothing that is fitted knows the target of the row it prepares, or any row that it was not fitted on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import lightgbm
import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine import preprocessing
from automl_runtime.engine.folds import make_folds
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.preprocessing import RECIPES, fit_design
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.target_means import Target
from automl_runtime.engine.workspace import ALL_ROWS, Workspace
from automl_runtime.inference.encoding import Encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

ROWS = 300
SEEDS = range(3)
BOUND = 0.08
"""Nearly four standard deviations of the mean of three AUC on so many rows."""


def _rows(seed, count=ROWS):
    """Of every kind a column; two categories with many levels, of which a third occurs once."""
    rng = np.random.default_rng(seed)
    words = np.array("ash birch cedar elm fir hazel larch maple oak pine".split())
    rows = pd.DataFrame(
        {
            "size": rng.normal(size=count),
            "weight": rng.gamma(2.0, size=count),
            "price": rng.lognormal(size=count),
            "kind": rng.choice(list("abcdef"), count),
            "place": rng.choice(list("wxyz"), count),
            "street": [f"s{number}" for number in rng.integers(0, count // 2, count)],
            "owner": [f"o{number}" for number in rng.integers(0, count // 2, count)],
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, count), unit="D"),
            "note": [" ".join(words[rng.integers(0, 10, 4)]) for _ in range(count)],
        }
    )
    for name in ("size", "kind", "street", "seen", "note"):
        rows.loc[rng.random(count) < 0.1, name] = None
    return rows


@cache
def _encoded(seed):
    return _encode(_rows(seed))


def _encode(rows):
    return Encoder(make_columns(rows, None)).encode(rows)


def _learned(train, y, valid):
    """What a small forest, which can read every recipe, learns of `y` from the rows of a matrix."""
    settings = {"objective": "binary", "num_leaves": 15, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1}
    return lightgbm.train(settings, lightgbm.Dataset(train, label=y), num_boost_round=15).predict(valid)


def _auc_inside(recipe, seed):
    """AUC of what half of the rows that were prepared tell about the target of the other half; the target is noise."""
    y = np.random.default_rng(seed + 100).permutation(ROWS) % 2
    matrix = fit_design(recipe, _encoded(seed), Target(y.astype(float), 2), seed).matrix
    halves = np.split(np.random.default_rng(seed).permutation(ROWS), 2)
    found = [
        roc_auc_score(y[valid], _learned(matrix[train], y[train], matrix[valid]))
        for train, valid in (halves, halves[::-1])
    ]
    return np.mean(found)


def _auc_outside(recipe, seed):
    """AUC out of fold; the target is noise."""
    noise = pd.Series(np.random.default_rng(seed + 100).permutation(ROWS) % 2)
    _, problem = make_problem(_rows(seed), noise)
    workspace = Workspace(problem, _encoded(seed), make_folds(problem, "stratified", 2, seed), seed)
    found = np.empty(ROWS)
    for number, fold in enumerate(workspace.folds):
        data = workspace.fold_data(recipe, number)
        found[fold.valid] = _learned(data.train_matrix(), problem.y[fold.train], data.valid_matrix())
    return roc_auc_score(problem.y, found)


@pytest.mark.parametrize("auc", [_auc_inside, _auc_outside], ids=["rows_that_train", "out_of_fold"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_target_that_is_noise_is_not_learned(recipe, auc):
    assert abs(np.mean([auc(recipe, seed) for seed in SEEDS]) - 0.5) < BOUND


def test_means_of_the_target_within_the_fold_would_be_noticed(monkeypatch):
    honest = preprocessing.fit_target_means

    def broken(data, columns, target, seed):
        block, _ = honest(data, columns, target, seed)
        return block, block.transform(data)

    monkeypatch.setattr(preprocessing, "fit_target_means", broken)
    assert np.mean([_auc_inside("trees", seed) for seed in SEEDS]) > 0.5 + 2 * BOUND


def test_means_of_the_target_of_all_rows_would_be_noticed(monkeypatch):
    honest = Workspace._fit

    def broken(workspace, recipe, number, rows, view):
        fitted = honest(workspace, recipe, ALL_ROWS, None, view)
        return replace(fitted, matrix=fitted.design.matrix(workspace.data)[rows])

    monkeypatch.setattr(Workspace, "_fit", broken)
    assert np.mean([_auc_outside("trees", seed) for seed in SEEDS]) > 0.5 + 2 * BOUND


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_fit_on_a_fold_is_a_fit_on_a_frame_of_that_fold(recipe):
    rows = _rows(0, 300)
    y = np.arange(300.0) % 2
    train, rest = np.arange(200), np.arange(200, 300)
    data = _encode(rows)
    fold = fit_design(recipe, data.take(train), Target(y[train], 2), 0)
    encoder = Encoder(make_columns(rows.iloc[train], None))
    alone = fit_design(recipe, encoder.encode(rows.iloc[train]), Target(y[train], 2), 0)
    _same(fold.matrix, alone.matrix)
    _same(fold.design.matrix(data.take(rest)), alone.design.matrix(encoder.encode(rows.iloc[rest])))


def _same(one, other):
    dense = [part if isinstance(part, np.ndarray) else part.toarray() for part in (one, other)]
    np.testing.assert_allclose(*dense, rtol=1e-9, atol=1e-12)


_DESIGNS: dict[str, preprocessing.FittedDesign] = {}


@pytest.mark.parametrize("recipe", RECIPES)
@settings(max_examples=10, deadline=None)
@given(chosen=st.lists(st.integers(0, 119), min_size=1, max_size=20))
def test_a_row_is_prepared_as_if_it_were_alone(recipe, chosen):
    data = _encode(_rows(1, 120))
    if recipe not in _DESIGNS:
        _DESIGNS[recipe] = fit_design(recipe, data, Target(np.arange(120.0) % 2, 2), 0)
    design = _DESIGNS[recipe].design
    _same(design.matrix(data)[chosen], design.matrix(data.take(np.array(chosen))))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_order_of_columns_changes_no_matrix(recipe):
    rows = _rows(2, 200)
    target = Target(np.arange(200.0) % 2, 2)
    _same(*(fit_design(recipe, _encode(frame), target, 0).matrix for frame in (rows, rows[rows.columns[::-1]])))
