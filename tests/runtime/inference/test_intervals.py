"""Intervals hold for the share of rows that they promise, and are wider where errors are larger."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.evaluation import evaluate
from automl_runtime.engine.fit import fit
from automl_runtime.inference.intervals import make_interval, read_interval
from automl_runtime.inference.model import load


def errors(rows, seed):
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(1, 10, rows)
    return predicted + rng.normal(0, 0.2 * predicted), predicted


@pytest.mark.parametrize("rows", [20, 90, 300, 5000])
def test_about_the_promised_share_of_new_rows_falls_inside(rows):
    shares = []
    for seed in range(40):
        low, high = make_interval(*errors(rows, seed)).bounds(errors(2000, 1000 + seed)[1])
        actual = errors(2000, 1000 + seed)[0]
        shares.append(np.mean((low <= actual) & (actual <= high)))
    assert 0.88 < np.mean(shares) < 0.95


def test_where_errors_are_larger_the_interval_is_wider():
    interval = make_interval(*errors(5000, 0))
    low, high = interval.bounds(np.array([1.5, 9.5]))
    assert (high - low)[1] > 2 * (high - low)[0]


def test_few_rows_or_equal_predictions_are_borne():
    assert make_interval(np.ones(19), np.ones(19)) is None
    interval = make_interval(np.arange(900.0), np.full(900, 5.0))
    low, high = interval.bounds(np.array([5.0, 6.0, 4.0]))
    assert np.all(low < high)


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit together"):
        read_interval({"level": 0.9, "edges": [1.0], "low": [0.0], "high": [1.0]})
    assert read_interval(None) is None


def test_a_fitted_regression_knows_how_far_off_it_is(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=900)})
    rows["y"] = 3 * rows["x"] + rng.normal(0, 1, 900)
    model = fit(rows.head(600), "y", trials=1, folds=3)
    new = rows.tail(300)
    bounds = model.predict_interval(new)
    inside = new["y"].between(bounds["low"], bounds["high"]).mean()
    assert 0.84 < inside < 0.96
    coverage = evaluate(model, new.drop(columns="y"), new["y"]).coverage
    assert coverage.share == pytest.approx(inside)
    model.save(tmp_path / "m")
    pd.testing.assert_frame_equal(load(tmp_path / "m").predict_interval(new), bounds)


def test_classes_have_no_interval():
    rows = pd.DataFrame({"x": np.arange(60.0), "y": ["a", "b"] * 30})
    with pytest.raises(TypeError, match="kept by regressions"):
        fit(rows, "y", trials=1, folds=2).predict_interval(rows)
