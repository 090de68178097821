from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest
from automl_runtime.errors import Cancelled, DataError, RequestError, TrainingError
from automl_runtime.events import (
    EpochCompleted,
    Finding,
    Progress,
    TrainingCompleted,
    TrainingFailed,
    TrialFinished,
    Warned,
)
from automl_runtime.project.logs import level_of, logs_json


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (EpochCompleted(1, 2), "DEBUG"),
        (Progress("training", 1), "INFO"),
        (TrialFinished(1, "m", 0.5, 0.5, 1.0), "INFO"),
        (Finding("grounded", "yes"), "INFO"),
        (TrainingCompleted(None), "INFO"),
        (Warned("few rows"), "WARNING"),
        (TrialFinished(1, "m", None, None, 1.0, "ValueError: singular"), "ERROR"),
        (TrainingFailed("no", cancelled=True), "WARNING"),
        (TrainingFailed("no"), "CRITICAL"),
        (Cancelled("stopped"), "WARNING"),
        (RequestError("what"), "WARNING"),
        (DataError("empty"), "CRITICAL"),
        (TrainingError("no model"), "CRITICAL"),
        (ZeroDivisionError(), "CRITICAL"),
    ],
)
def test_each_fault_has_its_level(fault, level):
    assert logging.getLevelName(level_of(fault)) == level


def test_a_kind_of_log_that_does_not_exist_is_refused():
    assert logs_json({"AUTOML_LOG": "json"})
    assert not logs_json({})
    with pytest.raises(RequestError, match="AUTOML_LOG is 'xml'; possible: json, text"):
        logs_json({"AUTOML_LOG": "xml"})


def lines(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    return done.stderr.splitlines()


CODE = """
import logging, warnings
from automl_runtime.errors import DataError
from automl_runtime.events import TrialFinished
from automl_runtime.project.logs import bind_run, log_event, say, start_logging
from automl_runtime.project.reporting import sink_from_environment
start_logging("shop")
bind_run("shop", "run_001_20250101_0000")
sink_from_environment()(TrialFinished(1, "m", float("nan"), None, 1.0, "ValueError: two\\nlines"))
logging.getLogger("other").warning("%s left", 3)
warnings.warn("old")
say("done")
say(DataError("empty", hint="Add rows."))
1 / 0
"""


def test_every_line_is_json_with_run_project_and_time():
    said = [json.loads(line) for line in lines(CODE, AUTOML_LOG="json")]
    assert {(line["project"], line["run_id"]) for line in said} == {("shop", "run_001_20250101_0000")}
    assert all(line["timestamp"].endswith("+00:00") for line in said)
    assert [line["level"] for line in said] == ["ERROR", "WARNING", "WARNING", "INFO", "CRITICAL", "CRITICAL"]
    assert said[0]["message"] == "ValueError: two\nlines"
    assert said[0]["event"]["score"] is None
    assert said[1]["message"] == "3 left"
    assert said[4]["message"] == "empty\n  Add rows."
    assert said[5]["message"] == "ZeroDivisionError: division by zero"
    assert "Traceback" in said[5]["traceback"]


def test_without_the_wish_lines_are_text():
    said = lines(CODE, AUTOML_LOG="")
    assert "done" in said
    assert "error: empty" in said
    assert said[-1] == "ZeroDivisionError: division by zero"
