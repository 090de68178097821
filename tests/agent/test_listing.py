from __future__ import annotations

import pytest
from automl_agent.listing import metrics_of, projects_below, runs_below
from automl_runtime.errors import DataError, RequestError
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
    [listed] = runs_below(workspace)
    assert listed.place.name == "prices"
    assert (listed.run.status, listed.run.metric) == ("completed", "rmse")
    assert listed.to_json()["project"] == str(listed.place)


def test_runs_of_several_projects_are_filtered_and_sorted_together(workspace):
    scores = {"anna/leaving": [0.5, None], "bert/prices": [0.25]}
    for name, values in scores.items():
        for cv in values:
            with RunFolder.create(workspace / "projects" / name / "experiments", "rmse") as run:
                run.update(cv=cv)

    def cvs(**options):
        return [listed.run.cv for listed in runs_below(workspace, **options)]

    assert cvs() == [0.5, None, None, 0.25]
    assert cvs(sort="cv") == [0.25, 0.5, None, None]
    assert cvs(sort="-cv", where="cv != none") == [0.5, 0.25]
    with pytest.raises(RequestError, match="no field 'speed'"):
        cvs(sort="speed")


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
