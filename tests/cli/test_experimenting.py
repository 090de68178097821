"""quickstart and tune, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from warm import automl


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    size = random.normal(size=200)
    frame = pd.DataFrame({"size": size.round(3), "ripe": np.where(size + random.normal(size=200) > 0, "yes", "no")})
    frame.to_csv(tmp_path / "fruit.csv", index=False)
    (tmp_path / "fruit.yaml").write_text("project: fruit\ndataset: fruit.csv\ntarget: ripe\ntraining: {trials: 1}\n")
    return tmp_path


def test_quickstart_prints_one_object(folder: Path) -> None:
    done = automl("quickstart", "--data", "fruit.csv", "--target", "ripe", "--budget", "1s", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["task"] == "binary" and said["metrics"]["roc_auc"] > 0.6
    assert (Path(said["path"]) / "evaluation.json").is_file()


def test_tune_writes_what_trains(folder: Path) -> None:
    done = automl("tune", "--config", "fruit.yaml", "--n-trials", "2", "--timeout", "30s", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["trials"] == 2
    again = automl(
        "tune", "--config", "best_config.yaml", "--n-trials", "1", "--timeout", "30", "-o", "b.yaml", cwd=folder
    )
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("quickstart", "--data", "absent.csv"), 3),
        (("quickstart", "--data", "fruit.csv", "--task", "guess"), 2),
        (("tune", "--config", "absent.yaml"), 2),
        (("tune", "--config", "fruit.yaml", "--timeout", "soon"), 2),
        (("tune", "--config", "fruit.yaml", "--n-trials", "0"), 2),
    ],
)
def test_bad_input_ends_with_its_code_and_without_a_traceback(
    folder: Path, arguments: tuple[str, ...], code: int
) -> None:
    done = automl(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (code, "")
    assert "Traceback" not in done.stderr
