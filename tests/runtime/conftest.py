from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def small_forests():
    """Tests look at how things fit together, not at how good a large forest is."""
    from automl_runtime.engine import portfolio

    patch = pytest.MonkeyPatch()
    patch.setattr(portfolio, "_TREES", 10)
    yield
    patch.undo()


@pytest.fixture
def plugs(tmp_path, monkeypatch):
    """A home of its own, and a function that registers what is in `parts/user_parts.py`."""
    from automl_runtime.engine.learners.foreign import plug_in
    from automl_runtime.engine.registries import registry

    folder = tmp_path / "mine"
    shutil.copytree(Path(__file__).parent / "parts", folder)
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path / "home"))
    yield lambda kind, name, attribute: registry(kind).register(name, f"user_parts:{attribute}", folder=folder)
    monkeypatch.setenv("AUTOML_HOME", str(tmp_path / "empty"))
    plug_in("binary", lambda text: None)
