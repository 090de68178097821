"""Endpoints that are busy, broken, slow, or not what they should be."""

from __future__ import annotations

import socket

import pytest
from agent.llm.scripted_server import call, filled, schema_of
from automl_agent.llm import LanguageModel, Limits, calling
from automl_agent.llm.endpoint import Endpoint
from automl_runtime.errors import RequestError
from automl_runtime.events import Progress, Warned
from pydantic import BaseModel

KEY = "sk-test-0123456789abcdef"


class Number(BaseModel):
    """Says a number."""

    number: int


def works(request):
    return call(filled(schema_of(request)))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(calling, "_FIRST_WAIT", 0.01)


def failing_first(times, status, headers=()):
    left = [times]

    def behave(request):
        left[0] -= 1
        return (status, "not now", headers) if left[0] >= 0 else works(request)

    return behave


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_what_passes_is_tried_again(model_of, status):
    events = []
    model, server = model_of(failing_first(2, status), events=events)
    assert model.decide("How many?", Number, data={}) == Number(number=7)
    assert any(f"status {status}; again in" in event.message for event in events if isinstance(event, Progress))
    assert model.usage.calls == len(server.requests) == 4


def test_the_time_that_the_endpoint_asks_for_is_waited(model_of):
    events = []
    model, _ = model_of(failing_first(1, 429, [("Retry-After", "0.05")]), events=events)
    model.decide("How many?", Number, data={})
    assert any("again in 0.1 s" in event.message for event in events if isinstance(event, Progress))


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (lambda request: (401, f"Incorrect API key provided: {KEY}"), "401"),
        (lambda request: (403, "not allowed"), "403"),
        (lambda request: (404, "The model `scripted` does not exist"), "does not exist"),
        (lambda request: (429, "quota used up"), "quota used up"),
        (lambda request: (200, {"hello": "I am no language model"}), "no JSON that fits"),
        (lambda request: (200, {"choices": []}), "no JSON that fits"),
        (lambda request: (500, "always broken"), "no JSON that fits"),
    ],
)
def test_an_endpoint_that_cannot_be_used_is_told_once_and_not_asked_again(model_of, behave, reason):
    events = []
    model, server = model_of(behave, events=events)
    assert model.decide("How many?", Number, data={}) is None
    asked = len(server.requests)
    assert model.decide("How many?", Number, data={}) is None
    assert len(server.requests) == asked
    warnings = [event.text for event in events if isinstance(event, Warned)]
    assert len(warnings) == 1
    assert "the rules decide" in warnings[0]
    assert reason in warnings[0]
    assert KEY not in "".join([*warnings, model.reason, *model.transcript.lines])
    with pytest.raises(RequestError, match="cannot be used") as raised:
        model.check()
    assert KEY not in str(raised.value)


def test_what_cannot_be_reached_is_not_remembered(model_of, tmp_path):
    model, _ = model_of(lambda request: (401, "wrong key"))
    assert model.level == "none"
    again = LanguageModel(model.endpoint, cache=tmp_path / "cache", environment={})
    assert again._remembered() is None


def test_no_connection_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://someone:secretword@127.0.0.1:{taken.getsockname()[1]}/v1"
    model = LanguageModel(Endpoint(address, "m", KEY), environment={})
    assert model.decide("How many?", Number, data={}) is None
    assert "no connection" in model.reason
    assert "secretword" not in model.reason
    model.close()


def test_a_server_that_hangs_ends_with_the_limit_of_time(model_of):
    model, _ = model_of(lambda request: None, seconds=1)
    assert model.decide("How many?", Number, data={}) is None
    assert model.reason in ("it did not answer in time", "the limit of 1 s is reached")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"calls": 2}, "the limit of 2 calls"),
        ({"tokens": 200}, "the limit of 200 tokens"),
        ({"cost": 0.0002, "price": (1.0, 1.0)}, "the limit of $0.0002"),
    ],
)
def test_a_limit_ends_the_asking_and_keeps_what_was_decided(model_of, limits, reason):
    model, server = model_of(works, cache=False, **limits)
    found = [model.decide(f"How many of {i}?", Number, data={}) for i in range(3)]
    assert found[0] == Number(number=7)
    assert found[-1] is None
    assert reason in model.reason
    assert len(server.requests) <= 3


def test_usage_adds_up(model_of):
    model, _ = model_of(works, price=(2.0, 10.0), cache=False)
    model.decide("How many?", Number, data={})
    used = model.usage
    assert (used.calls, used.tokens_in, used.tokens_out) == (2, 200, 40)
    assert used.cost == pytest.approx((200 * 2 + 40 * 10) / 1e6)
    assert "2 calls, 240 tokens" in str(used)


def test_a_limit_of_the_cost_needs_a_price():
    with pytest.raises(RequestError, match="price of a token"):
        LanguageModel(Endpoint("http://x/v1", "m", KEY), limits=Limits(cost=1.0), environment={})


def test_the_same_question_is_asked_once(model_of):
    model, server = model_of(works)
    first = model.decide("How many?", Number, data={"rows": 3})
    asked = len(server.requests)
    assert model.decide("How many?", Number, data={"rows": 3}) == first
    assert len(server.requests) == asked
    assert model.usage.cached == 1
    model.decide("How many?", Number, data={"rows": 4})
    assert len(server.requests) == asked + 1


def test_requests_are_repeatable(model_of):
    model, server = model_of(works, cache=False)
    model.decide("How many?", Number, data={"b": 1, "a": 2})
    model.decide("How many?", Number, data={"b": 1, "a": 2})
    assert server.requests[-1] == server.requests[-2]
    assert server.requests[-1]["temperature"] == 0
    assert "seed" in server.requests[-1]
