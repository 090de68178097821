from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from automl_runtime.data.parsing import clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.engine.fit import fit
from automl_runtime.errors import BundleError
from automl_runtime.project.code import code_of, code_sha256
from automl_runtime.project.layout import Project
from automl_runtime.project.live import ProjectModel
from automl_runtime.registry.aliases import set_alias
from automl_runtime.registry.bundle import write_bundle
from automl_runtime.serving.scorer import Limits, Scorer
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

SCHEMA = InputSchema(columns=[InputColumn(name="a", type="number", plan=ColumnPlan(column="a", type="number"))])
FEATURES = "KINDS = {'a': 'number'}\nINPUTS = ['a']\n\n\ndef build_features(rows):\n    return rows.assign(a=rows['a'] * FACTOR)\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    code = tmp_path / "src" / "shop"
    code.mkdir(parents=True)
    (code / "__init__.py").touch()
    (code / "features.py").write_text(f"FACTOR = 1\n{FEATURES}")
    return Project(tmp_path, None)  # type: ignore[arg-type] -- the spec plays no part


def publish(project: Project, version: str) -> None:
    rows = pd.DataFrame({"a": range(40), "y": ["no", "yes"] * 20})
    model = fit(rows, "y", models=["tree"], trials=1)
    write_bundle(
        model,
        SCHEMA,
        project.root / "models" / version,
        version=version,
        target="y",
        created="2025-01-01T00:00:00+00:00",
        features_sha256=code_sha256(project.root),
    )
    set_alias(project.root / "models", "production", version)


def test_the_alias_is_followed_with_the_code_that_there_is(project: Project) -> None:
    publish(project, "v001")
    source = ProjectModel(project)
    first = source.stamp()
    bundle, features, _ = source.open()
    assert bundle.manifest.model_version == "v001"
    assert features(pd.DataFrame({"a": [3]}))["a"].tolist() == [3]
    (project.root / "src" / "shop" / "features.py").write_text(f"FACTOR = 10\n{FEATURES}")
    publish(project, "v002")
    assert source.stamp() != first
    bundle, features, _ = source.open()
    assert bundle.manifest.model_version == "v002"
    assert features(pd.DataFrame({"a": [3]}))["a"].tolist() == [30]


def test_a_version_of_other_features_is_refused(project: Project) -> None:
    publish(project, "v001")
    (project.root / "src" / "shop" / "custom_features.py").write_text("def add_features(features, rows): ...\n")
    publish(project, "v002")
    set_alias(project.root / "models", "production", "v001")
    with pytest.raises(BundleError, match="other features"):
        ProjectModel(project).open()


def test_before_the_first_model_there_is_nothing_to_follow(project: Project) -> None:
    source = ProjectModel(project)
    assert source.stamp() is None
    with pytest.raises(BundleError, match="in production"):
        source.open()


def test_the_hash_of_the_code_is_that_of_its_bytes(project: Project, tmp_path: Path) -> None:
    before = code_sha256(project.root)
    assert code_sha256(tmp_path / "nothing") is None
    features = project.root / "src" / "shop" / "features.py"
    os.utime(features, (0, 0))
    assert code_sha256(project.root) == before
    features.write_text(features.read_text() + "\n")
    assert code_sha256(project.root) != before


OWN = """
import numpy as np

def add_features(features, rows):
    weekend = rows["day"].dt.day_of_week >= 5
    return features.assign(log_fee=np.log1p(rows["fee"].clip(lower=0)), dear_weekend=weekend & (rows["fee"] > 500))
"""
BUILD = """
from shop.custom_features import add_features

KINDS = {"fee": "number", "dear_weekend": "boolean", "log_fee": "number"}
INPUTS = ["fee", "day"]


def build_features(rows):
    return add_features(rows[["fee"]], rows)
"""


def test_features_of_one_s_own_have_the_same_values_in_training_and_in_serving(project: Project) -> None:
    code, draw = project.root / "src" / "shop", np.random.default_rng(0)
    (code / "custom_features.py").write_text(OWN)
    (code / "features.py").write_text(BUILD)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(draw.integers(0, 365, 1_000), unit="D")
    raw = {
        "fee": ["n/a" if fee < 60 else f"${fee:,.2f}" for fee in draw.lognormal(6, 1, 1_000)],
        "day": [day.strftime("%d.%m.%Y") for day in days],
    }
    plans = {name: infer_plan(name, pa.array(cells)) for name, cells in raw.items()}
    arrays = [clean_values(pa.array(cells), plans[name]).values for name, cells in raw.items()]
    clean = pa.table([arrays[0], arrays[1].cast(pa.timestamp("us"))], names=list(raw)).to_pandas()
    schema = InputSchema(columns=[InputColumn(name=name, type=plan.type, plan=plan) for name, plan in plans.items()])
    build = code_of(project).build
    trained = build(clean)
    model = fit(trained.assign(y=clean["fee"].fillna(0) > 400), "y", models=["tree"], trials=1)
    told = {"version": "v001", "target": "y", "created": "2025-01-01T00:00:00+00:00"}
    write_bundle(model, schema, project.root / "models" / "v001", **told, features_sha256=code_sha256(project.root))
    set_alias(project.root / "models", "production", "v001")

    bundle, features, of_record = ProjectModel(project).open()
    seen: list[pd.DataFrame] = []
    scorer = Scorer(bundle, lambda rows: seen.append(features(rows)) or seen[-1], Limits(), of_record)
    records = [dict(zip(raw, row, strict=True)) for row in zip(*raw.values(), strict=True)]
    for first in (*range(20), *range(20, 1_000, 140)):
        assert scorer.predict(records[first : first + (1 if first < 20 else 140)])
    assert of_record is None
    served = pd.concat(seen, ignore_index=True)
    pd.testing.assert_frame_equal(served, trained, check_dtype=False)
    assert trained["dear_weekend"].any() and trained["log_fee"].isna().any()
