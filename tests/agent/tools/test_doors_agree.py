"""Every door shows the same tools and gives the same answers."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from automl_agent.langchain import toolkit
from automl_agent.mcp.server import create_server
from automl_agent.openai_functions import definitions, dispatch
from automl_agent.tools import ToolError, find_tool, tools
from langchain_core.utils.function_calling import convert_to_openai_tool
from mcp import Client

CALLS = {
    "found": ("discover_data", {"path": "data"}),
    "defaults": ("list_runs", {}),
    "null": ("list_runs", {"project": None, "where": None}),
    "nested": ("draft_spec", {"request": "predict late", "path": "data", "answers": [{"id": "x", "value": "y"}]}),
    "not there": ("discover_data", {"path": "nowhere"}),
    "outside": ("get_report", {"project": "../../etc"}),
    "wrong argument": ("discover_data", {"pth": "data"}),
    "wrong type": ("get_run", {"run_id": 7, "since": "x"}),
}


def by_python(workspace, name, arguments):
    try:
        return find_tool(name).call(workspace, arguments).model_dump(mode="json")
    except ToolError as error:
        return error.to_json()


def by_command_line(workspace, name, arguments):
    command = [sys.executable, "-m", "automl_agent", "call", name, json.dumps(arguments), "--json"]
    done = subprocess.run([*command, "--workspace", str(workspace.root)], capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == answer.get("exit_code", 0)
    return answer


def by_chat_completions(workspace, name, arguments):
    return json.loads(dispatch({"function": {"name": name, "arguments": json.dumps(arguments)}}, workspace))


def by_responses(workspace, name, arguments):
    made = {"type": "function_call", "call_id": "1", "name": name, "arguments": json.dumps(arguments)}
    return json.loads(dispatch(made, workspace))


def by_langchain(workspace, name, arguments):
    try:
        [tool] = toolkit(workspace, names=[name])
    except ToolError as error:
        return error.to_json()
    return json.loads(tool.invoke({"type": "tool_call", "id": "1", "name": name, "args": arguments}).content)


def by_mcp(workspace, name, arguments):
    async def ask():
        async with Client(create_server(workspace)) as client:
            return await client.call_tool(name, arguments)

    result = asyncio.run(ask())
    return json.loads(result.content[0].text) if result.is_error else result.structured_content


@pytest.fixture
def workspace(workspace):
    """Anything may be read, as where the user starts a door himself."""
    return type(workspace)(workspace.root)


DOORS = [by_command_line, by_chat_completions, by_responses, by_langchain]


@pytest.mark.parametrize("door", [*DOORS, by_mcp])
@pytest.mark.parametrize(("name", "arguments"), CALLS.values(), ids=CALLS)
def test_the_same_call_gives_the_same_answer(door, name, arguments, workspace):
    assert door(workspace, name, arguments) == by_python(workspace, name, arguments)


@pytest.mark.parametrize("door", DOORS)  # MCP has an error of its protocol for it
def test_a_tool_that_there_is_not_is_told_alike(door, workspace):
    assert door(workspace, "no_such_tool", {}) == by_python(workspace, "no_such_tool", {})


def named(schema):
    """Names of the arguments with whether they are required, and their types."""
    required = set(schema.get("required", ()))
    return {name: (name in required, _types(each)) for name, each in schema.get("properties", {}).items()}


def _types(schema):
    found = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    return sorted(str(each.get("type", "object")) for each in found)


def strict(schema):
    """As `named`, of a strict schema: what may be null may be left out."""
    properties = schema["properties"]
    return {name: ({"type": "null"} not in each.get("anyOf", ()), _types(each)) for name, each in properties.items()}


def listed_by_mcp(workspace):
    async def ask():
        async with Client(create_server(workspace)) as client:
            return (await client.list_tools()).tools

    return [(tool.name, tool.description, named(tool.input_schema)) for tool in asyncio.run(ask())]


def listed_by_command_line(workspace):
    command = [sys.executable, "-m", "automl_agent", "tools", "--format", "json"]
    content = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return [(tool["name"], tool["description"], named(tool["input_schema"])) for tool in content]


def listed_by_chat_completions(workspace):
    functions = [tool["function"] for tool in definitions("chat")]
    return [(each["name"], each["description"], strict(each["parameters"])) for each in functions]


def listed_by_responses(workspace):
    return [(each["name"], each["description"], strict(each["parameters"])) for each in definitions("responses")]


def listed_by_langchain(workspace):
    functions = [convert_to_openai_tool(tool)["function"] for tool in toolkit(workspace)]
    return [(each["name"], each["description"], named(each["parameters"])) for each in functions]


@pytest.mark.parametrize(
    "door",
    [listed_by_command_line, listed_by_chat_completions, listed_by_responses, listed_by_langchain, listed_by_mcp],
)
def test_the_same_tools_are_shown(door, workspace):
    expected = [(tool.name, tool.description, named(tool.request.model_json_schema())) for tool in tools()]
    assert door(workspace) == expected
