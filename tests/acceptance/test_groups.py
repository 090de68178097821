"""Segments of customers from a folder of files to a served project, seen from outside."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from acceptance.gym import automl

ROWS = 240


def write_guests(folder, *, seed=5):
    """Guests of a hostel: three kinds that differ in what they spend, how long they stay and how they came."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    kind = rng.integers(0, 3, ROWS)
    table = pd.DataFrame(
        {
            "guest_id": np.arange(1000, 1000 + ROWS),
            "email": [f"guest{number}@mail.example" for number in range(ROWS)],
            "nights": np.array([2, 9, 25])[kind] + rng.integers(0, 3, ROWS),
            "spent": (np.array([60.0, 400.0, 150.0])[kind] + rng.normal(0, 15, ROWS)).round(2),
            "came_by": np.array(["train", "car", "bike"])[
                np.where(rng.random(ROWS) < 0.1, rng.integers(0, 3, ROWS), kind)
            ],
            "country_of_hostel": "PT",
        }
    )
    table.to_csv(folder / "guests.csv", index=False)
    return kind


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segments")
    kind = write_guests(folder / "raw")
    done = automl(
        "new", "group the guests into segments", "--data", folder / "raw", "--out", folder / "p", "--trials", "4",
        "--no-ask", "--json", cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "p", json.loads(done.stdout), kind


def test_nothing_is_predicted_and_what_names_a_guest_is_no_input(segments):
    project, answer, _ = segments
    spec = answer["spec"]
    assert (spec["task"]["type"], spec["target"], spec["metric"]["name"]) == ("clustering", None, "silhouette")
    schema = json.loads((project / "models" / "v001" / "schema.json").read_text(encoding="utf-8"))
    assert {column["name"] for column in schema["columns"]} == {"nights", "spent", "came_by"}


def test_the_kinds_of_guests_are_found_on_rows_that_were_sealed(segments):
    project, answer, kind = segments
    metrics = answer["metrics"]
    low, high = metrics["holdout_ci"]
    assert 0.4 < low <= metrics["holdout"] <= high
    done = automl(
        "predict", project, project.parent / "raw" / "guests.csv", "--output", project.parent / "out.csv", cwd=project
    )
    assert done.returncode == 0, done.stderr
    clusters = pd.read_csv(project.parent / "out.csv")["cluster"].to_numpy()
    of_kind = [pd.Series(clusters[kind == one]).value_counts(normalize=True) for one in range(3)]
    assert all(shares.iloc[0] > 0.95 for shares in of_kind)
    assert len({shares.index[0] for shares in of_kind}) == 3


def test_reasons_are_written_beside_the_cluster(segments):
    project, _, _ = segments
    out = project.parent / "why.jsonl"
    source = project.parent / "raw"
    assert automl("predict", project, source, "--output", out, "--explain", cwd=project).returncode == 0
    first = json.loads(out.read_text(encoding="utf-8").splitlines()[0])
    assert f"nearer to cluster {first['cluster']} than to" in first["reason_1"]


def test_the_report_shows_the_groups_and_no_personal_data(segments):
    project, _, _ = segments
    page = (project / "reports" / "report.html").read_text(encoding="utf-8")
    assert 'id="clusters"' in page
    assert page.count('class="dot cloud') > 20
    assert "mail.example" not in page
    assert "cross-valid" not in page
    assert list((project / "experiments").glob("*/plots/clusters.svg"))


def test_the_number_of_groups_is_taken_from_the_words(tmp_path):
    write_guests(tmp_path / "raw")
    done = automl(
        "new", "segment the guests into 5 groups", "--data", tmp_path / "raw", "--out", tmp_path / "p", "--trials", "1",
        "--no-ask", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spec"]["task"]["clusters"] == 5
    lines = (tmp_path / "p" / "reports" / "model_card.md").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.startswith("| cluster ")]) == 5


def test_wishes_that_a_clustering_cannot_fulfil_are_refused(tmp_path):
    write_guests(tmp_path / "raw")
    done = automl(
        "new", "group the guests into segments", "--data", tmp_path / "raw", "--out", tmp_path / "p", "--strategy",
        "random", "--no-ask", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    assert "strategy" in done.stderr
    assert not (tmp_path / "p").exists()
