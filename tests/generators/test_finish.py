from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from automl_generators import project as rendering
from automl_generators.project import finish_project, render_project
from automl_runtime.errors import BundleError, RequestError
from automl_runtime.registry.aliases import set_alias
from automl_runtime.registry.bundle import write_bundle
from automl_schemas.bundle import InputSchema


class FixedModel:
    """What `write_bundle` asks of a model; it saves 100 bytes."""

    task = "binary"
    metric = "roc_auc"
    classes = ("No", "Yes")
    positive = "Yes"
    threshold = 0.5
    threshold_by = "f1"
    features = ("fee",)

    def save(self, path: Path) -> list[Path]:
        (path / "model.txt").write_bytes(b"x" * 100)
        return [path / "model.txt"]


@pytest.fixture(autouse=True)
def own_key(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_SIGNING_KEY", str(tmp_path / "key"))


@pytest.fixture
def trained(plan, tmp_path) -> Path:
    folder = tmp_path / "project"
    render_project(folder, plan, vendor=False)
    model: Any = FixedModel()
    write_bundle(model, InputSchema(columns=[]), folder / "models" / "v001", version="v001", target="t", created="now")
    set_alias(folder / "models", "production", "v001")
    return folder


def test_the_signing_key_is_trusted_in_every_clone(trained):
    assert finish_project(trained) == []
    keys = (trained / ".automl" / "trusted_keys").read_text(encoding="utf-8").split()
    manifest = json.loads((trained / "models" / "v001" / "manifest.json").read_text(encoding="utf-8"))
    assert keys == [manifest["signature"]["public_key"]]
    assert "/models/v" not in (trained / ".gitignore").read_text(encoding="utf-8")


def test_a_large_bundle_is_ignored_with_a_message(trained, monkeypatch):
    monkeypatch.setattr(rendering, "LARGEST_BUNDLE", 50)
    (warning,) = finish_project(trained)
    assert "models/v001" in warning and "make data train evaluate" in warning
    assert finish_project(trained) == [warning]
    text = (trained / ".gitignore").read_text(encoding="utf-8")
    assert text.count("/models/v001/\n") == 1
    assert "# 0 MB: too large for git; `make data train evaluate` makes a model.\n" in text


def test_a_changed_bundle_is_refused(trained):
    (trained / "models" / "v001" / "model" / "model.txt").write_bytes(b"y" * 100)
    with pytest.raises(BundleError, match="changed"):
        finish_project(trained)


def test_a_project_without_a_model_is_refused(plan, tmp_path):
    render_project(tmp_path / "project", plan, vendor=False)
    with pytest.raises(RequestError, match="in production"):
        finish_project(tmp_path / "project")
