from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from agent.members_project import copy_project, edit, git, make_project, state
from automl_agent.replaying import replay
from automl_agent.updating import check
from automl_runtime.errors import DataError, RequestError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Path:
    """A project whose model was found by the clock."""
    return make_project(tmp_path_factory.mktemp("made"), budget_seconds=12)


@pytest.fixture
def project(searched, tmp_path) -> Path:
    return copy_project(searched, tmp_path)


def test_a_search_by_the_clock_is_repeated_trial_by_trial(project, tmp_path):
    before = state(project)
    done = replay(project, out=tmp_path / "other" / "again")
    assert done.comparison.differences == []
    assert done.comparison.first == done.comparison.second
    assert done.trials > 0
    assert (done.before.holdout, done.before.holdout_ci) == (done.after.holdout, done.after.holdout_ci)
    again = tmp_path / "other" / "again"
    assert "source: ../../raw" in (again / "project.yaml").read_text()
    assert git(again, "status", "--porcelain") == ""
    assert check(again).files == []
    shutil.rmtree(tmp_path / "other")
    assert state(project) == before


def test_edits_take_part_and_what_they_change_is_told(project):
    [custom] = project.glob("src/*/custom_features.py")
    edit(custom, "del rows\n    return features", "return features.assign(vip=rows['VIP'].astype(float))")
    done = replay(project)
    assert done.edited == [custom.relative_to(project).as_posix()]
    assert not done.identical
    assert any(line.startswith("models/v001/manifest.json") for line in done.comparison.differences)
    assert any(line.startswith("differs: models/v001") for line in done.lines())


def test_changed_data_are_told(project):
    members = project.parent / "raw" / "members.csv"
    members.write_text("".join(members.read_text().splitlines(keepends=True)[:-5]))
    done = replay(project)
    assert {"data/catalog.json", "data/manifest.json"} <= {line.split(":")[0] for line in done.comparison.differences}


def test_without_the_record_of_the_run_it_is_refused(project):
    shutil.rmtree(project / "experiments")
    before = state(project)
    with pytest.raises(DataError, match="not recorded here"):
        replay(project)
    assert state(project) == before


def test_without_the_data_it_is_refused(project):
    shutil.rmtree(project.parent / "raw")
    with pytest.raises(DataError, match="does not exist"):
        replay(project)


def test_a_taken_folder_is_refused(project):
    with pytest.raises(RequestError, match="not empty"):
        replay(project, out=project.parent / "raw")


def test_a_fixed_number_of_trials_needs_no_record(tmp_path):
    project = make_project(tmp_path, trials=2)
    shutil.rmtree(project / "experiments")
    done = replay(project)
    assert (done.comparison.differences, done.trials) == ([], None)
