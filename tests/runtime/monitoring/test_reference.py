from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.monitoring.reference import Reference, psi, psi_of, sketch
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.vocabulary import ColumnType

KINDS: dict[str, ColumnType] = {
    "height": "number",
    "born": "date",
    "tag": "category",
    "note": "text",
    "alive": "boolean",
    "gone": "empty",
}


def schema() -> InputSchema:
    return InputSchema(
        columns=[
            InputColumn(name=name, type=kind, plan=ColumnPlan(column=name, type=kind)) for name, kind in KINDS.items()
        ]
    )


def herd(rows: int = 400, shift: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "height": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(shift, 1, rows)),
            "born": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 300, rows), unit="D"),
            "tag": draw.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]),
            "note": ["x" * number for number in draw.integers(1, 40, rows)],
            "alive": pd.array(draw.random(rows) < 0.5, dtype="boolean"),
            "gone": [None] * rows,
        }
    )


def test_each_kind_of_column_is_sketched() -> None:
    reference = sketch(herd(), schema())
    columns = {column.name: column for column in reference.columns}
    assert list(columns) == list(KINDS)
    assert len(columns["height"].edges) == 19
    assert 20 < columns["height"].missing < 60
    assert columns["height"].missing_share == columns["height"].missing / 400
    assert columns["born"].edges[0] > 1.5e9
    assert columns["tag"].words == ("a", "b", "c")
    assert columns["note"].kind == "length"
    assert columns["alive"].words in (("True", "False"), ("False", "True"))
    assert columns["gone"].missing == 400
    for column in reference.columns:
        assert sum(column.counts) + column.other + column.missing == column.rows == 400


def test_the_sketch_goes_through_json() -> None:
    reference = sketch(herd(), schema())
    assert Reference.model_validate_json(reference.model_dump_json()) == reference


def test_texts_are_not_kept() -> None:
    rows = herd().assign(note="my secret")
    assert "secret" not in sketch(rows, schema()).model_dump_json()


def test_rare_words_are_counted_together() -> None:
    rows = pd.DataFrame({"tag": [f"word{number:03d}" for number in range(80)]})
    [column] = sketch(rows, schema()).columns
    assert (len(column.words), column.other) == (50, 30)


@pytest.mark.parametrize("values", [[], [3.0] * 10, [np.nan] * 5, [np.inf, 1.0]])
def test_odd_columns_have_a_sketch_too(values: list[float]) -> None:
    rows = pd.DataFrame({"height": np.array(values, dtype=float)})
    reference = sketch(rows, schema())
    assert psi_of(reference, rows) == {"height": 0.0}
    assert reference.columns[0].missing_share <= 1


def test_the_same_rows_are_no_drift_and_others_are() -> None:
    reference = sketch(herd(), schema())
    assert all(value == 0 for value in psi_of(reference, herd()).values())
    moved = psi_of(reference, herd(shift=2.0).assign(tag="new").drop(columns="born"))
    assert moved["height"] > 0.25
    assert moved["tag"] > 0.25
    assert moved["note"] == 0
    assert "born" not in moved


def test_empty_bins_do_not_divide_by_zero() -> None:
    assert psi(np.array([10, 0]), np.array([0, 10])) > 1
    assert psi(np.array([0, 0]), np.array([1, 2])) == 0
