"""What a model of several labels is worth, together and label by label."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.engine.multilabel.evaluation import evaluate_labels, label_importance
from automl_runtime.engine.multilabel.labels import read_labels
from automl_runtime.engine.reasons import reasons_of
from automl_runtime.errors import RequestError, TrainingError
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, log_loss, roc_auc_score

LEARNED = ["high", "loud"]


def rows_of(count=200, seed=0):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {"size": rng.normal(size=count), "tone": rng.normal(size=count), "noise": rng.normal(size=count)}
    )
    truth = pd.DataFrame(
        {"high": rows["size"] + 0.3 * rows["noise"] > 0, "never": False, "loud": rows["tone"] > 0.4}
    ).astype("int8")
    return rows, truth


@pytest.fixture(scope="module")
def model():
    return fit(*rows_of(), task="multilabel", metric="f1", models=["linear", "lightgbm"], trials=2)


def test_the_score_is_the_mean_over_the_labels_that_were_learned(model):
    rows, truth = rows_of(seed=1)
    evaluation, labels = evaluate_labels(model, rows, truth)
    found, shares = model.predict(rows), model.predict_proba(rows)
    expected = {
        "f1": f1_score(truth[LEARNED], found[LEARNED], average="macro"),
        "accuracy": np.mean([accuracy_score(truth[name], found[name]) for name in LEARNED]),
        "log_loss": np.mean([log_loss(truth[name], shares[name]) for name in LEARNED]),
        "roc_auc": roc_auc_score(truth[LEARNED], shares[LEARNED]),
        "subset_accuracy": accuracy_score(truth[LEARNED], found[LEARNED]),
        "f1_micro": f1_score(truth[LEARNED], found[LEARNED], average="micro"),
    }
    assert evaluation.scores == pytest.approx(expected)
    assert evaluation.score == evaluation.scores["f1"] and evaluation.rows == 200
    low, high = evaluation.ci
    assert 0.5 < low < evaluation.score < high <= 1
    assert [label.label for label in labels] == ["high", "never", "loud"]


def test_each_label_is_told_for_itself(model):
    rows, truth = rows_of(seed=2)
    high, never, _ = evaluate_labels(model, rows, truth)[1]
    found = model.predict(rows)["high"]
    assert high.score == high.f1 == pytest.approx(f1_score(truth["high"], found))
    assert (high.rows, high.found) == (truth["high"].sum(), found.sum())
    assert high.threshold == model.thresholds["high"] and high.cv == model.scores["high"]
    assert (never.rows, never.found, never.threshold, never.cv, never.roc_auc) == (0, 0, None, None, None)
    shares = model.predict_proba(rows)["high"]
    assert high.roc.area == high.roc_auc == pytest.approx(roc_auc_score(truth["high"], shares))
    assert high.pr.area == pytest.approx(average_precision_score(truth["high"], shares))
    assert (high.roc.x[0], high.roc.y[0], high.roc.x[-1], high.roc.y[-1]) == (0, 0, 1, 1)
    assert high.pr.y[-1] == pytest.approx(truth["high"].mean())
    assert (never.roc, never.pr) == (None, None)


@pytest.mark.parametrize("metric", ["log_loss", "accuracy"])
def test_the_interval_of_any_metric_holds_its_score(metric):
    rows, truth = rows_of()
    model = fit(rows, truth, task="multilabel", metric=metric, models=["linear"], trials=1)
    evaluation, _ = evaluate_labels(model, *rows_of(seed=3))
    assert evaluation.score == evaluation.scores[metric]
    assert evaluation.ci[0] < evaluation.score < evaluation.ci[1]
    assert evaluate_labels(model, *rows_of(seed=3))[0].ci == evaluation.ci


def test_importance_is_shared_among_the_columns_of_the_labels(model):
    found = label_importance(model, *rows_of(seed=1), seconds=10, seed=0)
    assert list(found)[2] == "noise" and set(found) == {"size", "tone", "noise"}
    assert sum(found.values()) == pytest.approx(1)


def test_reasons_are_those_of_the_likeliest_label(model):
    rows = pd.DataFrame({"size": [4.0, -4.0], "tone": [-4.0, 4.0], "noise": [0.0, 0.0]})
    first, second = reasons_of(model, rows, most=1)
    assert (first[0].column, second[0].column) == ("size", "tone")
    assert "the probability of high" in first[0].words and "the probability of loud" in second[0].words


def test_recorded_trials_give_the_same_model(model):
    rows, truth = rows_of()
    assert {trial["search"] for trial in model.trials} == {f"label{place}" for place in range(len(LEARNED))}
    again = fit(rows, truth, task="multilabel", metric="f1", replay=model.trials)
    pd.testing.assert_frame_equal(again.predict_proba(rows), model.predict_proba(rows))
    assert (again.thresholds, again.best_model) == (model.thresholds, model.best_model)
    without = [trial for trial in model.trials if trial["search"] != "label0"]
    with pytest.raises(RequestError, match="label0"):
        fit(rows, truth, task="multilabel", metric="f1", replay=without)


def test_a_frame_of_labels_needs_a_row_for_each_row_and_no_separator():
    rows, truth = rows_of(20)
    inputs, labels = read_labels(rows, truth, None)
    assert list(inputs.columns) == list(rows.columns) and labels.equals(truth)
    with pytest.raises(RequestError, match="19 rows, the table 20"):
        read_labels(rows, truth.head(19), None)
    with pytest.raises(RequestError, match="a frame holds 0 and 1"):
        read_labels(rows, truth, ";")
    with pytest.raises(TrainingError, match="a label is 0 or 1"):
        read_labels(rows, truth.assign(high=2), None)


def test_without_rows_nothing_is_scored(model):
    rows, truth = rows_of()
    with pytest.raises(TrainingError, match="no row"):
        evaluate_labels(model, rows.head(0), truth.head(0))
