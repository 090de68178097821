"""Targets that lie ahead of dated rows."""

from __future__ import annotations

import datetime as dt

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
