from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from automl_generators.project import render_project


@pytest.fixture
def project(plan, tmp_path) -> Path:
    render_project(tmp_path / "project", plan, vendor=False)
    return tmp_path / "project"


def make(project: Path, *arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(project)}
    command = ["make", "--no-print-directory", *arguments, f"PYTHON={python}"]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def bare_python(tmp_path) -> str:
    """A Python that has nothing of what a project needs."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return str(python)


def test_help_lists_every_command(project):
    said = make(project).stdout
    for command in ["help", "setup", "data", "train", "evaluate", "predict", "serve", "test", "lint", "docker"]:
        assert f"make {command} " in said


def test_the_active_python_is_used_when_it_has_everything(project):
    assert make(project, "-n", "test").stdout == f"{sys.executable} -m pytest\n"
    assert make(project, "setup").stdout == f"ready: {sys.executable}\n"
    assert not (project / ".venv").exists()


def test_another_python_makes_a_virtual_environment_once(project, bare_python):
    planned = make(project, "-n", "test", python=bare_python).stdout
    assert f"{bare_python} -m venv .venv" in planned
    assert planned.endswith(".venv/bin/python -m pytest\n")
    assert "-c constraints.txt" in planned
    (project / ".venv").mkdir()
    (project / ".venv" / ".ready").touch()
    assert make(project, "-n", "test", python=bare_python).stdout == ".venv/bin/python -m pytest\n"


def test_the_wheels_are_installed_from_vendor(project, bare_python):
    (project / "vendor").mkdir()
    (project / "vendor" / "some-1-py3-none-any.whl").touch()
    planned = make(project, "-n", "setup", python=bare_python).stdout
    assert "vendor/some-1-py3-none-any.whl -e" in planned


def test_an_old_python_is_refused(project, tmp_path):
    old = tmp_path / "old"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.1\nexit 1\n', encoding="utf-8")
    old.chmod(0o755)
    done = make(project, "test", python=str(old))
    assert done.returncode == 2
    assert "Python >= 3.11 is needed" in done.stdout and "is Python 3.9.1" in done.stdout
    assert not (project / ".venv").exists()


def test_predict_says_what_it_needs(project):
    done = make(project, "predict")
    assert done.returncode == 2
    assert "make predict SOURCE=" in done.stdout
    assert make(project, "-n", "predict", "SOURCE=a b.csv", "OUTPUT=c.csv").stdout.endswith(
        'predict "a b.csv" --output "c.csv"\n'
    )
    assert make(project, "-n", "predict", "SOURCE=a.csv", "EXPLAIN=1").stdout.endswith('predict "a.csv" --explain\n')


def test_help_of_the_package_answers_without_heavy_imports(project):
    code = (
        "import sys, runpy; sys.argv = ['x', '--help']\n"
        "try: runpy.run_module('predict_lapse', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end: print(end.code, *[n for n in ('pandas', 'numpy', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=True
    )
    assert "{data,train,evaluate,predict,serve}" in done.stdout
    assert done.stdout.endswith("\n0\n")


def test_git_ignores_what_is_made(project):
    if shutil.which("git") is None:
        pytest.fail("git is needed")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    made = ["data/clean/a.jsonl", "data/processed/train.parquet", "experiments/run_001/events.jsonl", ".venv/x", ".env"]
    kept = [
        "data/contract.json",
        "models/v001/manifest.json",
        "reports/metrics.json",
        "tests/golden.jsonl",
        "vendor/a.whl",
    ]
    command = ["git", "check-ignore", *made, *kept]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == made
