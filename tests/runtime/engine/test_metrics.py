"""Scores equal scikit-learn's; intervals are what a plain bootstrap gives."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine import metrics
from automl_runtime.errors import RequestError
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

VALUES = {
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
    "pinball": lambda y, p: sk.mean_pinball_loss(y, p, alpha=0.5),
}


@pytest.mark.parametrize("metric", VALUES)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(2, 60))
def test_values_equal_scikit_learn(metric, seed, rows):
    rng = np.random.default_rng(seed)
    y, predicted = rng.integers(-5, 6, rows).astype(float), rng.normal(size=rows)
    expected = VALUES[metric](y, predicted)
    assert metrics.score(metric, y, predicted) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(6, 80))
def test_binary_scores_equal_scikit_learn(seed, rows):
    rng = np.random.default_rng(seed)
    y = np.array(["no", "yes"])[np.append([0, 1], rng.integers(0, 2, rows - 2))]
    # Rounded, so that there are ties.
    proba = np.round(rng.random(rows), 1)
    labels = np.array(["no", "yes"])[rng.integers(0, 2, rows)]
    classes = ["no", "yes"]
    for metric, expected in (
        ("roc_auc", sk.roc_auc_score(y, proba)),
        ("average_precision", sk.average_precision_score(y, proba, pos_label="yes")),
        ("log_loss", sk.log_loss(y, proba, labels=classes)),
    ):
        assert metrics.score(metric, y, proba, classes) == pytest.approx(expected, abs=1e-9), metric
    for metric, expected in (
        ("f1", sk.f1_score(y, labels, pos_label="yes")),
        ("accuracy", sk.accuracy_score(y, labels)),
        ("balanced_accuracy", sk.balanced_accuracy_score(y, labels)),
    ):
        assert metrics.score(metric, y, labels, classes) == pytest.approx(expected, abs=1e-12), metric


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(9, 80))
def test_multiclass_scores_equal_scikit_learn(seed, rows):
    rng = np.random.default_rng(seed)
    y = np.append([3, 5, 9], rng.choice([3, 5, 9], rows - 3))
    proba = rng.dirichlet(np.ones(3), size=rows)
    labels = rng.choice([3, 5, 9], rows)
    classes = [3, 5, 9]
    truth = y[:, None] == np.array(classes)
    for metric, expected in (
        ("roc_auc", sk.roc_auc_score(y, proba, multi_class="ovr", average="macro")),
        ("average_precision", sk.average_precision_score(truth, proba, average="macro")),
        ("log_loss", sk.log_loss(y, proba)),
    ):
        assert metrics.score(metric, y, proba, classes) == pytest.approx(expected, abs=1e-9), metric
    for metric, expected in (
        ("f1", sk.f1_score(y, labels, average="macro", labels=classes)),
        ("accuracy", sk.accuracy_score(y, labels)),
        ("balanced_accuracy", sk.balanced_accuracy_score(y, labels)),
    ):
        assert metrics.score(metric, y, labels, classes) == pytest.approx(expected, abs=1e-12), metric


def test_the_positive_class_can_be_the_first():
    y, proba = ["a", "b", "b", "a"], [0.9, 0.2, 0.6, 0.7]
    assert metrics.score("roc_auc", y, proba, ["a", "b"], positive="a") == 1.0
    assert metrics.score("f1", y, ["a", "a", "b", "a"], ["a", "b"], positive="a") == pytest.approx(0.8)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "log_loss", "f1", "accuracy", "balanced_accuracy"])
def test_intervals_hold_the_score_and_narrow_with_more_rows(metric):
    rng = np.random.default_rng(0)
    widths = []
    for rows in (200, 3000):
        codes = (rng.random(rows) < 0.3).astype(int)
        positive = np.clip(rng.normal(0.3 + 0.3 * codes, 0.2), 0.01, 0.99)
        proba = np.column_stack([1 - positive, positive])
        labels = (positive > 0.5).astype(int)
        low, high = metrics.bootstrap_interval(metric, codes, proba, labels, classes=2)
        assert low < metrics.score_classes(metric, codes, proba, labels, 2, 1) < high
        widths.append(high - low)
    assert widths[1] < 0.5 * widths[0]


def test_the_interval_equals_a_plain_bootstrap():
    rng = np.random.default_rng(1)
    y = rng.normal(size=300)
    predicted = y + rng.normal(size=300)
    low, high = metrics.bootstrap_interval("rmse", y, labels=predicted, resamples=2000)
    drawn = [rng.integers(0, 300, 300) for _ in range(2000)]
    plain = [sk.root_mean_squared_error(y[rows], predicted[rows]) for rows in drawn]
    assert (low, high) == pytest.approx(tuple(np.quantile(plain, [0.025, 0.975])), abs=0.015)
    assert metrics.bootstrap_interval("rmse", y, labels=predicted, resamples=2000) == (low, high)


def test_r2_of_a_constant_target():
    assert metrics.score("r2", [2.0, 2.0], [2.0, 2.0]) == 1.0
    assert metrics.score("r2", [2.0, 2.0], [2.0, 3.0]) == 0.0


def test_a_metric_that_does_not_fit_is_refused():
    with pytest.raises(RequestError, match="rmse, mae"):
        metrics.check_metric("f1", "regression")
