"""Forecasts are settled on the data: moment, series, step, horizon, what is known ahead, and what must not be seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_agent.drafting import DraftOptions, draft
from automl_runtime.errors import RequestError


def settled(request, folder, **answers):
    return draft(request, DraftOptions(data=folder, answers=answers))


def ids(drafted):
    return [question.id for question in drafted.questions]


@pytest.fixture
def lifts(tmp_path):
    """A ski lift: a day and an hour apart, two ways to pay that add up, a daily table of the same."""
    rng = np.random.default_rng(1)
    at = pd.date_range("2023-01-01", periods=24 * 70, freq="h")
    cash, card = rng.integers(0, 40, len(at)), rng.integers(0, 90, len(at)) + 30 * np.isin(at.hour, (8, 9))
    rows = pd.DataFrame({
        "on_day": at.strftime("%Y-%m-%d"), "hour": at.hour, "weekday": at.day_of_week,
        "holiday": (rng.random(70) < 0.1).astype(int).repeat(24), "snow_cm": rng.normal(60, 9, len(at)).round(1),
        "cash": cash, "card": card, "riders": cash + card,
    })  # fmt: skip
    rows.drop(index=[100, 500]).to_csv(tmp_path / "lift_hours.csv", index=False)
    days = rows.groupby("on_day")[["snow_cm", "cash", "card", "riders"]].sum().reset_index()
    days.to_csv(tmp_path / "lift_days.csv", index=False)
    return tmp_path


def test_a_day_and_an_hour_become_one_moment(lifts):
    drafted = settled("forecast the riders for each hour of the next 3 days", lifts)
    task = drafted.spec.task
    assert (task.type, task.frequency, task.horizon, task.series) == ("forecast", "hour", 72, [])
    assert task.time_sql == 'CAST("on_day" AS TIMESTAMP) + to_hours(CAST("hour" AS BIGINT))'
    moments = drafted.assembled.frame[task.time]
    assert moments.iloc[[0, -1]].tolist() == [pd.Timestamp("2023-01-01"), pd.Timestamp("2023-03-11 23:00")]
    assert drafted.assembled.frame.columns.tolist() == [task.time, "holiday", "riders"]


def test_the_holdout_is_the_last_steps(lifts):
    drafted = settled("forecast the riders for each hour of the next 3 days", lifts)
    times = drafted.assembled.frame[drafted.spec.task.time]
    assert times[drafted.holdout].min() == pd.Timestamp("2023-03-09")
    assert times[~drafted.holdout].max() == pd.Timestamp("2023-03-08 23:00")


def test_parts_of_the_target_and_other_grains_are_not_seen(lifts):
    drafted = settled("forecast the riders for each hour of the next 3 days", lifts)
    reasons = {drop.column: drop.reason for drop in drafted.spec.data.drop}
    assert reasons["cash"].startswith("leak: ")
    assert reasons["card"].startswith("leak: ")
    assert reasons["weekday"] == "part of the time, from which the model reads it"
    assert reasons["snow_cm"] == "not known ahead"
    assert [table.name for table in drafted.spec.data.tables] == ["lift_hours"]


@pytest.mark.parametrize(
    ("words", "answers", "known"),
    [
        ("", {}, ["holiday"]),
        (", weather known", {}, ["holiday", "snow_cm"]),
        ("", {"known_ahead": "all"}, ["holiday", "snow_cm"]),
        (", weather known", {"known_ahead": "none"}, []),
        ("", {"known_ahead": "SNOW_CM"}, ["snow_cm"]),
    ],
)
def test_weather_is_known_only_when_somebody_says_so(lifts, words, answers, known):
    drafted = settled(f"forecast the riders for each hour of the next 3 days{words}", lifts, **answers)
    assert drafted.spec.task.known_ahead == known
    assert "known_ahead" in ids(drafted)
    assert drafted.spec.answers == answers


@pytest.mark.parametrize(
    ("request_", "answers", "message"),
    [
        ("forecast the riders for each hour of the next 3 days", {"known_ahead": "cash"}, "cash"),
        ("forecast the riders for each hour of the next 3 days", {"series": "holiday"}, "tell series apart"),
        ("forecast the riders for each hour of the next 3 days", {"aggregate": "sum"}, "nothing to add up"),
        ("forecast the riders for each hour", {"horizon": "soon"}, "whole number"),
        ("forecast the riders for each hour", {"gaps": "some"}, "missing, zero"),
        ("forecast the riders for each hour with an interpretable model", {}, "interpretable"),
        ("forecast the riders for each hour of the next 30 days", {}, "at most 419"),
        ("forecast the riders for each hour", {"frequency": "blink"}, "blink"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(lifts, request_, answers, message):
    with pytest.raises(RequestError) as refused:
        settled(request_, lifts, **answers)
    assert message in str(refused.value)


def test_answers_to_forecasts_are_refused_elsewhere(lifts):
    with pytest.raises(RequestError, match="no such question"):
        settled("predict snow_cm of each row", lifts, horizon="3")


@pytest.fixture
def orders(tmp_path):
    """Orders at any second of 200 days, the last of which has only begun."""
    rng = np.random.default_rng(2)
    at = pd.Timestamp("2023-01-02") + pd.to_timedelta(np.sort(rng.random(4000) * 200.3 * 86400), unit="s")
    rows = pd.DataFrame({
        "order": np.arange(4000) + 7000, "placed": at.strftime("%d.%m.%Y %H:%M"),
        "roast": rng.choice(["light", "dark", "filter"], 4000), "euro": rng.gamma(3, 5, 4000).round(2),
    })  # fmt: skip
    rows.to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path


def test_events_are_added_up_by_step(orders):
    drafted = settled("forecast the daily euro for the next 2 weeks", orders)
    task, rows = drafted.spec.task, drafted.assembled.frame
    assert (task.frequency, task.horizon, task.aggregate, task.series) == ("day", 14, "sum", [])
    raw = pd.read_csv(orders / "orders.csv")
    first = raw[raw["placed"].str.startswith("02.01.2023")]["euro"].sum()
    assert rows["euro"].iloc[0] == pytest.approx(first)
    # The last day has only begun.
    assert rows["placed"].max() == pd.Timestamp("2023-07-20")
    assert {"series", "aggregate"} <= set(ids(drafted))


@pytest.mark.parametrize(
    ("request_", "answers", "series"),
    [
        ("forecast the weekly euro per roast for the next 5 weeks", {}, ["roast"]),
        ("forecast the weekly euro for the next 5 weeks", {"series": "roast"}, ["roast"]),
        ("forecast the weekly euro per roast for the next 5 weeks", {"series": "none"}, []),
        ("forecast the total weekly euro for the next 5 weeks", {}, []),
    ],
)
def test_series_are_what_the_request_or_an_answer_names(orders, request_, answers, series):
    drafted = settled(request_, orders, **answers)
    assert drafted.spec.task.series == series
    rows = drafted.assembled.frame
    assert not rows[["placed", *series]].duplicated().any()
    assert set(rows["placed"].dt.day_of_week) == {0}


@pytest.mark.parametrize(
    ("words", "series"),
    [
        ("for each booth and flavour", ["booth", "flavour"]),
        ("per flavour", ["flavour"]),
        ("of every flavour in each booth", ["booth", "flavour"]),
        ("", ["booth", "flavour"]),
        ("in total", []),
    ],
)
def test_series_are_told_apart_by_one_column_or_by_several(tmp_path, words, series):
    day = pd.date_range("2024-01-01", periods=60).strftime("%Y-%m-%d")
    rows = pd.MultiIndex.from_product([day, ["b1", "b2"], ["mint", "lime", "rum"]], names=["day", "booth", "flavour"])
    rows = rows.to_frame(index=False).assign(scoops=np.random.default_rng(0).integers(1, 99, len(rows)))
    rows.to_csv(tmp_path / "ice.csv", index=False)
    drafted = settled(f"forecast the daily scoops {words} for the next 7 days", tmp_path)
    assert drafted.spec.task.series == series
    assert drafted.spec.task.aggregate == (None if len(series) == 2 else "sum")


@pytest.mark.parametrize(("answers", "zeros"), [({}, True), ({"gaps": "missing"}, False), ({"gaps": "zero"}, True)])
def test_steps_without_events_are_zeros_unless_nobody_knows(tmp_path, answers, zeros):
    rng = np.random.default_rng(3)
    at = pd.Timestamp("2023-01-02") + pd.to_timedelta(np.sort(rng.random(150) * 200 * 86400), unit="s")
    kind = rng.choice(["leak", "noise"], 150)
    pd.DataFrame({"reported": at.strftime("%Y-%m-%d %H:%M:%S"), "kind": kind, "hours": rng.integers(1, 9, 150)}).to_csv(
        tmp_path / "repairs.csv", index=False
    )
    drafted = settled("forecast the daily hours per kind for the next 10 days", tmp_path, **answers)
    rows = drafted.assembled.frame
    assert (rows["hours"] == 0).any() == zeros
    assert drafted.spec.task.gaps == ("zero" if zeros else "missing")
    assert rows["hours"].sum() == pd.read_csv(tmp_path / "repairs.csv")["hours"].sum() - _of_last_day(tmp_path)
    if zeros:
        assert all(
            len(part) == (part["reported"].max() - part["reported"].min()).days + 1 for _, part in rows.groupby("kind")
        )


def _of_last_day(folder):
    """Hours of a last day that has only begun."""
    rows = pd.read_csv(folder / "repairs.csv", parse_dates=["reported"])
    end = (rows["reported"].max() + pd.Timedelta(hours=1)).normalize()
    return rows[rows["reported"] >= end]["hours"].sum()


def test_hours_without_a_row_may_count_as_zeros(lifts):
    request = "forecast the riders for each hour of the next 3 days"
    plain, filled = settled(request, lifts), settled(request, lifts, gaps="zero")
    assert len(filled.assembled.frame) - len(plain.assembled.frame) == 2
    assert filled.assembled.frame["riders"].sum() == plain.assembled.frame["riders"].sum()


def test_averages_are_taken_when_asked_for(orders):
    drafted = settled("forecast the daily euro for the next 2 weeks", orders, aggregate="mean")
    raw = pd.read_csv(orders / "orders.csv")
    first = raw[raw["placed"].str.startswith("02.01.2023")]["euro"].mean()
    assert drafted.assembled.frame["euro"].iloc[0] == pytest.approx(first)


def test_a_year_and_a_month_become_one_moment(tmp_path):
    month = pd.date_range("2010-01-01", periods=120, freq="MS")
    tons = 80 + 9 * np.sin(month.month / 6 * np.pi) + np.random.default_rng(0).normal(size=120)
    pd.DataFrame({"Year": month.year, "Month": month.month, "tons": tons.round(1)}).to_csv(tmp_path / "mill.csv")
    drafted = settled("forecast the tons for the next 6 months", tmp_path)
    task = drafted.spec.task
    assert (task.frequency, task.horizon) == ("month", 6)
    assert drafted.assembled.frame[task.time].tolist() == month.tolist()
    assert "Year" not in task.known_ahead


def test_a_list_of_days_is_looked_up(tmp_path):
    rng = np.random.default_rng(4)
    day = pd.date_range("2023-01-01", periods=200)
    closed = rng.random(230) < 0.1
    pd.DataFrame({"day": day, "guests": rng.integers(50, 90, 200)}).to_csv(tmp_path / "guests.csv", index=False)
    dates = pd.date_range("2023-01-01", periods=230)
    pd.DataFrame({"date": dates, "school holiday": closed}).to_csv(tmp_path / "days_off.csv", index=False)
    drafted = settled("forecast the daily guests for the next 2 weeks", tmp_path)
    assert drafted.spec.task.known_ahead == ["days_off.school holiday"]
    assert drafted.assembled.frame["days_off.school holiday"].tolist() == closed[:200].tolist()


def test_a_settled_spec_gives_the_same_table_again(lifts, tmp_path):
    from automl_runtime.project.specfile import dump_spec

    first = settled("forecast the riders for each hour of the next 3 days, weather known", lifts)
    path = tmp_path / "again.yaml"
    path.write_text(dump_spec(first.spec))
    again = settled(str(path), lifts)
    assert again.spec.task == first.spec.task
    pd.testing.assert_frame_equal(again.assembled.frame, first.assembled.frame)
