"""How trials share the time, and what is left when it is over."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.clock import Clock
from automl_runtime.engine.ensemble import greedy_weights
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.base import Stopper, loss_weights
from automl_runtime.engine.plan import Plan, make_plan, sample_rows
from automl_runtime.engine.portfolio import portfolio, variations
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.trials import Config, TrialResult
from automl_runtime.events import Warned
from automl_runtime.inference.encoding import Encoded


def _problem(rows, metric="rmse", classes=()):
    y = np.arange(rows) % 2 if classes else np.linspace(0, 1, rows) ** 4
    return Problem("binary" if classes else "regression", metric, "y", y.astype(float), classes)


def _data(rows, width):
    return Encoded(np.broadcast_to(np.zeros(1), (rows, width)), np.empty((rows, 0), np.int32), ())


@pytest.mark.parametrize(
    ("rows", "width", "budget", "folds", "kept"),
    [
        (20, 5, 60.0, 2, 1.0),
        (5_000, 20, 60.0, 5, 1.0),
        (50_000, 15, 60.0, 5, 1.0),
        (270_000, 40, 60.0, 1, 1.0),
        (270_000, 40, 600.0, 3, 1.0),
        (3_000_000, 30, 60.0, 1, 0.5),
        (5_000, 20, None, 5, 1.0),
    ],
)
def test_large_tables_get_fewer_folds_and_then_fewer_rows(rows, width, budget, folds, kept):
    plan = make_plan(_problem(rows), _data(rows, width), "stratified", 5, 0, budget, 2)
    assert plan.folds == folds
    assert (plan.rows == rows) if kept == 1.0 else (plan.rows < kept * rows)


@pytest.mark.parametrize(("budget", "folds"), [(1.0, 1), (10.0, 3), (600.0, 5)])
def test_forecasts_are_tried_out_several_times_even_if_time_is_short(budget, folds):
    problem = replace(_problem(50_000), windows=np.full(50_000, -1))
    assert make_plan(problem, _data(50_000, 30), "temporal", 5, 0, budget, 2).folds == folds
    assert make_plan(_problem(50_000), _data(50_000, 30), "temporal", 5, 0, min(budget, 10.0), 2).folds == 1


def test_a_sample_is_drawn_once():
    rows = sample_rows(10, 100, seed=3)
    assert len(rows) == 10
    assert (np.diff(rows) > 0).all()
    assert (sample_rows(10, 100, seed=3) == rows).all()
    assert sample_rows(10, 10, seed=3) is None


def test_the_clock_keeps_a_part_for_the_end():
    clock = Clock(100.0, start=time.monotonic() - 90.0)
    assert 5 < clock.search_left() < clock.left() <= 10
    assert clock.deadline(-5.0) <= time.monotonic() + 0.1
    untimed = Clock(None)
    assert untimed.left() == untimed.search_left() == float("inf")
    assert untimed.deadline(1.0) is None


def test_a_stopper_stops_at_its_deadline_or_when_told():
    assert not Stopper()()
    assert Stopper(time.monotonic() - 1)()
    stopper = Stopper(time.monotonic() + 100)
    assert not stopper()
    stopper.stopped.set()
    assert stopper()


def test_every_configuration_of_the_portfolio_can_be_fitted():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=90), "b": rng.choice(["x", "y"], 90)})
    rows["y"] = np.exp(rows["a"] + rng.normal(size=90))
    model = fit(rows, "y", trials=14, folds=2)
    assert len(model.trials) == 14
    assert {trial["status"] for trial in model.trials} <= {"complete", "abandoned"}
    assert any(trial["params"].get("target") == "log1p" for trial in model.trials)


def test_variations_never_repeat_and_stay_in_the_family():
    result = TrialResult(
        1, Config("lightgbm", "lightgbm", {"learning_rate": 0.1, "num_leaves": 31}), "complete", [], 1.0
    )
    result.score = 0.5
    drawn = variations([result], _problem(50), np.random.default_rng(0))
    configs = [next(drawn) for _ in range(40)]
    assert len({repr(sorted(config.params.items())) for config in configs}) == 40
    assert {config.learner for config in configs} == {"lightgbm"}
    slow = [config for config in configs if config.params["learning_rate"] == 0.02]
    assert all(config.cost > 1 for config in slow if config.params["num_leaves"] >= 31)
    assert list(variations([], _problem(50), np.random.default_rng(0))) == []


@pytest.mark.parametrize(
    ("values", "logged"), [("exponential", True), ("normal", False), ("below zero", False)], ids=str
)
def test_a_skewed_target_is_tried_on_a_scale_of_logs_early(values, logged):
    y = np.random.default_rng(0).exponential(size=1000) if values != "normal" else np.linspace(0, 1, 1000)
    problem = Problem("regression", "rmse", "y", y - (1.0 if values == "below zero" else 0.0))
    first, _, third, *_ = portfolio(problem, _data(1000, 4), interpretable=False)
    assert first.learner == "lightgbm"
    assert (third.name == "lightgbm_log" and third.params == dict(first.params) | {"target": "log1p"}) == logged


def test_wide_tables_get_no_splines():
    names = {config.name for config in portfolio(_problem(3000), _data(3000, 400), interpretable=False)}
    assert "linear_splines" not in names
    assert "linear" in names


def test_the_ensemble_beats_its_members():
    rng = np.random.default_rng(0)
    problem = _problem(400, "roc_auc", (0, 1))
    noisy = [np.clip(problem.y + rng.normal(scale=1.5, size=400), -9, 9) for _ in range(4)]
    outputs = [np.column_stack([1 - (p := 1 / (1 + np.exp(-each))), p]) for each in [*noisy, rng.normal(size=400)]]
    weights = greedy_weights(problem, np.arange(400), outputs, 0)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights[:4] > 0).sum() >= 3
    from automl_runtime.engine.scoring import trial_score

    alone = max(trial_score(problem, np.arange(400), each) for each in outputs)
    mixed = sum(weight * each for weight, each in zip(weights, outputs, strict=True))
    assert trial_score(problem, np.arange(400), mixed) > alone
    few = greedy_weights(problem, np.arange(400), outputs, 0, most_rows=100)
    assert few.sum() == pytest.approx(1.0)


def test_relative_errors_weigh_small_values_more():
    problem = _problem(100, "mape")
    weights = loss_weights(problem)
    assert weights.mean() == pytest.approx(1.0)
    assert (np.diff(weights) <= 0).all()
    assert loss_weights(_problem(100)) is None


def test_a_table_too_large_for_the_budget_is_sampled_and_said(monkeypatch):
    from automl_runtime.engine import tabular as fitting

    monkeypatch.setattr(fitting, "make_plan", lambda *_: Plan("stratified", 2, 100, 0))
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=300), "day": np.arange(300), "weight": 1.0})
    rows["y"] = rows["x"] + rng.normal(size=300)
    events = []
    model = fit(
        rows, "y", trials=1, weights=rows["weight"], time=rows["day"], groups=rows["day"], on_event=events.append
    )
    assert len(model.oof) == 100
    assert any(isinstance(event, Warned) and "100 of them" in event.text for event in events)


def test_a_tiny_budget_still_gives_a_model():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(3000, 20))).add_prefix("x")
    rows["y"] = rows["x0"] * rows["x1"] + rng.normal(size=3000)
    model = fit(rows, "y", budget_seconds=0.3)
    assert model.cv < rows["y"].std() * 1.05
    assert model.trials[0]["status"] == "complete"


def test_a_search_without_time_for_refits_keeps_the_models_of_the_folds(monkeypatch):
    from automl_runtime.engine import finish

    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=100)})
    rows["y"] = rows["x"] + 0.1 * rng.normal(size=100)
    monkeypatch.setattr(finish, "_fit_all", lambda *_: None)
    model = fit(rows, "y", trials=2, folds=2)
    assert all(len(member.parts) == 2 for member in model.fitted.members)
    again = fit(rows, "y", replay=model.trials)
    pd.testing.assert_series_equal(model.predict(rows), again.predict(rows))


def test_a_model_too_large_to_commit_is_made_smaller(monkeypatch):
    from automl_runtime.engine import finish

    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(150, 4))).add_prefix("x")
    rows["y"] = rows["x0"] + rows["x1"] ** 2 + rng.normal(size=150)
    usual = fit(rows, "y", trials=5, folds=3)
    assert len(usual.weights) > 1
    monkeypatch.setattr(finish, "_MOST_BYTES", 1)
    assert len(fit(rows, "y", trials=5, folds=3).weights) == 1


def test_the_outcome_does_not_depend_on_the_number_of_cores(monkeypatch):
    from automl_runtime.engine import tabular as fitting

    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(150, 3))).add_prefix("x")
    rows["kind"] = rng.choice(["a", "b", "c"], 150)
    rows["y"] = rows["x0"] + (rows["kind"] == "a") + rng.normal(size=150)
    models = []
    for cores in (1, 2, 4):
        monkeypatch.setattr(fitting, "available_cores", lambda cores=cores: cores)
        models.append(fit(rows, "y", trials=6, folds=3))
    for other in models[1:]:
        assert other.cv == models[0].cv
        assert [trial["status"] for trial in other.trials] == [trial["status"] for trial in models[0].trials]
        pd.testing.assert_series_equal(models[0].predict(rows), other.predict(rows), check_exact=True)
