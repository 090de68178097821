from __future__ import annotations

import json

import pytest
from automl_generators.ownership import generator_name
from automl_generators.project import Environment, render_project
from automl_generators.update.recorded import recorded_environment, recorded_plan, renders_vendor
from automl_runtime.errors import DataError
from automl_runtime.project import Project
from generators.conftest import plan_of, write_raw


@pytest.fixture
def project(tmp_path) -> Project:
    write_raw(tmp_path / "raw")
    render_project(tmp_path / "project", plan_of(tmp_path / "raw"), vendor=False)
    return Project.load(tmp_path / "project")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_project_rendered_from_its_records_is_the_same(project, tmp_path):
    again = tmp_path / "again"
    vendor, environment = renders_vendor(project), recorded_environment(project)
    render_project(again, recorded_plan(project), vendor=vendor, environment=environment)
    assert contents(again) == contents(project.root)


def test_what_project_yaml_drops_is_no_feature(project):
    path = project.root / "project.yaml"
    path.write_text(path.read_text().replace("column: Plan\n", "column: Fee\n"))
    columns = [column.name for column in recorded_plan(Project.load(project.root)).columns]
    assert "Fee" not in columns
    assert "Plan" in columns


def test_a_table_that_is_not_known_is_named(project):
    path = project.root / "project.yaml"
    path.write_text(path.read_text().replace("name: visits", "name: walks").replace("child: visits", "child: walks"))
    with pytest.raises(DataError, match="walks"):
        recorded_plan(Project.load(project.root))


@pytest.mark.parametrize("name", ["catalog", "lineage", "manifest"])
def test_a_missing_record_is_named(project, name):
    (project.root / "data" / f"{name}.json").unlink()
    with pytest.raises(DataError, match=f"{name}.json"):
        recorded_plan(Project.load(project.root))


def with_manifest(project, **changes):
    path = project.root / ".automl" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_environment_is_that_of_the_model_as_long_as_the_generator_is_the_same(project):
    assert recorded_environment(project) == Environment.here()
    with_manifest(project, rendered={"python": "3.99"})
    assert recorded_environment(project).python == "3.99"
    with_manifest(project, generator=f"{generator_name()}.post1")
    assert recorded_environment(project) is None


def test_a_project_that_records_no_examples_has_those_of_its_model(trained):
    project = Project.load(trained)
    recorded = {column.name: column.example for column in recorded_plan(project).schema.columns}
    assert recorded["VIP"] is False
    assert recorded["Fee"] > 0
