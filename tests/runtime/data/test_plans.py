from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from hypothesis import given, settings
from hypothesis import strategies as st

RANDOM = random.Random(7)
DAYS = [date(2020, 1, 1) + timedelta(RANDOM.randrange(700)) for _ in range(300)]
AMOUNTS = [round(RANDOM.lognormvariate(7, 1.5), 2) for _ in range(300)]


def plan_of(cells, name="x"):
    return infer_plan(name, pa.array(cells))


def cleaned(cells, name="x"):
    array = pa.array(cells)
    return clean_values(array, infer_plan(name, array))


def spread(*cells, times=20):
    return list(cells) * times


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        (spread("1", "2", "30"), "integer"),
        (spread("0", "1"), "integer"),
        (spread("1.5", "2", "30"), "number"),
        (spread("10.0", "20.0"), "number"),
        (spread("1e5", "2.5E-3"), "number"),
        (spread("yes", "no", "Yes "), "boolean"),
        (spread("Y", "N"), "boolean"),
        (spread("on", "off"), "boolean"),
        (spread("Ja", "Nein"), "boolean"),
        (spread("oui", "non", "NA"), "boolean"),
        (spread("TRUE", "0", "no", "1", "false"), "boolean"),
        (["yes"] * 30 + [""] * 10, "boolean"),
        (spread("N", "S"), "category"),
        (spread("on", "no"), "category"),
        (["yes"] * 300 + ["no"] * 300 + ["maybe"] * 30, "category"),
        (spread("20-30", "30-40"), "category"),
        (spread("3G", "4G", "5G"), "category"),
        (spread("1.2.3", "1.3.0"), "category"),
        (spread("Q1 2021", "Q2 2021"), "category"),
        (spread("17:05", "5:30 "), "time"),
        (spread("5:05 PM", "12:30 am"), "time"),
        (spread("1:26.572", "1:25.187"), "time"),
        (spread("26:35", "45:10"), "time"),
        ([f"note number {i} is about something" for i in range(40)], "text"),
        ([f"AB-{i:05d}" for i in range(300)], "text"),
        (["", " ", None], "empty"),
        (["N/A", "-", ""], "empty"),
        ([], "empty"),
    ],
)
def test_type_behind_text(cells, type_):
    assert infer_plan("x", pa.array(cells, pa.string())).type == type_


@pytest.mark.parametrize(
    ("cells", "expected", "clean"),
    [
        (["$1,234.50", "$12.00"], {"unit": "$", "thousands": ","}, [1234.5, 12.0]),
        (["1.234,50 €", "12,00 €"], {"unit": "€", "thousands": ".", "decimal": ","}, [1234.5, 12.0]),
        (["1 234,50", "12,5"], {"thousands": " ", "decimal": ","}, [1234.5, 12.5]),
        (["1\u202f234,50\u00a0€", "12,5\u00a0€"], {"unit": "€", "thousands": " ", "decimal": ","}, [1234.5, 12.5]),
        (["CHF 1'234.50", "CHF 7.00"], {"unit": "CHF", "thousands": "'"}, [1234.5, 7.0]),
        (["₹1,23,456.50", "Rs. 500"], {"unit": "₹", "thousands": ","}, [123456.5, 500.0]),
        (["5 USD", "US$ 7.5", "$8"], {"unit": "$"}, [5.0, 7.5, 8.0]),
        (["(432)", "$(5)", "($6.25)", "7-", "\u22128", "+9"], {"unit": "$"}, [-432.0, -5.0, -6.25, -7.0, -8.0, 9.0]),
        (["15 %", "7.5%"], {"percent": True}, [15.0, 7.5]),
        (["12 km", "7 km"], {"unit": "km"}, [12, 7]),
        (["36 months", "1 month"], {"unit": "month"}, [36, 1]),
        (["1,250", "10,500", "999"], {"thousands": ","}, [1250, 10500, 999]),
        (["0,125", "1,250", "10,5"], {"decimal": ","}, [0.125, 1.25, 10.5]),
        (["1.250 €", "300 €"], {"decimal": ",", "thousands": ".", "unit": "€"}, [1250.0, 300.0]),
        (["1.250", "300.5"], {}, [1.25, 300.5]),
        (["1.234.567", "2.000"], {"thousands": ".", "decimal": ","}, [1234567, 2000]),
        (["1,234.5", "1.234,5", "12.5", "12,5"], {"thousands": ","}, [1234.5, 1234.5, 12.5, 12.5]),
    ],
)
def test_numbers_are_read_in_the_notation_of_the_column(cells, expected, clean):
    plan = plan_of(spread(*cells))
    assert plan.model_dump(include=set(expected)) == expected
    assert cleaned(spread(*cells)).values.to_pylist()[: len(cells)] == clean
    assert plan.type == ("integer" if all(isinstance(value, int) for value in clean) else "number")


