"""A limit on the time of a prediction cuts the ensemble down, and is looked for by strategies of several objectives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.cost import microseconds_per_row
from automl_runtime.engine.fit import fit
from automl_runtime.engine.proposals import Guided
from automl_runtime.engine.trials import Config, TrialResult
from automl_runtime.errors import RequestError, TrainingError
from automl_runtime.events import Finding

QUICK = ["linear", "tree", "lightgbm", "random_forest"]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(240, 4)), columns=list("abcd"))
    frame["y"] = np.sin(2 * frame["a"]) + frame["b"] * frame["c"] + rng.normal(size=240) / 5
    return frame


@pytest.fixture(scope="module")
def free(rows):
    return fit(rows, "y", trials=5, folds=2, models=QUICK)


def _said(rows, **wishes):
    heard = []
    model = fit(rows, "y", trials=5, folds=2, models=QUICK, on_event=heard.append, **wishes)
    return model, [event.text for event in heard if isinstance(event, Finding) and event.topic == "latency"]


def test_the_ensemble_is_cut_down_until_it_fits_and_what_that_cost_is_said(rows, free):
    most = microseconds_per_row(free.fitted) - 1
    model, said = _said(rows, max_predict_us=most)
    assert len(model.weights) < len(free.weights)
    assert microseconds_per_row(model.fitted) <= most
    assert model.cv >= free.cv
    [text] = said
    assert f"rmse {model.cv:.4g}; without the limit {len(free.weights)} models" in text
    assert text.endswith(f"{free.cv:.4g}")


def test_a_limit_that_is_kept_anyway_changes_nothing(rows, free):
    model, said = _said(rows, max_predict_us=10_000)
    assert (model.weights, model.cv) == (free.weights, free.cv)
    assert ["without" in text for text in said] == [False]


def test_readable_models_keep_the_limit_too(rows):
    model = fit(rows, "y", trials=4, folds=2, interpretable=True, max_predict_us=16)
    assert len(model.weights) == 1
    assert microseconds_per_row(model.fitted) <= 16


@pytest.mark.parametrize(
    ("wishes", "error", "words"),
    [
        ({"max_predict_us": 0}, RequestError, "must be positive"),
        ({"max_predict_us": float("nan")}, RequestError, "must be positive"),
        ({"max_predict_us": 9}, RequestError, "is 9; reading a row of this table alone takes about 10"),
        ({"max_predict_us": 10.5, "models": ["linear"]}, TrainingError, "linear(_[a-z]+)?, the fastest, takes about 5"),
    ],
)
def test_what_no_model_can_keep_is_refused(rows, wishes, error, words):
    with pytest.raises(error, match=words):
        fit(rows, "y", trials=1, folds=2, **wishes)


def test_tasks_without_one_model_of_rows_refuse_the_limit(rows):
    with pytest.raises(RequestError, match="`max_predict_us`"):
        fit(rows, task="clustering", max_predict_us=50)
    labels = pd.DataFrame({"a": rows["a"], "one": rows["b"] > 0, "two": rows["c"] > 0})
    with pytest.raises(RequestError, match="not possible for several labels"):
        fit(labels, ["one", "two"], max_predict_us=50)


@pytest.mark.parametrize(("strategy", "objectives"), [("asht", 2), ("nsga2", 2), ("tpe", 2), ("random", 1), ("cma", 1)])
def test_strategies_of_several_objectives_hear_of_the_latency_over_the_limit(strategy, objectives, monkeypatch):
    told = []
    tree = Config("tree", "tree", {"max_depth": 4, "min_samples_leaf": 5})
    guided = Guided(strategy, [tree], [], None, seed=0, folds=3, most_microseconds=20.0)
    monkeypatch.setattr(guided._strategy, "tell", told.append)
    for latency in (4.0, 44.0):
        guided.tell(TrialResult(1, tree, "complete", [], 1.0), 0.5, 1.0, latency)
    assert [each.losses for each in told] == [(0.5, 20.0)[:objectives], (0.5, 44.0)[:objectives]]


@pytest.mark.parametrize("strategy", ["asht", "nsga2"])
def test_a_search_for_score_and_speed_is_repeated(rows, strategy):
    models = [
        fit(
            rows, "y", trials=7, folds=2, models=["tree", "naive_bayes", "linear"], strategy=strategy, max_predict_us=21
        )
        for _ in range(2)
    ]
    assert models[0].trials == models[1].trials
    assert microseconds_per_row(models[0].fitted) <= 21
