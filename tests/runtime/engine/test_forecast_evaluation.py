"""What a forecast is worth, its interval, and the estimator over it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime import AutoMLForecaster
from automl_runtime.data.frequency import Frequency, last_steps, named_frequency, next_moment
from automl_runtime.engine.fit import fit
from automl_runtime.engine.forecasting.evaluation import evaluate_forecast
from automl_runtime.engine.forecasting.history import History, level_width
from automl_runtime.engine.metrics import bootstrap_interval
from automl_runtime.errors import RequestError, SchemaMismatchError
from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

DAY = 86_400 * 10**9


def kiosks(days=160, seed=0):
    """Two kiosks, one a hundred times the size of the other, with a week in both."""
    rng = np.random.default_rng(seed)
    day = pd.date_range("2024-01-01", periods=days)
    parts = [
        pd.DataFrame(
            {"kiosk": name, "day": day, "cups": size * (1 + 0.4 * (day.day_of_week > 4)) * rng.lognormal(0, 0.1, days)}
        )
        for name, size in (("big", 1000.0), ("small", 10.0))
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def rows():
    return kiosks()


@pytest.fixture(scope="module")
def model(rows):
    past = rows[rows["day"] < "2024-05-26"]
    return fit(past, "cups", task="forecast", time="day", horizon=14, series=["kiosk"], trials=1)


def test_an_evaluation_counts_the_steps_after_the_history(model, rows):
    evaluation, view = evaluate_forecast(model, rows)
    ahead = rows[rows["day"] >= "2024-05-26"]
    errors = model.predict(ahead) - ahead["cups"]
    assert evaluation.rows == len(ahead) == 28
    assert evaluation.score == pytest.approx(np.sqrt(np.mean(errors**2)))
    assert evaluation.ci[0] <= evaluation.score <= evaluation.ci[1]
    assert sum(step.rows for step in view.by_step) == 28
    weighted = sum(step.error * step.rows for step in view.by_step) / 28
    assert weighted == pytest.approx(evaluation.scores["mae"])
    assert set(view.naive) == {"naive_1", "naive_7"}


def test_the_series_of_the_report_hold_past_and_future(model, rows):
    _, view = evaluate_forecast(model, rows)
    assert [series.name for series in view.series] == ["kiosk = big", "kiosk = small"]
    small = view.series[1]
    assert small.past[-1][0] == "2024-05-25T00:00:00"
    assert small.moments[0] == "2024-05-26T00:00:00"
    assert all(low <= value <= high for low, value, high in zip(small.low, small.predicted, small.high, strict=True))


def test_importance_finds_what_the_model_relies_on(model, rows):
    _, view = evaluate_forecast(model, rows)
    best = sorted(view.importance, key=lambda name: -view.importance[name])[:4]
    assert view.importance[best[0]] > 0
    assert {"day", "month"}.isdisjoint(best[:1])


def test_intervals_grow_with_the_size_of_a_series(model):
    ahead = model.forecast().assign(width=lambda found: found["high"] - found["low"])
    widths = ahead.groupby("kiosk")["width"].mean()
    assert 20 < widths["big"] / widths["small"] < 500


def test_counts_are_never_forecast_below_zero():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {"day": pd.date_range("2024-01-01", periods=200), "rare": (rng.random(200) < 0.1).astype(float)}
    )
    ahead = fit(rows, "rare", task="forecast", time="day", horizon=7, trials=1).forecast()
    assert (ahead[["rare", "low", "high"]] >= 0).all(axis=None)


def test_a_shorter_history_forecasts_as_it_did_then(model, rows):
    later = model.continued(rows)
    assert later.forecast(1)["day"].unique().tolist() == [pd.Timestamp("2024-06-09")]
    back = later.before("2024-05-26")
    pd.testing.assert_frame_equal(back.forecast(), model.forecast())
    with pytest.raises(RequestError, match="begins after"):
        later.before("2023-01-01")


def test_a_row_of_another_century_does_not_fill_the_memory(model):
    with pytest.raises(SchemaMismatchError, match="2999"):
        model.continued(pd.DataFrame({"kiosk": ["big"], "day": ["2999-01-01"], "cups": [1.0]}))


def test_some_series_are_forecast_alone(model):
    only = pd.DataFrame({"kiosk": ["small"]})
    whole = model.forecast(3)
    part = model.forecast(3, only=only)
    pd.testing.assert_frame_equal(part, whole[whole["kiosk"] == "small"].reset_index(drop=True))
    assert model.ahead(3, only).columns.tolist() == ["kiosk", "day"]


def test_columns_called_like_the_interval_stay(rows):
    renamed = rows[rows["kiosk"] == "big"].drop(columns="kiosk").rename(columns={"cups": "low"})
    found = fit(renamed, "low", task="forecast", time="day", horizon=3, trials=1).forecast()
    assert found.columns.tolist() == ["day", "low", "low_2", "high"]


@pytest.mark.parametrize(
    ("size", "months", "width"),
    [(3600 * 10**9, False, 672), (DAY, False, 28), (7 * DAY, False, 52), (1, True, 12), (12, True, 16)],
)
def test_the_level_spans_whole_seasons(size, months, width):
    assert level_width(Frequency(size, months, pd.Timestamp("2024-01-01"))) == width


def test_windows_are_means_of_what_is_known():
    values = np.array([[1.0, np.nan, 3.0, 5.0]])
    history = History(values, 10)
    mean, spread = history.window(np.zeros(2, dtype=int), np.array([12, 13]), 3)
    np.testing.assert_allclose(mean, [2.0, 4.0])
    np.testing.assert_allclose(spread, [1.0, 1.0])
    assert history.last == 13


def test_whole_blocks_are_drawn_again():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=20).repeat(50)
    truth, predicted = shared + rng.normal(scale=0.1, size=1000), np.zeros(1000)
    rows = bootstrap_interval("mae", truth, labels=predicted)
    blocks = bootstrap_interval("mae", truth, labels=predicted, blocks=np.arange(20).repeat(50))
    assert blocks[1] - blocks[0] > 3 * (rows[1] - rows[0])


@pytest.mark.parametrize("name", ["15 minutes", "hour", "2 weeks", "month", "quarter", "year"])
def test_frequencies_have_names_that_are_read_again(name):
    moments = pd.Series(pd.to_datetime(["2024-01-01", "2024-03-01"]))
    assert named_frequency(name, moments).name == name


@pytest.mark.parametrize(
    ("name", "days", "count"),
    [("hour", 2, 48), ("day", 28, 28), ("week", 28, 4), ("month", 360, 12), ("year", 730, 2), ("week", 1, 1)],
)
def test_days_are_counted_in_steps(name, days, count):
    assert named_frequency(name, pd.Series(pd.to_datetime(["2024-01-01"]))).count(days) == count


def test_the_last_steps_are_those_of_the_grid():
    times = pd.Series(pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-09", "2024-01-10"]))
    assert last_steps(times, "day", 3).tolist() == [False, False, True, True]
    assert next_moment(times, "day") == pd.Timestamp("2024-01-11")


def test_the_estimator_goes_through_splits_in_time():
    rows = kiosks(120).query("kiosk == 'big'")
    estimator = clone(AutoMLForecaster("day", horizon=14, trials=1))
    scores = cross_val_score(estimator, rows[["day"]], rows["cups"], cv=TimeSeriesSplit(2, test_size=14))
    assert (scores > 0.2).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [1.0]}, "shape"),
        ({"horizon": 0}, "horizon"),
        ({"time": "when"}, "when"),
        ({"horizon": 100}, "needed"),
    ],
)
def test_the_estimator_refuses_as_scikit_learn_does(change, message):
    rows = kiosks(60).query("kiosk == 'big'")
    estimator = AutoMLForecaster(
        **({"time": "day", "horizon": 3, "trials": 1} | {k: v for k, v in change.items() if k != "y"})
    )
    with pytest.raises(ValueError, match=message):
        estimator.fit(rows[["day"]], change.get("y", rows["cups"]))


def test_the_estimator_says_which_row_is_too_far():
    rows = kiosks(60).query("kiosk == 'big'")
    estimator = AutoMLForecaster("day", horizon=3, trials=1).fit(rows[["day"]], rows["cups"])
    with pytest.raises(ValueError, match="Row 1 does not lie within the 3 steps"):
        estimator.predict(rows[["day"]])


def test_columns_called_like_a_feature_are_told_apart():
    rows = kiosks(80).rename(columns={"kiosk": "level"})
    rows["month"] = np.random.default_rng(0).random(len(rows))
    model = fit(rows, "cups", task="forecast", time="day", horizon=3, series=["level"], known_ahead=["month"], trials=1)
    future = model.ahead().assign(month=0.5)
    assert model.forecast(future=future)["cups"].between(1, 3000).all()
