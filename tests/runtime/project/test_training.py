from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.training_columns import TrainingColumn
from automl_runtime.engine.fit import fit
from automl_runtime.events import ignore
from automl_runtime.inference.model import load
from automl_runtime.project import Project
from automl_runtime.project.training import TrainingRun
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.lineage import DataManifest
from automl_schemas.spec import DataSpec, DeploymentSpec, MetricSpec, ProjectSpec, TargetSpec, TaskSpec, TrainingSpec


@pytest.mark.parametrize(
    ("place", "trials", "memory"),
    [
        ("projects/ann/churn", None, ".automl"),
        ("projects/ann/churn", 3, None),
        ("churn", None, None),
        ("work/ann/churn", None, None),
    ],
)
def test_projects_of_a_workspace_share_a_memory(tmp_path, place, trials, memory):
    spec = ProjectSpec(
        name="churn",
        request="predict churn",
        task=TaskSpec(type="binary"),
        target=TargetSpec(table="rows", column="y"),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source="."),
        training=TrainingSpec(trials=trials),
    )
    run = TrainingRun(Project(root=tmp_path / place, spec=spec), on_event=ignore)
    assert run.memory == (None if memory is None else tmp_path / memory)


def made_column(name):
    return TrainingColumn(name, "rows", name, None, "number", ColumnPlan(column=name, type="number"), "number")


@pytest.mark.parametrize("inexact", [False, True])
def test_the_version_that_a_run_saves_knows_its_backends(tmp_path, monkeypatch, inexact):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    draw = np.random.default_rng(0)
    rows = pd.DataFrame(draw.normal(size=(200, 2)), columns=["a", "b"])
    rows["y"] = np.where(rows["a"] + draw.normal(size=200) > 0, "yes", "no")
    model = fit(rows, "y", trials=1, folds=2, models=["lightgbm"])
    root = tmp_path / "project"
    (root / "data").mkdir(parents=True)
    (root / "data" / "manifest.json").write_text(DataManifest(source="..", files=[]).model_dump_json())
    spec = ProjectSpec(
        name="churn",
        request="predict churn",
        task=TaskSpec(type="binary"),
        target=TargetSpec(table="rows", column="y"),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source="."),
        deployment=DeploymentSpec(inexact_backends=inexact),
    )
    monkeypatch.setattr(Project, "columns", [made_column(name) for name in "ab"])
    with TrainingRun(Project(root=root, spec=spec), on_event=ignore) as run:
        version = run.save(model, inputs=rows)
    [member] = load(root / "models" / version / "model").members
    told = {each.backend: each.refused for each in member.measured}
    assert list(told) == ["kernels", "single_row", "library", "onnx"]
    assert (told["onnx"] is None) == inexact
    assert len(member.chosen) == 3
