"""Folders of pictures from the command line to a project that predicts, seen from outside."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from acceptance.gym import automl
from pictures import shape, write_shapes
from PIL import Image


def write_outlines(folder):
    """Three classes divided for training and tests, a picture twice, a broken one, and things that are no pictures."""
    kinds = ["circle", "square", "triangle"]
    write_shapes(folder / "train", kinds, each=20)
    write_shapes(folder / "test", kinds, each=5, seed=1)
    Image.open(folder / "train/square/002.png").convert("RGB").resize((90, 90)).save(folder / "test/square/copy.jpg")
    broken = folder / "train/circle/001.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    (folder / "readme.txt").write_text("Drawn in an afternoon.")
    (folder / "train/circle/plan.xyz").write_bytes(bytes(range(200)))


def new(request, folder, out):
    done = automl(
        "new", request, "--data", folder, "--out", out, "--trials", "1", "--no-ask", "--json", cwd=out.parent
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def step(project, *arguments):
    (package,) = (path.name for path in (project / "src").iterdir() if path.is_dir())
    command = [sys.executable, "-m", package, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def outlines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outlines")
    write_outlines(folder / "raw")
    return folder / "p", new("which shape is in each picture", folder / "raw", folder / "p")


def test_the_folders_name_the_classes_and_the_pictures_are_the_input(outlines):
    project, answer = outlines
    assert answer["spec"]["target"]["column"] == "label"
    schema = json.loads((project / "models" / "v001" / "schema.json").read_text(encoding="utf-8"))
    assert [(column["name"], column["type"]) for column in schema["columns"]] == [("picture", "image")]
    assert answer["metrics"]["holdout"] < 0.8 * math.log(3)


def test_what_was_left_out_is_said(outlines):
    _, answer = outlines
    assert any("train/circle/001.jpg: a picture that cannot be used" in warning for warning in answer["warnings"])
    assert any("only divide the pictures" in warning for warning in answer["warnings"])


def test_the_records_hold_paths_and_no_picture_is_copied(outlines):
    project, _ = outlines
    lines = (project / "data/clean/pictures.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["picture"] == "test/circle/000.png"
    assert not [
        path
        for path in project.rglob("*")
        if path.suffix in (".png", ".jpg", ".gif", ".bmp") and "plots" not in path.parts
    ]


def test_what_shows_the_same_is_on_one_side(outlines):
    project, _ = outlines
    train, holdout = (pd.read_parquet(project / f"data/processed/{part}.parquet") for part in ("train", "holdout"))
    assert len(train) + len(holdout) == 75
    assert not set(train["picture_content"]) & set(holdout["picture_content"])


def test_a_clone_passes_with_data_tests_skipped_by_name(outlines, tmp_path):
    project, _ = outlines
    subprocess.run(["git", "clone", "-q", project, tmp_path / "clone"], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=tmp_path / "clone", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "data/clean/pictures.jsonl is not in this clone" in done.stdout


def test_data_again_give_the_same_rows(outlines):
    project, _ = outlines
    before = (project / "data/contract.json").read_bytes()
    assert step(project, "data").returncode == 0
    assert (project / "data/contract.json").read_bytes() == before


def test_new_pictures_need_no_folder_of_a_class(outlines, tmp_path):
    project, _ = outlines
    rng = np.random.default_rng(7)
    (tmp_path / "new").mkdir()
    for number in range(3):
        shape("triangle", rng).save(tmp_path / "new" / f"{number}.png")
    (tmp_path / "new" / "bad.png").write_bytes((tmp_path / "new" / "0.png").read_bytes()[:150])
    done = step(project, "predict", tmp_path / "new", "--output", tmp_path / "answers.csv")
    assert "bad.png: a picture that cannot be used" in done.stdout + done.stderr
    answers = pd.read_csv(tmp_path / "answers.csv")
    assert answers["picture"].tolist() == ["0.png", "1.png", "2.png"]
    assert answers[["probability_circle", "probability_square", "probability_triangle"]].sum(axis=1).tolist() == (
        pytest.approx([1.0] * 3)
    )


def test_files_named_in_a_table_lie_beside_it(outlines, tmp_path):
    project, _ = outlines
    shape("circle", np.random.default_rng(8)).save(tmp_path / "one.png")
    (tmp_path / "new.csv").write_text("picture\none.png\n")
    done = step(project, "predict", tmp_path / "new.csv", "--output", tmp_path / "answers.csv")
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(tmp_path / "answers.csv")["picture"].tolist() == ["one.png"]


def test_without_its_pictures_the_training_says_which_is_missing(outlines, tmp_path):
    project, _ = outlines
    moved = project.parent / "raw"
    moved.rename(tmp_path / "elsewhere")
    try:
        done = step(project, "evaluate")
    finally:
        (tmp_path / "elsewhere").rename(moved)
    assert done.returncode == 3
    assert "cannot be opened" in done.stderr


def test_a_table_that_names_pictures_gives_a_model_of_both(tmp_path):
    (tmp_path / "raw" / "scans").mkdir(parents=True)
    rng = np.random.default_rng(3)
    lines = ["scan,weight,finding"]
    for number in range(50):
        kind = ["circle", "square"][number % 2]
        shape(kind, rng).save(tmp_path / "raw" / "scans" / f"{number:02}.png")
        lines.append(f"{number:02}.png,{rng.integers(50, 90)},{'clear' if kind == 'circle' else 'struck'}")
    (tmp_path / "raw" / "findings.csv").write_text("\n".join(lines) + "\n")
    answer = new("predict the finding from each image", tmp_path / "raw", tmp_path / "p")
    schema = json.loads((tmp_path / "p" / "models" / "v001" / "schema.json").read_text(encoding="utf-8"))
    assert {column["name"]: column["type"] for column in schema["columns"]} == {"scan": "image", "weight": "integer"}
    assert answer["spec"]["task"]["group"] == "scan_content"
