from __future__ import annotations

import math
import threading
from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.record_parser import RecordParser
from automl_runtime.data.records import parse_records
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.data.test_records import RAW as OTHERS

RAW = {
    **OTHERS,
    "share": ["15 %", "7.5%", "3"] * 10,
    "size": ["1.5", "2", "-999"] * 10,
}


def column_of(name, **more):
    plan = infer_plan(name, pa.array(RAW[name]))
    if name == "size":
        plan = plan.model_copy(update={"sentinels": [-999.0], "missing": ["0"]})
    categories = ["Red", "Dark Blue"] if name == "color" else []
    return InputColumn(name=name, type=plan.type, plan=plan, categories=categories, **more)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3000, 3000),
    st.floats(),
    st.floats(-1000, 1000).map(lambda value: round(value, 2)),
    st.text(max_size=8),
    st.from_regex(r"[+-]?[0-9]{0,18}[.,]?[0-9]{0,18}", fullmatch=True),
    st.sampled_from([cell for cells in RAW.values() for cell in cells]),
    st.sampled_from([-999, "-999", "0", "1e5", " 7 ", "٣", "1_000", "+5", "inf", "nan", math.inf, -0.0, 2**53 + 1]),
    st.sampled_from(
        [date(2020, 2, 29), datetime(2020, 2, 29, 6, 30), [1], {"a": 1}, np.float64(3), np.int64(4), pd.NaT]
    ),
)


def same(one, other):
    if other is None or other is pd.NA or other is pd.NaT or (isinstance(other, float) and math.isnan(other)):
        return one is None
    if isinstance(other, pd.Timestamp):
        other = other.to_pydatetime()
    return one == other and isinstance(one, bool) == isinstance(other, bool | np.bool_)


@settings(max_examples=60, deadline=None)
@given(st.data())
@pytest.mark.parametrize("required", [False, True])
def test_a_record_is_read_as_a_frame_of_one_row_is(required, data):
    schema = InputSchema(columns=[column_of(name, required=required, nullable=name != "size") for name in RAW])
    parser = RecordParser(schema)
    record = data.draw(st.dictionaries(st.sampled_from([*RAW, "unknown"]), VALUES))
    frame, expected = parse_records([record], schema)
    for _ in range(2):
        values, problems = parser.parse(record)
        assert list(values) == list(RAW)
        assert sorted(problems, key=repr) == sorted(expected, key=repr)
        for name in RAW:
            assert same(values[name], frame[name].iloc[0]), (name, record, values[name], frame[name].iloc[0])


@pytest.mark.parametrize("type_", ["integer", "number", "category", "text", "boolean", "date", "datetime", "time"])
@pytest.mark.parametrize("value", [True, 1, 1.0, "1", 0, "true", 2.5, "2.5", 10**400, "x", [], 1e300])
def test_values_that_are_equal_but_of_other_types_stay_apart(type_, value):
    schema = InputSchema(columns=[InputColumn(name="a", type=type_, plan=ColumnPlan(column="a", type=type_))])
    parser = RecordParser(schema)
    for other in (1, True, 1.0, "1"):
        parser.parse({"a": other})
    frame, expected = parse_records([{"a": value}], schema)
    values, problems = parser.parse({"a": value})
    assert problems == expected
    assert same(values["a"], frame["a"].iloc[0])


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("automl_runtime.data.record_parser._MOST_REMEMBERED", 5)
    parser = RecordParser(InputSchema(columns=[column_of("note")]))
    told = [parser.parse({"note": f"text {number}"})[0]["note"] for number in range(20)]
    assert told == [f"text {number}" for number in range(20)]


def test_several_threads_may_parse_at_once():
    parser = RecordParser(InputSchema(columns=[column_of(name) for name in RAW]))
    wrong = []

    def work(offset):
        for number in range(offset, 300, 4):
            record = {"note": f"text {number % 7}", "orders": str(number), "color": "RED"}
            values, problems = parser.parse(record)
            if problems or (values["note"], values["orders"], values["color"]) != (record["note"], number, "Red"):
                wrong.append((record, values, problems))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
