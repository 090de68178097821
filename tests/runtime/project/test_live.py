from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.errors import BundleError
from automl_runtime.project.code import code_sha256
from automl_runtime.project.layout import Project
from automl_runtime.project.live import ProjectModel
from automl_runtime.registry.aliases import set_alias
from automl_runtime.registry.bundle import write_bundle
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
