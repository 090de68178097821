"""A feature stays when it gains more than chance on folds that are like those of the training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_agent.feature_code.judging import SIGNIFICANT, gains_of, judged_rows, matrix_of, metric_of
from automl_runtime.engine.forecasting.fitting import forecast_problem
from automl_runtime.engine.problem import make_problem
from automl_runtime.errors import TrainingError
from scipy.stats import t


def table(rows=600, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": 10 ** rng.uniform(1, 3, rows), "b": 10 ** rng.uniform(1, 3, rows)})
    return frame, frame["a"] / frame["b"], rng


def judge(frame, target, added, *, task="binary", metric="roc_auc", validation="stratified", tried=1, **roles):
    features, problem = make_problem(frame, target, task=task, metric=metric, **roles)
    base, _ = matrix_of(features, {})
    columns = {name: np.asarray(values, dtype=float)[:, None] for name, values in added.items()}
    return problem, gains_of(problem, base, columns, validation=validation, folds=5, seed=0, tried=tried)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "f1", "accuracy"])
def test_what_the_target_depends_on_gains_and_noise_does_not(metric):
    frame, ratio, rng = table()
    target = pd.Series(((np.log(ratio).abs() < 1) ^ (rng.random(len(frame)) < 0.05)).astype(int), name="y")
    problem, found = judge(frame, target, {"ratio": ratio, "noise": rng.random(len(frame))}, metric=metric)
    assert metric_of(problem) == ("log_loss" if metric in ("f1", "accuracy") else metric)
    assert found["ratio"].mean > 0
    assert found["ratio"].p < SIGNIFICANT
    assert found["ratio"].interval[0] > 0
    assert found["noise"].p > SIGNIFICANT


@pytest.mark.parametrize("metric", ["rmse", "mae", "r2"])
def test_values_are_judged_whichever_way_the_metric_goes(metric):
    frame, ratio, rng = table()
    target = pd.Series(np.log(ratio) + rng.normal(0, 0.1, len(frame)), name="y")
    _, found = judge(frame, target, {"ratio": ratio, "noise": rng.random(len(frame))}, task="regression", metric=metric)
    assert found["ratio"].mean > 0 > found["ratio"].p - SIGNIFICANT
    assert found["noise"].p > SIGNIFICANT


def test_several_classes_are_judged():
    frame, ratio, _ = table()
    target = pd.Series(np.digitize(np.log10(ratio), [-0.5, 0.5]), name="y")
    _, found = judge(frame, target, {"ratio": ratio}, task="multiclass", metric="log_loss")
    assert found["ratio"].p < SIGNIFICANT


def test_the_chance_is_that_of_the_corrected_resampled_t_test():
    frame, ratio, rng = table(300)
    target = pd.Series((np.log(ratio) + rng.normal(0, 2, len(frame)) > 0).astype(int), name="y")
    _, found = judge(frame, target, {"ratio": ratio})
    gain = found["ratio"]
    error = (gain.interval[1] - gain.mean) / t.ppf(0.975, 19)
    assert gain.p == pytest.approx(t.sf(gain.mean / error, 19))


def test_many_that_were_tried_raise_the_bar():
    frame, ratio, rng = table(300)
    target = pd.Series((np.log(ratio) + rng.normal(0, 1, len(frame)) > 0).astype(int), name="y")
    alone = judge(frame, target, {"ratio": ratio})[1]["ratio"]
    among = judge(frame, target, {"ratio": ratio}, tried=40)[1]["ratio"]
    assert among.p == pytest.approx(min(1.0, 40 * alone.p))
    assert (among.mean, among.interval) == (alone.mean, alone.interval)
    both = judge(frame, target, {"ratio": ratio, "noise": rng.random(300)})[1]
    assert both["ratio"].p == pytest.approx(min(1.0, 2 * alone.p))
    assert both["noise"].p >= both["ratio"].p


def test_the_name_of_a_group_gains_nothing_where_groups_stay_together():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(60), 10)
    frame = pd.DataFrame({"x": rng.random(600)})
    target = pd.Series(rng.integers(0, 2, 60)[group], name="y")
    added = {"group": group}
    assert judge(frame, target, added)[1]["group"].p < SIGNIFICANT
    assert judge(frame, target, added, groups=pd.Series(group))[1]["group"].p > SIGNIFICANT


def test_time_is_judged_by_what_comes_later():
    rng = np.random.default_rng(0)
    when = pd.Series(pd.date_range("2020-01-01", periods=900, freq="D"))
    level = rng.normal(0, 1, 30)[np.arange(900) // 30]
    frame = pd.DataFrame({"x": rng.random(900)})
    added = {"day": np.arange(900), "truth": level + rng.normal(0, 0.2, 900)}
    roles = {"task": "regression", "metric": "rmse", "validation": "temporal", "time": when}
    found = judge(frame, pd.Series(level, name="y"), added, **roles)[1]
    assert found["truth"].p < SIGNIFICANT < found["day"].p


def test_a_forecast_is_judged_by_its_last_windows():
    rng = np.random.default_rng(0)
    days = pd.date_range("2022-01-01", periods=500, freq="D")
    holiday = (rng.random(500) < 0.2).astype(float)
    table = pd.DataFrame({"day": days, "sold": 20 + 30 * holiday + rng.normal(0, 1, 500), "holiday": holiday})
    roles = {"time": "day", "horizon": 7, "metric": "rmse"}
    inputs, problem = forecast_problem(table, "sold", **roles)
    wider, again = forecast_problem(table, "sold", known_ahead=["holiday"], **roles)
    assert np.array_equal(problem.y, again.y)
    new = matrix_of(wider[[name for name in wider.columns if name not in inputs.columns]], {})[0]
    found = gains_of(problem, matrix_of(inputs, {})[0], {"holiday": new}, validation="temporal", folds=3, seed=0)
    assert found["holiday"].p < SIGNIFICANT


def test_too_few_rows_cannot_judge():
    frame = pd.DataFrame({"x": range(12)})
    target = pd.Series([0] * 10 + [1, 1], name="y")
    when = pd.Series([0] * 12)
    with pytest.raises(TrainingError, match="too few training rows"):
        judge(frame, target, {"x2": range(12)}, groups=pd.Series([0] * 10 + [1] * 2), time=when)


def test_a_column_without_values_is_not_judged():
    frame, ratio, _ = table(200)
    target = pd.Series((ratio > 1).astype(int), name="y")
    assert judge(frame, target, {"empty": np.full(200, np.nan)})[1] == {}


def test_the_rows_that_judge_are_the_same_each_time():
    assert len(judged_rows(500, 1)) == 500
    some = judged_rows(50_000, 1)
    assert len(some) == 10_000
    assert np.array_equal(some, judged_rows(50_000, 1))
    assert (np.diff(some) > 0).all()
