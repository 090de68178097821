from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def small_forests():
    """Tests look at how things fit together, not at how good a large forest is."""
    from automl_runtime.engine import portfolio

    patch = pytest.MonkeyPatch()
    patch.setattr(portfolio, "_TREES", 10)
    yield
    patch.undo()
