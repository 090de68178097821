"""A version with smaller weights is judged beside the one that it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.label_lists import label_flags
from automl_runtime.engine.fit import fit
from automl_runtime.errors import RequestError
from automl_runtime.inference.quantising import Quantised
from automl_runtime.project.layout import Project
from automl_runtime.project.quantising import quantise_version
from automl_runtime.registry.aliases import read_aliases, set_alias
from automl_runtime.registry.bundle import write_bundle
from automl_schemas.bundle import InputColumn, InputSchema, TrainingSummary
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.lineage import DataManifest
from automl_schemas.spec import DataSpec, MetricSpec, ProjectSpec, TargetSpec, TaskSpec

SCHEMA = InputSchema(
    columns=[InputColumn(name=name, type="number", plan=ColumnPlan(column=name, type="number")) for name in "ab"]
)
FEATURES = "KINDS = {'a': 'number', 'b': 'number'}\nINPUTS = ['a', 'b']\n\n\ndef build_features(rows):\n    return rows[INPUTS]\n"


def rows(seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    table = pd.DataFrame(draw.normal(size=(300, 2)), columns=list("ab"))
    return table.assign(y=np.where(table["a"] - table["b"] + draw.normal(size=300) > 0, "yes", "no"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(Project, "load_rows", lambda self, part: rows(1))
    root = tmp_path / "project"
    (root / "src" / "smaller").mkdir(parents=True)
    (root / "src" / "smaller" / "__init__.py").touch()
    (root / "src" / "smaller" / "features.py").write_text(FEATURES)
    (root / "data").mkdir()
    (root / "data" / "manifest.json").write_text(DataManifest(source="..", files=[]).model_dump_json())
    spec = ProjectSpec(
        name="smaller",
        request="x",
        task=TaskSpec(type="binary", entity="row"),
        target=TargetSpec(table="t", column="y", positive="yes"),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source="."),
    )
    return Project(root, spec)


def labelled(seed: int) -> pd.DataFrame:
    """Rows that may have the labels `up` and `wide`; all have `row`."""
    table = rows(seed)
    up, wide = np.where(table["y"] == "yes", "up|", ""), np.where(table["b"].abs() > 1, "wide|", "")
    return table.assign(y=pd.Series(up) + wide + "row")


def publish(project: Project, family: str) -> None:
    model: Any
    if project.spec.task.type == "multilabel":
        table = labelled(0)
        flags = label_flags(table.pop("y"), ["up", "wide", "row"])
        model = fit(table, flags, models=[family], trials=1, folds=2, task="multilabel")
    else:
        model = fit(rows(0), "y", models=[family], trials=1, folds=2, positive="yes")
    training = TrainingSummary(
        run_id="run_001",
        data_sha256="0" * 64,
        rows=300,
        seconds=1.0,
        cv=model.cv,
        best_model=model.best_model,
        trials=1,
        leaderboard=model.leaderboard(),
    )
    place = project.root / "models" / "v001"
    write_bundle(
        model, SCHEMA, place, version="v001", target="y", created="2025-01-01T00:00:00+00:00", training=training
    )
    set_alias(project.root / "models", "production", "v001")


@pytest.mark.parametrize("family", ["linear", "network"])
def test_the_new_version_is_smaller_about_as_good_and_not_promoted(project: Project, family: str) -> None:
    publish(project, family)
    before, after = quantise_version(project, "int8")
    assert (before.version, after.version) == ("v001", "v002")
    assert abs(before.score - after.score) < 0.01
    if family == "network":
        assert after.model_bytes < before.model_bytes / 2
    assert min(before.record_us, after.record_us) > 0
    assert read_aliases(project.root / "models") == {"production": "v001"}
    bundle = project.bundle("v002")
    assert bundle.manifest.training == project.bundle("v001").manifest.training
    with pytest.raises(RequestError, match="v002 is quantised already"):
        quantise_version(project, "int8", "v002")


@pytest.fixture
def project_of_labels(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(Project, "load_rows", lambda self, part: labelled(1))
    spec = project.spec
    target = TargetSpec(table="t", column="y", labels=["up", "wide", "row"], separator="|")
    task = TaskSpec(type="multilabel", entity="row")
    metric = MetricSpec(name="f1")
    return Project(project.root, spec.model_copy(update={"task": task, "target": target, "metric": metric}))


@pytest.mark.parametrize("family", ["linear", "network"])
def test_the_models_of_several_labels_are_quantised_each(project_of_labels: Project, family: str) -> None:
    project = project_of_labels
    publish(project, family)
    before, after = quantise_version(project, "int8")
    assert (before.version, after.version) == ("v001", "v002")
    assert abs(before.score - after.score) < 0.02
    if family == "network":
        assert after.model_bytes < before.model_bytes / 2
    assert min(before.record_us, after.record_us) > 0
    large, small = project.bundle("v001").model, project.bundle("v002").model
    parts = [part for head in small.heads.values() for member in head.members for part in member.parts]
    assert all(isinstance(part.predictor, Quantised) for part in parts)
    assert small.thresholds == large.thresholds
    frame = rows(1)[["a", "b"]]
    found, wanted = small.predict_proba(frame), large.predict_proba(frame)
    assert 0 < np.abs(found - wanted).to_numpy().max() < 0.05
    assert list(small.predict_record(frame.iloc[0].to_dict()).values()) == pytest.approx(
        found.iloc[0].tolist(), abs=1e-9
    )
    with pytest.raises(RequestError, match="v002 is quantised already"):
        quantise_version(project, "int8", "v002")


def test_labels_told_by_trees_have_nothing_to_be_quantised(project_of_labels: Project) -> None:
    publish(project_of_labels, "lightgbm")
    with pytest.raises(RequestError, match="no linear model and no network"):
        quantise_version(project_of_labels, "int8")


def test_a_model_of_trees_has_nothing_to_be_quantised(project: Project) -> None:
    publish(project, "lightgbm")
    with pytest.raises(RequestError, match="no linear model and no network"):
        quantise_version(project, "float16")
    assert [place.name for place in (project.root / "models").glob("v*")] == ["v001"]
