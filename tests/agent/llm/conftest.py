from __future__ import annotations

import contextlib

import pytest
from agent.llm.scripted_server import serving
from automl_agent.llm import LanguageModel, Limits
from automl_agent.llm.endpoint import Endpoint


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model_of(tmp_path):
    """Makes a model whose server behaves as told, and the server."""
    with contextlib.ExitStack() as stack:

        def make(behave, *, key="sk-test-0123456789abcdef", price=None, cache=True, events=None, **limits):
            server = stack.enter_context(serving(behave))
            model = LanguageModel(
                Endpoint(server.address, "scripted", key, price),
                limits=Limits(**limits),
                cache=tmp_path / "cache" if cache else None,
                environment={},
                on_event=(events if events is not None else []).append,
            )
            stack.callback(model.close)
            return model, server

        yield make
