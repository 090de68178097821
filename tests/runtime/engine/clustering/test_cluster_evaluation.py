"""Clusters on rows that they were not made of: scores, interval, picture, reasons."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.clustering.evaluation import evaluate_clusters
from automl_runtime.engine.fit import fit
from automl_runtime.engine.reasons import reasons_of


def blobs(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, rows)
    centers = np.array([[0.0, 0.0, 5.0], [8.0, 0.0, -3.0], [0.0, 9.0, 1.0]])
    values = centers[kind] + rng.normal(size=(rows, 3))
    return pd.DataFrame(values, columns=["a", "b", "c"]).assign(d=np.array(["x", "y", "z"])[kind])


@pytest.fixture(scope="module")
def model():
    return fit(blobs(), task="clustering", trials=4, seed=1)


def test_the_score_is_that_of_the_model_and_lies_in_its_interval(model):
    rows = blobs(120, seed=7)
    evaluation, _ = evaluate_clusters(model, rows, seed=3)
    low, high = evaluation.ci
    assert evaluation.score == model.evaluate(rows, seed=3)["silhouette"]
    assert low < evaluation.score < high < 1
    assert set(evaluation.scores) == {"silhouette", "Davies-Bouldin", "Calinski-Harabasz"}


def test_rows_of_one_cluster_have_no_score(model):
    rows = blobs(60, seed=7)
    evaluation, view = evaluate_clusters(model, rows[rows["d"] == "x"])
    assert math.isnan(evaluation.score)
    assert all(map(math.isnan, evaluation.ci))
    assert list(view.shares.values()) == [1.0]


def test_the_plane_keeps_clusters_apart_and_shares_add_up(model):
    _, view = evaluate_clusters(model, blobs(1000, seed=7), seed=2)
    places, labels = np.array(view.places), np.array(view.labels)
    assert places.shape == (800, 2)
    centers = [places[labels == label].mean(axis=0) for label in sorted(set(view.labels))]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(centers) for b in centers[:i]) > 1
    assert sum(view.shares.values()) == pytest.approx(1)
    assert 0.5 < view.explained <= 1


def test_one_row_and_one_column_can_be_drawn():
    column = pd.DataFrame({"a": np.r_[np.zeros(30), np.full(30, 9.0)] + np.random.default_rng(0).normal(size=60)})
    _, view = evaluate_clusters(fit(column, task="clustering", trials=2), column.head(1))
    assert view.places == [(0.0, 0.0)]


def test_reasons_name_the_columns_that_speak_for_the_cluster(model):
    row = pd.DataFrame({"a": [8.0], "b": [0.0], "c": [-3.0], "d": ["y"]}, index=[77])
    (found,) = reasons_of(model, row, most=2)
    assert found[0].contribution >= found[1].contribution > 0
    assert found[0].words.startswith(f"{found[0].column} = {found[0].value}: nearer to cluster ")
