"""The main job, seen from outside: what `automl new` says and leaves."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml
from acceptance.gym import REQUEST, automl, write_gym
from automl_runtime.project.specfile import parse_spec
from automl_schemas.catalog import DataCatalog
from automl_schemas.lineage import Lineage

TREE = [
    "README.md",
    "AGENTS.md",
    "Makefile",
    "pyproject.toml",
    "project.yaml",
    ".gitignore",
    ".env.example",
    ".pre-commit-config.yaml",
    ".github/workflows/ci.yml",
    "config/base.yaml",
    "config/development.yaml",
    "config/production.yaml",
    "data/catalog.json",
    "data/lineage.json",
    "data/manifest.json",
    "sql/training_table.sql",
    "models/aliases.json",
    "models/v001/manifest.json",
    "reports/metrics.json",
    "reports/model_card.md",
    "reports/report.html",
    "deployment/Dockerfile",
    "deployment/compose.yaml",
    "tests/golden.jsonl",
    ".automl/manifest.json",
    "data/processed/train.parquet",
    "data/processed/holdout.parquet",
    "data/clean/members.jsonl",
]


def test_json_answer_has_the_promised_keys(made):
    assert set(made.answer) == {"project", "spec", "metrics", "questions", "decisions", "warnings", "seconds"}
    assert made.answer["project"] == str(made.project)
    assert made.answer["spec"]["request"] == REQUEST


def test_request_is_understood_and_bound(made):
    spec = made.answer["spec"]
    assert spec["task"]["type"] == "binary"
    assert spec["target"] == {"table": "members", "column": "Quit?", "positive": "Yes", "sql": None}
    assert spec["metric"] == {"name": "roc_auc", "goal": {"op": ">", "value": 0.6}}
    assert parse_spec((made.project / "project.yaml").read_text()).model_dump(mode="json") == spec


def test_data_are_found_cleaned_and_joined(made):
    catalog = DataCatalog.model_validate_json((made.project / "data" / "catalog.json").read_bytes())
    members = catalog.table("members")
    assert (members.rows_read, members.rows, members.duplicate_rows) == (707, 700, 7)
    assert [copy.path for copy in catalog.duplicates] == ["members (copy).csv"]
    assert "notes.txt" in {ignored.path for ignored in catalog.ignored}
    types = {column.name: column.type for column in members.columns}
    assert types["Monthly fee"] == "number"
    assert types["Joined on"] == "date"
    assert len(catalog.joins) >= 2


def test_leak_is_dropped_with_its_evidence(made):
    [leak] = [drop for drop in made.answer["spec"]["data"]["drop"] if drop["reason"].startswith("leak")]
    assert (leak["table"], leak["column"]) == ("answers", "key_returned")


def test_rows_in_are_rows_out_and_rows_named(made):
    lineage = Lineage.model_validate_json((made.project / "data" / "lineage.json").read_bytes())
    for balance in lineage.rows:
        assert balance.rows_in == balance.rows_out + sum(balance.dropped.values())
    clean = (made.project / "data" / "clean" / "members.jsonl").read_text().splitlines()
    assert len(clean) == 700


def test_score_is_on_the_sealed_rows_and_better_than_chance(made):
    metrics = made.answer["metrics"]
    assert metrics["rows_train"] + metrics["rows_holdout"] == 700
    assert metrics["holdout_ci"][0] <= metrics["holdout"] <= metrics["holdout_ci"][1]
    assert 0.7 < metrics["holdout"] < 0.99
    assert metrics["goal"] == {"op": ">", "value": 0.6, "met": True}
    assert json.loads((made.project / "reports" / "metrics.json").read_text()) == metrics


def test_tree_is_the_promised_one(made):
    assert [path for path in TREE if not (made.project / path).is_file()] == []
    run, store = sorted(path.name for path in (made.project / "experiments").iterdir())
    assert re.fullmatch(r"run_001_\d{8}_\d{4}", run)
    assert store == "runs.db"


def test_project_is_one_clean_commit(made):
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=made.project, capture_output=True, text=True, check=True).stdout

    assert len(git("log", "--oneline").splitlines()) == 1
    assert git("status", "--porcelain") == ""
    tracked = git("ls-files").splitlines()
    assert not [path for path in tracked if path.startswith(("data/clean", "data/processed", "experiments"))]


def test_generated_code_has_no_unrendered_brace_and_no_machine_path(made):
    files = [*made.project.glob("src/*/*.py"), *made.project.glob("*.md"), *made.project.glob("deployment/*")]
    for path in files:
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "{{" not in text.replace("${{", "")
            assert str(made.source) not in text


def test_workflow_files_are_yaml(made):
    for path in [*made.project.rglob("*.yaml"), *made.project.rglob("*.yml")]:
        list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def test_same_bytes_and_seed_give_the_same_score_and_sql(made, tmp_path):
    done = automl(
        "new", REQUEST, "--data", made.source, "--out", "again", "--trials", "2", "--no-ask", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)["metrics"]
    ours = made.answer["metrics"]
    for key in ("holdout", "holdout_ci", "cv", "best_model", "rows_train", "data_sha256"):
        assert again[key] == ours[key]
    for name in ("sql/training_table.sql", "data/clean/members.jsonl", "data/contract.json", "src"):
        ours_at, again_at = made.project / name, tmp_path / "again" / name
        for path in sorted(ours_at.rglob("*.py")) if ours_at.is_dir() else [ours_at]:
            other = again_at / path.relative_to(ours_at) if ours_at.is_dir() else again_at
            assert other.read_bytes().replace(b"again", b"quitters") == path.read_bytes()


def test_spec_as_request_gives_the_same_spec(made, tmp_path):
    done = automl("spec", made.project / "project.yaml", "--data", made.source, "--no-ask", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    spec = json.loads(done.stdout)["spec"]
    ours = {**made.answer["spec"], "data": {**made.answer["spec"]["data"], "source": spec["data"]["source"]}}
    assert spec == ours


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_leaves_nothing_and_exits_5(tmp_path, number):
    write_gym(tmp_path / "source")
    command = [sys.executable, "-m", "automl_agent", "new", REQUEST, "--data", "source", "--out", "project", "--no-ask"]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in child.stderr:
        if "cleaned" in line:
            break
    time.sleep(2)
    child.send_signal(number)
    rest = child.stderr.read()
    child.stderr.close()
    assert child.wait(timeout=60) == 5, rest
    assert "Traceback" not in rest
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
