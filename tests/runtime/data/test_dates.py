from __future__ import annotations

import random
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from automl_runtime.data.date_formats import clock_formats, date_formats, formats_of
from automl_runtime.data.dates import parse_clock, parse_moments
from automl_runtime.data.distinct import Cells
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from hypothesis import given, settings
from hypothesis import strategies as st

ORDERED = ["%Y-%m-%d", "%Y/%m/%d", "%b %d, %Y", "%d %B %Y", "%d-%b-%Y"]
CLOCKS = ["", " %H:%M", " %H:%M:%S", " %I:%M %p"]


def moment(text, form):
    found = parse_moments(pa.array([text]), [form])
    return datetime(1970, 1, 1) + timedelta(microseconds=int(found.micros[0])) if found.ok[0] else None


def cells_of(*texts):
    return Cells(pa.array(texts), np.ones(len(texts), dtype=np.int64))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    moments=st.lists(st.datetimes(datetime(1950, 1, 1), datetime(2060, 1, 1)), min_size=5, max_size=30),
    numeric=st.sampled_from(["%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y"]),
    clock=st.sampled_from(CLOCKS),
    seed=st.integers(0, 100),
)
def test_mixed_formats_come_back(moments, numeric, clock, seed):
    choose = random.Random(seed)
    proof = datetime(2020, 12, 25, 13, 5, 7)
    whole = [proof, *moments]
    forms = [numeric + clock] + [choose.choice([*ORDERED, numeric]) + clock for _ in moments]
    texts = [value.strftime(form) for value, form in zip(whole, forms, strict=True)]
    expected = [datetime.strptime(text, form) for text, form in zip(texts, forms, strict=True)]
    raw = pa.array(texts)
    plan = infer_plan("x", raw)
    result = clean_values(raw, plan).values.cast(pa.timestamp("us")).to_pylist()
    assert plan.type in ("date", "datetime")
    assert result == expected


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_iso_comes_back_to_the_microsecond(value):
    assert moment(value.isoformat(timespec="microseconds"), "%Y-%m-%dT%H:%M:%S.%f") == value


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("31.02.2021", "%d.%m.%Y"),
        ("29.02.2021", "%d.%m.%Y"),
        ("13/13/2021", "%d/%m/%Y"),
        ("00.01.2021", "%d.%m.%Y"),
        ("01.01.0000", "%d.%m.%Y"),
        ("2021-01-01 24:00", "%Y-%m-%d %H:%M"),
        ("2021-01-01 10:60", "%Y-%m-%d %H:%M"),
        ("2021-01-01 13:00 PM", "%Y-%m-%d %I:%M %p"),
        ("5 Foo 2021", "%d %b %Y"),
        ("2021-01-01 10:00 XYZ", "%Y-%m-%d %H:%M %z"),
        ("2021-01-01x", "%Y-%m-%d"),
        ("202111", "%Y%m%d"),
    ],
)
def test_what_is_no_day_is_not_bent_into_one(text, form):
    assert moment(text, form) is None


def test_leap_days_two_digit_years_and_offsets():
    assert moment("29.02.2020", "%d.%m.%Y") == datetime(2020, 2, 29)
    assert moment("01.01.68", "%d.%m.%y") == datetime(2068, 1, 1)
    assert moment("01.01.69", "%d.%m.%y") == datetime(1969, 1, 1)
    assert moment("2021-01-01T00:30:00-0530", "%Y-%m-%dT%H:%M:%S%z") == datetime(2021, 1, 1, 6)


def test_the_first_format_that_fits_reads_the_cell():
    found = parse_moments(pa.array(["01/02/2021", "13/02/2021", "x"]), ["%m/%d/%Y", "%d/%m/%Y"])
    assert found.by.tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("2021-06-30", ["%Y-%m-%d", "%Y-%d-%m"]),
        ("30.6.21", ["%m.%d.%y", "%d.%m.%y", "%y.%m.%d"]),
        ("Okt. 3, 2021", ["%b. %d, %Y"]),
        ("Monday, 3 May 2021", ["%A, %d %b %Y"]),
        ("Mon. 3 May 2021", ["%a. %d %b %Y"]),
        ("3May21", ["%d%b%y"]),
        ("2021 May 3", ["%Y %b %d"]),
        ("May 2021", ["%b %Y"]),
        ("May 21", []),
        ("5 May", []),
        ("12 monkeys", []),
        ("May May 2021", []),
        ("1/2/3/2021", []),
        ("123-45-6789", []),
        ("20211231", ["%Y%m%d"]),
        ("20211231T2359", ["%Y%m%dT%H%M"]),
        ("20211231T23", []),
        ("10.5.2021 um 17:05 Uhr", ["%m.%d.%Y um %H:%M Uhr", "%d.%m.%Y um %H:%M Uhr"]),
        ("2021-06-30 17:05:01,250", ["%Y-%m-%d %H:%M:%S,%f", "%Y-%d-%m %H:%M:%S,%f"]),
        ("x" * 60, []),
        ("12:30", []),
        ("", []),
    ],
)
def test_formats_that_a_text_may_have(text, forms):
    assert formats_of(text) == forms


def test_dates_need_nearly_all_cells():
    assert date_formats(cells_of("2021-01-01", "2021-01-02", "soon", "later")) is None
    assert date_formats(cells_of("2021-13-01", "2021-14-45")) is None


def test_many_distinct_days_are_sampled():
    days = [(date(1950, 1, 1) + timedelta(index)).strftime("%d/%m/%Y") for index in range(4000)]
    formats, moments = date_formats(cells_of(*days))
    assert formats == ["%d/%m/%Y"]
    assert moments.ok.all()


def test_rare_formats_are_found_after_the_sample():
    days = [(date(1950, 1, 1) + timedelta(index)).isoformat() for index in range(4000)]
    formats, moments = date_formats(cells_of(*days, "31.12.1999", "Dec 31, 1999"))
    assert set(formats) == {"%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y"}
    assert moments.ok.all()


@pytest.mark.parametrize(
    ("texts", "minutes"),
    [
        (["17:05", "05:30"], [1025, 330]),
        (["17:05:30", "5:30"], [1025.5, 330]),
        (["5:05 pm", "12:00 AM", "12:30 p.m."], [1025, 0, 750]),
        (["59:30", "26:15"], [59.5, 26.25]),
        (["1:30.5", "2:15.25"], [1 + 30.5 / 60, 2 + 15.25 / 60]),
    ],
)
def test_clock_times_and_durations(texts, minutes):
    _, found = clock_formats(cells_of(*texts))
    assert (found.micros / 60e6).tolist() == pytest.approx(minutes)


@pytest.mark.parametrize("texts", [["99:99", "88:88"], ["a", "b"], ["25:61", "1:2"]])
def test_what_is_no_clock_time(texts):
    assert clock_formats(cells_of(*texts)) is None


def test_clock_reads_only_its_formats():
    found = parse_clock(pa.array(["17:05", "17:05:00"]), ["%H:%M"])
    assert found.ok.tolist() == [True, False]
