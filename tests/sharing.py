"""What takes long to make is made once in a run of the tests, by the worker that needs it first."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from automl_runtime.files import locked


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` that `make` has filled; whoever wants to change it takes a copy.

    All workers of pytest-xdist share it: the others wait for the first. What fails is tried again by the next.
    """
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made-once"
    shared.mkdir(exist_ok=True)
    folder, complete = shared / name, shared / f"{name}.complete"
    with locked(shared / f"{name}.lock", patience=900):
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder
