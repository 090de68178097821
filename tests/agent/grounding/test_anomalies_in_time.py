"""Whether rows or stretches of time are strange is settled on the words and on the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_agent.drafting import DraftOptions, draft
from automl_runtime.errors import DataError, RequestError
from automl_schemas.spec import TaskSpec

HOURS = 200


def settled(request, folder, ask=None, **answers):
    return draft(request, DraftOptions(data=folder, answers=answers, ask=ask))


def ids(drafted):
    return [question.id for question in drafted.questions]


def write(folder, name, rows):
    pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    return folder


def hours_of_vats(hours=HOURS, vats=("east", "west"), seed=0):
    rng = np.random.default_rng(seed)
    at = pd.date_range("2024-03-01", periods=hours, freq="h").strftime("%Y-%m-%d %H:%M")
    parts = [
        pd.DataFrame({"noted": at, "vat": vat, "acidity": rng.normal(5, 1, hours).round(2), "stirred": rng.random(hours) < 0.5})
        for vat in vats
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def vats(tmp_path):
    return write(tmp_path, "vats", hours_of_vats())


@pytest.fixture
def invoices(tmp_path):
    """Dated, but not evenly, and each a thing with a number of its own."""
    rng = np.random.default_rng(1)
    paid = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 90 * 86_400, 400)), unit="s")
    rows = {"invoice_no": np.arange(400) + 5_000, "paid_on": paid.strftime("%Y-%m-%d %H:%M:%S"),
            "amount": rng.normal(80, 9, 400).round(2), "clerk": rng.choice(["Ada", "Ben", "Cem"], 400)}  # fmt: skip
    return write(tmp_path, "invoices", rows)


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        ("find unusual readings of each vat", ["anomalies", "series"]),
        ("find anomalies in the vats", ["anomalies", "series"]),
        ("detect anomalies of the vats over time", ["series"]),
        ("find strange stretches in the vats", ["series"]),
        ("find spikes in the vats", ["series"]),
        ("find unusual hours of each vat", ["series"]),
    ],
)
def test_evenly_spaced_rows_are_series_and_it_is_asked_where_no_word_says_so(vats, request_, asked):
    drafted = settled(request_, vats)
    task = drafted.spec.task
    assert (task.type, task.time, task.series, task.frequency, task.aggregate) == (
        "anomaly", "noted", ["vat"], "hour", None,
    )  # fmt: skip
    assert ids(drafted) == asked
    assert drafted.spec.training.validation == "temporal"
    assert drafted.assembled.frame.columns.tolist() == ["noted", "vat", "acidity", "stirred"]


def test_the_holdout_is_the_end_of_the_data(vats):
    drafted = settled("find strange stretches in the vats", vats)
    times = drafted.assembled.frame["noted"]
    assert times[~drafted.holdout].max() < times[drafted.holdout].min()
    assert drafted.holdout.mean() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("request_", ["find unusual rows in the vats", "spot odd records in the vats"])
def test_a_request_about_rows_stays_with_rows(vats, request_):
    drafted = settled(request_, vats)
    assert (drafted.spec.task.time, drafted.spec.training.validation, ids(drafted)) == (None, "random", [])


@pytest.mark.parametrize("request_", ["find unusual invoices", "find the strangest 2 % of the invoices"])
def test_dated_things_stay_rows_and_nothing_is_asked(invoices, request_):
    drafted = settled(request_, invoices)
    assert (drafted.spec.task.time, drafted.spec.task.series, ids(drafted)) == (None, [], [])


def test_what_happens_now_and_then_is_a_tie_when_the_words_speak_of_each(invoices):
    drafted = settled("find unusual invoices of each clerk", invoices)
    assert [(question.id, question.default) for question in drafted.questions] == [("anomalies", "rows")]
    assert drafted.spec.task.time is None
    assert settled("find unusual invoices of each clerk", invoices, anomalies="time").spec.task.time == "paid_on"


def test_uneven_rows_become_steps_when_time_is_asked_for(invoices):
    drafted = settled("find unusual days in the invoices of each clerk", invoices)
    task = drafted.spec.task
    assert (task.time, task.series, task.frequency, task.aggregate) == ("paid_on", ["clerk"], "day", "mean")
    frame = drafted.assembled.frame
    assert not frame.duplicated(["paid_on", "clerk"]).any()
    assert (frame["paid_on"] == frame["paid_on"].dt.normalize()).all()
    assert settled("find unusual days in the invoices", invoices, aggregate="sum").spec.task.aggregate == "sum"


def test_an_answer_settles_it(vats):
    drafted = settled("find unusual readings of each vat", vats, anomalies="rows")
    assert (drafted.spec.task.time, drafted.spec.answers) == (None, {"anomalies": "rows"})
    assert "row.identity" not in drafted.assembled.frame
    drafted = settled("find strange stretches in the vats", vats, anomalies="rows")
    assert (drafted.spec.task.time, ids(drafted)) == (None, ["anomalies"])


def test_a_person_is_asked_once_and_what_follows_from_it(vats):
    asked = []

    def ask(question):
        asked.append(question.id)
        return {"anomalies": "time", "series": "vat"}[question.id]

    drafted = settled("find unusual readings of each vat", vats, ask=ask)
    assert asked == ["anomalies", "series"]
    assert drafted.spec.answers == {"anomalies": "time", "series": "vat"}


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"anomalies": "both"}, "allowed are time, rows"),
        ({"anomalies": "rows", "series": "vat"}, "there is no such question"),
        ({"aggregate": "sum"}, "each step of a series has one row"),
        ({"series": "acidity"}, "does not tell series apart"),
        ({"horizon": "3"}, "has no such question"),
    ],
)
def test_answers_that_do_not_fit_are_refused(vats, answers, message):
    with pytest.raises(RequestError, match=message):
        settled("find unusual readings of each vat", vats, **answers)


@pytest.mark.parametrize(("every", "cell"), [(40, "clock down"), (10, "")])
def test_moments_that_are_missing_or_rarely_unreadable_are_left_out_and_said(tmp_path, every, cell):
    rows = hours_of_vats()
    rows.loc[rows.index % every == 4, "noted"] = cell
    said = []
    options = DraftOptions(data=write(tmp_path, "vats", rows))
    drafted = draft("find strange stretches in the vats", options, on_event=lambda event: said.append(str(event)))
    assert drafted.spec.task.time == "noted"
    assert len(drafted.assembled.frame) == 400 - 400 // every
    assert any(f"{400 // every} of 400 rows without a readable noted are left out" in text for text in said)


def test_too_many_unreadable_moments_are_named(tmp_path):
    rows = hours_of_vats()
    rows.loc[rows.index % 10 == 4, "noted"] = "clock down"
    folder = write(tmp_path, "vats", rows)
    with pytest.raises(DataError, match="10% of the cells of noted are no dates, as 'clock down'"):
        settled("find strange stretches in the vats", folder)
    said = []
    drafted = draft(
        "find unusual readings of each vat", DraftOptions(data=folder), on_event=lambda event: said.append(str(event))
    )
    assert drafted.spec.task.time is None
    assert any("10% of the cells of noted are no dates" in text for text in said)


def test_moments_that_come_twice_are_averaged(tmp_path):
    rows = hours_of_vats()
    again = rows.iloc[:30].assign(acidity=100.0)
    folder = write(tmp_path, "vats", pd.concat([rows, again]))
    drafted = settled("find strange stretches in the vats", folder)
    assert (drafted.spec.task.series, drafted.spec.task.aggregate) == (["vat"], "mean")
    assert ("aggregate", "mean") in [(question.id, question.default) for question in drafted.questions]
    frame = drafted.assembled.frame
    assert len(frame) == len(rows)
    first = frame[(frame["vat"] == "east") & (frame["noted"] == frame["noted"].min())]
    assert first["acidity"].iloc[0] == pytest.approx((rows["acidity"].iloc[0] + 100) / 2)


def test_a_short_series_is_kept_beside_long_ones(tmp_path):
    rows = pd.concat([hours_of_vats(), hours_of_vats(3, ("north",))])
    drafted = settled("find strange stretches in the vats", write(tmp_path, "vats", rows))
    assert (drafted.assembled.frame["vat"] == "north").sum() == 3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (hours_of_vats(6), "spans 6 steps of one hour"),
        (hours_of_vats(3, ("east",)), "spans 3 steps"),
        (hours_of_vats().drop(columns="acidity"), "no column of numbers"),
        (hours_of_vats().drop(columns="noted"), "no column of dates or times"),
    ],
)
def test_data_that_show_nothing_in_time_are_refused_with_what_to_do(tmp_path, rows, message):
    with pytest.raises(RequestError, match=message):
        settled("find strange stretches in the vats", write(tmp_path, "vats", rows))


def test_series_that_are_named_after_people_are_refused(tmp_path):
    rows = (
        hours_of_vats().assign(vat=lambda found: found["vat"] + "@mail.example").rename(columns={"vat": "wearer_email"})
    )
    with pytest.raises(RequestError, match="wearer_email: it holds personal data"):
        settled("find strange stretches in the pulses of each wearer", write(tmp_path, "pulses", rows))


def test_a_date_and_an_hour_become_one_moment(tmp_path):
    at = pd.date_range("2024-03-01", periods=HOURS, freq="h")
    rows = {"day": at.strftime("%d.%m.%Y"), "hour": at.hour, "litres": np.random.default_rng(0).normal(9, 1, HOURS)}
    drafted = settled("find strange stretches in the pump", write(tmp_path, "pump", rows))
    assert drafted.spec.task.time_sql == 'CAST("day" AS TIMESTAMP) + to_hours(CAST("hour" AS BIGINT))'
    assert drafted.assembled.frame.columns.tolist() == [drafted.spec.task.time, "litres"]


def test_a_spec_decides_for_itself(vats):
    given = settled("find strange stretches in the vats", vats).spec
    for changes in ({"window_steps": 12}, {"series": [], "time": None, "frequency": None}):
        spec = given.model_copy(update={"task": given.task.model_copy(update=changes)})
        place = vats / "project.yaml"
        place.write_text(spec.model_dump_json(), encoding="utf-8")
        again = draft(str(place), DraftOptions(data=vats / "vats.csv")).spec
        assert again.task.model_dump() == spec.task.model_dump()


def test_a_window_longer_than_half_of_the_training_rows_is_refused(vats):
    given = settled("find strange stretches in the vats", vats).spec
    place = vats / "project.yaml"
    task = given.task.model_copy(update={"window_steps": 81})
    place.write_text(given.model_copy(update={"task": task}).model_dump_json(), encoding="utf-8")
    with pytest.raises(RequestError, match="80 is the most"):
        draft(str(place), DraftOptions(data=vats / "vats.csv"))


def test_only_a_window_that_was_asked_for_stands_in_the_spec():
    assert "window_steps" not in TaskSpec(type="anomaly").model_dump()
    assert TaskSpec(type="anomaly", window_steps=7).model_dump()["window_steps"] == 7