@pytest.mark.parametrize("ending", ["€{}M", "{}M €", "{} bn USD"])
def test_scales_multiply_when_there_are_many(ending):
    cells = [ending.format(f"{i}.1") for i in range(12)] + ["300", "5k", "6k"]
    plan = plan_of(cells)
    assert (plan.type, plan.scales) == ("number", True)
    assert cleaned(cells).values[1].as_py() in (1_100_000.0, 1_100_000_000.0)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("x", spread("007", "012", "100")),
        ("zip", [f"{i}" for i in range(10000, 10090)]),
        ("phone", [f"{5550000000 + i}" for i in range(50)]),
        ("x", [f"+49{1700000000 + i}" for i in range(50)]),
        ("x", [f"6{i} {i + 100} {i + 200}" for i in range(10, 60)]),
        ("x", [f"{10**17 + i}" for i in range(50)]),
        ("EAN", [f"{4006381333931 + i}" for i in range(50)]),
        ("x", [f"{i}{letter}" for i in range(20) for letter in "AB"]),
    ],
)
def test_codes_in_digits_stay_as_they_are(name, cells):
    assert plan_of(cells, name).type in ("category", "text")
    assert cleaned(cells, name).values.to_pylist() == cells


def test_zero_padded_calendar_parts_are_integers():
    assert plan_of([f"{i % 12 + 1:02d}" for i in range(50)], "month").type == "integer"


def test_a_stray_zero_does_not_make_codes_of_numbers():
    assert plan_of([str(i) for i in range(1000)] + ["05"]).type == "integer"


def test_one_bad_cell_in_a_thousand_is_a_reject():
    result = cleaned([str(i) for i in range(1000)] + ["oops"])
    assert result.values.type == pa.int64()
    assert result.rejected.tolist() == [False] * 1000 + [True]


def test_five_bad_cells_in_a_hundred_are_no_number():
    assert plan_of([str(i) for i in range(95)] + list("abcde")).type == "category"


