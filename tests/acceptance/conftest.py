"""One project made by the command line from a messy folder of our own, shared by the tests of this folder."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from acceptance.gym import REQUEST, Made, automl, write_gym
from sharing import made_once


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    """The project, made once, with a fixed number of trials."""

    def make(folder):
        write_gym(folder / "source data")
        done = automl(
            "new", REQUEST, "--data", folder / "source data", "--out", folder / "quitters", "--trials", "2",
            "--no-ask", "--json",
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (folder / "stdout").write_text(done.stdout, encoding="utf-8")
        (folder / "stderr").write_text(done.stderr, encoding="utf-8")

    folder = made_once(tmp_path_factory, "gym", make)
    said, told = ((folder / name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
    return Made(folder / "quitters", folder / "source data", json.loads(said), told)


@pytest.fixture
def copy_of(made, tmp_path):
    """A copy of the project beside a copy of its source, free to be broken."""
    shutil.copytree(made.source, tmp_path / "source data")
    shutil.copytree(made.project, tmp_path / "quitters")
    return tmp_path / "quitters"
