"""The estimators follow scikit-learn."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from automl_runtime import AutoMLClassifier, AutoMLRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([AutoMLClassifier(trials=1, folds=2), AutoMLRegressor(trials=1, folds=2)])
def test_every_check_of_scikit_learn(estimator, check):
    check(estimator)


def test_a_classifier_works_in_a_pipeline_and_in_cross_validation():
    rows, labels = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[labels]
    pipeline = make_pipeline(StandardScaler(), AutoMLClassifier(trials=2, folds=3))
    scores = cross_val_score(pipeline, rows, names, cv=3)
    assert scores.mean() > 0.9
    model = pipeline.fit(rows, names)
    assert list(model.classes_) == ["setosa", "versicolor", "virginica"]
    proba = model.predict_proba(rows)
    assert proba.shape == (150, 3)
    assert isinstance(proba, np.ndarray)


def test_a_regressor_beats_the_mean_within_a_second():
    rows, values = load_diabetes(return_X_y=True)
    assert cross_val_score(AutoMLRegressor(budget_seconds=1), rows, values, cv=3).mean() > 0.3


def test_a_frame_keeps_the_types_of_its_columns():
    rng = np.random.default_rng(0)
    kind = rng.choice(["red", "green", "blue"], 150)
    frame = pd.DataFrame({"size": rng.normal(size=150), "kind": kind, "seen": pd.Timestamp("2024-01-01")})
    model = AutoMLClassifier(trials=2, folds=3).fit(frame, kind == "red")
    assert list(model.feature_names_in_) == ["size", "kind", "seen"]
    assert model.score(frame, kind == "red") == 1.0
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"kind": "colour"}))


def test_a_fitted_estimator_goes_to_another_process_and_predicts_the_same():
    rows, labels = load_iris(return_X_y=True)
    model = AutoMLClassifier(trials=5, folds=2).fit(rows, labels)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))


@pytest.mark.parametrize("metric", ["rmse", "no such metric"])
def test_a_metric_that_does_not_fit_is_refused(metric):
    rows, labels = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="metric"):
        AutoMLClassifier(metric=metric, trials=1).fit(rows, labels)
