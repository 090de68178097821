"""One project made by the command line from a messy folder of our own, shared by the tests of this folder."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from acceptance.gym import REQUEST, Made, automl, write_gym


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    """The project, made once, with a fixed number of trials."""
    folder = tmp_path_factory.mktemp("gym")
    write_gym(folder / "source data")
    done = automl(
        "new", REQUEST, "--data", folder / "source data", "--out", folder / "quitters", "--trials", "2",
        "--no-ask", "--json",
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Made(folder / "quitters", folder / "source data", json.loads(done.stdout), done.stderr)


@pytest.fixture
def copy_of(made, tmp_path):
    """A copy of the project beside a copy of its source, free to be broken."""
    shutil.copytree(made.source, tmp_path / "source data")
    shutil.copytree(made.project, tmp_path / "quitters")
    return tmp_path / "quitters"
