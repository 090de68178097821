from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys

import pytest
from automl_agent.doctor import examine
from automl_runtime.project.machine import look, plan


def test_required_parts_are_found_with_their_versions():
    checks = {check.name: check for check in examine()}
    assert checks["pandas"].value == importlib.metadata.version("pandas")
    assert all(check.ok for check in checks.values() if check.required)


def test_what_is_missing_comes_with_what_to_do(monkeypatch):
    def version(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    missing = [check for check in examine() if not check.ok]
    assert {"pandas", "catboost", "langchain"} <= {check.name for check in missing}
    assert all(check.fix for check in missing)


def test_the_machine_is_told():
    told = {check.name: check.value for check in examine()}
    assert told["cores"] == str(look().cores)
    assert told["instructions"].split() == list(look().instructions) or told["instructions"] == "none"


def doctor(*arguments):
    return subprocess.run([sys.executable, "-m", "automl_agent", "doctor", *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("mode", ["conservative", "full_utilization"])
def test_a_mode_is_printed_as_variables(mode):
    lines = doctor("--mode", mode).stdout.splitlines()
    assert lines == [f"export {name}={value}" for name, value in plan(mode).variables("serving").items()]


def test_a_mode_is_printed_as_json_and_an_unknown_one_is_refused():
    told = json.loads(doctor("--mode", "balanced", "--json").stdout)
    assert (told["mode"], told["variables"]["training"]) == ("balanced", plan("balanced").variables("training"))
    wrong = doctor("--mode", "fast")
    assert wrong.returncode == 2
    assert "modes: balanced, conservative" in wrong.stderr
