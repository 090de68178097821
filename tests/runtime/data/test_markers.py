from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from automl_runtime.data.categories import kept_spelling
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.sentinels import find_sentinels


def plan_of(cells, name="x"):
    return infer_plan(name, pa.array(cells))


NUMBERS = [str(number) for number in range(50)]
WORDS = ["north", "south", "west"] * 40
CODES = ["DE", "FR", "US", "ZA", "GB", "IT", "ES", "PL", "SE"] * 10


@pytest.mark.parametrize(
    "marker",
    [
        "N/A",
        "n/a",
        "NA",
        "-",
        "--",
        "null",
        "NULL",
        "none",
        "?",
        "\\N",
        "NaN",
        "nan",
        "#N/A",
        ".",
        "missing",
        "unknown",
        "inf",
    ],
)
def test_any_marker_is_one_among_numbers(marker):
    plan = plan_of([*NUMBERS, marker, marker, " ", ""])
    assert (plan.type, plan.missing) == ("integer", [marker])
    assert clean_values(pa.array([marker.upper(), f" {marker} ", "5", ""]), plan).values.to_pylist() == [
        None,
        None,
        5,
        None,
    ]


@pytest.mark.parametrize(
    ("cells", "missing", "name"),
    [
        ([*WORDS, "N/A", "?", "null", "", "-"], ["-", "?", "N/A", "null"], "x"),
        ([*WORDS, "unknown", "unknown"], [], "x"),
        ([*WORDS, "none"], ["none"], "x"),
        ([*WORDS, *["none"] * 20], [], "x"),
        ([*WORDS, *["None"] * 20], ["None"], "x"),
        ([*WORDS, *["none"] * 20, *["N/A"] * 18], ["N/A", "none"], "x"),
        (["Free", "Plus", "None"] * 30, [], "x"),
        ([*CODES, *["NA"] * 9], [], "country"),
        ([*CODES, *["NA"] * 9], [], "x"),
        ([*CODES, *["NA"] * 9, "N/A"], ["N/A"], "x"),
        (["CA", "NV", "TX", "NY", "WI", "OK", "UT", "KS", "NA"] * 9, ["NA"], "x"),
        (["EU", "AS", "AF", "NA"] * 9, [], "x"),
        (["EMEA", "APAC", "NA"] * 9, ["NA"], "x"),
        (["EMEA", "APAC", "LATAM", "NA"] * 9, [], "x"),
        (["+", "-"] * 30, [], "x"),
        (["A", "B", "-"] * 30, ["-"], "x"),
        (["Nan", "Lea", "Tom"] * 30, [], "x"),
        (["unknown", "N/A", "unknown"], ["N/A"], "x"),
        (["None", "NA"], ["NA", "None"], "x"),
    ],
)
def test_markers_among_categories_need_evidence(cells, missing, name):
    assert plan_of(cells, name).missing == missing


def test_signs_in_free_text_are_text():
    cells = [f"what happened on day {number} was this" for number in range(60)] + ["?", ".", "N/A"]
    plan = plan_of(cells)
    assert (plan.type, plan.missing) == ("text", ["N/A"])


@pytest.mark.parametrize(
    ("rest", "value", "found"),
    [
        (range(-20, 40), -999, True),
        (range(-20, 40), -40, False),
        (range(-2000, 2000, 7), -999, False),
        (range(0, 28), 999, True),
        (range(0, 41000, 100), 99999, False),
        (range(5, 400), -1, True),
        (range(0, 3), -1, False),
        (range(-50, 50, 3), -1, False),
        (range(1950, 2015), 0, True),
        (range(20, 120), 0, False),
        (range(1, 6), 99, True),
        (range(100, 20000, 50), -999, True),
        (range(0, 97), 99, False),
        (range(1990, 2020), 9999, True),
    ],
)
def test_sentinels_need_evidence(rest, value, found):
    values = np.array([value, *rest], dtype=float)
    counts = np.array([5] + [2] * len(rest))
    assert find_sentinels(values, counts) == ([float(value)] if found else [])


def test_a_sentinel_is_repeated():
    assert find_sentinels(np.array([-999.0, *range(50)]), np.array([2] + [1] * 50)) == []


@pytest.mark.parametrize("kind", [str, int, float])
def test_sentinels_become_null_whatever_the_type(kind):
    raw = pa.array([kind(number) for number in [*range(20, 60), -999, -999, -999]])
    plan = infer_plan("x", raw)
    result = clean_values(raw, plan)
    assert plan.sentinels == [-999.0]
    assert result.values.null_count == 3
    assert result.changed >= 3
    assert not result.rejected.any()


def test_ids_have_no_sentinels():
    assert plan_of([*map(str, range(20, 60)), "-999", "-999", "-999"], "order_id").sentinels == []


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["Red"] * 9 + ["red", "RED", " Red ", "Re d"], {"red": "Red"}),
        (["dark  red", "dark red", "dark red"] * 5, {}),
        (["low", "low.", "high", "high."] * 5, {"low": "low", "low.": "low", "high": "high", "high.": "high"}),
        (["a.b.", "c"] * 5, {}),
        (["red", "green"] * 5, {}),
        (["x..", "x.", "x"] * 5, {"x": "x", "x.": "x", "x..": "x"}),
        (["Straße", "STRASSE"] * 5, {"strasse": "Straße"}),
    ],
)
def test_spellings_merge_and_words_do_not(cells, kept):
    plan = plan_of(cells)
    assert plan.categories == dict(sorted(kept.items()))
    values = clean_values(pa.array(cells), plan).values.to_pylist()
    assert set(kept.values()) <= set(values)


def test_dotted_and_undotted_become_one():
    cells = ["<=9 kg"] * 30 + ["<=9 kg."] * 10 + [">9 kg", ">9 kg."] * 10
    assert set(clean_values(pa.array(cells), plan_of(cells)).values.to_pylist()) == {"<=9 kg", ">9 kg"}


def test_of_equal_spellings_the_capitalised_one_stays():
    assert kept_spelling({"RED": 3, "red": 3, "Red": 3}) == "Red"
    assert kept_spelling({"RED": 4, "Red": 3}) == "RED"


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        ([f"city {index % 300}" for index in range(3000)], "category"),
        ([f"name{index}" for index in range(500)], "text"),
        ([f"name{index}" for index in range(20)], "category"),
        (["the quick brown fox jumps over it", "and then it sleeps all day long"] * 3, "category"),
        ([f"{'word ' * 20}{index % 60}" for index in range(100)], "text"),
    ],
)
def test_text_is_told_from_categories(cells, type_):
    assert plan_of(cells).type == type_
