"""A generated project, used and broken as its owner would."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from acceptance.gym import automl, write_gym


def run(project, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    return subprocess.run(
        [sys.executable, *(() if arguments[0] == "-c" else ("-m",)), *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def package(project):
    return next(project.glob("src/*/features.py")).parent


def swap(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def break_feature(project):
    swap(
        package(project) / "features.py",
        "return add_features(features, rows)",
        "return add_features(features * 1, rows).iloc[:, :-1]",
    )


def break_model(project):
    model = max((project / "models" / "v001" / "model").rglob("*.*"), key=lambda path: path.stat().st_size)
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(bytes(content))


def break_row(project):
    path = project / "data" / "clean" / "members.jsonl"
    lines = path.read_text().splitlines()
    record = json.loads(lines[3])
    record["Visits"] = 29 if record["Visits"] != 29 else 28
    lines[3] = json.dumps(record, ensure_ascii=False)
    path.write_text("\n".join(lines) + "\n")


ASK = """
import json, sys
from automl_runtime.project import Project
from starlette.testclient import TestClient
from {package}.features import build_features

with TestClient(Project.load().app(build_features)) as client:
    answer = client.post("/predict", content=sys.argv[1])
print(answer.status_code, answer.text)
"""


def test_the_row_of_the_readme_is_answered(made):
    readme = (made.project / "README.md").read_text(encoding="utf-8")
    row = re.search(r"<<'ROW'\n(.*)\nROW\n", readme)[1]
    done = run(made.project, "-c", ASK.format(package=package(made.project).name), row)
    assert done.stdout.startswith("200 "), done.stdout + done.stderr


@pytest.mark.parametrize("damage", [break_feature, break_model, break_row])
def test_damage_makes_a_test_of_the_project_fail(copy_of, damage):
    damage(copy_of)
    done = run(copy_of, "pytest", "-q", "-x", "-p", "no:cacheprovider")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "failed" in done.stdout or "error" in done.stdout


def test_fresh_clone_passes_with_data_tests_skipped_by_name(made, tmp_path):
    subprocess.run(["git", "clone", "-q", str(made.project), str(tmp_path / "clone")], check=True)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "clone" / "src")}
    done = subprocess.run(
        ["make", "--no-print-directory", "test", f"PYTHON={sys.executable}"],
        cwd=tmp_path / "clone", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    closing = done.stdout.strip().splitlines()[-1]
    assert "passed" in closing
    assert "skipped" in closing
    assert "make data" in done.stdout
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=tmp_path / "clone", capture_output=True, text=True, check=True
    )
    assert status.stdout == ""


def test_steps_of_the_project_repeat_its_data(copy_of):
    before = {path.name: path.read_bytes() for path in (copy_of / "data" / "clean").iterdir()}
    contract = (copy_of / "data" / "contract.json").read_bytes()
    shutil.rmtree(copy_of / "data" / "clean")
    done = run(copy_of, package(copy_of).name, "data")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_bytes() for path in (copy_of / "data" / "clean").iterdir()} == before
    assert (copy_of / "data" / "contract.json").read_bytes() == contract


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(",", "utf-8"), (";", "latin-1"), (";", "utf-8-sig"), ("\t", "utf-8")]
)
def test_predict_takes_raw_rows_and_gives_labels(copy_of, tmp_path, delimiter, encoding):
    example = json.loads((copy_of / "tests" / "golden.jsonl").read_text().splitlines()[0])
    raw = dict(example["inputs"])
    raw["Monthly fee"] = f"{raw['Monthly fee']:.2f}".replace(".", ",")
    raw["Branch"] = f"  {str(raw['Branch']).upper()} "
    with (tmp_path / "rows.csv").open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, [*raw, "remark"], delimiter=delimiter)
        writer.writeheader()
        writer.writerow(raw | {"remark": "früher in Köln"})
    done = automl("predict", copy_of, "rows.csv", "--output", "scored.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer = json.loads((tmp_path / "scored.jsonl").read_text())
    assert answer["prediction"] == example["answer"]["label"]
    assert answer["probability_Yes"] == pytest.approx(example["answer"]["probabilities"]["Yes"], abs=1e-6)


def test_predict_sums_up_what_it_did(copy_of, tmp_path):
    example = json.loads((copy_of / "tests" / "golden.jsonl").read_text().splitlines()[0])["inputs"]
    (tmp_path / "rows.jsonl").write_text(json.dumps(example | {"Monthly fee": "dear"}) + "\n")
    done = automl("predict", copy_of, "rows.jsonl", "--output", "scored.jsonl", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)["summary"].splitlines()
    assert summary[0].startswith("1 rows predicted")
    assert summary[1].startswith("row 1, column 'Monthly fee': ")


def test_predict_explains_each_row_in_words(copy_of, tmp_path):
    lines = [json.loads(line) for line in (copy_of / "tests" / "golden.jsonl").read_text().splitlines()[:3]]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line["inputs"]) + "\n" for line in lines))
    done = automl("predict", copy_of, "rows.jsonl", "--output", "scored.jsonl", "--explain", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    scored = [json.loads(line) for line in (tmp_path / "scored.jsonl").read_text().splitlines()]
    assert [row["prediction"] for row in scored] == [line["answer"]["label"] for line in lines]
    assert all(re.search(r": (raises|lowers) the probability of Yes by \S+ points$", row["reason_1"]) for row in scored)
    assert {"reason_1", "reason_2", "reason_3"} <= scored[0].keys()


def test_predict_names_the_column_that_is_missing(copy_of, tmp_path):
    (tmp_path / "rows.csv").write_text("Branch,Visits\nNord,3\n")
    done = automl("predict", copy_of, "rows.csv", "--output", "scored.csv", cwd=tmp_path)
    assert done.returncode == 3
    assert "Monthly fee" in done.stderr
    assert not (tmp_path / "scored.csv").exists()


def test_predict_cleans_and_joins_a_folder_of_new_raw_files(copy_of, tmp_path):
    write_gym(tmp_path / "june", seed=2, rows=50, labelled=False)
    done = automl("predict", copy_of, "june", "--output", "scored.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "scored.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 50
    assert {row["prediction"] for row in rows} <= {"Yes", "No"}


def test_train_on_new_data_compares_old_and_new(copy_of, tmp_path):
    write_gym(tmp_path / "june", seed=3)
    done = automl("train", copy_of, "--data", tmp_path / "june", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert [model["version"] for model in outcome["models"]] == ["v001", "v002"]
    best = max(outcome["models"], key=lambda model: (model["score"], model["version"]))
    assert outcome["production"] == best["version"]
    aliases = json.loads((copy_of / "models" / "aliases.json").read_text())
    assert aliases["production"] == best["version"]
    listed = automl("runs", copy_of, "--json", cwd=tmp_path)
    assert [run["status"] for run in json.loads(listed.stdout)] == ["completed", "completed"]


def test_report_prints_the_score(made, tmp_path):
    done = automl("report", made.project, cwd=tmp_path)
    assert done.returncode == 0
    assert f"{made.answer['metrics']['holdout']:.4f}" in done.stdout


@pytest.fixture
def service(made):
    """Base URL of the project's service, run by the command line on a free port."""
    command = [sys.executable, "-m", "automl_agent", "serve", str(made.project), "--port", "0"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = child.stdout.readline().strip()
    for line in child.stderr:
        if "startup complete" in line:
            break
    yield url
    child.terminate()
    child.communicate(timeout=30)


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_service_answers_raw_values_and_names_bad_ones(made, service):
    golden = [json.loads(line) for line in (made.project / "tests" / "golden.jsonl").read_text().splitlines()]
    row, expected = golden[0]["inputs"], golden[0]["answer"]
    status, answer = post(f"{service}/predict", row)
    assert status == 200
    assert expected["probabilities"]["Yes"] == pytest.approx(
        json.loads(json.dumps(answer)).get("probabilities", answer)["Yes"], abs=1e-6
    )
    status, problem = post(f"{service}/predict", {"rows": [row, {**row, "Visits": "many"}]})
    assert status == 422
    [detail] = problem["detail"]
    assert (detail["row"], detail["column"]) == (1, "Visits")
    with urllib.request.urlopen(f"{service}/health", timeout=30) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"{service}/metrics", timeout=30) as answer:
        assert b"automl" in answer.read()
