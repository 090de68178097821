"""Strange rows among rows that were not learned from, with and without known labels."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.anomaly.evaluation import evaluate_anomalies
from automl_runtime.engine.fit import fit
from automl_runtime.engine.reasons import reasons_of


def readings(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["heat", "flow", "noise"])
    strange = np.zeros(rows, dtype=bool)
    strange[: rows // 50] = True
    frame.loc[strange, "heat"] += 12.0
    return frame, pd.Series(np.where(strange, "broken", "fine"))


@pytest.fixture(scope="module")
def model():
    return fit(readings()[0], task="anomaly", contamination=0.02, seed=1)


def test_without_labels_no_score_is_claimed(model):
    evaluation, view = evaluate_anomalies(model, readings(200, seed=5)[0])
    assert math.isnan(evaluation.score)
    assert evaluation.scores == {}
    assert sum(view.histogram.counts) == evaluation.rows == 200
    assert 0 < view.flagged < 0.2


def test_known_labels_judge_and_rows_without_one_are_left_out(model):
    frame, labels = readings(300, seed=5)
    evaluation, _ = evaluate_anomalies(model, frame, labels.mask(np.arange(300) % 7 == 6), positive="broken", seed=2)
    low, high = evaluation.ci
    assert evaluation.score > 0.95
    assert low <= evaluation.score <= high
    assert set(evaluation.scores) == {"roc_auc", "average_precision"}


@pytest.mark.parametrize("known", [0, 1])
def test_too_few_known_anomalies_judge_nothing(model, known):
    frame = readings(100, seed=5)[0]
    labels = pd.Series(np.where(np.arange(100) < known, "broken", "fine"))
    evaluation, _ = evaluate_anomalies(model, frame, labels, positive="broken")
    assert math.isnan(evaluation.score)


def test_the_strangest_row_comes_first_with_what_makes_it_strange(model):
    frame = readings(100, seed=5)[0]
    frame.loc[40, "flow"] = -30.0
    _, view = evaluate_anomalies(model, frame)
    scores = [row.score for row in view.strangest]
    assert scores == sorted(scores, reverse=True)
    row = next(row for row in view.strangest if row.place == 40)
    assert row.reasons[0].column == "flow"
    assert row.reasons[0].words.startswith("flow = -30; usual: -")


def test_a_missing_cell_is_named_as_missing(model):
    frame = readings(5, seed=5)[0]
    frame.loc[0, "heat"] = np.nan
    words = [reason.words for reason in reasons_of(model, frame, most=3)[0] if reason.column == "heat"]
    assert all(text.startswith("heat is missing") for text in words)
