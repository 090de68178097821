"""A signing key of our own and a model small enough to read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from automl_runtime.registry import bundle as bundles
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan


@dataclass
class TinyModel:
    """Says `yes` when `dose` is above 10."""

    task: Any = "binary"
    metric: Any = "roc_auc"
    classes: Any = field(default_factory=lambda: ["no", "yes"])
    positive: Any = "yes"
    threshold: float | None = 0.5
    threshold_by: str | None = "f1"
    features: list[str] = field(default_factory=lambda: ["dose", "ward"])

    def save(self, path: Path) -> list[Path]:
        (path / "trees").mkdir()
        (path / "model.json").write_text(json.dumps({"above": 10}))
        (path / "trees" / "one.txt").write_text("tree")
        return [path / "model.json", path / "trees" / "one.txt"]

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        yes = (frame["dose"] > 10) * 0.8 + 0.1
        return pd.DataFrame({"no": 1 - yes, "yes": yes})


def tiny_schema() -> InputSchema:
    return InputSchema(
        columns=[
            InputColumn(name="dose", type="number", plan=ColumnPlan(column="dose", type="number"), example=12.5),
            InputColumn(name="ward", type="category", plan=ColumnPlan(column="ward", type="category"), example="A"),
        ]
    )


@pytest.fixture
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys" / "signing.key"
    monkeypatch.setenv("AUTOML_SIGNING_KEY", str(path))
    return path


@pytest.fixture
def bundle_folder(tmp_path: Path, own_key: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`models/v001` of a tiny model, signed with our key; `load` gives the tiny model back."""

    def load(path: Path) -> TinyModel:
        json.loads((path / "model.json").read_text())
        return TinyModel()

    monkeypatch.setattr(bundles, "load", load)
    folder = tmp_path / "models" / "v001"
    bundles.write_bundle(
        TinyModel(), tiny_schema(), folder, version="v001", target="cured", created="2025-01-01T00:00:00+00:00"
    )
    return folder
