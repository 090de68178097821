from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.profiling import profile_column


def profile(name, cells, type_=None):
    raw = cells if isinstance(cells, pa.Array) else pa.array(cells)
    plan = infer_plan(name, raw)
    return profile_column(raw, clean_values(raw, plan), plan, 3)


DAYS = [(date(2020, 1, 1) + timedelta(index)).strftime("%d.%m.%Y") for index in range(100)]


@pytest.mark.parametrize(
    ("name", "cells", "role"),
    [
        ("id", [str(5000 + 7 * i) for i in range(100)], "id"),
        ("order no", [str(5000 + 70 * i) for i in range(100)] + ["5000", "5070"], "id"),
        ("x", [str(i) for i in range(1, 101)], "id"),
        ("x", [str(10 * i + i % 7) for i in range(100)], "id"),
        ("weight", [str((i * 7919) % 100003) for i in range(100)], "number"),
        ("x", [f"A{i:04d}" for i in range(300)], "id"),
        ("x", [f"https://example.org/{i}" for i in range(300)], "id"),
        ("x", [f"{chr(65 + i // 10)}{chr(65 + i % 10)}" for i in range(100)], "id"),
        ("customer_ref", [f"{chr(97 + i // 10)}{chr(97 + i % 10)}x" for i in range(100)], "id"),
        ("customer_id", [str(i % 40) for i in range(100)], "key"),
        ("shop code", [f"S{i % 40}" for i in range(100)], "key"),
        ("year", [str(1950 + i) for i in range(70)], "number"),
        ("day", DAYS, "time"),
        ("price", ["1.5", "2.5", "3.5"] * 9, "number"),
        ("height", ["1", "2", "3"] * 9, "number"),
        ("target", ["yes", "no"] * 9, "target_candidate"),
        ("class", ["a", "b", "c"] * 9, "target_candidate"),
        ("color", ["a", "b", "c"] * 9, "category"),
        ("flag", ["yes", "no"] * 9, "category"),
        ("notes", [f"this is a note about thing {i}" for i in range(60)], "text"),
        ("x", ["5"] * 20, "constant"),
        ("x", ["5"] * 20 + [""], "number"),
        ("x", ["", "N/A"], "empty"),
        ("full name", [f"Jane Doe{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(300)], "text"),
    ],
)
def test_roles(name, cells, role):
    assert profile(name, cells).role == role


def test_an_entry_counts_its_cells():
    entry = profile("x", ["$5.00", "$1,000.00", "N/A", "", "oops", *["$7.50"] * 200])
    assert (entry.rows, entry.missing, entry.rejected, entry.changed, entry.distinct) == (205, 3, 1, 203, 3)
    assert (entry.type, entry.position, entry.constant) == ("number", 3, False)
    assert (entry.stats.min, entry.stats.max, entry.stats.median) == (5.0, 1000.0, 7.5)
    assert [(top.value, top.count) for top in entry.stats.top] == [("7.5", 200), ("5", 1), ("1000", 1)]
    assert entry.cleared == 1
    examples = [(one.before, one.after) for one in entry.examples]
    assert examples == [("$5.00", "5"), ("$1,000.00", "1000"), ("$7.50", "7.5")]


def test_moments_have_iso_bounds_and_words_a_length():
    assert (profile("x", DAYS).stats.min, profile("x", DAYS).stats.max) == ("2020-01-01", "2020-04-09")
    assert profile("x", ["ab", "abcd"] * 5).stats.mean_length == 3.0
    assert [top.value for top in profile("x", ["yes", "no", "no"]).stats.top] == ["false", "true"]


def test_personal_data_are_masked_everywhere():
    cells = [f" person{i}@mail.example.org" for i in range(50)]
    entry = profile("contact", cells)
    assert entry.personal == "email"
    shown = [top.value for top in entry.stats.top] + [
        text for one in entry.examples for text in (one.before, one.after)
    ]
    assert shown
    assert not [text for text in shown if "person" in text or "mail" in text]


def test_personal_numbers_have_no_statistics():
    entry = profile("phone", pa.array([5550100000 + i * 37 for i in range(50)]))
    assert (entry.personal, entry.stats.min) == ("phone", None)


def test_long_cells_are_cut():
    entry = profile("x", [f" {'word ' * 100}{i}" for i in range(20)])
    assert max(len(top.value) for top in entry.stats.top) == 200
    assert max(len(one.before) for one in entry.examples) == 200


def test_no_rows_and_typed_columns():
    assert profile("x", pa.array([], pa.string())).role == "empty"
    entry = profile("x", pa.array([1.0, 2.0, -999.0, -999.0, -999.0, *range(30)]))
    assert [(one.before, one.after) for one in entry.examples] == [("-999", None)]
    assert profile("x", pa.array([1e308, 1.7e308, None, 5.5])).stats.mean is None
    assert profile("x", pa.array([True, False, None])).distinct == 2


def test_the_same_cells_give_the_same_entry():
    cells = ["b", "a", "c", "a", "b "] * 10
    assert profile("x", cells) == profile("x", cells)
