from __future__ import annotations

import pytest
from automl_agent.listing import metrics_of, projects_below, runs_below
from automl_runtime.errors import DataError
from automl_runtime.tracking.runs import RunFolder


@pytest.fixture
def workspace(tmp_path):
    for name in ("anna/leaving", "bert/prices"):
        (tmp_path / "projects" / name).mkdir(parents=True)
        (tmp_path / "projects" / name / "project.yaml").touch()
    with RunFolder.create(tmp_path / "projects" / "bert/prices" / "experiments", "rmse"):
        pass
    return tmp_path


def test_projects_are_found_below_a_workspace(workspace):
    assert [path.name for path in projects_below(workspace)] == ["leaving", "prices"]


def test_runs_come_with_their_project(workspace):
    [(project, record)] = runs_below(workspace)
    assert project.name == "prices"
    assert (record.status, record.metric) == ("completed", "rmse")


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_projects_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=name):
        projects_below(tmp_path / name)


def test_a_project_that_was_not_evaluated_says_what_to_do(workspace):
    project = workspace / "projects" / "anna" / "leaving"
    with pytest.raises(DataError, match="make evaluate"):
        metrics_of(project)
    (project / "reports").mkdir()
    (project / "reports" / "metrics.json").write_text("{}")
    with pytest.raises(DataError, match="not what"):
        metrics_of(project)