@pytest.mark.parametrize(
    ("formats", "more"),
    [
        (["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%b %d, %Y"], ["N/A", "-", "0000-00-00", ""]),
        (["%d/%m/%Y"], []),
        (["%m-%d-%y"], []),
        (["%d-%b-%y", "%d %B %Y"], ["null"]),
        (["%Y%m%d"], []),
        (["%A, %d %B %Y"], []),
    ],
)
def test_mixed_dates_are_told_apart(formats, more):
    cells = [day.strftime(RANDOM.choice(formats)) for day in DAYS]
    assert plan_of(cells + more).type == "date"
    assert cleaned(cells + more).values.to_pylist() == DAYS + [None] * len(more)


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["13/02/2021", "01/02/2021"], date(2021, 2, 13)),
        (["02/13/2021", "01/02/2021"], date(2021, 2, 13)),
        (["01/02/2021", "03/04/2021"], date(2021, 1, 2)),
        (["01.02.2021", "03.04.2021"], date(2021, 2, 1)),
        (["01-02-2021", "03-04-2021"], date(2021, 2, 1)),
        (["01-02-2021", "02/13/2021"], date(2021, 1, 2)),
        (["01/02/2021", "01/03/2021", "01/12/2021"], date(2021, 2, 1)),
        (["01/01/2021", "05/01/2021", "12/01/2021"], date(2021, 1, 1)),
        (["2021/13/02", "2021/01/05"], date(2021, 2, 13)),
        (["99-01-31", "98-02-28"], date(1999, 1, 31)),
        (["3. März 2021", "1. Okt. 2021"], date(2021, 3, 3)),
        (["1er mai 2021", "24 août 2020"], date(2021, 5, 1)),
        (["3 de junio de 2021", "4 de enero de 2021"], date(2021, 6, 3)),
        (["Oct-19", "Nov-19"], date(2019, 10, 1)),
        (["2019-10", "2019-11"], date(2019, 10, 1)),
        (["10/2019", "11/2019"], date(2019, 10, 1)),
        (["2021-06-30 00:00:00", "2021-07-01 00:00:00"], date(2021, 6, 30)),
    ],
)
def test_order_of_day_and_month_comes_from_all_cells(cells, first):
    assert cleaned(spread(*cells)).values[0].as_py() == first


def test_both_orders_in_one_column_the_more_frequent_first():
    cells = ["25/12/2020"] * 30 + ["12/25/2020"] * 10 + ["01/02/2020"]
    plan = plan_of(cells)
    assert plan.date_formats == ["%d/%m/%Y", "%m/%d/%Y"]
    assert clean_values(pa.array(cells), plan).values.to_pylist()[-1] == date(2020, 2, 1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-06-30T12:00:00Z", datetime(2021, 6, 30, 12)),
        ("2021-06-30T12:00:00.25+02:00", datetime(2021, 6, 30, 10, 0, 0, 250000)),
        ("2021-06-30 12:00 EST", datetime(2021, 6, 30, 17)),
        ("6/30/2021 5:07 PM", datetime(2021, 6, 30, 17, 7)),
        ("30.06.2021, 17:07:01", datetime(2021, 6, 30, 17, 7, 1)),
        ("Wed, 30 Jun 2021 12:00:00 +0200", datetime(2021, 6, 30, 10)),
        ("Wed Jun 30 12:00:00 2021", datetime(2021, 6, 30, 12)),
        ("30/Jun/2021:12:00:00 +0000", datetime(2021, 6, 30, 12)),
        ("20210630T121500Z", datetime(2021, 6, 30, 12, 15)),
        ("20210630121500", datetime(2021, 6, 30, 12, 15)),
        ("12:15 30.06.2021", datetime(2021, 6, 30, 12, 15)),
    ],
)
def test_date_and_time_in_the_formats_of_machines(text, moment):
    cells = spread(text, text.replace("30", "29", 1).replace("Wed", "Tue"), text.replace("30", "28", 1))
    assert plan_of(cells).type == "datetime"
    assert cleaned(cells).values[0].as_py() == moment


def test_far_placeholder_dates_are_missing():
    cells = ["9999-12-31"] * 5 + [day.isoformat() for day in DAYS]
    plan = plan_of(cells)
    assert plan.missing == ["9999-12-31"]
    assert cleaned(cells).values.null_count == 5


@pytest.mark.parametrize(
    ("name", "values", "epoch"),
    [
        ("created_at", range(1_600_000_000, 1_600_900_000, 90_000), "s"),
        ("x", range(1_400_000_000_000, 1_600_000_000_000, 5_000_000_000), "ms"),
        ("order_id", range(1_400_000_000, 1_600_000_000, 5_000_000), None),
        ("created_at", range(100, 200), None),
    ],
)
@pytest.mark.parametrize("kind", [int, str])
def test_epochs_need_a_name_or_a_telling_spread(name, values, epoch, kind):
    plan = plan_of([kind(value) for value in values], name)
    assert plan.epoch == epoch
    assert plan.type == ("integer" if epoch is None else "datetime")


