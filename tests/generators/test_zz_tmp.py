"""The Dockerfile's steps, run without Docker: in an empty folder and a new virtual environment."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def instructions(project: Path) -> list[tuple[str, str]]:
    text = (project / "deployment" / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def copied(project: Path) -> list[tuple[str, str]]:
    return [(value.split()[0], value.split()[1]) for name, value in instructions(project) if name == "COPY"]


def test_everything_that_is_copied_is_there_and_not_ignored(trained):
    lines = (trained / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    for source, _ in copied(trained):
        assert (trained / source).exists(), source
        assert source.rstrip("/") in kept, source
        tracked = subprocess.run(["git", "ls-files", source], cwd=trained, capture_output=True, text=True, check=True)
        assert tracked.stdout, f"{source} is not in a clone"


def test_the_steps_make_a_service_that_answers(trained, tmp_path):
    app, venv = tmp_path / "app", tmp_path / "venv"
    app.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    variables = {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    left_out = []
    for name, value in instructions(trained):
        if name == "FROM":
            assert value == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
        elif name == "COPY":
            source, target = trained / value.split()[0], app / value.split()[1]
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copy(source, target if value.split()[1] != "." else app)
        elif name == "RUN" and "pip install" in value:
            subprocess.run(["bash", "-ec", value], cwd=app, env=variables, check=True, capture_output=True)
        elif name == "RUN":
            left_out.append(value.split()[0])
        elif name == "ENV":
            variables |= dict(part.split("=", 1) for part in shlex.split(value.replace("/app", str(app))))
    # Only the system library and the user need a real image.
    assert left_out == ["apt-get", "useradd"]
    variables["PYTHONPATH"] += ":/tmp/e2e/stub"
    command = json.loads(instructions(trained)[-1][1])
    variables |= {"AUTOML_PORT": "0", "AUTOML_HOST": "127.0.0.1"}
    with subprocess.Popen(command, cwd=app, env=variables, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        url = service.stdout.readline().strip()
        with (trained / "tests" / "golden.jsonl").open(encoding="utf-8") as lines:
            golden = json.loads(lines.readline())
        request = urllib.request.Request(f"{url}/predict", data=json.dumps(golden["inputs"]).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            said = json.load(answer)
        service.terminate()
    assert said["label"] == golden["answer"]["label"]
    assert said["probabilities"] == pytest.approx(golden["answer"]["probabilities"], abs=1e-6)


def test_the_image_is_built(trained):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode != 0:
        pytest.skip("the image was not built: no Docker daemon answers")
    done = subprocess.run(["make", "docker"], cwd=trained, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"predict-left", done.stderr + done.stdout)
