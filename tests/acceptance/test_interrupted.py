"""A training of a project that is killed or cancelled, and goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import yaml
from acceptance.gym import REQUEST, automl, write_gym
from automl_runtime.events import Finding, TerminalEvent, TrainingCompleted, TrainingFailed, TrialFinished
from automl_runtime.tracking.runs import list_runs, read_events


@pytest.fixture
def long_project(copy_of):
    """With more trials than the first run will come to."""
    path = copy_of / "project.yaml"
    spec = yaml.safe_load(path.read_text())
    spec["training"]["trials"] = 4
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return copy_of


def stopped(project, number):
    """Sends `number` to a training after its second trial; the last run and the exit code of the process."""
    package = next(project.glob("src/*/features.py")).parent.name
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "AUTOML_EVENTS": "jsonl"}
    command = [sys.executable, "-m", package, "train"]
    with subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if json.loads(line).get("number") == 2:
                process.send_signal(number)
                break
        process.stdout.read()
    return list_runs(project / "experiments")[-1], process.returncode


def ends(run):
    return [logged.event for logged in read_events(run) if isinstance(logged.event, TerminalEvent)]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "cancelled"])
def test_an_interrupted_training_goes_on_without_repeating_trials(long_project, number):
    experiments = long_project / "experiments"
    first, code = stopped(long_project, number)
    if number == signal.SIGKILL:
        assert (code, first.status, ends(experiments / first.run_id)) == (-number, "failed", [])
    else:
        assert (code, first.status) == (5, "cancelled")
        [end] = ends(experiments / first.run_id)
        assert isinstance(end, TrainingFailed)
        assert end.cancelled
        assert (experiments / first.run_id / "checkpoint" / "best" / "model.json").is_file()
    done = automl("train", long_project, "--resume", "--json", cwd=long_project)
    assert done.returncode == 0, done.stderr
    run = list_runs(experiments)[-1]
    assert (run.status, run.resumed, run.trials) == ("completed", first.run_id, 4)
    events = [logged.event for logged in read_events(experiments / run.run_id)]
    before = [logged.event for logged in read_events(experiments / first.run_id)]
    trials = [[event for event in told if isinstance(event, TrialFinished)] for told in (before, events)]
    # What was fitted before is told again as it was, its seconds included.
    assert trials[1][:2] == trials[0][:2]
    assert any(isinstance(event, Finding) and "finished trials" in event.text for event in events)
    assert ends(experiments / run.run_id) == [TrainingCompleted(run.run_id, {run.metric: run.cv})]
    assert not list(experiments.glob("*/checkpoint"))


def test_there_must_be_something_to_resume(copy_of):
    before = sorted(path.name for path in (copy_of / "experiments").iterdir())
    done = automl("train", copy_of, "--resume", cwd=copy_of)
    assert done.returncode == 2
    assert "nothing to resume" in done.stderr
    assert sorted(path.name for path in (copy_of / "experiments").iterdir()) == before
    both = automl("train", copy_of, "--resume", "--data", copy_of, cwd=copy_of)
    assert both.returncode == 2
    assert "excludes --data" in both.stderr


def test_every_line_of_a_run_is_json_that_names_the_run(copy_of):
    package = next(copy_of.glob("src/*/features.py")).parent.name
    environment = {**os.environ, "PYTHONPATH": str(copy_of / "src")}
    command = [sys.executable, "-m", package, "--log-json", "train"]
    done = subprocess.run(command, cwd=copy_of, env=environment, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    run = list_runs(copy_of / "experiments")[-1]
    spec = yaml.safe_load((copy_of / "project.yaml").read_text())
    assert {(line["run_id"], line["project"]) for line in lines} == {(run.run_id, spec["name"])}
    assert [line["event"]["kind"] for line in lines if "event" in line][-1] == "completed"
    assert {line["level"] for line in lines} >= {"INFO", "DEBUG"}
    assert lines[-1]["message"].startswith("models/v002: ")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "cancelled"])
def test_an_interrupted_project_goes_on_without_repeating_trials(tmp_path, number):
    write_gym(tmp_path / "source")
    arguments = ["new", REQUEST, "--data", "source", "--out", "project", "--no-ask", "--trials", "4"]
    environment = {**os.environ, "AUTOML_LOG": "json"}
    command = [sys.executable, "-m", "automl_agent", *arguments]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        for line in process.stderr:
            if json.loads(line).get("event", {}).get("number") == 2:
                os.killpg(process.pid, number)
                break
        said = process.stderr.read()
    left = [path.name for path in tmp_path.iterdir() if path.name != "source"]
    assert left == [] if number == signal.SIGINT else len(left) == 1, said
    assert number == signal.SIGKILL or "--resume goes on from there" in said
    done = automl(*arguments, "--resume", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "finished trials" in done.stderr
    [run] = [run for run in list_runs(tmp_path / "project" / "experiments") if run.status == "completed"]
    assert run.trials == 4
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project", "source"]
    again = automl(*arguments, "--resume", cwd=tmp_path)
    assert again.returncode == 2
    assert "exists and is not empty" in again.stderr
