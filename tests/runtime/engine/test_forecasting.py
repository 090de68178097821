"""Forecasts: nothing of the future is seen, seasons and trends are continued, what is known ahead helps."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from automl_runtime import load
from automl_runtime.data.frequency import Frequency, infer_frequency, named_frequency
from automl_runtime.engine.fit import fit
from automl_runtime.engine.forecasting.covariates import Covariates
from automl_runtime.engine.forecasting.fitting import windows_of
from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.engine.forecasting.history import History, Rows, features_of
from automl_runtime.engine.forecasting.layout import Layout
from automl_runtime.errors import BundleError, RequestError, SchemaMismatchError, TrainingError
from automl_runtime.events import Warned

fit_forecast = partial(fit, task="forecast")


def _hours(days=60, seed=0):
    """A day with two peaks that grows by half over the time."""
    rng = np.random.default_rng(seed)
    at = pd.date_range("2024-01-01", periods=24 * days, freq="h")
    level = 100 * (1 + 0.5 * np.arange(len(at)) / len(at))
    shape = 1 + 0.5 * np.sin(2 * np.pi * at.hour / 24) + 0.2 * (at.day_of_week < 5)
    return pd.DataFrame({"at": at, "count": level * shape + rng.normal(scale=4, size=len(at))})


@pytest.mark.parametrize("seed", range(3))
def test_no_feature_knows_what_comes_after_the_gap(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, 400))
    frequency = Frequency(3600 * 10**9, False, pd.Timestamp("2024-01-01"))
    rows = Rows(rng.integers(0, 2, 50), rng.integers(250, 400, 50), rng.integers(1, 60, 50))
    before = features_of(History(values, 0), rows, frequency)
    for place in range(50):
        changed = values.copy()
        changed[:, rows.steps[place] - rows.gaps[place] + 1 :] = 1e9
        one = Rows(rows.series[[place]], rows.steps[[place]], rows.gaps[[place]])
        after = features_of(History(changed, 0), one, frequency)
        np.testing.assert_allclose(after.iloc[0], before.iloc[place], rtol=1e-6, atol=1e-6)


def test_a_season_and_a_trend_are_continued():
    rows = _hours()
    model = fit_forecast(rows[:-48], "count", time="at", horizon=48, trials=2)
    scores = model.evaluate(rows[-48:])
    naive = np.sqrt(np.mean((rows["count"][-48:].to_numpy() - rows["count"][-96:-48].to_numpy()) ** 2))
    assert scores["rmse"] < 0.8 * naive
    ahead = model.forecast()
    assert ahead["at"].tolist() == rows["at"][-48:].tolist()
    inside = rows["count"][-48:].between(ahead["low"].to_numpy(), ahead["high"].to_numpy()).mean()
    assert 0.5 <= inside <= 1.0
    assert model.leaderboard()[0].model == model.best_model


def test_a_growing_level_beyond_all_that_was_seen_is_forecast():
    """Bicycles that double every 30 days: the last ten days are above the largest value of the training."""
    rng = np.random.default_rng(2)
    at = pd.date_range("2024-01-01", periods=24 * 100, freq="h")
    shape = 1 + 0.6 * np.sin(2 * np.pi * at.hour / 24)
    rows = pd.DataFrame({"at": at, "count": 50 * 2 ** (np.arange(2400) / 720) * shape * rng.normal(1, 0.05, 2400)})
    model = fit_forecast(rows[:-240], "count", time="at", horizon=240, trials=2)
    found = model.forecast()["count"].to_numpy()
    assert found.max() > rows["count"][:-240].max()
    errors = np.abs(found - rows["count"][-240:].to_numpy())
    assert errors.mean() < 0.1 * rows["count"][-240:].mean()


@pytest.mark.parametrize(
    ("series", "steps", "horizon", "expected"),
    [
        (1, 1000, 200, [(400, 600), (600, 800), (800, 1000)]),
        (1, 1000, 280, [(440, 720), (720, 1000)]),
        (1, 100, 30, [(40, 70), (70, 100)]),
        (1, 2000, 1, [(1100, 1400), (1400, 1700), (1700, 2000)]),
        (1, 100, 1, [(55, 70), (70, 85), (85, 100)]),
        (50, 100, 2, [(70, 80), (80, 90), (90, 100)]),
    ],
)
def test_forecasts_are_tried_out_on_the_last_horizons(series, steps, horizon, expected):
    frequency = Frequency(3600 * 10**9, False, pd.Timestamp("2024-01-01"))
    layout = Layout("y", "at", (), (), horizon, frequency, (("all",),) * series)
    assert windows_of(layout, History(np.zeros((series, steps)), 0)) == expected
    later = windows_of(layout, History(np.zeros((series, steps)), 7))
    assert later == [(begin + 7, end + 7) for begin, end in expected]


def _shops(known=True):
    rng = np.random.default_rng(1)
    parts = []
    for shop, level in (("north", 20.0), ("south", 80.0)):
        day = pd.date_range("2024-01-01", periods=200, freq="D")
        promo = rng.random(200) < 0.3
        sales = level * (1 + 0.8 * promo + 0.3 * (day.day_of_week == 5)) + rng.normal(scale=1, size=200)
        parts.append(pd.DataFrame({"shop": shop, "day": day, "promo": promo, "sales": sales}))
    return pd.concat(parts).sample(frac=1, random_state=0)


def test_many_series_and_what_is_known_ahead():
    rows = _shops()
    cut = pd.Timestamp("2024-07-08")
    past, future = rows[rows["day"] < cut], rows[rows["day"] >= cut]
    options = {"time": "day", "horizon": 11, "series": ["shop"], "trials": 2}
    blind = fit_forecast(past, "sales", **options).evaluate(future)
    model = fit_forecast(past, "sales", known_ahead=["promo"], **options)
    assert model.evaluate(future)["mae"] < 0.5 * blind["mae"]
    ahead = model.forecast(3, future[["shop", "day", "promo"]])
    assert ahead.groupby("shop").size().to_dict() == {"north": 3, "south": 3}
    assert (ahead["low"] <= ahead["sales"]).all()
    assert (ahead["sales"] <= ahead["high"]).all()
    with pytest.raises(RequestError, match="known ahead: promo"):
        model.forecast()
    with pytest.raises(SchemaMismatchError, match=r"no row for 2024-07-08"):
        model.forecast(2, future[future["day"] > cut])
    with pytest.raises(SchemaMismatchError, match="east"):
        model.evaluate(future.assign(shop="east"))
    with pytest.raises(RequestError, match="1 to 11 steps"):
        model.forecast(12)
    with pytest.raises(RequestError, match=r"(?s)not made of one record.*Use forecast"):
        model.predict_record(future.iloc[0].to_dict())


def _wet_hours(seed=0, days=60):
    """Nobody rides in the rain, nor in the two hours after it."""
    rng = np.random.default_rng(seed)
    at = pd.date_range("2024-01-01", periods=24 * days, freq="h")
    rain = rng.random(len(at)) < 0.15
    wet = pd.Series(rain).rolling(2, min_periods=1).max().to_numpy(bool)
    return pd.DataFrame(
        {"at": at, "rain": rain, "rides": np.where(wet, 5.0, 60.0 + at.hour) + rng.normal(size=len(at))}
    )


def test_what_was_known_of_the_step_before_tells_too(tmp_path):
    rows = _wet_hours()
    past, future = rows[:-72], rows[-72:]
    model = fit_forecast(past, "rides", time="at", horizon=72, known_ahead=["rain"], trials=2)
    assert model.evaluate(future)["rmse"] < 6
    # The first step ahead follows one of the history, also of a model that was saved, or that went on, or back.
    dry, wet = past.copy(), past.copy()
    dry.loc[past.index[-1], "rain"], wet.loc[past.index[-1], "rain"] = False, True
    first = future[["at", "rain"]].assign(rain=False)[:1]
    assert model.continued(dry).predict(first).item() > 2 * model.continued(wet).predict(first).item()
    model.save(tmp_path)
    for other in (Forecaster.load(tmp_path), model.continued(future).before(future["at"].iloc[0])):
        np.testing.assert_array_equal(other.predict(future), model.predict(future))


def test_fewer_steps_ahead_are_forecast_alike():
    rows = _wet_hours()
    model = fit_forecast(rows[:-48], "rides", time="at", horizon=48, known_ahead=["rain"], trials=1)
    future = rows[-48:][["at", "rain"]]
    pd.testing.assert_frame_equal(model.forecast(12, future[:12]), model.forecast(48, future)[:12])


def test_covariates_know_nothing_of_later_steps():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=40), "text": "a"})
    history = History(np.zeros((1, 30)), 10)
    series, steps = np.zeros(40, dtype=np.int64), np.arange(10, 50)
    past = Covariates.of(table[:30], ["x", "text"], series[:30], steps[:30], history)
    assert past.names == ("x",)
    ahead = Rows(series[30:], steps[30:], steps[:10] - 9)
    found = past.features(ahead, table[30:], (7, 24))
    np.testing.assert_allclose(found["x a step before"], table["x"][29:39])
    np.testing.assert_allclose(found["x over 7 steps"], table["x"].rolling(7).mean()[30:])
    changed = past.features(ahead, table[30:].assign(x=[*table["x"][30:35], *[9e9] * 5]), (7, 24))
    assert all((changed[name][:5] == found[name][:5]).all() for name in found)
    alone = past.features(Rows(series[:1], steps[39:], steps[:1]), table[39:], (7,))
    assert np.isnan(alone["x a step before"]).all()
    assert alone["x over 7 steps"].item() == pytest.approx(table["x"].iloc[39])


def test_what_would_be_too_much_to_store_is_not_looked_back_at():
    table = pd.DataFrame({"x": np.ones(600_000)})
    steps = np.arange(600_000)
    assert Covariates.of(table, ["x"], steps * 0, steps, History(np.zeros((1, 600_000)), 0)).names == ()


def test_a_saved_forecaster_goes_on_where_it_was(tmp_path):
    rows = _hours(30)
    model = fit_forecast(rows[:-24], "count", time="at", horizon=24, trials=1)
    model.save(tmp_path / "m")
    loaded = Forecaster.load(tmp_path / "m")
    pd.testing.assert_frame_equal(loaded.forecast(), model.forecast())
    assert loaded.leaderboard() == model.leaderboard()
    later = loaded.continued(rows[-24:])
    assert later.forecast(1)["at"][0] == rows["at"].iloc[-1] + pd.Timedelta(hours=1)
    history = tmp_path / "m" / "history.npz"
    history.write_bytes(history.read_bytes()[:-30])
    with pytest.raises(BundleError, match="cannot be read"):
        Forecaster.load(tmp_path / "m")
    (tmp_path / "m" / "forecast.json").write_text("{}")
    with pytest.raises(BundleError, match="is not valid: KeyError"):
        Forecaster.load(tmp_path / "m")


def test_months_with_gaps_are_steps():
    month = pd.date_range("2015-01-01", periods=96, freq="MS")
    rows = pd.DataFrame({"month": month, "sold": 50 + 20 * np.sin(np.arange(96) * np.pi / 6) + np.arange(96) / 4})
    model = fit_forecast(rows.drop(index=[10, 40]), "sold", time="month", horizon=6, trials=1)
    assert model.layout.frequency.months
    assert model.forecast()["month"].tolist() == pd.date_range("2023-01-01", periods=6, freq="MS").tolist()


def test_where_nothing_can_be_learned_the_last_value_is_used():
    said = []
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"at": pd.date_range("2024-01-01", periods=300, freq="D"), "x": rng.normal(size=300).cumsum()})
    model = fit_forecast(rows, "x", time="at", horizon=1, trials=1, on_event=said.append)
    assert model.best_model == "naive_1"
    assert model.forecast()["x"].tolist() == [rows["x"].iloc[-1]]
    assert any(isinstance(event, Warned) and "seasonal naive" in event.text for event in said)


@pytest.mark.parametrize(
    ("step", "size", "months"),
    [
        ("15min", 15 * 60 * 10**9, False),
        ("D", 86400 * 10**9, False),
        ("W", 604800 * 10**9, False),
        ("MS", 1, True),
        ("QS", 3, True),
        ("YS", 12, True),
    ],
)
def test_frequencies_are_told_from_the_moments(step, size, months):
    moments = pd.Series(pd.date_range("2020-01-01", periods=30, freq=step))
    found = infer_frequency(moments, np.zeros(30, dtype=np.int64))
    assert (found.size, found.months) == (size, months)
    assert found.steps(moments).tolist() == list(range(30))
    assert found.moments(np.arange(30)).tolist() == moments.tolist()
    assert Frequency.from_json(found.to_json()) == found


def test_a_frequency_that_is_no_word_is_refused():
    with pytest.raises(RequestError, match="fortnight"):
        named_frequency("fortnight", pd.Series(pd.date_range("2020", periods=3)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: pd.concat([rows, rows.iloc[[7]]]), "same 'at' as another"),
        (lambda rows: rows.assign(at=["soon", *rows["at"].astype(str)[1:]]), "Row 1 has no time"),
        (lambda rows: rows[:40], "74 are needed"),
        (lambda rows: rows.assign(count=None), "No row has a value"),
    ],
)
def test_series_that_cannot_be_learned_are_named(change, message):
    with pytest.raises(TrainingError, match=message):
        fit_forecast(change(_hours(10)), "count", time="at", horizon=24, trials=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon"),
        ({"interval": 1.5}, "interval"),
        ({"time": "when"}, "no column 'when'"),
        ({"metric": "roc_auc"}, "roc_auc"),
    ],
)
def test_arguments_that_do_not_fit_are_named(options, message):
    with pytest.raises(RequestError, match=message):
        fit_forecast(_hours(10), "count", **({"time": "at", "horizon": 5} | options))


def test_what_only_forecasts_know_is_refused_elsewhere():
    rows = _hours(10)
    with pytest.raises(RequestError, match=r"`horizon`, `series`: only for task=\"forecast\""):
        fit(rows, "count", horizon=3, series=["at"])
    with pytest.raises(RequestError, match="names of columns, and `horizon`"):
        fit_forecast(rows, "count", time="at")
    with pytest.raises(RequestError, match="`interpretable` is not possible"):
        fit_forecast(rows, "count", time="at", horizon=3, interpretable=True)


def test_a_saved_forecaster_is_loaded_by_the_one_door(tmp_path):
    model = fit_forecast(_hours(10), "count", time="at", horizon=3, trials=1)
    model.save(tmp_path)
    pd.testing.assert_frame_equal(load(tmp_path).forecast(), model.forecast())
