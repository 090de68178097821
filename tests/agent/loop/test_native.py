from __future__ import annotations

import json
from typing import Any

import pytest
from automl_agent.loop.calling import Limits
from automl_agent.loop.native import NativeMind, fenced_calls
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage


class Scripted(GenericFakeChatModel):
    """Says its messages in turn; keeps what it was sent."""

    seen: Any = None

    def bind_tools(self, bound, **options):
        return self

    def _generate(self, messages, *rest, **options):
        self.seen.append(messages)
        return super()._generate(messages, *rest, **options)


def call(name, **arguments):
    return {"name": name, "args": arguments, "id": f"{name}-{len(str(arguments))}", "type": "tool_call"}


def mind(*messages):
    model = Scripted(messages=iter(messages), seen=[])
    return model, lambda calls: NativeMind(model, calls)


def look():
    return AIMessage("I look first", tool_calls=[call("discover_data", path="data")])


def test_the_model_calls_tools_and_says_what_it_found(talk, workspace):
    model, way = mind(look(), AIMessage("240 parcels"))
    made = talk(workspace, mind=way)
    assert made.hear("what is there?") == "240 parcels"
    assert [(entry["tool"], entry["by"], entry["why"]) for kind, entry in made.log if kind == "call"] == [
        ("discover_data", "model", "I look first")
    ]
    answer = model.seen[1][-1]
    assert answer.content.startswith("<data>\n{")
    assert json.loads(answer.content[7:-8])["tables"][0]["name"] == "parcels"


def test_it_is_told_that_names_are_data(talk, workspace):
    model, way = mind(AIMessage("hello"))
    talk(workspace, mind=way).hear("hello model")
    assert "never instructions" in model.seen[0][0].content


def test_it_remembers_the_conversation(talk, workspace):
    model, way = mind(look(), AIMessage("parcels"), AIMessage("as I said"))
    talk(workspace, mind=way).hear("what is there?", "again?")
    assert [message.type for message in model.seen[2]] == ["system", "human", "ai", "tool", "ai", "human"]


@pytest.mark.parametrize(
    ("name", "arguments", "blame"),
    [
        ("no_such_tool", {}, "fix"),
        ("discover_data", {"path": None}, "fix"),
        ("discover_data", {"path": "/etc"}, "ask_user"),
    ],
)
def test_errors_come_back_to_the_model(talk, workspace, name, arguments, blame):
    model, way = mind(AIMessage("", tool_calls=[call(name, **arguments)]), AIMessage("sorry"))
    made = talk(workspace, mind=way)
    assert made.hear("do it") == "sorry"
    assert json.loads(model.seen[1][-1].content[7:-8])["error"] == blame
    assert made.called() == [(name, blame)]


def test_several_calls_at_once_are_made_in_turn(talk, workspace):
    several = AIMessage("", tool_calls=[call("discover_data", path="data"), call("list_projects"), call("list_runs")])
    model, way = mind(several, AIMessage("done"))
    made = talk(workspace, mind=way)
    made.hear("look around")
    assert [tool for tool, _ in made.called()] == ["discover_data", "list_projects", "list_runs"]
    assert [message.name for message in model.seen[1] if isinstance(message, ToolMessage)] == [
        "discover_data",
        "list_projects",
        "list_runs",
    ]


FENCED = 'I look.\n```json\n{"tool": "discover_data", "arguments": {"path": "data"}}\n```'


def test_a_call_written_as_text_is_made(talk, workspace):
    _, way = mind(AIMessage(FENCED), AIMessage("240 parcels"))
    made = talk(workspace, mind=way)
    assert made.hear("what is there?") == "240 parcels"
    assert made.called() == [("discover_data", "done")]


@pytest.mark.parametrize(
    "text",
    [
        FENCED,
        '{"name": "discover_data", "arguments": {"path": "data"}}',
        '```\n{"name": "discover_data", "parameters": {"path": "data"}}\n```',
        '```json\n{"function": {"name": "discover_data", "arguments": "{\\"path\\": \\"data\\"}"}}\n```',
    ],
)
def test_calls_are_written_in_several_ways(text):
    [made] = fenced_calls(AIMessage(text)).tool_calls
    assert (made["name"], made["args"]) == ("discover_data", {"path": "data"})


@pytest.mark.parametrize(
    "text",
    ["", "plain words", "```json\n{", '```json\n{"tool": "rm", "arguments": {}}\n```', "[1]", '{"tool": ["x"]}', "{}"],
)
def test_what_is_no_call_stays_text(text):
    message = AIMessage(text)
    assert fenced_calls(message) is message


def test_where_the_model_says_nothing_the_rules_decide(talk, workspace):
    _, way = mind(AIMessage(""))
    made = talk(workspace, mind=way)
    heard = made.hear("what is in ./data")
    assert "the rules decide" in heard
    assert "parcels: 240 rows" in heard
    assert [(entry["tool"], entry["by"]) for kind, entry in made.log if kind == "call"] == [("discover_data", "rule")]


def test_what_the_model_has_begun_is_not_done_again_by_the_rules(talk, workspace):
    _, way = mind(look(), AIMessage(""))
    made = talk(workspace, mind=way)
    assert "does not go on" in made.hear("what is in ./data")
    assert made.called() == [("discover_data", "done")]
    assert made.conversation.failed == 1


def test_a_limit_ends_the_request_and_the_conversation_goes_on(talk, workspace):
    _, way = mind(look(), look(), look(), AIMessage("ready again"))
    made = talk(workspace, mind=way, limits=Limits(calls=2))
    assert "Stopped: 2 calls of tools" in made.hear("look")
    assert made.person.told[-1] != "ready again"
    made.hear("go on")
    assert made.person.told[-1] == "ready again"


def test_calls_that_were_stopped_are_answered_so_that_the_model_can_go_on(talk, workspace):
    several = AIMessage("", tool_calls=[call("list_projects"), call("discover_data", path="data")])
    model, way = mind(several, AIMessage("ready again"))
    made = talk(workspace, mind=way)
    original = made.calls.call

    def stopped(name, arguments, **more):
        if name == "discover_data":
            raise KeyboardInterrupt
        return original(name, arguments, **more)

    made.calls.call = stopped
    made.hear("look around")
    assert made.conversation.failed == 5
    made.hear("go on")
    answers = [json.loads(message.content[7:-8]) for message in model.seen[1] if isinstance(message, ToolMessage)]
    assert ["projects" in answers[0], answers[1].get("error")] == [True, "ask_user"]
