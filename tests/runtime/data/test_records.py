from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.records import parse_frame, parse_records
from automl_runtime.errors import SchemaMismatchError
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from hypothesis import given, settings
from hypothesis import strategies as st

RAW = {
    "price": ["$1,234.50", "$5.00", "(6)", "N/A", ""] * 6,
    "distance": ["1.234,5", "7,25", "-"] * 10,
    "orders": ["5", "1,250", "?"] * 10,
    "member": [" yes", "No", "NULL"] * 10,
    "seen": ["31.12.2021", "2021-05-06", "Jan 5, 2020"] * 10,
    "at": ["2021-05-06T10:00:00+02:00", "2021-05-06 08:00:00", "n/a"] * 10,
    "created_at": [str(1_600_000_000 + 90_000 * i) for i in range(30)],
    "opening_time": [str(hour * 100 + 30) for hour in range(24)] + ["0"] * 6,
    "starts": ["17:05", "05:30", "-"] * 10,
    "color": ["Red", "red ", "dark  blue", "?"] * 7 + ["Red"] * 2,
    "note": [f" a longer remark about thing {i}" for i in range(30)],
    "nothing": [""] * 30,
}
DTYPES = {
    "price": "float64",
    "distance": "float64",
    "orders": "float64",
    "member": "boolean",
    "seen": "datetime64[us]",
    "at": "datetime64[us]",
    "created_at": "datetime64[us]",
    "opening_time": "float64",
    "starts": "float64",
    "color": "str",
    "note": "str",
    "nothing": "float64",
}


def schema_of(columns=RAW, **more):
    inputs = []
    for name, cells in columns.items():
        plan = infer_plan(name, pa.array(cells))
        categories = ["Red", "Dark Blue"] if name == "color" else []
        inputs.append(InputColumn(name=name, type=plan.type, plan=plan, categories=categories, **more))
    return InputSchema(columns=inputs)


SCHEMA = schema_of()


def one(name, value, schema=SCHEMA):
    """The value that a record gives, and what is wrong with it."""
    frame, problems = parse_records([{name: value}], schema)
    cell = frame[name].iloc[0]
    return (None if pd.isna(cell) else cell), [problem.allowed for problem in problems]


def test_raw_records_give_what_cleaning_gave():
    records = [dict(zip(RAW, row, strict=True)) for row in zip(*RAW.values(), strict=True)]
    frame, problems = parse_records(records, SCHEMA)
    assert problems == []
    assert frame.dtypes.astype(str).to_dict() == DTYPES
    for column in SCHEMA.columns:
        expected = clean_values(pa.array(RAW[column.name]), column.plan).values.to_pylist()
        found = [None if pd.isna(value) else value for value in frame[column.name]]
        if column.type == "date":
            expected = [pd.Timestamp(value) for value in expected]
        if column.name == "color":
            expected = ["Dark Blue" if value == "dark blue" else value for value in expected]
        assert found == expected


