from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from automl_generators.git import commit_project
from automl_generators.project import render_project
from generators.conftest import plan_of, write_raw

REPLICAS = "deployment/kubernetes/autoscaler.yaml"


@pytest.fixture
def project(tmp_path) -> Path:
    """A committed project without a model."""
    write_raw(tmp_path / "raw")
    render_project(tmp_path / "project", plan_of(tmp_path / "raw"), vendor=False)
    commit_project(tmp_path / "project", "Add")
    return tmp_path / "project"


def edit(project: Path, name: str, old: str, new: str) -> None:
    path = project / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    command = ["git", "-c", "user.name=U", "-c", "user.email=u@x", "commit", "-qam", "Edit"]
    subprocess.run(command, cwd=project, check=True)


def ask_for_more(project: Path) -> None:
    edit(project, "project.yaml", "requests_per_day: null", "requests_per_day: 9000000")


def test_check_says_that_a_project_is_up_to_date(automl, project):
    code, out, _ = automl("check", str(project))
    assert (code, out) == (0, f"{project} is up to date with automl 0.1.0.\n")


def test_check_says_what_an_update_would_change(automl, project):
    ask_for_more(project)
    code, out, _ = automl("check", str(project))
    assert code == 1
    assert REPLICAS in out
    code, out, _ = automl("check", str(project), "--json")
    assert code == 1
    assert json.loads(out)["files"] == [REPLICAS]
    assert json.loads(out)["behind"] is True


def test_check_tells_conflicts(automl, project):
    ask_for_more(project)
    edit(project, REPLICAS, "minReplicas: 2", "minReplicas: 5")
    code, out, _ = automl("check", str(project))
    assert code == 1
    assert "minReplicas: 5" in out


def test_a_dry_run_prints_the_diff(automl, project):
    ask_for_more(project)
    code, out, err = automl("update", str(project), "--dry-run")
    assert code == 0
    assert "+  minReplicas: 11" in out
    assert "would train no model is here" in err
    assert (project / REPLICAS).read_text().count("minReplicas: 2") == 1


def test_a_conflict_is_exit_code_4_and_explained(automl, project):
    ask_for_more(project)
    edit(project, REPLICAS, "minReplicas: 2", "minReplicas: 5")
    code, _, err = automl("update", str(project))
    assert code == 4
    for said in (
        REPLICAS,
        "you have:",
        "minReplicas: 5",
        "the update wants:",
        "minReplicas: 11",
        "git switch automl/update-1",
    ):
        assert said in err


def test_a_conflict_is_told_in_json_too(automl, project):
    ask_for_more(project)
    edit(project, REPLICAS, "minReplicas: 2", "minReplicas: 5")
    code, out, _ = automl("update", str(project), "--json")
    answer = json.loads(out)
    assert (code, answer["branch"], answer["conflicts"][0]["path"]) == (4, "automl/update-1", REPLICAS)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["update"], 2, "PROJECT"),
        (["update", "{project}", "--answer", "nonsense"], 2, "id=value"),
        (["update", "{project}", "--budget", "soon"], 2, "duration"),
        (["update", "{project}", "--data", "/nowhere"], 3, "/nowhere"),
        (["update", "{project}/.."], 3, "project.yaml"),
        (["check", "/nowhere"], 3, "project.yaml"),
        (["replay", "{project}", "--out", "{project}"], 2, ""),
        (["replay", "/nowhere"], 3, "project.yaml"),
    ],
)
def test_what_cannot_be_done_is_said(automl, project, arguments, code, said):
    got, _, err = automl(*(argument.format(project=project) for argument in arguments))
    assert (got, said.casefold() in err.casefold()) == (code, True), err


def test_a_dirty_tree_is_refused(automl, project):
    (project / "notes.txt").write_text("x")
    code, _, err = automl("update", str(project))
    assert code == 2
    assert "notes.txt" in err
