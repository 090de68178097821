from __future__ import annotations

import pytest
from automl_agent.tools import ToolError, Workspace


def test_a_missing_workspace_is_made(tmp_path):
    assert Workspace.open(tmp_path / "a" / "b").root.is_dir()


def test_a_file_is_no_workspace(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match="cannot be made") as caught:
        Workspace.open(tmp_path / "file")
    assert caught.value.blame == "ask_user"


@pytest.mark.parametrize(
    "path", ["../outside.csv", "/etc/passwd", "data/../../outside.csv", "way_out/outside.csv", "~"]
)
def test_where_reading_is_limited_nothing_outside_is_read(workspace, tmp_path, path):
    (tmp_path / "outside.csv").write_text("a,b\n1,2\n")
    (workspace.root / "way_out").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="outside the folders") as caught:
        workspace.source(path)
    assert caught.value.blame == "ask_user"


def test_folders_that_are_allowed_are_read(tmp_path):
    (tmp_path / "data").mkdir()
    space = Workspace.open(tmp_path / "space", readable=[tmp_path / "data"])
    assert space.source(str(tmp_path / "data")) == tmp_path / "data"
    with pytest.raises(ToolError, match="outside"):
        space.source(str(tmp_path))


def test_without_limits_whatever_the_user_may_read_is_read(tmp_path):
    (tmp_path / "data.csv").write_text("a\n1\n")
    assert Workspace.open(tmp_path / "space").source("../data.csv") == tmp_path / "data.csv"


def test_what_does_not_exist_can_be_mended_by_the_caller(workspace):
    with pytest.raises(ToolError, match="does not exist") as caught:
        workspace.source("dta")
    assert caught.value.blame == "fix"


@pytest.mark.parametrize(
    "path", ["../out.csv", "/tmp/out.csv", ".automl/runs/x.csv", "projects/.git/config", "", "data"]
)
def test_nothing_is_written_outside_or_into_state(workspace, path):
    with pytest.raises(ToolError):
        workspace.output(path)


@pytest.mark.parametrize("name", ["../space2/project", "/etc", "nothing", "a\0b"])
def test_a_project_lies_in_the_workspace(workspace, tmp_path, name):
    (tmp_path / "space2" / "project").mkdir(parents=True)
    (tmp_path / "space2" / "project" / "project.yaml").write_text("")
    with pytest.raises(ToolError):
        workspace.project(name)


def test_a_link_to_a_project_elsewhere_is_no_project(workspace, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "project.yaml").write_text("")
    (workspace.root / "mine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ToolError, match="outside"):
        workspace.project("mine")


def test_a_project_is_found_by_its_last_name_unless_two_have_it(workspace):
    for user in ("ann", "bob"):
        (workspace.root / "projects" / user / "shared").mkdir(parents=True)
        (workspace.root / "projects" / user / "shared" / "project.yaml").write_text("")
    (workspace.root / "projects" / "ann" / "hers").mkdir()
    (workspace.root / "projects" / "ann" / "hers" / "project.yaml").write_text("")
    assert workspace.name_of(workspace.project("hers")) == "projects/ann/hers"
    with pytest.raises(ToolError, match="more than one"):
        workspace.project("shared")


@pytest.mark.parametrize("path", ["x" * 5000, "a/" * 3000, "a\0b"])
def test_what_is_no_path_is_said_so(workspace, path):
    for resolve in (workspace.source, workspace.project, workspace.output):
        with pytest.raises(ToolError) as caught:
            resolve(path)
            resolve(f"{path}/x")
        assert len(str(caught.value)) < 400
