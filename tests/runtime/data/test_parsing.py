from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from automl_runtime.data.parsing import arrow_type, clean_values, json_text
from automl_schemas.cleaning import ColumnPlan


def clean(values, **plan):
    array = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return clean_values(array, ColumnPlan(column="x", **plan))


@pytest.mark.parametrize(
    ("type_", "cells", "expected"),
    [
        ("integer", ["5", " 5 ", "5.0", "1e3", "5.5", "x", "", None], [5, 5, 5, 1000, None, None, None, None]),
        ("number", ["5", "1.5", "x"], [5.0, 1.5, None]),
        ("boolean", ["true", "False", "x"], [True, False, None]),
        ("date", ["2021-05-06", "2021-05-06T10:00:00", "6.5.2021"], [date(2021, 5, 6), date(2021, 5, 6), None]),
        (
            "datetime",
            ["2021-05-06", "2021-05-06T10:00:00.5Z"],
            [datetime(2021, 5, 6), datetime(2021, 5, 6, 10, 0, 0, 500000)],
        ),
        ("time", ["05:17", "05:17:30", "317.5", "x"], [317.0, 317.5, 317.5, None]),
        ("category", [" a  b ", "a b"], ["a b", "a b"]),
        ("text", [" a  b "], ["a  b"]),
        ("empty", ["", "x"], [None, None]),
    ],
)
def test_plain_plans_read_the_clean_form(type_, cells, expected):
    result = clean(cells, type=type_)
    assert result.values.type == arrow_type(type_)
    assert result.values.to_pylist() == expected
    blank = [cell is None or not cell.strip() for cell in cells]
    wrong = [value is None and not empty for value, empty in zip(expected, blank, strict=True)]
    assert result.rejected.tolist() == wrong


def test_clock_numbers_of_a_plan():
    cells = ["517", "0", "2400", "1799", "17.5", "5:17", "2500"]
    result = clean(cells, type="time", hhmm=True)
    assert result.values.to_pylist() == [317.0, 0.0, 1440.0, None, None, 317.0, None]
    assert clean(pa.array([517, None]), type="time", hhmm=True).values.to_pylist() == [317.0, None]


def test_floats_of_a_clock_column_are_the_clean_minutes():
    once = clean(["517", "1200"], type="time", hhmm=True).values
    assert clean(once, type="time", hhmm=True).values.equals(once)


@pytest.mark.parametrize(("unit", "value"), [("s", 86400), ("ms", 86400000)])
def test_epochs(unit, value):
    cells = [str(value), "1970-01-02", "1e30", "x"]
    expected = [datetime(1970, 1, 2), datetime(1970, 1, 2), None, None]
    assert clean(cells, type="datetime", epoch=unit).values.to_pylist() == expected
    assert clean(pa.array([value, None]), type="datetime", epoch=unit).values.to_pylist() == [expected[0], None]


def test_changed_counts_cells_that_read_differently():
    result = clean(["5", " 5", "5.0", "-", "", "x", None], type="number", missing=["-"])
    assert (result.changed, int(result.rejected.sum())) == (2, 1)
    assert clean(["2021-05-06", "06.05.2021"], type="date", date_formats=["%d.%m.%Y"]).changed == 1
    assert clean(["2021-05-06 10:00:00", "2021-05-06T10:00:00Z"], type="datetime").changed == 0
    assert clean(["yes", "true"], type="boolean", true_values=["yes"], false_values=["no"]).changed == 1
    assert clean(pa.array([1.0, -9.0]), type="number", sentinels=[-9.0]).changed == 1
    assert clean(pa.array([517, 0]), type="time", hhmm=True).changed == 1


def test_a_rejected_plan_keeps_the_raw_text():
    result = clean([" $5 ", "N/A", "", None], type="category", accepted=False, missing=["N/A"], unit="$")
    assert result.values.to_pylist() == [" $5 ", "N/A", None, None]
    assert (result.changed, result.rejected.any()) == (0, False)
    assert clean(pa.array([1, 2]), type="category", accepted=False).values.to_pylist() == ["1", "2"]


