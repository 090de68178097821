from __future__ import annotations

import importlib.util

import pytest
from automl_agent.llm import LanguageModel, Limits
from automl_runtime.errors import MissingExtraError, RequestError
from automl_runtime.events import Warned

LOCAL = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_MODEL": "small"}


@pytest.mark.parametrize(
    ("choice", "environment"),
    [
        ("off", LOCAL),
        ("auto", {}),
        ("auto", {"OPENAI_API_KEY": "sk-only-a-key-0123"}),
        ("auto", {"OPENAI_MODEL": "gpt"}),
        ("auto", {**LOCAL, "OPENAI_MODEL": "  "}),
    ],
)
def test_without_a_configured_model_there_is_none(choice, environment):
    assert LanguageModel.from_environment(choice, environment=environment) is None


@pytest.mark.parametrize(
    ("choice", "environment", "model", "address"),
    [
        ("auto", LOCAL, "small", "http://127.0.0.1:9/v1"),
        ("large", LOCAL, "large", "http://127.0.0.1:9/v1"),
        ("large", {"OPENAI_API_KEY": "sk-0123456789"}, "large", "https://api.openai.com/v1"),
    ],
)
def test_the_environment_says_which_model(choice, environment, model, address):
    found = LanguageModel.from_environment(choice, environment=environment)
    assert (found.endpoint.model, found.endpoint.base_url) == (model, address)
    assert "sk-0123456789" not in repr(found.endpoint)


@pytest.mark.parametrize(
    ("choice", "environment", "message"),
    [
        ("large", {}, "no endpoint is configured"),
        ("auto", {**LOCAL, "OPENAI_BASE_URL": "localhost:8000"}, "does not begin with http"),
        ("auto", {**LOCAL, "AUTOML_LLM_PRICE": "cheap"}, "written as IN/OUT"),
        ("auto", {**LOCAL, "AUTOML_LLM_PRICE": "-1/2"}, "between 0 and"),
        ("auto", {**LOCAL, "AUTOML_LLM_PRICE": "nan/2"}, "between 0 and"),
    ],
)
def test_wrong_settings_are_told(choice, environment, message):
    with pytest.raises(RequestError, match=message):
        LanguageModel.from_environment(choice, environment=environment)


def test_without_the_extra_the_pip_command_is_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openai" else real(name))
    warned = []
    assert LanguageModel.from_environment("auto", environment=LOCAL, on_event=warned.append) is None
    assert [type(event) for event in warned] == [Warned]
    assert 'pip install "automl-cli[llm]"' in warned[0].text
    with pytest.raises(MissingExtraError, match=r"automl-cli\[llm\]"):
        LanguageModel.from_environment("small", environment=LOCAL)


def test_prices_count_for_the_limit_of_the_cost():
    found = LanguageModel.from_environment(
        environment={**LOCAL, "AUTOML_LLM_PRICE": "0.15/0.60"}, limits=Limits(cost=0.1)
    )
    assert found.endpoint.price == (0.15, 0.6)
