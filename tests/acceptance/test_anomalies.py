"""Unusual payments from a file to a project that scores new ones, seen from outside."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from acceptance.gym import automl

ROWS = 600


def write_payments(path, *, seed=2):
    """Payments of a canteen, every twenty-fifth of which is far too high at night; the label is not known of all."""
    rng = np.random.default_rng(seed)
    strange = np.arange(ROWS) % 25 == 3
    table = pd.DataFrame(
        {
            "payment_no": np.arange(7000, 7000 + ROWS),
            "payer_email": [f"eater{number}@mail.example" for number in range(ROWS)],
            "euros": np.where(strange, 900 + 50 * rng.random(ROWS), rng.normal(12, 3, ROWS)).round(2),
            "hour": np.where(strange, rng.integers(1, 4, ROWS), rng.integers(11, 15, ROWS)),
            "counter": rng.choice(["north", "south"], ROWS),
            "reversed": np.where(np.arange(ROWS) % 10 == 9, "", np.where(strange, "yes", "no")),
        }
    )
    path.parent.mkdir(parents=True)
    table.to_csv(path, index=False)
    return strange


@pytest.fixture(scope="module")
def payments(tmp_path_factory):
    folder = tmp_path_factory.mktemp("payments")
    strange = write_payments(folder / "raw" / "payments.csv")
    words = "find the strangest 4 % of the payments, checked against reversed"
    done = automl("new", words, "--data", folder / "raw", "--out", folder / "p", "--no-ask", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "p", json.loads(done.stdout), strange


def test_the_label_judges_and_is_no_input(payments):
    project, answer, _ = payments
    assert answer["spec"]["task"]["contamination"] == 0.04
    assert answer["spec"]["target"]["column"] == "reversed"
    schema = json.loads((project / "models" / "v001" / "schema.json").read_text(encoding="utf-8"))
    assert {column["name"] for column in schema["columns"]} == {"euros", "hour", "counter"}
    metrics = answer["metrics"]
    assert metrics["holdout"] == metrics["scores"]["roc_auc"] > 0.95
    assert metrics["rows_train"] + metrics["rows_holdout"] == ROWS
    assert metrics["cv"] is None


def test_new_rows_get_score_flag_and_reasons(payments):
    project, _, strange = payments
    out = project.parent / "out.csv"
    done = automl("predict", project, project.parent / "raw" / "payments.csv", "--output", out, cwd=project)
    assert done.returncode == 0, done.stderr
    found = pd.read_csv(out)
    assert found["anomaly"][strange].mean() > 0.8
    assert found["anomaly"][~strange].mean() < 0.02
    assert found["reason_1"].notna().equals(found["anomaly"])


def test_the_report_names_the_strangest_rows_and_shows_nothing_personal(payments):
    project, _, _ = payments
    page = (project / "reports" / "report.html").read_text(encoding="utf-8")
    assert "payment_no = 7" in page
    assert "euros = 9" in page
    assert "mail.example" not in page


def test_without_a_label_no_score_is_claimed(tmp_path):
    write_payments(tmp_path / "raw" / "payments.csv")
    done = automl(
        "new", "find unusual payments, do not use reversed", "--data", tmp_path / "raw", "--out", tmp_path / "p",
        "--trials", "1", "--no-ask", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "No score is claimed" in done.stderr
    metrics = json.loads((tmp_path / "p" / "reports" / "metrics.json").read_text(encoding="utf-8"))
    assert (metrics["holdout"], metrics["holdout_ci"], metrics["cv"]) == (None, [None, None], None)
    assert 0 < metrics["flagged"] < 0.2
    assert yaml.safe_load((tmp_path / "p" / "project.yaml").read_text(encoding="utf-8"))["target"] is None
    told = automl("report", tmp_path / "p", cwd=tmp_path)
    assert told.stdout.startswith("No score is claimed")
    again = automl("train", tmp_path / "p", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


def test_a_project_is_made_again_from_its_own_spec(payments, tmp_path):
    project, answer, _ = payments
    done = automl(
        "new", project / "project.yaml", "--data", project.parent / "raw", "--out", tmp_path / "again", "--no-ask",
        "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)["metrics"]
    assert (again["holdout"], again["flagged"]) == (answer["metrics"]["holdout"], answer["metrics"]["flagged"])
