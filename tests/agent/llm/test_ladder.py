"""Each rung of the ladder, against servers that can do so much and no more."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from agent.llm.scripted_server import call, filled, say, schema_of, shown_schema
from pydantic import BaseModel


class Pick(BaseModel):
    """Names a colour."""

    choice: Literal["red", "green"]
    why: str


ANSWER = {"choice": "green", "why": "it is lighter"}


def answer_to(request):
    return ANSWER if "choice" in shown_schema(request)["properties"] else filled(shown_schema(request))


def with_tools(request):
    return call(answer_to(request)) if request.get("tools") else say("I like colours.")


def rejects_tools(request):
    return (400, "tools is not supported") if request.get("tools") else say(answer_to(request))


def ignores_formats(request):
    return (
        say("The signal is cobalt seven.")
        if request.get("response_format") or request.get("tools")
        else say(f"Here you are:\n```json\n{json.dumps(answer_to(request), indent=1)}\n```\nAnything else?")
    )


def only_json_mode(request):
    if request.get("response_format", {}).get("type") != "json_object":
        return 400, "response_format.type must be json_object"
    return say(answer_to(request))


def fenced_calls(request):
    """Writes calls of tools as text, and has no other way to write JSON."""
    if not request.get("tools"):
        return say("I would call the function.")
    return say(f"```json\n{json.dumps({'name': 'answer', 'arguments': answer_to(request)})}\n```")


@pytest.mark.parametrize(
    ("behave", "level"),
    [
        (with_tools, "tools"),
        (rejects_tools, "schema"),
        (only_json_mode, "json"),
        (ignores_formats, "text"),
        (fenced_calls, "tools"),
        (lambda request: say("No."), "none"),
        (lambda request: say("{}"), "none"),
        (lambda request: (501, "not implemented"), "none"),
    ],
)
def test_the_highest_rung_that_works_is_found_and_used(model_of, behave, level):
    model, _ = model_of(behave)
    assert model.level == level
    found = model.decide("Which colour?", Pick, data={})
    assert found == (None if level == "none" else Pick(**ANSWER))
    assert (model.reason is None) == (found is not None)


def test_what_was_found_is_remembered_for_the_endpoint_and_the_model(model_of):
    first, server = model_of(rejects_tools)
    assert first.level == "schema"
    asked = len(server.requests)
    second = type(first)(first.endpoint, cache=first._levels._folder.parent, environment={})
    assert second.level == "schema"
    assert len(server.requests) == asked


@pytest.mark.parametrize("level", ["wrong", 7, None])
def test_a_broken_memory_is_no_memory(model_of, level):
    model, server = model_of(rejects_tools)
    model._levels.put(model.endpoint.id, {"level": level})
    assert model.level == "schema"
    assert server.requests


def test_an_answer_that_does_not_fit_is_asked_for_again_with_what_is_wrong(model_of):
    answers = iter([{"choice": "blue", "why": ""}, ANSWER])

    def behave(request):
        return call(next(answers) if "choice" in schema_of(request)["properties"] else answer_to(request))

    model, server = model_of(behave)
    assert model.decide("Which colour?", Pick, data={}) == Pick(**ANSWER)
    assert "choice: Input should be 'red' or 'green'" in server.requests[-1]["messages"][-1]["content"]


def test_an_answer_that_was_cut_off_gets_more_room(model_of):
    def behave(request):
        if "choice" not in schema_of(request)["properties"] or request["max_tokens"] > 1000:
            return call(answer_to(request))
        return {**say('{"choice": "gre'), "finish": "length"}

    model, server = model_of(behave)
    assert model.decide("Which colour?", Pick, data={}) == Pick(**ANSWER)
    assert server.requests[-1]["max_tokens"] > server.requests[-2]["max_tokens"]


def test_a_parameter_that_is_refused_is_left_out(model_of):
    def behave(request):
        if "temperature" in request:
            return 400, "Unsupported value: 'temperature' does not support 0 with this model."
        if "max_tokens" in request:
            return 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return with_tools(request)

    model, server = model_of(behave)
    assert model.decide("Which colour?", Pick, data={}) == Pick(**ANSWER)
    assert server.requests[-1]["max_completion_tokens"] == 800
    assert "seed" in server.requests[-1]


def test_never_a_fitting_answer_is_none_with_the_reason(model_of):
    def behave(request):
        return call({"choice": "blue"} if "choice" in schema_of(request)["properties"] else answer_to(request))

    model, _ = model_of(behave)
    assert model.decide("Which colour?", Pick, data={}) is None
    assert "no answer fits the schema: choice" in model.reason
