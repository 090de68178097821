from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.records import parse_records
from automl_runtime.project.golden import MOST_ROWS, golden_inputs, write_golden
from automl_schemas.bundle import BundleManifest, InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

TYPES = {
    "fee": "number",
    "visits": "integer",
    "vip": "boolean",
    "plan": "category",
    "opened": "date",
    "seen": "datetime",
    "notes": "text",
    "mail": "text",
}
SCHEMA = InputSchema(
    columns=[InputColumn(name=name, type=kind, plan=ColumnPlan(column=name, type=kind)) for name, kind in TYPES.items()]
)


def frame(rows: int) -> pd.DataFrame:
    numbers = np.arange(rows)
    table = pd.DataFrame(
        {
            "target": numbers % 2 == 0,
            "fee": np.where(numbers % 7 == 0, np.nan, numbers * 1.1),
            "visits": np.where(numbers % 5 == 0, np.nan, numbers),
            "vip": pd.array([None if number % 6 == 0 else number % 2 == 0 for number in numbers], dtype="boolean"),
            "plan": [None if number % 4 == 0 else "20210101" for number in numbers],
            "opened": pd.to_datetime(["2021-02-03"] * rows),
            "seen": pd.to_datetime(["2021-02-03 04:05:06.000007"] * rows),
            "notes": ["call +49 (0)30 1234567 or a.b@c.example, room 12"] * rows,
            "mail": ["ada.lovelace@example.org"] * rows,
        }
    )
    for name in ("opened", "seen"):
        table[name] = table[name].where(numbers > 0)
    return table


@pytest.mark.parametrize(("rows", "expected"), [(0, 0), (1, 1), (50, 50), (51, MOST_ROWS), (1000, MOST_ROWS)])
def test_at_most_fifty_rows_are_spread_over_the_holdout(rows, expected):
    found = golden_inputs(frame(rows), SCHEMA, {})
    assert len(found) == expected
    assert rows < 2 or found[-1]["visits"] in (rows - 1, None)


def test_inputs_are_json_and_read_back_as_they_were():
    rows = frame(40)
    inputs = json.loads(json.dumps(golden_inputs(rows, SCHEMA, {}), allow_nan=False))
    assert all(list(row) == list(TYPES) for row in inputs)
    parsed, problems = parse_records(inputs, SCHEMA)
    assert problems == []
    for name in ("fee", "visits", "plan", "opened", "seen"):
        assert parsed[name].isna().equals(rows[name].isna())
        assert (parsed[name].dropna() == rows[name].dropna()).all(), name


def test_personal_data_are_masked():
    (row,) = golden_inputs(frame(1), SCHEMA, {"mail": "email"})
    assert "ada" not in str(row["mail"]) and "lovelace" not in str(row["mail"])
    assert row["notes"] == "call +00 (0)00 0000000 or ***@***, room 12"
    assert row["opened"] is None


def test_long_texts_are_cut():
    rows = frame(1).assign(notes="word " * 100_000)
    assert len(str(golden_inputs(rows, SCHEMA, {})[0]["notes"])) == 2_000


class HalfModel:
    """Says 0.5 to every row."""

    def predict(self, features: pd.DataFrame) -> pd.Series:
        return pd.Series(features["fee"].fillna(0) / 2)


def test_lines_hold_inputs_and_the_answers_to_them(tmp_path: Path):
    manifest = BundleManifest(
        model_version="v003",
        created="now",
        task="regression",
        metric="rmse",
        target="target",
        features=["fee"],
        runtime_version="0",
        files=[],
    )
    project: Any = SimpleNamespace(
        root=tmp_path,
        bundle=lambda: SimpleNamespace(schema=SCHEMA, manifest=manifest, model=HalfModel(), windows=None),
        columns=[SimpleNamespace(name="mail", personal="email"), SimpleNamespace(name="fee", personal=None)],
        load_rows=lambda part: frame(10) if part == "holdout" else pytest.fail("reads training rows"),
    )
    write_golden(project, lambda rows: rows[["fee"]])
    lines = [json.loads(line) for line in (tmp_path / "tests" / "golden.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == 10
    assert lines[2]["inputs"]["fee"] == pytest.approx(2.2)
    assert lines[2]["answer"] == {"prediction": pytest.approx(1.1), "model_version": "v003"}
