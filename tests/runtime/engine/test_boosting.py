"""Boosters: unpacked trees predict as the library does, and rows are binned once."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.xgboost import unpack
from automl_runtime.errors import BundleError
from automl_runtime.events import Warned
from engine_jobs import make_job, mixed_rows


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", ["xgboost", "xgboost_leaves"])
def test_unpacked_trees_predict_as_xgboost_does(task, name, monkeypatch):
    kept = {}
    train = xgboost.train

    def keeps(*arguments, **options):
        kept["booster"] = train(*arguments, **options)
        return kept["booster"]

    monkeypatch.setattr(xgboost, "train", keeps)
    learner, job = make_job(mixed_rows(task, 600), "xgboost", name=name)
    result = learner.fit(job)
    matrix = job.rows.valid_matrix()
    assert np.isnan(matrix).any()
    assert len(result.predictor.words) > 1, "no split of categories"
    kinds = ["q"] * job.rows.fitted.numbers + ["c"] * (matrix.shape[1] - job.rows.fitted.numbers)
    rows = xgboost.DMatrix(matrix.astype(np.float32), feature_types=kinds, enable_categorical=True)
    theirs = kept["booster"].predict(rows, iteration_range=(0, result.best))
    ours = result.predictor.predict(matrix)
    if task == "regression":
        np.testing.assert_allclose(ours[:, 0], theirs, atol=1e-6, rtol=1e-5)
    else:
        ours = result.reading.outputs(ours, len(job.problem.classes))
        np.testing.assert_allclose(ours[:, 1] if task == "binary" else ours, theirs, atol=2e-6)


def test_codes_that_no_tree_has_seen_go_where_xgboost_sends_them():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 40, 500).astype(np.float32)
    data = xgboost.DMatrix(
        codes[:, None], label=np.isin(codes, [1, 5, 33]), feature_types=["c"], enable_categorical=True
    )
    booster = xgboost.train({"objective": "reg:squarederror", "base_score": 0.0, "max_cat_to_onehot": 1}, data, 5)
    ours = unpack(_trees(booster), np.zeros(1))
    rows = np.array([[39], [40], [63], [64], [1000], [np.nan]], dtype=np.float32)
    theirs = booster.predict(xgboost.DMatrix(rows, feature_types=["c"], enable_categorical=True))
    np.testing.assert_allclose(ours.predict(rows)[:, 0], theirs, atol=1e-6)


def _trees(booster):
    import json

    return json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]


@pytest.mark.parametrize("field", ["left", "right", "feature", "roots", "outputs", "sets"])
def test_arrays_that_lead_out_are_refused(field):
    learner, job = make_job(mixed_rows("binary", 200), "xgboost", rounds=3)
    predictor = learner.fit(job).predictor
    width = job.rows.fitted.matrix.shape[1]
    predictor.check(width)
    getattr(predictor, field)[0] = 10**6
    with pytest.raises(BundleError, match="not valid"):
        predictor.check(width)


def test_trials_of_a_fold_share_one_binned_matrix():
    rows = mixed_rows("regression", 200)
    learner, job = make_job(rows, "xgboost", rounds=2)
    learner.fit(job)
    made = {key: value for key, value in job.workspace._cache.items() if key[0] == "xgboost"}
    learner.fit(job)
    assert {key: value for key, value in job.workspace._cache.items() if key[0] == "xgboost"} == made


def test_a_search_without_xgboost_says_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "xgboost", None)
    events = []
    fit(
        mixed_rows("binary", 100),
        "y",
        models=["xgboost", "linear"],
        trials=1,
        folds=2,
        on_event=events.append,
    )
    warned = [event.text for event in events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert "xgboost" in warned[0]
    assert 'pip install "automl-runtime[boost]"' in warned[0]
