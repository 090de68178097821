from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from automl_runtime.data.distinct import Cells
from automl_runtime.data.numerals import NumberStyle, infer_style, parse_numbers
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.units import is_currency, same_unit, split_scale
from hypothesis import assume, given, settings
from hypothesis import strategies as st

STYLES = [(".", ""), (".", ","), (",", "."), (",", ""), (",", " "), (".", " "), (".", "'"), (",", "\u202f"), (",", "'")]
AFFIXES = ["{}", "${}", "{} €", "EUR {}", "{}%", "{} km", "£ {}"]
NEGATIVES = ["-{}", "({})", "{}-", "\u2212{}"]


def read(text, style):
    numbers = parse_numbers(pa.array([text]), style)
    return float(numbers.values[0]) if numbers.ok[0] else None


def written(number, decimal, thousands):
    whole, _, fraction = f"{number:,.2f}".partition(".")
    return f"{whole.replace(',', thousands)}{decimal}{fraction}"


NUMBERS = st.decimals(0, 10**9, places=2, allow_nan=False, allow_infinity=False)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    numbers=st.lists(NUMBERS, min_size=12, max_size=30),
    style=st.sampled_from(STYLES),
    affix=st.sampled_from(AFFIXES),
    negative=st.sampled_from(NEGATIVES),
)
def test_numbers_in_the_style_of_any_country_come_back_exactly(numbers, style, affix, negative):
    signs = [index % 3 == 0 for index in range(len(numbers))]
    texts = [affix.format(written(number, *style)) for number in numbers]
    cells = [negative.format(text) if sign else text for sign, text in zip(signs, texts, strict=True)]
    raw = pa.array(cells)
    plan = infer_plan("x", raw)
    result = clean_values(raw, plan)
    expected = [float(-number if sign else number) for sign, number in zip(signs, numbers, strict=True)]
    assert plan.type == "number"
    assert not result.rejected.any()
    assert result.values.to_pylist() == expected


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=20))
def test_floats_as_python_writes_them_come_back_exactly(numbers):
    assume(all(abs(number) < 1e300 for number in numbers))
    raw = pa.array([repr(number) for number in numbers])
    assert clean_values(raw, infer_plan("x", raw)).values.cast(pa.float64()).to_pylist() == [*map(float, numbers)]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(-(10**14), 10**14).filter(lambda n: not 1900_00_00 <= n <= 2100_00_00), min_size=2))
def test_integers_come_back_exactly(numbers):
    raw = pa.array([str(number) for number in numbers])
    plan = infer_plan("x", raw)
    assume(plan.epoch is None and not plan.date_formats)
    assert set(clean_values(raw, plan).values.to_pylist()) - set(numbers) <= {None}


@pytest.mark.parametrize(
    ("text", "style", "value"),
    [
        ("1,234", NumberStyle(), None),
        ("1,234", NumberStyle(thousands=","), 1234.0),
        ("1,234", NumberStyle(decimal=","), 1.234),
        ("1.234", NumberStyle(decimal=","), 1.234),
        ("1.234", NumberStyle(decimal=",", thousands="."), 1234.0),
        ("12,5", NumberStyle(), 12.5),
        ("12.5", NumberStyle(decimal=",", thousands="."), 12.5),
        ("1.234,5", NumberStyle(), 1234.5),
        ("1,234.5", NumberStyle(decimal=","), 1234.5),
        ("1'234.5", NumberStyle(), 1234.5),
        ("1 234,5", NumberStyle(), 1234.5),
        ("5 €", NumberStyle(unit="$"), None),
        ("5 $", NumberStyle(), None),
        ("5 EUR", NumberStyle(unit="€"), 5.0),
        ("5", NumberStyle(unit="€"), 5.0),
        ("5%", NumberStyle(percent=True), 5.0),
        ("5 months", NumberStyle(unit="month"), 5.0),
        ("$ (1,234.50)", NumberStyle(unit="$"), -1234.5),
        ("((5))", NumberStyle(), None),
        ("-(5)", NumberStyle(), None),
        ("(5", NumberStyle(), None),
        ("--5", NumberStyle(), None),
        ("$5 €", NumberStyle(unit="$"), None),
        ("1e400", NumberStyle(), None),
        ("1.5e3 km", NumberStyle(unit="km"), 1500.0),
        ("1.1M", NumberStyle(scales=True), 1_100_000.0),
        ("1e3k", NumberStyle(scales=True), None),
        ("5k €", NumberStyle(unit="€", scales=True), 5000.0),
        ("0x10", NumberStyle(), None),
        ("nan", NumberStyle(), None),
        ("1,2,3", NumberStyle(), None),
        ("", NumberStyle(), None),
        (".5", NumberStyle(), 0.5),
        ("5.", NumberStyle(), 5.0),
        ("٣", NumberStyle(), None),
        ("12:30", NumberStyle(), None),
    ],
)
def test_a_cell_is_read_by_the_style_or_by_its_only_reading(text, style, value):
    assert read(text, style) == value


def test_a_reading_is_the_float_nearest_to_what_is_written():
    assert read("0.1e1", NumberStyle()) == 1.0
    assert read("123.456.789,01", NumberStyle()) == float(Decimal("123456789.01"))


def test_two_currencies_are_no_number():
    cells = Cells(pa.array(["$5", "€5", "$6", "€7"]), np.array([5, 5, 5, 5]))
    assert infer_style(cells) is None


def test_cells_without_numbers_have_no_style():
    assert infer_style(Cells(pa.array(["a", "b1"]), np.array([1, 1]))) is None


@pytest.mark.parametrize(
    ("unit", "name"),
    [("USD", "$"), ("Euro", "€"), ("Rs.", "₹"), ("KM", "km"), ("hrs.", "hr"), ("Days", "day"), ("°C", "°c")],
)
def test_units_have_one_name(unit, name):
    assert same_unit(unit) == name


def test_money_is_told_from_measures():
    assert [is_currency(unit) for unit in ("£", "sek", "kg", None)] == [True, True, False, False]


def test_scales_are_split_from_units():
    assert split_scale("Mio. EUR") == ("e6", "EUR")
    assert split_scale("kg") == ("", "kg")
