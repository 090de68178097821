from __future__ import annotations

import subprocess

import pytest
from agent.tools.conftest import call, ended
from automl_agent.tools import ToolError

HEAVY = '''
def heavy_and_far(rows: pd.DataFrame) -> pd.Series:
    """Weight times distance."""
    return rows["weight_kg"] * rows["distance_km"]
'''


def commits(space, name):
    done = subprocess.run(
        ["git", "-C", space.root / name, "log", "--format=%s"], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_features_are_judged_and_nothing_is_changed(project):
    space, name = project
    state = ended(space, call(space, "propose_features", project=name, code=[HEAVY], most=1))
    assert state.status == "completed", state
    verdicts = {verdict.name: verdict for verdict in state.result.features}
    assert verdicts["heavy_and_far"].by == "model"
    assert "network" in verdicts["heavy_and_far"].isolation
    assert not any(verdict.kept for verdict in verdicts.values())
    assert len(commits(space, name)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "import os",
        'def f(rows: pd.DataFrame) -> pd.Series:\n    """X."""\n    return open("/etc/passwd")',
        'def f(rows: pd.DataFrame) -> pd.Series:\n    """X."""\n    return rows["no such column"]',
    ],
)
def test_code_that_is_not_allowed_is_refused_before_a_run_starts(made, code):
    space, state = made
    before = len(call(space, "list_runs").runs)
    with pytest.raises(ToolError) as caught:
        call(space, "propose_features", project=state.result.project, code=[code])
    assert caught.value.blame == "fix"
    assert len(call(space, "list_runs").runs) == before


def test_a_feature_said_in_words_becomes_part_of_the_project(project):
    space, name = project
    words = "ratio of weight to distance"
    state = ended(space, call(space, "add_feature", project=name, feature=words, keep=True, train=False))
    assert state.status == "completed", state
    [verdict] = state.result.features
    assert verdict.kept
    assert state.result.commit
    assert len(commits(space, name)) == 2


def test_an_update_is_shown_and_made(project):
    space, name = project
    wanted = {"project": name, "request": "predict whether a parcel arrives late, AUC above 0.7"}
    shown = ended(space, call(space, "update_project", **wanted, dry_run=True))
    assert shown.status == "completed", shown
    assert shown.result.branch is None
    assert any("0.7" in line for line in shown.result.diff)
    assert len(commits(space, name)) == 1
    done = ended(space, call(space, "update_project", **wanted))
    assert done.status == "completed", done
    assert (done.result.branch, done.result.conflicts) == ("automl/update-1", [])
    assert "project.yaml" in done.result.changed
    assert call(space, "get_report", project=name).request.endswith("AUC above 0.7")
