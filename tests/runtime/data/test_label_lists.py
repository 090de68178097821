"""Cells that list several labels, and cells that only look as if they did."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from automl_runtime.data.label_lists import find_listed_labels, label_flags, labels_in, listed_labels, target_sql
from automl_schemas.spec import TargetSpec

RNG = np.random.default_rng(4)
KINDS = ["dent", "rust", "scratch", "crack in glass"]


def drawn(rows=200, joint="|", wrap="{}", shuffled=True):
    """Some of four labels a row; cells with none are left out."""
    cells = []
    for _ in range(rows):
        has = [kind for kind in KINDS if RNG.random() < 0.4]
        if shuffled:
            RNG.shuffle(has)
        cells += [wrap.format(joint.join(has))] if has else []
    return cells


def found_in(cells):
    counts = pd.Series(cells).value_counts(sort=False)
    return find_listed_labels(counts.index.tolist(), counts.to_numpy())


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (drawn(joint="|"), "|"),
        (drawn(joint=" | "), "|"),
        (drawn(joint=";"), ";"),
        (drawn(joint=", "), ","),
        (drawn(joint=", ", shuffled=False), ","),
        (drawn(joint="/"), "/"),
        (drawn(joint='", "', wrap='["{}"]'), ","),
        (drawn(joint="', '", wrap="['{}']"), ","),
    ],
)
def test_lists_of_labels_are_found_whatever_separates_them(cells, separator):
    listed = found_in(cells)
    assert listed is not None and listed.separator == separator
    assert {entry.value for entry in listed.labels} == set(KINDS)
    expected = {kind: sum(kind in cell for cell in cells) for kind in KINDS}
    assert {entry.value: entry.count for entry in listed.labels} == expected
    assert listed.several == sum(sum(kind in cell for kind in KINDS) > 1 for cell in cells)


WORDS = "the a door was open when we came in and nobody said so until late because it rained on that day".split()
PROSE = [
    f"{' '.join(RNG.choice(WORDS, 6))}, {' '.join(RNG.choice(WORDS, 7))}{', ' + ' '.join(RNG.choice(WORDS, 3)) * (i % 2)}."
    for i in range(200)
]


@pytest.mark.parametrize(
    "cells",
    [
        PROSE,
        [f"{RNG.choice(['Ulm', 'Kiel', 'Hof'])}, {RNG.choice(['Bavaria', 'Holstein'])}" for _ in range(200)],
        [f"{RNG.choice(['Meyer', 'Abt', 'Noll'])}, {RNG.choice(['Ida', 'Jo', 'Ann'])}" for _ in range(200)],
        [str(RNG.choice(KINDS)) for _ in range(200)],
        [f"{RNG.integers(1, 9)},{RNG.integers(100, 999)}" for _ in range(200)],
        [f"{RNG.integers(1, 28)}/{RNG.integers(1, 12)}/2021" for _ in range(200)],
        ["good, cheap"] * 3 + ["bad"] * 200,
        ["n/a", "and/or"] * 100,
        ["a, a", "b, b", "a", "b"] * 50,
        [],
    ],
    ids=["prose", "places", "names", "single", "thousands", "dates", "rare", "slashes", "doubled", "empty"],
)
def test_what_only_holds_the_sign_is_no_list(cells):
    assert found_in(cells) is None


def test_spellings_of_one_label_are_one_label_in_the_usual_spelling():
    cells = ["Rust|Dent", "rust | dent", "RUST|", "Rust", "Rust|Dent", "Dent", "dent|Rust"] * 5
    listed = found_in(cells)
    assert listed is not None
    assert [(entry.value, entry.count) for entry in listed.labels] == [("Rust", 30), ("Dent", 25)]


def test_a_given_separator_needs_no_evidence():
    listed = listed_labels(pa.array(["x+y", None, "x", "z+x"]), "+")
    assert [(entry.value, entry.count) for entry in listed.labels] == [("x", 3), ("y", 1), ("z", 1)]


def test_labels_of_a_cell_are_told_without_what_stands_around_them():
    assert labels_in(" a ;; 'b c';", ";") == ["a", "b c"]


def made(target, **columns):
    with duckdb.connect() as connection:
        connection.register("t", pa.table(columns))
        return [row[0] for row in connection.sql(f"SELECT {target_sql(target)} FROM t").fetchall()]


def test_cells_become_known_labels_in_one_spelling_and_order():
    target = TargetSpec(table="t", column="tags", separator=";", labels=["Rock 'n' Roll", "jazz", "Ünder"])
    cells = ["jazz; ROCK 'n' roll", "polka;jazz;Jazz", None, "", " ünder ", "polka", '["jazz";"Ünder"]']
    assert made(target, tags=cells) == ["Rock 'n' Roll|jazz", "jazz", "", "", "Ünder", "", "jazz|Ünder"]


@pytest.mark.parametrize("separator", ["\n", "|", "'", " and "])
def test_any_separator_can_be_written_as_sql(separator):
    target = TargetSpec(table="t", column="tags", separator=separator, labels=["a", "b"])
    assert made(target, tags=[separator.join("ba")]) == ["a|b"]


def test_columns_become_the_labels_whose_cell_says_yes():
    target = TargetSpec(table="t", column="labels", columns=["hot", 'a "b"'])
    flags = {"hot": [1, 0, None, 1], 'a "b"': [True, False, True, None]}
    assert made(target, **flags) == ['hot|a "b"', "", None, None]


def test_one_label_a_row_is_made_by_its_own_sql_or_by_none():
    assert target_sql(TargetSpec(table="t", column="y")) is None
    assert target_sql(TargetSpec(table="t", column="y", sql="x > 1")) == "x > 1"


def test_flags_are_zero_and_one_for_each_label():
    flags = label_flags(pd.Series(["b|a", "", "b"], index=[7, 8, 9]), ["a", "b", "c"])
    assert flags.to_dict("list") == {"a": [1, 0, 0], "b": [1, 0, 1], "c": [0, 0, 0]}
    assert list(flags.index) == [7, 8, 9] and set(flags.dtypes.astype(str)) == {"int8"}