@pytest.mark.parametrize(
    ("name", "hhmm"), [("opening_time", True), ("arrival hhmm", True), ("population", False), ("doors", False)]
)
def test_clock_numbers_need_a_name(name, hhmm):
    cells = [str(hour * 100 + minute) for hour in range(24) for minute in (0, 15, 59)]
    assert plan_of(cells, name).hhmm is hhmm


def test_minutes_of_a_time_are_no_clock_numbers():
    assert plan_of([str(i) for i in range(30, 700)], "travel_time").type == "integer"


def test_clock_numbers_become_minutes():
    cells = [f"{hour * 100 + minute:04d}" for hour in range(24) for minute in (0, 30)]
    assert cleaned(cells, "closing time").values.to_pylist()[-1] == 23 * 60 + 30


@pytest.mark.parametrize(
    ("array", "type_"),
    [
        (pa.array([True, False]), "boolean"),
        (pa.array([1, 2]), "integer"),
        (pa.array([1.0, 2.0]), "number"),
        (pa.array([1.5, None]), "number"),
        (pa.array([float(i) for i in range(50)]), "integer"),
        (pa.array([Decimal("1.50"), Decimal("2.25")]), "number"),
        (pa.array([date(2021, 1, 1)]), "date"),
        (pa.array([datetime(2021, 1, 1), datetime(2021, 1, 2)]), "date"),
        (pa.array([datetime(2021, 1, 1, 5)]), "datetime"),
        (pa.array([timedelta(hours=1)]), "time"),
        (pa.array([{"a": 1}, {"a": 2}]), "category"),
        (pa.array([b"yes", b"no"]), "boolean"),
        (pa.array(["a", "b"]).dictionary_encode(), "category"),
        (pa.nulls(3), "empty"),
        (pa.array([None, None], pa.int64()), "empty"),
        (pa.array([float("nan"), float("nan")]), "empty"),
        (pa.array([94105, 10001, 94105, 60601]), "integer"),
    ],
)
def test_typed_columns_keep_their_type(array, type_):
    assert infer_plan("x", array).type == type_


def test_typed_postal_codes_are_categories():
    assert infer_plan("zip", pa.array([94105, 10001, 94105, 60601])).type == "category"


def test_chunks_and_order_of_rows_do_not_matter():
    cells = [day.strftime(RANDOM.choice(["%d.%m.%Y", "%Y-%m-%d"])) for day in DAYS]
    whole = pa.chunked_array([cells[:100], cells[100:]])
    assert infer_plan("x", whole) == plan_of(cells) == plan_of(sorted(cells))
    assert infer_plan("x", pa.chunked_array([], pa.string())).type == "empty"


CELLS = st.one_of(
    st.sampled_from(
        ["", "N/A", "-", "yes", "no", "$1,234.50", "15 %", "31.12.2021", "2021-05-06", "a b", "A  b", "007"]
    ),
    st.integers(-(10**6), 10**6).map(str),
    st.text(max_size=12),
    st.none(),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(cells=st.lists(CELLS, max_size=25), name=st.sampled_from(["x", "time", "date", "zip", "id"]))
def test_any_text_is_cleaned_once_and_for_all(cells, name):
    raw = pa.array(cells, pa.string())
    plan = infer_plan(name, raw)
    assert plan == infer_plan(name, raw)
    once = clean_values(raw, plan)
    twice = clean_values(once.values, plan)
    assert len(once.values) == len(once.rejected) == len(cells)
    assert twice.values.equals(once.values)
    assert not twice.rejected.any()
    assert twice.changed == 0


def test_numbers_too_large_for_an_epoch_are_no_moments():
    plan = infer_plan("created_at", pa.array([1.5e12 + place * 1e9 for place in range(60)]))
    assert plan.epoch == "ms"
    clean = clean_values(pa.array([1.5e12, 1.8e302, -1e308, None]), plan)
    assert [value is not None for value in clean.values.to_pylist()] == [True, False, False, False]
    assert clean.rejected.tolist() == [False, True, True, False]
