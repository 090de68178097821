from __future__ import annotations

import pytest
from automl_runtime.events import ignore
from automl_runtime.project import Project
from automl_runtime.project.training import TrainingRun
from automl_schemas.spec import DataSpec, MetricSpec, ProjectSpec, TargetSpec, TaskSpec, TrainingSpec


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
