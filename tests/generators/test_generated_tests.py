"""A project from raw files to a commit: its own tests pass, pass in a clone, and fail when something is broken."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from automl_schemas.lineage import DataManifest, Lineage

from tests.generators.conftest import plan_of


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(["src", *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, **variables}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def run_tests(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "pytest", "-p", "no:cacheprovider", *arguments, **variables)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_own_tests_pass_and_leave_the_tree_clean(trained):
    done = run_tests(trained)
    assert done.returncode == 0, done.stdout
    assert re.fullmatch(r"=+ \d+ passed in .* =+", done.stdout.splitlines()[-1])
    assert git(trained, "status", "--porcelain") == ""


def test_a_clone_passes_elsewhere_with_data_tests_skipped_by_name(trained, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(trained), str(clone))
    # Another user, who has no key of their own.
    done = run_tests(clone, HOME=str(tmp_path), AUTOML_SIGNING_KEY=str(tmp_path / "none"))
    assert done.returncode == 0, done.stdout
    assert "data/clean/members.jsonl is not in this clone" in done.stdout
    assert re.fullmatch(r"=+ \d+ passed, \d+ skipped in .* =+", done.stdout.splitlines()[-1])
    assert git(clone, "status", "--porcelain") == ""


def change_feature(project: Path) -> None:
    path = project / "src" / "predict_left" / "custom_features.py"
    text = path.read_text("utf-8")
    # One feature has another unit, another depends on the other rows.
    changed = 'return features.assign(Fee=rows["Fee"] + 1, rank=rows["Fee"].rank())'
    path.write_text(text.replace("return features", changed))


def use_dropped_column(project: Path) -> None:
    path = project / "src" / "predict_left" / "features.py"
    path.write_text(path.read_text("utf-8").replace('    "Fee",\n', '    "Fee",\n    "Plan",\n'))


def change_model_file(project: Path) -> None:
    path = max((project / "models" / "v001" / "model").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change_clean_row(project: Path) -> None:
    path = project / "data" / "clean" / "members.jsonl"
    lines = path.read_text("utf-8").splitlines()
    record = json.loads(lines[7])
    lines[7] = json.dumps({**record, "VIP": not record["VIP"]})
    path.write_text("\n".join(lines) + "\n", "utf-8")


def put_holdout_row_into_training(project: Path) -> None:
    shutil.copy(project / "data" / "processed" / "holdout.parquet", project / "data" / "processed" / "train.parquet")


@pytest.mark.parametrize(
    ("damages", "noticed"),
    [
        (
            (change_feature, change_clean_row, put_holdout_row_into_training),
            {
                "test_the_golden_rows_get_the_golden_answers",
                "test_a_row_alone_gives_the_same_features[0]",
                "test_no_row_of_a_clean_table_was_changed[members]",
                "test_no_row_is_on_both_sides",
            },
        ),
        (
            (change_model_file, use_dropped_column),
            {
                "test_dropped_columns_are_no_features",
                "test_the_golden_rows_get_the_golden_answers",
                "test_a_row_to_predict_holds_the_listed_columns",
            },
        ),
    ],
)
def test_damage_is_noticed(trained, tmp_path, damages: tuple[Callable[[Path], None], ...], noticed: set[str]):
    copy = tmp_path / "project"
    shutil.copytree(trained, copy, ignore=shutil.ignore_patterns(".git", "vendor", "experiments"))
    for damage in damages:
        damage(copy)
    done = run_tests(copy, "-q", "--deselect", "tests/test_service.py")
    assert done.returncode == 1, done.stdout
    failed = set(re.findall(r"^(?:FAILED|ERROR) tests/\w+\.py::(\S+)", done.stdout, re.MULTILINE))
    assert noticed <= failed


def test_commands_say_what_is_wrong(trained, tmp_path):
    done = run(trained, "predict_left", "data", "--source", str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: ")
    assert run(trained, "predict_left", "dance").returncode == 2


def test_data_read_again_gives_the_records_of_the_plan(trained, tmp_path):
    copy = shutil.copytree(trained.parent, tmp_path / "workspace") / trained.name
    done = run(copy, "predict_left", "data")
    assert done.returncode == 0, done.stderr
    plan = plan_of(copy.parent / "raw")
    lineage = (copy / "data" / "lineage.json").read_text(encoding="utf-8")
    assert Lineage.model_validate_json(lineage) == plan.lineage
    manifest = (copy / "data" / "manifest.json").read_text(encoding="utf-8")
    assert DataManifest.model_validate_json(manifest).files == plan.manifest.files


def test_new_raw_files_are_predicted(trained, tmp_path):
    done = run(trained, "predict_left", "predict", "../raw", "--output", str(tmp_path / "out.csv"))
    assert done.returncode == 0, done.stderr
    assert "300 rows predicted" in done.stderr
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 300
    assert {row["prediction"] for row in rows} == {"Yes", "No"}