def test_markers_are_compared_without_case():
    assert clean(["n/A", "N/a ", "NA"], type="category", missing=["N/A"]).values.to_pylist() == [None, None, "NA"]


ZONE = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("array", "plan", "expected"),
    [
        (pa.array([1, 2**62], pa.int64()), {"type": "integer"}, [1, 2**62]),
        (pa.array([1, 2**64 - 1], pa.uint64()), {"type": "integer"}, [1, None]),
        (pa.array([1.0, 2.5, float("nan"), float("inf")]), {"type": "integer"}, [1, None, None, None]),
        (pa.array([1.5, float("-inf")]), {"type": "number"}, [1.5, None]),
        (pa.array([Decimal("1.50")]), {"type": "number"}, [1.5]),
        (pa.array([12.5], pa.float32()), {"type": "number", "decimal": ",", "thousands": "."}, [12.5]),
        (pa.array([1, 0, 2]), {"type": "boolean"}, [True, False, None]),
        (pa.array([True, None]), {"type": "boolean"}, [True, None]),
        (pa.array([True]), {"type": "integer"}, [None]),
        (pa.array([datetime(2021, 1, 1, 12, tzinfo=ZONE)]), {"type": "datetime"}, [datetime(2021, 1, 1, 10)]),
        (pa.array([datetime(2021, 1, 1, 12)]), {"type": "date"}, [date(2021, 1, 1)]),
        (pa.array([date(2021, 1, 1)]), {"type": "datetime"}, [datetime(2021, 1, 1)]),
        (pa.array([date(2021, 1, 1)]), {"type": "text"}, ["2021-01-01"]),
        (pa.array([20210506, 5]), {"type": "date", "date_formats": ["%Y%m%d"]}, [date(2021, 5, 6), None]),
        (pa.array([time(5, 17)]), {"type": "time"}, [317.0]),
        (pa.array([timedelta(minutes=90)]), {"type": "time"}, [90.0]),
        (pa.array([1.0, 2.5]), {"type": "category"}, ["1", "2.5"]),
        (pa.array([[1, 2], None]), {"type": "text"}, ["[1, 2]", None]),
        (pa.array([b"ab", b"\xff"]), {"type": "text"}, ["ab", "ff"]),
        (pa.nulls(2), {"type": "text"}, [None, None]),
        (pa.array([Decimal("5")], pa.decimal128(5, 2)), {"type": "category"}, ["5"]),
        (pa.array(["5", "6"]).dictionary_encode(), {"type": "integer"}, [5, 6]),
        (pa.array(["5"], pa.string_view()), {"type": "integer"}, [5]),
    ],
)
def test_typed_cells_count_as_they_are(array, plan, expected):
    result = clean(array, **plan)
    assert result.values.to_pylist() == expected
    assert result.values.type == arrow_type(plan["type"])


def test_clean_text_is_what_json_holds():
    assert json_text(pa.array([datetime(2021, 1, 1), None])).to_pylist() == ["2021-01-01T00:00:00", None]
    assert json_text(pa.array([True, False])).to_pylist() == ["true", "false"]
    assert json_text(pa.nulls(1)).to_pylist() == [None]


def test_no_cells():
    result = clean([], type="integer")
    assert (len(result.values), result.values.type, result.changed) == (0, pa.int64(), 0)
    assert result.rejected.dtype == np.bool_


def test_hostile_cells_are_rejected_and_never_raise():
    cells = ["9" * 5000, "(" * 100, "1e99999", "\x00", "\U0001f600", "𝟓", "1" + " 000" * 2000, "-", "%", "$", "." * 50]
    for type_ in ("integer", "number", "boolean", "date", "datetime", "time"):
        result = clean(cells, type=type_)
        assert result.rejected.sum() >= len(cells) - 1
