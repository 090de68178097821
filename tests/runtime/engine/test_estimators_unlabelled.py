"""The estimators without a target follow scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime import AutoMLAnomalyDetector, AutoMLClusterer
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([AutoMLClusterer(trials=3), AutoMLAnomalyDetector(trials=3)])
def test_every_check_of_scikit_learn(estimator, check):
    check(estimator)


def test_clusters_of_a_frame_with_words_and_gaps():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    frame = pd.DataFrame({"size": truth * 9.0 + rng.normal(size=300), "kind": np.array(["a", "b", "c"])[truth]})
    frame.loc[::10, "size"] = np.nan
    model = AutoMLClusterer(trials=6).fit(frame)
    assert adjusted_rand_score(truth, model.labels_) > 0.95
    assert (model.predict(frame) == model.labels_).all()
    assert list(model.feature_names_in_) == ["size", "kind"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame.rename(columns={"kind": "colour"}))


def test_a_clusterer_ends_a_pipeline():
    rows, truth = make_blobs(200, centers=4, random_state=3)
    labels = make_pipeline(StandardScaler(), AutoMLClusterer(4, trials=2)).fit_predict(rows)
    assert adjusted_rand_score(truth, labels) > 0.9


def test_a_detector_marks_strange_rows_with_minus_one():
    rows = np.random.default_rng(0).normal(size=(300, 3))
    rows[:6] += 12.0
    model = AutoMLAnomalyDetector(contamination=0.02)
    assert np.flatnonzero(model.fit_predict(rows) == -1).tolist() == [0, 1, 2, 3, 4, 5]
    assert model.decision_function(rows)[:6].max() < 0 <= model.decision_function(rows)[6:].min()
    assert model.predict([[50.0, -50.0, 50.0]]).tolist() == [-1]


@pytest.mark.parametrize(
    "estimator", [AutoMLClusterer(0), AutoMLClusterer(budget_seconds=0), AutoMLAnomalyDetector(contamination=0.9)]
)
def test_parameters_out_of_range_are_refused_by_fit(estimator):
    with pytest.raises(ValueError, match="must be"):
        estimator.fit(np.random.default_rng(0).normal(size=(50, 2)))
