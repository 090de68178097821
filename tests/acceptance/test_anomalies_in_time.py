"""Sensors of a plant from a file to a project that finds strange stretches of time, seen from outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from acceptance.gym import automl
from sklearn.metrics import roc_auc_score

HOURS = 480
SENSORS = ("Kiln", "Mill", "Press")
STRANGE = 14
REQUEST = "find unusual readings of each sensor, checked against defect"


def readings(hours=HOURS, sensors=SENSORS, seed=5, faults=True):
    """Daily waves; half a day in which the wave stands still at a usual number, once early and once late."""
    rng = np.random.default_rng(seed)
    step, parts = np.arange(hours), []
    at = pd.date_range("2024-02-01", periods=hours, freq="h")
    for number, sensor in enumerate(sensors):
        degrees = 40 + 10 * number + 5 * np.sin(2 * np.pi * step / 24 + number) + rng.normal(0, 0.4, hours)
        strange = np.zeros(hours, dtype=bool)
        for first in (180 + 20 * number, hours - 60 + 10 * number) if faults else ():
            strange[first : first + STRANGE] = True
            degrees[first : first + STRANGE] = degrees[first] + rng.normal(0, 0.4, STRANGE)
        written = np.where(step % 4 == 0, at.strftime("%d.%m.%Y %H:%M"), at.strftime("%Y-%m-%d %H:%M"))
        spelled = np.where(step % 17 == 0, sensor.upper(), sensor)
        kilowatts = 3 + (step % 24 > 6) + rng.normal(0, 0.1, hours)
        parts.append(
            pd.DataFrame({"measured": written, "sensor": spelled, "degrees": degrees.round(2),
                          "kilowatts": kilowatts.round(2), "defect": np.where(strange, "yes", "no")})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def write_plant(folder, **kwargs):
    """The readings, some of which are missing, twice, or of no readable time."""
    folder.mkdir(parents=True)
    rows = readings(**kwargs)
    kept = rows.drop(index=rows.index[::53])
    kept.loc[kept.index % 97 == 1, "measured"] = "no clock"
    pd.concat([kept, kept.iloc[5:12].assign(degrees=lambda found: found["degrees"] + 0.2)]).to_csv(
        folder / "plant.csv", index=False
    )


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plant")
    write_plant(folder / "raw")
    done = automl(
        "new",
        REQUEST,
        "--data",
        folder / "raw",
        "--out",
        folder / "p",
        "--trials",
        "3",
        "--no-ask",
        "--json",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout), done.stderr


def run(project, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def test_the_request_is_settled_on_the_data(plant):
    folder, answer, stderr = plant
    task = answer["spec"]["task"]
    assert (task["type"], task["time"], task["series"], task["frequency"], task["aggregate"]) == (
        "anomaly", "measured", ["sensor"], "hour", "mean",
    )  # fmt: skip
    assert {"anomalies", "series", "aggregate"} <= {question["id"] for question in answer["questions"]}
    assert "rows without a readable measured are left out" in stderr
    holdout, train = (
        pd.read_parquet(folder / "p" / "data" / "processed" / f"{part}.parquet") for part in ("holdout", "train")
    )
    assert train["measured"].max() < holdout["measured"].min()
    assert set(holdout["sensor"]) == set(SENSORS)


def test_usual_numbers_at_unusual_hours_are_found_far_better_than_by_rows(plant):
    folder, answer, _ = plant
    metrics = answer["metrics"]
    assert metrics["holdout"] == metrics["scores"]["roc_auc"] > 0.85
    holdout = pd.read_parquet(folder / "p" / "data" / "processed" / "holdout.parquet")
    extreme = (holdout["degrees"] - holdout.groupby("sensor")["degrees"].transform("median")).abs()
    assert roc_auc_score(holdout["defect"] == "yes", extreme) < 0.75


def test_the_report_draws_the_series_with_their_stretches(plant):
    folder, _, _ = plant
    page = (folder / "p" / "reports" / "report.html").read_text(encoding="utf-8")
    for words in ("Strange stretches", "sensor = Kiln", 'class="odd"', "degrees · sensor = "):
        assert words in page
    assert "look different in the holdout: <b>measured</b>" not in page


def test_the_generated_code_is_clean_and_its_tests_pass(plant):
    project = plant[0] / "p"
    for command in (["ruff", "check", "src", "tests"], ["ruff", "format", "--check", "src", "tests"], ["mypy"]):
        done = run(project, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "tests pass" in plant[2]


@pytest.fixture(scope="module")
def news(plant):
    """The 40 hours after the data, in which the mill stands still."""
    rows = readings(HOURS + 40, seed=6, faults=False).drop(columns="defect")
    later = rows.groupby(rows["sensor"].str.title()).tail(40)
    still = (later["sensor"].str.title() == "Mill").to_numpy() & (np.arange(len(later)) % 40 >= 20)
    calm = later.assign(degrees=np.where(still, later["degrees"][still].iloc[0], later["degrees"]))
    calm.to_csv(plant[0] / "news.csv", index=False)
    return calm, still


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_later_rows_are_looked_at_with_the_past_that_the_model_keeps(plant, news, suffix):
    folder, (rows, _) = plant[0], news
    source, out = folder / f"news{suffix}", folder / f"out{suffix}"
    {".csv": lambda: None, ".parquet": lambda: rows.to_parquet(source, index=False),
     ".jsonl": lambda: rows.to_json(source, orient="records", lines=True)}[suffix]()  # fmt: skip
    done = automl("predict", folder / "p", source, "--output", out, cwd=folder)
    assert done.returncode == 0, done.stderr
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet}.get(suffix, lambda path: pd.read_json(path, lines=True))
    found = read(out)
    assert len(found) == len(rows)
    assert found["past_known"].min() > 0.5
    assert found["reason_1"].notna().tolist() == found["anomaly"].tolist()


def test_a_stretch_that_stands_still_is_strange_and_the_order_of_rows_is_not(plant, news, tmp_path):
    rows, still = news
    scores = []
    for number, part in enumerate((rows, rows.sample(frac=1.0, random_state=1))):
        part.to_csv(tmp_path / f"{number}.csv", index=False)
        done = automl(
            "predict",
            plant[0] / "p",
            tmp_path / f"{number}.csv",
            "--output",
            tmp_path / f"out{number}.csv",
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        scores.append(pd.read_csv(tmp_path / f"out{number}.csv").set_index(part.index)["score"].sort_index())
    pd.testing.assert_series_equal(*scores, rtol=1e-6)
    mill = (rows["sensor"].str.title() == "Mill").to_numpy()
    late = still & (rows.groupby(rows["sensor"].str.title()).cumcount() >= 28).to_numpy()
    assert scores[0][late].mean() > scores[0][mill & ~still].mean() + 0.15


def test_files_that_are_bad_in_time(plant, news, tmp_path):
    rows, _ = news
    rows.assign(measured=rows["measured"].where(np.arange(len(rows)) % 10 != 3, "?clock?")).to_csv(
        tmp_path / "unread.csv", index=False
    )
    done = automl("predict", plant[0] / "p", tmp_path / "unread.csv", "--output", tmp_path / "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"rows without a moment or a series, which have no score: {len(rows) // 10}" in done.stderr
    found = pd.read_csv(tmp_path / "out.csv")
    assert (found["score"].isna() == (found["measured"] == "?clock?")).all()
    cases = {
        "twice": (pd.concat([rows, rows.tail(3)]), "3 rows have the same 'measured'"),
        "unknown": (rows.assign(sensor="Crane"), "The series 'Crane' was not among"),
        "lacking": (rows.drop(columns="measured"), "Column 'measured' is missing"),
    }
    for name, (table, words) in cases.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        done = automl(
            "predict", plant[0] / "p", tmp_path / f"{name}.csv", "--output", tmp_path / f"{name}.out.csv", cwd=tmp_path
        )
        assert (done.returncode, words in done.stderr) == (3, True), done.stderr
        assert not (tmp_path / f"{name}.out.csv").exists()


@pytest.fixture
def copy_of(plant, tmp_path):
    for part in ("raw", "p"):
        shutil.copytree(plant[0] / part, tmp_path / part)
    return tmp_path / "p"


def test_training_sees_nothing_of_the_holdout(copy_of):
    holdout = copy_of / "data" / "processed" / "holdout.parquet"
    rows = pd.read_parquet(holdout)
    rows.assign(degrees=rows["degrees"] * 50).to_parquet(holdout, index=False)
    package = next(copy_of.glob("src/*/train.py")).parent.name
    done = run(copy_of, package, "train")
    assert done.returncode == 0, done.stderr
    first, again = (sorted((copy_of / "models" / version / "model").glob("*.npz")) for version in ("v001", "v003"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert first


def test_a_later_month_with_a_new_sensor_is_learned_and_compared(copy_of, tmp_path):
    write_plant(tmp_path / "later", hours=HOURS + 120, sensors=(*SENSORS, "Crane"))
    done = automl("train", copy_of, "--data", tmp_path / "later", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    models = json.loads(done.stdout)["models"]
    assert [model["rows"] for model in models] == sorted({model["rows"] for model in models})
    tests = run(copy_of, "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout


def test_a_project_is_made_from_a_spec_with_another_window(plant, tmp_path):
    folder, answer, _ = plant
    spec = yaml.safe_load((folder / "p" / "project.yaml").read_text(encoding="utf-8"))
    assert "window_steps" not in spec["task"]
    spec["task"]["window_steps"] = 8
    (tmp_path / "wanted.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    done = automl(
        "new", tmp_path / "wanted.yaml", "--data", folder / "raw", "--out", tmp_path / "p", "--no-ask", "--json",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again["spec"]["task"] == {**answer["spec"]["task"], "window_steps": 8}
    assert 0.7 < again["metrics"]["holdout"] != answer["metrics"]["holdout"]
