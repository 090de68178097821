from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from automl_generators.update.learned import reasons_to_evaluate, reasons_to_train


@pytest.fixture
def copies(trained, tmp_path) -> tuple[Path, Path]:
    """A trained project twice: as it was, and as it shall be."""
    for name in ("before", "after"):
        shutil.copytree(trained, tmp_path / name)
    return tmp_path / "before", tmp_path / "after"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_project_as_it_was_trained_needs_no_training(copies):
    assert reasons_to_train(*copies) == []
    assert reasons_to_evaluate(*copies) == []


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("README.md", "Predicts", "Says"),
        ("project.yaml", "requests_per_day: null", "requests_per_day: 5"),
        ("project.yaml", "reason: asked", "reason: because"),
        ("project.yaml", "source: ../raw", "source: /elsewhere"),
        ("src/predict_left/train.py", '"""Fits the model', '"""Makes the model'),
        ("src/predict_left/data.py", "\n\ndef run", "\n\n# A comment.\ndef run"),
        ("src/predict_left/predict.py", "import annotations", "import annotations  # unused"),
    ],
)
def test_what_reaches_no_model_needs_no_training(copies, name, old, new):
    before, after = copies
    replace(after / name, old, new)
    assert reasons_to_train(before, after) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        ("project.yaml", "folds: 2", "folds: 3", "training.folds: 2 -> 3"),
        ("project.yaml", "seed: 0", "seed: 1", "seed: 0 -> 1"),
        ("project.yaml", "column: Plan", "column: Fee", "data.drop has changed"),
        ("project.yaml", "name: roc_auc", "name: f1", "metric.name: 'roc_auc' -> 'f1'"),
        ("src/predict_left/features.py", '"""What', '"""Which', "the code of the features is not what"),
        (
            "src/predict_left/custom_features.py",
            "return features",
            "return features  #",
            "the code of the features is not what",
        ),
        ("src/predict_left/train.py", "seed=project.spec.seed", "seed=1", "train.py does something else"),
        ("src/predict_left/data.py", "return {", "return {} or {", "data.py does something else"),
        ("sql/training_table.sql", "select", "SELECT", "training_table.sql has changed"),
        ("data/manifest.json", '"sha256": "', '"sha256": "0', "the data are not those"),
    ],
)
def test_what_reaches_the_model_is_a_reason(copies, name, old, new, reason):
    before, after = copies
    text = (after / name).read_text()
    replace(after / name, old if old in text else old.upper(), new if old in text else old)
    assert any(reason in found for found in reasons_to_train(before, after))


def test_a_goal_changes_the_reports_alone(copies):
    before, after = copies
    replace(after / "project.yaml", "goal: null", "goal: {op: '>', value: 0.7}")
    assert reasons_to_train(before, after) == []
    assert len(reasons_to_evaluate(before, after)) == 1


def test_the_record_of_the_run_says_what_the_model_was_trained_by(copies):
    before, after = copies
    for folder in copies:
        replace(folder / "project.yaml", "folds: 2", "folds: 3")
    [config] = before.glob("experiments/*/config.yaml")
    replace(config, "folds: 2", "folds: 3")
    assert reasons_to_train(before, after) == []
    config.unlink()
    assert reasons_to_train(before, after) == ["training.folds: 2 -> 3"]


def test_a_model_that_is_not_here_has_to_be_trained(copies):
    before, after = copies
    shutil.rmtree(before / "models" / "v001")
    assert "no model is here" in reasons_to_train(before, after)
