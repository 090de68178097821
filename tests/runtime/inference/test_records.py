"""A record is encoded as a frame with it as the only row is, whatever stands in its cells."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from automl_runtime.errors import RequestError, SchemaMismatchError
from automl_runtime.inference.encoding import Column, Encoder
from automl_runtime.inference.records import RecordEncoder
from hypothesis import given, settings
from hypothesis import strategies as st

COLUMNS = (
    Column("number", "number"),
    Column("endless", "number", infinite=True),
    Column("category", "category", ("a", "3", "True", "2.5", "?", "None", "nan", "2024-01-05 00:00:00")),
    Column("boolean", "boolean"),
    Column("date", "date"),
    Column("text", "text"),
    Column("words", "text", characters=False),
)
ENCODER = Encoder(COLUMNS)
ZONE = timezone(timedelta(hours=5, minutes=30))
TRAPS = [
    *("", " ", "3", " 3 ", "+3", "-0", "3.0", "1e5", "1_000", "1,000", "0x10", "inf", "-Infinity", "nan", "NA", "٣"),
    *("0.1", "123456789012345678901234567890", "0.1234567890123456789", "1e400", "a", "A", "True", "yes", " No", "y"),
    *("2024-02-29", "2023-02-29", "2024-02-29T23:59:59.123456Z", "2024-02-29 06:30", "2024-02-29 06:30+05:30"),
    *("2024-02", "2024", "20240229", "2024-02-29T24:00", "0001-01-01", "0001-01-01T00:00+05:00", "9999-12-31"),
    *("2024-02-29T06:30:00.1", "2024-02-29T06:30:00.1234567", "2024-060", "2024-1-5", "?", "None"),
    *(None, float("nan"), np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), True, False, np.bool_(True), 0, 3, -7, 2**62),
    *(2**63, 2**64, 10**40, -(2**63), -(2**63) - 1, 3.0, 2.5, -0.0, 1e29, 1e300, -1e300, float("inf"), -float("inf")),
    *(np.float32(0.1), np.float16(2.5), np.int8(3), np.uint64(2**63), np.float64(3), np.int64(3), np.str_("a")),
    *(Decimal("2.5"), 1j, b"a", ["a"], {"a": 1}, (1, 2), np.array([1, 2]), object, date(2024, 1, 5), date(1, 1, 1)),
    *(datetime(2024, 1, 5, 6, 30, 1, 5), datetime(2024, 1, 5, tzinfo=ZONE), datetime(1931, 7, 2, 23, 59, 59, 999_999)),
    *(pd.Timestamp("2024-01-05"), pd.Timestamp("1923-01-05 06:30:00.123456789"), pd.Timestamp("2024-01-05", tz=ZONE)),
    *(np.datetime64("2024-01-05"), np.datetime64("2024-01-05T06:30:00.5", "ns"), timedelta(days=1), pd.Timedelta(1)),
]
CELLS = st.one_of(
    st.sampled_from(TRAPS),
    st.text(max_size=12),
    st.integers(),
    st.floats(),
    st.floats().map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.datetimes().map(str),
    st.datetimes().map(datetime.isoformat),
    st.datetimes(timezones=st.just(ZONE)),
    st.dates().map(str),
    st.dates(),
    st.datetimes(),
)


def _by_frame(encoder, record, dtype=None):
    try:
        return encoder.encode(pd.DataFrame([record], dtype=dtype))
    except (ArithmeticError, TypeError, ValueError, Warning) as error:
        return type(error)


def _by_record(encoder, record):
    reader = RecordEncoder(encoder)
    try:
        return reader.encoded(reader.encode(record))
    except (ArithmeticError, TypeError, ValueError, Warning) as error:
        return type(error)


def _check_same(encoder, record, dtype=None):
    wanted, found = _by_frame(encoder, record, dtype), _by_record(encoder, record)
    if isinstance(wanted, type):
        assert found is wanted
        return
    np.testing.assert_array_equal(found.numbers, wanted.numbers, strict=True)
    np.testing.assert_array_equal(found.codes, wanted.codes, strict=True)
    for one, other in zip(found.texts, wanted.texts, strict=True):
        np.testing.assert_array_equal(one.indices, other.indices)
        np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("cell", TRAPS, ids=lambda cell: ascii(cell)[:30])
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_traps(column, cell):
    _check_same(Encoder((column,)), {column.name: cell})


@settings(deadline=None)
@given(st.fixed_dictionaries({column.name: CELLS for column in COLUMNS}))
def test_any_record(record):
    _check_same(ENCODER, record)


def test_broken_text_is_read_as_in_a_frame_that_can_hold_it():
    columns = tuple(column for column in COLUMNS if column.kind in ("category", "text", "boolean"))
    _check_same(Encoder(columns), {column.name: "\ud800" for column in columns}, dtype=object)


def test_other_keys_and_the_order_of_keys_do_not_matter():
    record = {column.name: "3" for column in COLUMNS}
    _check_same(ENCODER, dict(reversed(record.items())) | {"more": object(), 7: 1})


def test_a_missing_key_is_named():
    with pytest.raises(SchemaMismatchError, match=r"lack 2 of 7 columns.*'number', 'words'"):
        RecordEncoder(ENCODER).encode({column.name: 1 for column in COLUMNS if column.name not in ("number", "words")})


def test_names_that_are_numbers_are_found_by_their_spelling():
    _check_same(Encoder((Column("1", "number"),)), {1: 2.5})


@pytest.mark.parametrize("record", [None, 3, "number", [1, 2], np.arange(3)], ids=repr)
def test_what_is_no_mapping_is_refused(record):
    with pytest.raises(RequestError, match="A record maps names of columns to values"):
        RecordEncoder(ENCODER).encode(record)