def test_clean_records_stay_as_they_are():
    frame, _ = parse_frame(pd.DataFrame(RAW), SCHEMA)
    records = [
        {
            name: None if pd.isna(value) else value.isoformat() if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in frame.to_dict("records")
    ]
    again, problems = parse_records(records, SCHEMA)
    assert problems == []
    pd.testing.assert_frame_equal(again, frame)
    pd.testing.assert_frame_equal(parse_frame(frame, SCHEMA)[0], frame)


@pytest.mark.parametrize(
    ("name", "value", "clean"),
    [
        ("price", "$1,234.50", 1234.5),
        ("price", " 5 ", 5.0),
        ("price", 12, 12.0),
        ("distance", 1.234, 1.234),
        ("distance", "1.234", 1234.0),
        ("orders", 5.0, 5),
        ("orders", "1,250", 1250),
        ("member", " YES ", True),
        ("member", False, False),
        ("member", "true", True),
        ("seen", "31.12.2021", pd.Timestamp(2021, 12, 31)),
        ("seen", date(2021, 12, 31), pd.Timestamp(2021, 12, 31)),
        ("at", datetime(2021, 12, 31, 5), pd.Timestamp(2021, 12, 31, 5)),
        ("created_at", 86400 * 365 * 30, pd.Timestamp(1999, 12, 25)),
        ("created_at", "1999-12-25", pd.Timestamp(1999, 12, 25)),
        ("opening_time", 1730, 1050.0),
        ("opening_time", "1730", 1050.0),
        ("opening_time", 1050.0, 1050.0),
        ("opening_time", "17:30", 1050.0),
        ("starts", "17:05", 1025.0),
        ("starts", 1025.0, 1025.0),
        ("color", "RED", "Red"),
        ("color", " dark   blue", "Dark Blue"),
        ("color", "green", "green"),
        ("color", 7, "7"),
        ("color", 7.0, "7"),
        ("color", True, "true"),
        ("note", "x", "x"),
        ("note", 12.5, "12.5"),
        ("nothing", "whatever", None),
        ("nothing", 5, None),
        ("price", None, None),
        ("price", math.nan, None),
        ("price", pd.NA, None),
        ("price", "N/A", None),
        ("price", np.float64(1.5), 1.5),
        ("orders", np.int64(3), 3),
    ],
)
def test_values_of_every_kind(name, value, clean):
    assert one(name, value) == (clean, [])


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("price", "abc", "a number such as 12.5"),
        ("price", True, "a number such as 12.5"),
        ("price", math.inf, "a number such as 12.5"),
        ("price", "1e400", "a number such as 12.5"),
        ("price", 10**400, "a number such as 12.5"),
        ("price", [1], "a number such as 12.5"),
        ("price", {"a": 1}, "a number such as 12.5"),
        ("price", "\ud800", "a number such as 12.5"),
        ("orders", 5.5, "a whole number such as 12"),
        ("orders", 1e300, "a whole number such as 12"),
        ("orders", "5.5", "a whole number such as 12"),
        ("member", "perhaps", "one of yes, no"),
        ("member", 7, "one of yes, no"),
        ("seen", 5, "a date such as 2021-12-31"),
        ("seen", 44000.5, "a date such as 2021-12-31"),
        ("seen", "31.02.2021", "a date such as 2021-12-31"),
        ("seen", False, "a date such as 2021-12-31"),
        ("at", "soon", "a date and time such as 2021-12-31T23:59:00"),
        ("created_at", 1e30, "a date and time such as 2021-12-31T23:59:00"),
        ("opening_time", 1799, "a time of day such as 1730"),
        ("starts", "25:00", "a time of day such as 17:30"),
        ("starts", -5.0, "a time of day such as 17:30"),
        ("color", [1], "one of Red, Dark Blue"),
        ("note", {"a": [1]}, "a text"),
    ],
)
def test_a_wrong_value_is_a_problem_and_null(name, value, allowed):
    assert one(name, value) == (None, [allowed])


def test_problems_name_row_column_and_value_in_order():
    _, problems = parse_records([{"price": 1}, {"price": "x" * 500, "orders": [1]}, {"price": "y"}], SCHEMA)
    assert [(problem.row, problem.column) for problem in problems] == [(1, "price"), (1, "orders"), (2, "price")]
    assert len(problems[0].value) <= 80
    assert problems[2].value == "'y'"


def test_absent_and_unknown_keys():
    schema = schema_of({"price": RAW["price"], "color": RAW["color"]}, required=True)
    frame, problems = parse_records([{"pricee": 5, "color": None}], schema)
    assert frame["price"].isna().all()
    assert [(problem.column, problem.value, problem.allowed) for problem in problems] == [
        ("pricee", "'pricee'", "a column; the nearest is 'price'"),
        ("price", "no value", "a number such as 12.5"),
    ]
    assert parse_records([{"zzz": 1, "price": 1, "color": "Red"}], schema)[1][0].allowed == "a column"


def test_null_where_none_may_be():
    schema = schema_of({"price": RAW["price"]}, nullable=False)
    for value in (None, "N/A", ""):
        _, problems = parse_records([{"price": value}], schema)
        assert [problem.column for problem in problems] == ["price"]
    frame, problems = parse_frame(pd.DataFrame({"price": ["5", "N/A"]}), schema)
    assert [(problem.row, problem.value) for problem in problems] == [(1, "'N/A'")]
    assert frame["price"].tolist()[0] == 5.0


def test_the_example_of_the_column_is_named():
    plan = ColumnPlan(column="n", type="number")
    schema = InputSchema(columns=[InputColumn(name="n", type="number", plan=plan, example=3.25)])
    assert one("n", "x", schema)[1] == ["a number such as 3.25"]


def test_computed_columns_have_the_plain_plan_of_their_type():
    plan = ColumnPlan(column="n", type="integer")
    schema = InputSchema(columns=[InputColumn(name="n", type="number", plan=plan)])
    assert one("n", 2.5, schema) == (2.5, [])


def test_rejected_plans_take_the_text_as_it_is():
    plan = ColumnPlan(column="n", type="category", accepted=False, unit="$")
    schema = InputSchema(columns=[InputColumn(name="n", type="category", plan=plan)])
    assert one("n", " $5 ", schema) == (" $5 ", [])


def test_whole_and_full_columns_have_narrow_types():
    frame, _ = parse_records([{"orders": 5, "member": True}], SCHEMA)
    assert frame.dtypes.astype(str)[["orders", "member"]].tolist() == ["int64", "bool"]
    frame, _ = parse_records([], SCHEMA)
    assert (len(frame), list(frame.columns)) == (0, list(RAW))


