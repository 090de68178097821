from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.engine.compatibility import check_compatible
from automl_runtime.engine.registries import registry
from automl_runtime.errors import RequestError
from sklearn import metrics

RANDOM = np.random.default_rng(8)
INPUTS = pd.DataFrame({"a": RANDOM.normal(size=200), "b": RANDOM.normal(size=200)})


def said(name: str, model, frame: pd.DataFrame, target=None) -> dict[str, float]:
    return registry("evaluators").named(name).load()(model, frame, target)


def test_classification_is_what_scikit_learn_says() -> None:
    target = pd.Series(np.where(INPUTS.a + RANDOM.normal(size=200) > 0.3, "yes", "no"), name="t")
    model = fit(INPUTS[:120], target[:120], trials=1, seed=1)
    rows, truth = INPUTS[120:], target[120:]
    found = said("classification", model, rows, truth)
    chance, labels = model.predict_proba(rows)["yes"], model.predict(rows)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth == "yes", chance))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(truth == "yes", chance))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(truth == "yes", chance))
    assert found["f1"] == pytest.approx(metrics.f1_score(truth, labels, pos_label="yes"))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(truth, labels))
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, labels))


def test_regression_is_what_scikit_learn_says() -> None:
    target = (2 * INPUTS.a + RANDOM.normal(size=200) + 5).rename("t")
    model = fit(INPUTS[:120], target[:120], trials=1, seed=1)
    found, values = said("regression", model, INPUTS[120:], target[120:]), model.predict(INPUTS[120:])
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(target[120:], values))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(target[120:], values))
    assert found["mape"] == pytest.approx(metrics.mean_absolute_percentage_error(target[120:], values))
    assert found["r2"] == pytest.approx(metrics.r2_score(target[120:], values))
    assert found["pinball"] == pytest.approx(metrics.mean_pinball_loss(target[120:], values))


def test_clustering_is_what_scikit_learn_says() -> None:
    frame = INPUTS + 8.0 * (RANDOM.integers(0, 3, size=(200, 1)) - 1)
    model = fit(frame, task="clustering", trials=3, clusters=3)
    found, points, labels = said("clustering", model, frame), model.points(frame), model.predict(frame)
    assert found["silhouette"] == pytest.approx(metrics.silhouette_score(points, labels))
    assert found["davies_bouldin"] == pytest.approx(metrics.davies_bouldin_score(points, labels))
    assert found["calinski_harabasz"] == pytest.approx(metrics.calinski_harabasz_score(points, labels))


def test_anomalies_are_scored_as_scikit_learn_does_where_they_are_known() -> None:
    strange = pd.Series(np.arange(200) >= 190, name="strange")
    frame = INPUTS.copy()
    frame.loc[strange, ["a", "b"]] += 6.0
    model = fit(frame, task="anomaly", trials=1)
    found = said("anomaly", model, frame, strange)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(strange, model.score_samples(frame)))
    assert found["average_precision"] == pytest.approx(
        metrics.average_precision_score(strange, model.score_samples(frame))
    )
    assert found["anomalies"] == (model.score_samples(frame) > model.threshold).mean()
    assert said("anomaly", model, frame) == {"anomalies": found["anomalies"]}


def test_a_forecast_is_scored_on_what_followed() -> None:
    days = pd.date_range("2024-01-01", periods=100, freq="D")
    frame = pd.DataFrame({"day": days, "sold": 50 + 10 * np.sin(np.arange(100) * 2 * np.pi / 7)})
    model = fit(frame[:93], "sold", task="forecast", time="day", horizon=7, trials=1)
    found = said("time_series", model, frame[93:])
    values = model.forecast()["sold"]
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(frame["sold"][93:], values))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(frame["sold"][93:], values))


@pytest.mark.parametrize("name", ["classification", "clustering", "anomaly", "time_series"])
def test_an_evaluator_is_refused_for_the_tasks_of_others(name: str) -> None:
    with pytest.raises(RequestError, match=f"{name} is for .*; the target 't' is a regression task"):
        check_compatible(task="regression", target="t", kinds=["number"], evaluators=[name])
