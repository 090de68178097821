from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory):
    """What the person who runs the tests has registered or cached does not count."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    patch.setenv("AUTOML_HOME", str(tmp_path_factory.mktemp("home")))
    yield
    patch.undo()
