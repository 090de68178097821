from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from agent.tools.conftest import workspace  # noqa: F401
from automl_agent.openai_functions import definitions, dispatch, parse_arguments, reply, strict_schema
from automl_agent.tools import ToolError, tools
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageToolCall
from openai.types.responses import ResponseFunctionToolCall
from pydantic import BaseModel, ConfigDict, Field
from scripted import call, say, serve

SUPPORTED = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "description"),
    *("pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems"),
}


def schemas_in(schema):
    yield schema
    for each in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
        yield from schemas_in(each)
    if "items" in schema:
        yield from schemas_in(schema["items"])


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_schemas_are_strict(tool):
    for schema in schemas_in(strict_schema(tool.request)):
        assert schema.keys() <= SUPPORTED
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_only_optional_arguments_may_be_null(tool):
    properties = strict_schema(tool.request)["properties"]
    nullable = {name for name, schema in properties.items() if {"type": "null"} in schema.get("anyOf", ())}
    assert nullable == {name for name, field in tool.request.model_fields.items() if not field.is_required()}


def test_the_two_apis_nest_differently():
    chat, responses = definitions("chat", tools()[:1])[0], definitions("responses", tools()[:1])[0]
    assert {"type": "function", **chat["function"]} == responses
    assert responses["strict"] is True


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=3, description="of it")


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    one: Plain = Field(description="outside")
    maybe: Plain | None = None
    count: int = Field(default=3, ge=1)


class Free(BaseModel):
    model_config = ConfigDict(extra="forbid")
    cells: dict[str, int]


class Loop(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: list[Loop] = []


class Pair(BaseModel):
    model_config = ConfigDict(extra="forbid")
    pair: tuple[int, str]


def test_references_are_written_out_and_defaults_dropped():
    properties = strict_schema(Outer)["properties"]
    assert properties["one"]["properties"] == {"name": {"type": "string", "description": "of it"}}
    assert properties["one"]["description"] == "outside"
    assert properties["maybe"]["anyOf"][1] == {"type": "null"}
    assert properties["count"] == {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}


@pytest.mark.parametrize("model", [Free, Loop, Pair])
def test_what_strict_schemas_cannot_say_is_refused(model):
    with pytest.raises(ValueError, match=model.__name__):
        strict_schema(model)


CHAT = {"id": "c1", "type": "function", "function": {"name": "list_projects", "arguments": "{}"}}
RESPONSES = {"type": "function_call", "call_id": "c1", "name": "list_projects", "arguments": "{}"}


@pytest.mark.parametrize(
    "made",
    [
        CHAT,
        ChatCompletionMessageToolCall.model_validate(CHAT),
        RESPONSES,
        ResponseFunctionToolCall.model_validate(RESPONSES),
    ],
    ids=["chat", "chat object", "responses", "responses object"],
)
def test_calls_of_both_apis_are_answered(made, workspace):  # noqa: F811
    assert json.loads(dispatch(made, workspace))["projects"] == []


def test_replies_say_which_call_they_are_for(workspace):  # noqa: F811
    chat, responses = reply(CHAT, workspace), reply(RESPONSES, workspace)
    assert (chat["role"], chat["tool_call_id"]) == ("tool", "c1")
    assert (responses["type"], responses["call_id"]) == ("function_call_output", "c1")
    assert chat["content"] == responses["output"]


@pytest.mark.parametrize(
    ("name", "arguments", "blame"),
    [
        ("no_such_tool", "{}", "fix"),
        ("discover_data", "{", "fix"),
        ("discover_data", "[1]", "fix"),
        ("discover_data", '{"pat": "data"}', "fix"),
        ("discover_data", '{"path": "/etc"}', "ask_user"),
        ("discover_data", '{"path": "../../.."}', "ask_user"),
        ("get_report", '{"project": "../elsewhere"}', "ask_user"),
        ("get_run", '{"run_id": "run-0000000000000000", "since": null, "wait_seconds": null}', "fix"),
    ],
)
def test_what_goes_wrong_is_told_with_who_can_mend_it(name, arguments, blame, workspace):  # noqa: F811
    told = json.loads(dispatch({"function": {"name": name, "arguments": arguments}}, workspace))
    assert told["error"] == blame
    assert told["message"]


@pytest.mark.parametrize("wrong", [{}, {"name": "x"}, "discover_data", None])
def test_what_is_no_call_is_a_mistake_of_the_program(wrong, workspace):  # noqa: F811
    with pytest.raises(TypeError):
        dispatch(wrong, workspace)


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_no_arguments_are_an_empty_object(text):
    assert parse_arguments(text) == {}


@pytest.mark.parametrize("text", ["nonsense", "[]", "null", "1", '"text"'])
def test_arguments_must_be_an_object(text):
    with pytest.raises(ToolError) as caught:
        parse_arguments(text)
    assert caught.value.blame == "fix"


def looks():
    found = yield call("discover_data", path="data")
    broken = yield call("discover_data", path=None)
    yield say(f"{found['tables'][0]['name']}, {broken['error']}")


def test_the_client_of_openai_drives_the_tools(workspace):  # noqa: F811
    messages = [{"role": "user", "content": "what is there?"}]
    with serve(looks) as (address, asked), OpenAI(base_url=address, api_key="none", max_retries=0) as client:
        while (message := _ask(client, messages)).tool_calls:
            messages += [
                message.model_dump(exclude_none=True),
                *(reply(each, workspace) for each in message.tool_calls),
            ]
    assert message.content == "parcels, fix"
    assert asked[0]["tools"] == definitions("chat")


def _ask(client, messages):
    answer = client.chat.completions.create(model="script", messages=messages, tools=definitions("chat"))
    return answer.choices[0].message


@pytest.mark.slow
def test_the_example_does_the_whole_job(workspace, tmp_path):  # noqa: F811
    drive = Path(__file__).parents[2] / "examples" / "openai_loop" / "drive.py"
    written = tmp_path / "transcript.jsonl"
    where = ["--workspace", str(workspace.root), "--transcript", str(written), "--budget", "1"]
    command = [
        sys.executable,
        str(drive),
        str(workspace.root / "data"),
        "predict whether a parcel arrives late",
        *where,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "rows no model had seen" in done.stdout, done.stderr
    lines = [json.loads(line) for line in written.read_text().splitlines()]
    tools_called = list(dict.fromkeys(line["tool"] for line in lines[:-1]))
    assert tools_called[:3] == ["discover_data", "draft_spec", "create_project"]
    assert set(tools_called[-2:]) == {"promote", "rollback"}
    assert [line["answer"] for line in lines[:-1] if "error" in line["answer"]] == []
    assert str(tmp_path) not in written.read_text()
