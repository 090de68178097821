"""`automl --log-json`: every line on standard error is a JSON object, whatever the command does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import warm


@pytest.fixture
def automl(tmp_path):
    return lambda *arguments, **variables: warm.automl(*arguments, cwd=tmp_path, env={**os.environ, **variables})


def _lines(done):
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_the_lines_of_a_training_have_its_project_and_run(automl, tmp_path):
    rows = "".join(f"{x},{(x * 7) % 50},{'yes' if x > 40 else 'no'}\n" for x in range(90))
    (tmp_path / "shop.csv").write_text("age,visits,bought\n" + rows)
    config = "{project: shop, dataset: shop.csv, target: bought, training: {trials: 1, models: [tree]}}"
    (tmp_path / "small.yaml").write_text(config)
    done = automl("--log-json", "tune", "--config", "small.yaml", "--n-trials", "1", "--json")
    assert done.returncode == 0
    lines = _lines(done)
    path = json.loads(done.stdout)["path"]
    [trial] = [line for line in lines if line.get("event", {}).get("kind") == "trial"]
    assert (trial["level"], trial["project"], trial["run_id"]) == ("INFO", "shop", Path(path).name)
    assert {line["event"]["topic"] for line in lines if line["event"]["kind"] == "finding"} >= {"discovered", "cleaned"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tune", "--config", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["frobnicate"], "frobnicate"),
        (["list", "metrics", "--jsn"], "--jsn"),
        (["new", "predict churn", "--data", ".", "--review"], "excludes --log-json"),
    ],
)
def test_errors_are_lines_too(automl, arguments, words):
    done = automl("--log-json", *arguments)
    [line] = _lines(done)
    assert done.returncode == 2
    assert line["level"] == "WARNING"
    assert words in line["message"]


def test_the_variable_says_the_same_and_a_wrong_one_is_explained(automl):
    assert _lines(automl("frobnicate", AUTOML_LOG="json"))[0]["run_id"] is None
    done = automl("list", "metrics", AUTOML_LOG="xml")
    assert (done.returncode, done.stderr) == (2, "automl: AUTOML_LOG is 'xml'; possible: json, text.\n")


def test_a_traceback_is_part_of_its_line(automl):
    done = automl("--log-json", "report", "nowhere", "--debug")
    assert "Traceback" in _lines(done)[0]["traceback"]
