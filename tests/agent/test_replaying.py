"""A project is built again, in its place and in a clone of its repository, and the outcome is the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from agent.members_project import copy_project, edit, git, make_project, state
from automl_agent.creating import create
from automl_agent.drafting import DraftOptions, draft
from automl_agent.replaying import replay
from automl_agent.updating import check
from automl_runtime.errors import BundleError, DataError, RequestError

from tests.runtime.registry.test_bundle import resigned

slow = pytest.mark.slow


def _houses(folder: Path) -> None:
    rng = np.random.default_rng(0)
    area, grade = rng.uniform(30, 200, 300), rng.choice(list("ABC"), 300)
    price = area * 2000 + (grade == "A") * 50_000 + rng.normal(0, 9_000, 300)
    table = pd.DataFrame({"house_no": range(300), "area": area.round(1), "grade": grade, "price": price.round()})
    table.to_csv(folder / "houses.csv", index=False, sep=";", decimal=",")


def _sales(folder: Path) -> None:
    rng, days = np.random.default_rng(0), pd.date_range("2023-01-01", periods=200)
    sold = 50 + 9 * (days.day_of_week == 5) + rng.normal(0, 2, 200)
    pd.DataFrame({"day": days.strftime("%d.%m.%Y"), "sold": sold.round(1)}).to_csv(folder / "sales.csv", index=False)


def _payments(folder: Path) -> None:
    rng, strange = np.random.default_rng(2), np.arange(200) % 25 == 3
    euros = np.where(strange, 900 + 50 * rng.random(200), rng.normal(12, 3, 200)).round(2)
    hour = np.where(strange, 3, rng.integers(11, 15, 200))
    table = pd.DataFrame({"payment_no": range(7000, 7200), "euros": euros, "hour": hour})
    table.to_csv(folder / "payments.csv", index=False)


def _visitors(folder: Path) -> None:
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 3, 200)
    spent = np.array([10, 50, 200])[kind] + rng.normal(0, 4, 200)
    stayed = np.array([30, 4, 12])[kind] + rng.normal(0, 1.5, 200)
    table = pd.DataFrame({"visitor_no": range(200), "spent": spent.round(2), "stayed": stayed.round(1)})
    table.assign(ticket=np.array(["day", "week", "year"])[kind]).to_csv(folder / "visitors.csv", index=False)


MADE = {
    "anomalies": (_payments, "find the strangest 4 % of the payments"),
    "clusters": (_visitors, "group the visitors into segments"),
    "forecast": (_sales, "forecast sold for the next 7 days"),
    "regression": (_houses, "predict the price of a house"),
}


@pytest.mark.parametrize(
    "task", ["anomalies", *(pytest.param(name, marks=slow) for name in ("clusters", "forecast", "regression"))]
)
def test_a_timed_project_is_replayed_in_a_clone_of_its_repository(task, tmp_path):
    write, request = MADE[task]
    (tmp_path / "raw").mkdir()
    write(tmp_path / "raw")
    create(draft(request, DraftOptions(data=tmp_path / "raw", budget_seconds=4)), tmp_path / "project", vendor=False)
    git(tmp_path, "clone", "-q", "project", "clone")
    shutil.rmtree(tmp_path / "project")
    done = replay(tmp_path / "clone")
    assert done.comparison.differences == []
    assert done.trials > 0
    assert check(tmp_path / "clone").files == []
    assert git(tmp_path / "clone", "status", "--porcelain") == ""


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Path:
    """A project whose model was found by the clock."""
    return make_project(tmp_path_factory.mktemp("made"), budget_seconds=12)


@pytest.fixture
def project(searched, tmp_path) -> Path:
    return copy_project(searched, tmp_path)


@slow
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


@slow
def test_edits_take_part_and_what_they_change_is_told(project):
    [custom] = project.glob("src/*/custom_features.py")
    edit(custom, "    return features\n", "    return features.assign(vip=rows['VIP'].astype(float))\n")
    done = replay(project)
    assert done.edited == [custom.relative_to(project).as_posix()]
    assert not done.identical
    assert any(line.startswith("models/v001/manifest.json") for line in done.comparison.differences)
    assert any(line.startswith("differs: models/v001") for line in done.lines())


@slow
def test_changed_data_are_told(project):
    members = project.parent / "raw" / "members.csv"
    members.write_text("".join(members.read_text().splitlines(keepends=True)[:-5]))
    done = replay(project)
    assert {"data/catalog.json", "data/manifest.json"} <= {line.split(":")[0] for line in done.comparison.differences}


@slow
def test_a_list_that_was_tampered_with_is_refused(project):
    edit(project / "models" / "v001" / "trials.jsonl", '"seed": 0', '"seed": 1')
    before = state(project)
    with pytest.raises(BundleError, match=r"'trials\.jsonl' .* was changed after it was signed"):
        replay(project)
    assert state(project) == before


@slow
def test_a_project_of_an_older_automl_is_replayed_by_its_run_and_refused_without_it(project):
    bundle = project / "models" / "v001"
    (bundle / "trials.jsonl").unlink()

    def unlist(document):
        document["files"] = [file for file in document["files"] if file["path"] != "trials.jsonl"]

    resigned(bundle, unlist)
    done = replay(project)
    differing = [line.split(":")[0] for line in done.comparison.differences]
    assert differing == ["models/v001/manifest.json", "models/v001/trials.jsonl"]
    assert done.before.holdout == done.after.holdout
    shutil.rmtree(project / "experiments")
    with pytest.raises(DataError, match="older automl and holds no list"):
        replay(project)


@slow
def test_without_the_data_it_is_refused(project):
    shutil.rmtree(project.parent / "raw")
    with pytest.raises(DataError, match="does not exist"):
        replay(project)


@slow
def test_a_taken_folder_is_refused(project):
    with pytest.raises(RequestError, match="not empty"):
        replay(project, out=project.parent / "raw")


@slow
def test_a_fixed_number_of_trials_needs_no_record(tmp_path):
    project = make_project(tmp_path, trials=2)
    shutil.rmtree(project / "experiments")
    done = replay(project)
    assert (done.comparison.differences, done.trials) == ([], None)
