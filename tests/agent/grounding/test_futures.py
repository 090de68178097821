"""Targets that lie ahead of dated rows."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from automl_agent.drafting import DraftOptions, draft
from automl_agent.grounding import ground
from automl_agent.requirements import parse_request
from automl_runtime.data.assemble import run_sql
from automl_runtime.errors import RequestError

GUESTS = [f"G{i:03d}" for i in range(60)]
FIRST = dt.date(2023, 1, 1)


def stays():
    """Guest i comes every i + 1 days, from the first day of the year to the 29th of June."""
    moments = [(guest, k) for i, guest in enumerate(GUESTS) for k in range(0, 180, i + 1)]
    return {
        "guest": [guest for guest, _ in moments],
        "arrived": [str(FIRST + dt.timedelta(days=k)) for _, k in moments],
        "bill_total": [10 + k % 7 for _, k in moments],
        "beds": [1 + k % 3 for _, k in moments],
    }


@pytest.fixture(scope="module")
def hut(made):
    guests = {"guest_no": GUESTS, "country": ["AT", "CH", "DE"] * 20, "club": ["y", "n"] * 30}
    return made(guests=guests, stays=stays())


def say(text, catalog, **arguments):
    return ground(parse_request(text), catalog, source="hut", **arguments)


@pytest.mark.parametrize(
    ("request_", "task", "target"),
    [
        ("predict which guests will stay again in the next 30 days", "binary", "stays in the next 30 days"),
        ("which guests will churn in the next 2 weeks?", "binary", "no stays in the next 14 days"),
        ("who of the guests will not stay within 10 days", "binary", "no stays in the next 10 days"),
        ("how many stays will each guest have in the next month", "regression", "number of stays in the next 30 days"),
        ("predict how much each guest will spend in the next 3 weeks", "regression", "bill_total of stays in the next 21 days"),
    ],
)  # fmt: skip
def test_dated_rows_make_a_target(hut, request_, task, target):
    spec = say(request_, hut).spec
    assert (spec.task.type, spec.target.table, spec.target.column) == (task, "guests", target)
    assert spec.data.cutoff == "as_of"
    assert spec.target.positive is (True if task == "binary" else None)


@pytest.mark.parametrize(
    ("request_", "column"),
    [
        ("which guests are in the club in the next 30 days", "club"),
        ("predict the beds of a stay", "beds"),
    ],
)
def test_a_column_that_holds_it_comes_first(hut, request_, column):
    spec = say(request_, hut).spec
    assert (spec.target.column, spec.data.cutoff_sql) == (column, None)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("which guests will stay again", "say how far ahead"),
        ("which guests will stay again in the next 100 days", "cover 179 days.*at least 200 days"),
        ("which guests will order in the next 30 days", "Nothing in"),
        ("which pilots will stay again in the next 30 days", "Nothing in"),
    ],
)
def test_what_no_row_tells_is_refused(hut, request_, said):
    with pytest.raises(RequestError, match=f"(?s){said}"):
        try:
            say(request_, hut)
        except RequestError as error:
            raise RequestError(f"{error.message} {error.hint}") from error


def test_two_kinds_of_rows_are_a_question(made):
    guests = {"guest_no": GUESTS, "country": ["AT", "CH", "DE"] * 20}
    meals = {"guest": GUESTS * 9, "eaten_on": [str(FIRST + dt.timedelta(days=k // 3)) for k in range(540)]}
    catalog = made(guests=guests, stays=stays(), meals=meals)
    grounded = say("which guests will churn in the next 30 days", catalog)
    [question] = grounded.questions
    assert {option.value for option in question.options} == {
        "no stays in the next 30 days",
        "no meals in the next 30 days",
    }
    other = next(option.value for option in question.options if option.value != question.default)
    spec = say("which guests will churn in the next 30 days", catalog, answers={"target": other}).spec
    assert spec.target.column == other


@pytest.fixture(scope="module")
def drafted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hut")
    rows = stays()
    lines = ["guest,arrived,bill_total,beds", *(",".join(map(str, row)) for row in zip(*rows.values(), strict=True))]
    (folder / "stays.csv").write_text("\n".join(lines))
    countries = ["AT", "CH", "DE"]
    guests = [f"{guest},{countries[i % 3]}" for i, guest in enumerate([*GUESTS, "G900", "G901"])]
    (folder / "guests.csv").write_text("\n".join(["guest_no,country", *guests]))
    return draft("which guests will stay again in the next 30 days", DraftOptions(data=folder))


def test_what_follows_is_the_target_and_what_came_before_is_seen(drafted):
    frame = drafted.assembled.frame.set_index("guest_no")
    assert len(frame) == 60, "two who never came are left out"
    assert str(frame["as_of"].iloc[0].date()) == "2023-05-31"
    for number in (0, 29, 40, 59):
        days = range(0, 180, number + 1)
        row = frame.loc[f"G{number:03d}"]
        assert row["stays.count"] == sum(k < 150 for k in days)
        assert row["stays in the next 30 days"] == any(k >= 150 for k in days)
        assert row["stays.arrived.days_since_last"] == 150 - max(k for k in days if k < 150)
    assert "stays.arrived.last" not in frame.columns


def test_new_rows_are_looked_at_from_their_end(drafted):
    tables = {name: drafted.discovery.tables[name].data for name in ("guests", "stays")}
    rows = run_sql(drafted.assembled.sql, tables, variables={"horizon_days": 0.0})
    assert str(rows["as_of"].iloc[0].date()) == "2023-06-30"
    assert rows.set_index("guest_no").loc["G000", "stays.count"] == 180


PUMPS = [f"P{i}" for i in range(8)]


def breaks_of(number):
    """Pump `number` breaks on these days of the year."""
    return range(3 + 5 * number, 120, 17 + 3 * number)


@pytest.fixture(scope="module")
def pumps(tmp_path_factory):
    """Eight pumps that are looked at daily for 120 days; the last one is new and has never broken."""
    folder = tmp_path_factory.mktemp("pumps")
    day = [str(FIRST + dt.timedelta(days=k)) for k in range(120)]
    (folder / "pumps.csv").write_text("\n".join(["pump,site", *(f"{p},{'ab'[i % 2]}" for i, p in enumerate(PUMPS))]))
    looks = [f"{pump},{day[k]},{(k * 7 + i) % 50 / 10}" for i, pump in enumerate(PUMPS) for k in range(120)]
    (folder / "readings.csv").write_text("\n".join(["pump,day,pressure", *looks]))
    broken = [f"{pump},{day[k]}" for i, pump in enumerate(PUMPS[:7]) for k in breaks_of(i)]
    (folder / "breakdowns.csv").write_text("\n".join(["pump,broke_on", *broken]))
    return draft("which pumps will have a breakdown in the next 7 days", DraftOptions(data=folder))


def test_few_rows_are_looked_at_from_several_moments(pumps):
    spec, frame = pumps.spec, pumps.assembled.frame
    assert (spec.task.time, spec.training.validation, spec.data.moments) == ("as_of", "temporal", ["as_of"])
    moments = sorted(frame["as_of"].unique())
    assert len(moments) == spec.data.snapshots >= 10
    assert {(later - earlier).days for earlier, later in pairwise(moments)} == {7}
    assert str(moments[-1].date()) == "2023-04-24", "7 days before the last reading has ended"
    assert not frame.duplicated(["pump", "as_of"]).any()
    assert frame["as_of"][~pumps.holdout].max() < frame["as_of"][pumps.holdout].min()


def test_at_each_moment_the_next_horizon_is_the_target_and_nothing_of_it_is_seen(pumps):
    frame = pumps.assembled.frame
    assert len(frame) == len(PUMPS) * pumps.spec.data.snapshots, "a pump that has never broken has been seen"
    for row in frame.to_dict("records"):
        number, today = PUMPS.index(row["pump"]), (row["as_of"].date() - FIRST).days
        days = breaks_of(number) if number < 7 else []
        assert row["breakdowns in the next 7 days"] == any(today <= k < today + 7 for k in days)
        assert row["breakdowns.count"] == sum(k < today for k in days)
        assert row["readings.count"] == today


def test_new_rows_are_looked_at_once(pumps):
    tables = {name: table.data for name, table in pumps.discovery.tables.items()}
    rows = run_sql(pumps.assembled.sql, tables, variables={"horizon_days": 0.0})
    assert list(rows["pump"]) == PUMPS
    assert {str(moment.date()) for moment in rows["as_of"]} == {"2023-05-01"}


def test_many_rows_are_looked_at_once(hut, drafted, made):
    assert drafted.spec.data.snapshots == 1, "the data reach back too few horizons"
    assert "snapshots" not in drafted.spec.model_dump()["data"]
    again = "which guests will stay again in the next 5 days"
    assert say(again, hut).spec.data.snapshots == 34, "as many horizons as there are, less the first"
    guests = [f"G{i:04d}" for i in range(2000)]
    arrived = [str(FIRST + dt.timedelta(days=k % 180)) for k in range(4000)]
    catalog = made(guests={"guest_no": guests}, stays={"guest": guests * 2, "arrived": arrived, "beds": [1, 2] * 2000})
    assert say(again, catalog).spec.data.snapshots == 1


def test_a_table_may_be_called_as_the_sql_calls_its_rows(made):
    guests = {"guest_no": GUESTS, "country": ["AT", "CH", "DE"] * 20}
    spec = say("how many stays will each guest have in the next 30 days", made(Events=guests, stays=stays())).spec
    assert 'FROM "stays" AS events_2' in spec.target.sql
    assert '"Events"."guest_no"' in spec.target.sql