def test_compact_dates_may_be_numbers():
    plan = infer_plan("d", pa.array(["20210506", "20210507", "20210508"]))
    schema = InputSchema(columns=[InputColumn(name="d", type="date", plan=plan)])
    assert one("d", 20210506, schema) == (pd.Timestamp(2021, 5, 6), [])


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, 2, 3]),
        pd.Series([1.5, math.nan, 3.0]),
        pd.Series(["1", 2, 3.5], dtype=object),
        pd.Series([True, "x", None], dtype=object),
        pd.Series(["a", "b", "a"], dtype="category"),
        pd.Series([1, None, 3], dtype="Int64"),
        pd.Series(pd.to_datetime(["2021-01-01", None, "2021-01-02"])),
        pd.Series([[1], {"a": 1}, None], dtype=object),
        pd.Series(["\ud800", "x", "y"], dtype=object),
        pd.Series([10**30, 1, 2], dtype=object),
        pd.Series([1, 2, 3], dtype="uint8"),
    ],
)
@pytest.mark.parametrize("name", ["price", "orders", "member", "seen", "starts", "color"])
def test_frames_and_records_agree(series, name):
    schema = schema_of({name: RAW[name]})
    frame, problems = parse_frame(pd.DataFrame({name: series}), schema)
    objects = series.astype(object).where(series.notna(), None).tolist()
    again, same = parse_records([{name: value} for value in objects], schema)
    pd.testing.assert_frame_equal(frame, again)
    assert [problem.row for problem in problems] == [problem.row for problem in same]


def test_frames_match_names_loosely_and_drop_the_rest():
    schema = schema_of({"price": RAW["price"], "color": RAW["color"]}, required=True)
    frame, problems = parse_frame(pd.DataFrame({" Price": ["5"], "color": ["red"], "more": [1]}), schema)
    assert (list(frame.columns), problems) == (["price", "color"], [])
    with pytest.raises(SchemaMismatchError, match="Column 'price' is missing") as caught:
        parse_frame(pd.DataFrame({"prize": ["5"], "color": ["red"]}), schema)
    assert "'prize'" in str(caught.value)
    with pytest.raises(SchemaMismatchError, match="Column 'price' is missing"):
        parse_frame(pd.DataFrame({"color": ["red"]}), schema_of({"price": RAW["price"], "color": RAW["color"]}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.dictionaries(st.sampled_from([*RAW, "other"]), JSON, max_size=6), max_size=4))
def test_nothing_in_a_request_raises(records):
    frame, problems = parse_records(records, SCHEMA)
    assert len(frame) == len(records)
    assert all(0 <= problem.row < len(records) and len(problem.value) <= 80 for problem in problems)


def test_hostile_values_do_not_raise():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    values = [deep, "x" * 10_000_000, 10**5000, -(10**5000), "9" * 100_000, b"x", object(), {1, 2}, "\x00", 1e308]
    frame, problems = parse_records([{"price": value} for value in values], SCHEMA)
    assert len(frame) == len(values)
    assert len(problems) == len(values) - 1


KINDS: list[tuple[Any, dict[str, Any]]] = [
    ("number", {"unit": "$", "thousands": ",", "sentinels": [-9.0]}),
    ("integer", {}),
    ("boolean", {"true_values": ["y"], "false_values": ["n"]}),
    ("category", {"missing": ["?"]}),
    ("date", {"date_formats": ["%d.%m.%Y"]}),
    ("datetime", {"epoch": "s"}),
    ("time", {}),
    ("empty", {}),
]
POOLS: list[list[Any]] = [
    [1, 0, -9, 2**53 + 1, None],
    [1.5, 2.0, float("nan"), -9.0, None],
    [1, 2.5, 1e300],
    [float("inf"), 1.0],
    [10**30, 1, 1.5],
    [True, False, None],
    [True, 1, 0, 0.0],
    [1, True],
    ["1", "$1,234.50", "", " y ", None],
    ["31.12.2021", "2021-12-31", "05:17", "?"],
    ["a", 1, None, True],
    ["\ud800", "a"],
    [[1], {}, None, "a"],
]


@pytest.mark.parametrize(("kind", "plan"), KINDS)
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("more", [{}, {"nullable": False}, {"required": True}])
def test_columns_that_are_read_at_once_are_read_as_cells_are(
    kind: Any, plan: dict[str, Any], pool: list[Any], more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    column = InputColumn(name="c", type=kind, plan=ColumnPlan(column="c", type=kind, **plan), example="a", **more)
    schema = InputSchema(columns=[column])
    rows: list[dict[str, object]] = [{"c": value} for value in pool * 4]
    for records in (rows, [*rows, {}], rows[:1] * 9):
        frame, problems = parse_records(records, schema)
        with monkeypatch.context() as patch:
            patch.setattr("automl_runtime.data.records._WORTH_IT", 10**9)
            expected, expected_problems = parse_records(records, schema)
        pd.testing.assert_frame_equal(frame, expected)
        assert problems == expected_problems
