"""Columns that have moved are named, and chance is not taken for drift."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.monitoring.drift import drift_of
from automl_runtime.monitoring.reference import sketch
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

SCHEMA = InputSchema(
    columns=[
        InputColumn(name=name, type=kind, plan=ColumnPlan(column=name, type=kind))
        for name, kind in (("age", "number"), ("site", "category"))
    ]
)


def rows(count, seed, shift=0.0, empty=0.0, sites=("a", "b", "c")):
    rng = np.random.default_rng(seed)
    age = np.where(rng.random(count) < empty, np.nan, rng.normal(shift, 1, count))
    return pd.DataFrame({"age": age, "site": rng.choice(sites, count)})


def verdicts(now):
    return {drift.column: drift.verdict for drift in drift_of(sketch(rows(2000, 0), SCHEMA), now)}


@pytest.mark.parametrize("count", [25, 100, 400, 3000])
def test_rows_of_the_same_kind_have_not_moved(count):
    for seed in range(1, 11):
        assert verdicts(rows(count, seed)) == {"age": "same", "site": "same"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shift": 2.0}, {"age": "far", "site": "same"}),
        ({"shift": 0.35}, {"age": "shifted", "site": "same"}),
        ({"empty": 0.5}, {"age": "far", "site": "same"}),
        ({"sites": ("a", "x")}, {"age": "same", "site": "far"}),
    ],
)
def test_a_column_that_moved_is_named(change, expected):
    assert verdicts(rows(800, 5, **change)) == expected


def test_the_largest_drift_comes_first_and_absent_columns_are_left_out():
    reference = sketch(rows(2000, 0), SCHEMA)
    found = drift_of(reference, rows(800, 5, sites=("x",)))
    assert [drift.column for drift in found] == ["site", "age"]
    assert [drift.column for drift in drift_of(reference, rows(800, 5).drop(columns="age"))] == ["site"]
    assert drift_of(reference, rows(0, 5)) == []
