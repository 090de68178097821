"""A forecast from a messy folder to a served project, seen from outside."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from acceptance.gym import automl

REQUEST = "forecast the daily rides per pier for the next 7 days, weather known"
DAYS = 120


def write_ferries(folder, *, days=DAYS, seed=3, piers=(("Nord", 80), ("Süd", 300))):
    """Rides of two piers: two date formats, gaps, a total row, ticket kinds that add up, a list of holidays."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    day = pd.date_range("2024-01-01", periods=days)
    off = np.random.default_rng(1).random(400) < 0.1
    lines = ["Day;Pier;Wind;Adults;Children;Rides"]
    for pier, size in piers:
        for number, date in enumerate(day):
            if rng.random() < 0.03 and number < days - 7:
                continue
            wind = rng.integers(0, 9)
            rides = size * (1 + 0.5 * (date.day_of_week > 4)) * (1 + 0.6 * off[number]) * (1 - 0.05 * wind)
            adults, children = rng.poisson(0.7 * rides), rng.poisson(0.3 * rides)
            written = date.strftime("%d.%m.%Y" if number % 4 == 0 else "%Y-%m-%d")
            spelled = pier.upper() if number % 17 == 0 else pier
            lines.append(f"{written};{spelled};{wind};{adults};{children};{adults + children}")
    lines.append(f"Total;;;;;{sum(int(line.rpartition(';')[2]) for line in lines[1:])}")
    (folder / "ferry rides.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    dates = pd.date_range("2024-01-01", periods=days + 60)
    rows = "".join(f"{date:%Y-%m-%d},{'yes' if off[n] else 'no'}\n" for n, date in enumerate(dates))
    (folder / "days off.csv").write_text("date,public holiday\n" + rows, encoding="utf-8")


@pytest.fixture(scope="module")
def ferries(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ferries")
    write_ferries(folder / "raw")
    done = automl(
        "new", REQUEST, "--data", folder / "raw", "--out", folder / "rides", "--trials", "1", "--no-ask", "--json",
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout), done.stderr


def run(project, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def test_the_request_is_settled_on_the_data(ferries):
    _, answer, _ = ferries
    task = answer["spec"]["task"]
    assert (task["type"], task["time"], task["series"], task["frequency"], task["horizon"]) == (
        "forecast", "Day", ["Pier"], "day", 7,
    )  # fmt: skip
    assert task["known_ahead"] == ["Wind", "days_off.public holiday"]
    reasons = {drop["column"]: drop["reason"] for drop in answer["spec"]["data"]["drop"]}
    assert reasons["Adults"].startswith("leak: ")
    assert reasons["Children"].startswith("leak: ")
    assert {"series", "known_ahead"} <= {question["id"] for question in answer["questions"]}


def test_the_holdout_is_the_last_week_and_the_model_beats_naive_forecasts(ferries):
    folder, answer, stderr = ferries
    holdout = pd.read_parquet(folder / "rides" / "data" / "processed" / "holdout.parquet")
    assert sorted(holdout["Day"].unique()) == list(pd.date_range("2024-04-23", periods=7))
    assert set(holdout["Pier"]) == {"Nord", "Süd"}
    metrics = answer["metrics"]
    assert metrics["rows_holdout"] == len(holdout) == 14
    board = {row["model"]: row["cv"] for row in metrics["leaderboard"]}
    assert board[metrics["best_model"]] == min(board.values()) < board["naive_7"]
    assert "tests pass" in stderr


def test_the_report_draws_every_pier(ferries):
    folder, _, _ = ferries
    html = (folder / "rides" / "reports" / "report.html").read_text(encoding="utf-8")
    assert "Pier = Nord" in html
    assert "Pier = Süd" in html
    assert "Error by step ahead" in html
    assert "naive: 7 steps before" in html
    assert "Against naive forecasts" in html
    assert "look different in the holdout: <b>Day</b>" not in html


def test_the_generated_code_is_clean(ferries):
    project = ferries[0] / "rides"
    for command in (["ruff", "check", "src", "tests"], ["ruff", "format", "--check", "src", "tests"], ["mypy"]):
        done = run(project, *command)
        assert done.returncode == 0, done.stdout + done.stderr


def ahead(path, *, told=True):
    header = ["Day", "Pier", "Wind", "days_off.public holiday", "Rides"]
    rows = [["30.04.2024", "Nord", 3, "no", 95], ["2024-04-30", "süd", 3, "no", "301"]]
    rows += [[f"2024-05-0{day}", pier, 2, "no", ""] for pier in ("Nord", "Süd") for day in (1, 2) if told]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_the_next_steps_are_written_as_a_table(ferries, tmp_path, suffix):
    source, out = ahead(tmp_path / "news.csv"), tmp_path / f"next{suffix}"
    done = automl("predict", ferries[0] / "rides", source, "--output", out, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    read = {".csv": pd.read_csv, ".parquet": pd.read_parquet}.get(suffix, lambda path: pd.read_json(path, lines=True))
    found = read(out)
    assert found.columns.tolist() == ["Pier", "Day", "Rides", "low", "high"]
    assert pd.to_datetime(found["Day"]).unique().tolist() == [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-02")]
    assert found[found["Pier"] == "Süd"]["Rides"].between(150, 600).all()


def test_what_is_known_ahead_is_asked_for_by_name(ferries, tmp_path):
    lacking = tmp_path / "lacking.csv"
    lacking.write_text(
        ahead(tmp_path / "news.csv").read_text(encoding="utf-8").replace("Wind", "Storm"), encoding="utf-8"
    )
    for arguments, code in (([], 2), ([ahead(tmp_path / "news.csv", told=False)], 2), ([lacking], 3)):
        done = automl("predict", ferries[0] / "rides", *arguments, cwd=tmp_path)
        assert done.returncode == code, done.stderr
        assert "Wind" in done.stderr


def test_a_horizon_beyond_the_model_is_refused(ferries, tmp_path):
    source = ahead(tmp_path / "news.csv")
    done = automl("predict", ferries[0] / "rides", source, "--horizon", "8", cwd=tmp_path)
    assert done.returncode == 2
    assert "1 to 7 steps" in done.stderr


@pytest.fixture
def copy_of(ferries, tmp_path):
    shutil.copytree(ferries[0] / "raw", tmp_path / "raw")
    shutil.copytree(ferries[0] / "rides", tmp_path / "rides")
    return tmp_path / "rides"


def test_training_sees_nothing_of_the_holdout(copy_of):
    holdout = copy_of / "data" / "processed" / "holdout.parquet"
    rows = pd.read_parquet(holdout)
    rows.assign(Rides=rows["Rides"] * 50).to_parquet(holdout, index=False)
    package = next(copy_of.glob("src/*/train.py")).parent.name
    done = run(copy_of, package, "train")
    assert done.returncode == 0, done.stderr
    first, again = (copy_of / "models" / version / "model" for version in ("v001", "v003"))
    assert (
        json.loads((first / "forecast.json").read_text())["spread"]
        == json.loads((again / "forecast.json").read_text())["spread"]
    )
    assert (first / "history.npz").read_bytes() == (again / "history.npz").read_bytes()


def test_a_later_month_with_a_new_pier_is_learned_and_compared(copy_of, tmp_path):
    write_ferries(tmp_path / "later", days=DAYS + 30, piers=(("Nord", 80), ("Süd", 300), ("West", 40)))
    done = automl("train", copy_of, "--data", tmp_path / "later", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert len(outcome["models"]) == 2
    assert [model["rows"] for model in outcome["models"]] == [14, 21]
    tests = run(copy_of, "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout


def test_a_known_future_in_the_history_fails_a_test(copy_of):
    path = next(copy_of.glob("src/*/custom_features.py"))
    path.write_text(
        path.read_text().replace("    return features\n", "    return features.assign(rank=features['Wind'].rank())\n")
    )
    done = run(copy_of, "pytest", "-q", "-x", "-p", "no:cacheprovider")
    assert done.returncode == 1
