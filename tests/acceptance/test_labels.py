"""Several labels a row, from messy files to a project that gives them to new rows, seen from outside."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
import yaml
from acceptance.gym import automl

ROWS = 360
WORDS = {"Baking": ["oven", "flour", "dough"], "Grilling": ["coal", "smoke", "tongs"], "Raw food": ["salad", "peel"]}
PLAIN = "the a with some then it until and for ten minutes at home we serve them now".split()


def write_recipes(path, *, seed=3):
    """Recipes whose techniques are listed in many spellings; `needs_fire` and one more column give some away."""
    rng = np.random.default_rng(seed)
    truth, texts = [], []
    for _ in range(ROWS):
        has = [name for name in WORDS if rng.random() < 0.4]
        words = [*rng.choice(PLAIN, 9), *(word for name in has for word in rng.choice(WORDS[name], 2))]
        rng.shuffle(words)
        texts.append(f"{' '.join(words[:5])}, {' '.join(words[5:])}.")
        truth.append(has)
    cells = [
        str(rng.choice([";", " ; ", "; "])).join(name if rng.random() < 0.9 else name.upper() for name in has)
        for has in truth
    ]
    table = pd.DataFrame(
        {
            "recipe_no": [f"R-{number}" for number in range(ROWS)],
            "steps": texts,
            "cook_mail": [f"cook{number}@mail.example" for number in range(ROWS)],
            "servings": rng.integers(1, 9, ROWS),
            "needs_fire": ["ja" if "Grilling" in has else "nein" for has in truth],
            "techniques": cells,
        }
    )
    path.parent.mkdir(parents=True)
    table.to_csv(path, index=False)
    return pd.DataFrame([{name: int(name in has) for name in WORDS} for has in truth])


@pytest.fixture(scope="module")
def recipes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipes")
    truth = write_recipes(folder / "raw" / "recipes.csv")
    words = "predict the techniques of each recipe, F1 above 0.5"
    done = automl(
        "new", words, "--data", folder / "raw", "--out", folder / "p", "--trials", "1", "--no-ask", "--json",
        cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "p", json.loads(done.stdout), truth, done.stderr


def test_the_labels_are_found_and_what_gives_one_away_is_left_out(recipes):
    _, answer, _, told = recipes
    spec = answer["spec"]
    assert spec["task"]["type"] == "multilabel"
    assert (spec["target"]["separator"], spec["target"]["labels"]) == (";", ["Baking", "Grilling", "Raw food"])
    reasons = {drop["column"]: drop["reason"] for drop in spec["data"]["drop"]}
    assert reasons["needs_fire"].startswith("leak: Grilling: ")
    assert "personal" in reasons["cook_mail"]
    assert "count as having no label" in told
    assert [question["id"] for question in answer["questions"]] == ["task"]


def test_the_holdout_is_judged_label_by_label(recipes):
    project, answer, _, _ = recipes
    metrics = answer["metrics"]
    assert (metrics["metric"], metrics["goal"]["met"]) == ("f1", True)
    assert metrics["holdout_ci"][0] <= metrics["holdout"] <= metrics["holdout_ci"][1]
    assert metrics["rows_train"] + metrics["rows_holdout"] == ROWS
    card = (project / "reports" / "model_card.md").read_text(encoding="utf-8")
    page = (project / "reports" / "report.html").read_text(encoding="utf-8")
    for label in WORDS:
        assert f"| `{label}` |" in card
        assert f">{label}</td>" in page
    assert "Label by label" in page
    assert "mail.example" not in page + card


def test_new_rows_get_their_labels_from_a_file_and_from_a_folder(recipes, tmp_path):
    project, _, truth, _ = recipes
    rows = pd.read_csv(project.parent / "raw" / "recipes.csv", keep_default_na=False)
    (tmp_path / "new").mkdir()
    rows.drop(columns=["techniques", "needs_fire"]).to_csv(tmp_path / "new" / "recipes.csv", index=False)
    found = []
    for name, source in (("a.csv", tmp_path / "new"), ("b.csv", tmp_path / "new" / "recipes.csv")):
        done = automl("predict", project, source, "--output", tmp_path / name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        found.append(pd.read_csv(tmp_path / name, keep_default_na=False).set_index("recipe_no"))
    for table in found:
        table = table.loc[rows["recipe_no"]]
        for label in WORDS:
            told = table["labels"].str.split("|").map(lambda labels, name=label: name in labels)
            assert (told.to_numpy() == truth[label].to_numpy(dtype=bool)).mean() > 0.8
            assert table[f"probability_{label}"].between(0, 1).all()


def test_the_project_is_made_again_and_updated(recipes, tmp_path):
    project = recipes[0]
    done = automl("replay", project, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["identical"]
    shutil.copytree(project, tmp_path / "copy" / "p")
    shutil.copytree(project.parent / "raw", tmp_path / "copy" / "raw")
    copy = tmp_path / "copy" / "p"
    text = (copy / "project.yaml").read_text(encoding="utf-8")
    (copy / "project.yaml").write_text(text.replace("  - Raw food\n", ""), encoding="utf-8")
    subprocess.run(["git", "commit", "-qam", "One label less"], cwd=copy, check=True)
    done = automl("update", copy, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '"Raw food"' not in next(copy.glob("src/*/data.py")).read_text(encoding="utf-8")
    assert "Raw food" not in (copy / "sql" / "training_table.sql").read_text(encoding="utf-8")


def test_labels_that_are_new_and_gone_in_other_data_are_named(recipes, tmp_path):
    shutil.copytree(recipes[0], tmp_path / "p")
    shutil.copytree(recipes[0].parent / "raw", tmp_path / "raw")
    table = pd.read_csv(tmp_path / "raw" / "recipes.csv", keep_default_na=False)
    table["techniques"] = table["techniques"].str.replace("raw food", "Smoking", case=False)
    (tmp_path / "new").mkdir()
    table.to_csv(tmp_path / "new" / "recipes.csv", index=False)
    changes = {"new": ["Smoking"], "gone": ["Raw food"]}
    done = automl("update", tmp_path / "p", "--data", tmp_path / "new", "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == changes
    done = automl("train", tmp_path / "p", "--data", tmp_path / "new", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == changes
    told = " ".join(done.stderr.split())
    assert "new labels 'Smoking'; they are predicted once they stand under target.labels" in told
    assert "gone labels 'Raw food': no row of the data has them" in told


def write_calls(path):
    """Calls with one column of yes and no for each fault; some rows do not say one of them."""
    rng = np.random.default_rng(5)
    heat, age = rng.normal(60, 10, ROWS).round(1), rng.integers(1, 20, ROWS)
    melted, rusty = heat + rng.normal(0, 5, ROWS) > 63, age + rng.normal(0, 4, ROWS) > 9
    table = pd.DataFrame(
        {
            "call": np.arange(ROWS), "heat": heat, "age": age,
            "fault_melted": np.where(melted, "yes", "no"), "fault_rusty": rusty.astype(int),
        }
    )  # fmt: skip
    table["fault_rusty"] = table["fault_rusty"].astype("Int64").mask(table["call"] % 60 == 7)
    path.parent.mkdir(parents=True)
    table.to_csv(path, index=False)


def test_columns_of_yes_and_no_are_predicted_together(tmp_path):
    write_calls(tmp_path / "raw" / "calls.csv")
    done = automl(
        "new", "which of these faults occur", "--data", tmp_path / "raw", "--out", tmp_path / "p", "--trials", "1",
        "--no-ask", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["spec"]["target"]["columns"] == ["fault_melted", "fault_rusty"]
    assert answer["metrics"]["rows_train"] + answer["metrics"]["rows_holdout"] == ROWS - 6
    assert answer["metrics"]["holdout"] > 0.6
    schema = json.loads((tmp_path / "p" / "models" / "v001" / "schema.json").read_text(encoding="utf-8"))
    assert {column["name"] for column in schema["columns"]} == {"heat", "age"}
    again = yaml.safe_load((tmp_path / "p" / "project.yaml").read_text(encoding="utf-8"))
    spec = {**again, "target": {"table": "calls", "column": "faults", "columns": ["fault_melted", "fault_rusty"]}}
    spec["data"] = {"source": str(tmp_path / "raw")}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    told = automl("spec", tmp_path / "own.yaml", "--json", "--no-ask", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert {drop["column"] for drop in json.loads(told.stdout)["spec"]["data"]["drop"]} >= {"fault_melted"}


def test_a_spec_that_leaves_the_labels_open_is_completed_or_refused(tmp_path):
    write_recipes(tmp_path / "raw" / "recipes.csv")
    spec = {
        "name": "techniques", "request": "all of them", "task": {"type": "multilabel"},
        "target": {"table": "recipes", "column": "techniques", "separator": ";"},
        "metric": {"name": "accuracy"}, "data": {"source": "raw"},
    }  # fmt: skip
    place = tmp_path / "own.yaml"
    place.write_text(yaml.safe_dump(spec), encoding="utf-8")
    done = automl("spec", place, "--data", tmp_path / "raw", "--json", "--no-ask", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spec"]["target"]["labels"] == ["Baking", "Grilling", "Raw food"]
    place.write_text(yaml.safe_dump({**spec, "target": {"table": "recipes", "column": "techniques"}}))
    done = automl("spec", place, "--data", tmp_path / "raw", "--json", "--no-ask", cwd=tmp_path)
    assert done.returncode == 2
    assert "target.separator" in done.stderr + done.stdout
