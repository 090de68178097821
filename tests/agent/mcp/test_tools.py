"""What the server says of the tools, and what calls of them give, by the SDK's own client in this process."""

from __future__ import annotations

import json

import anyio
import pytest
from automl_agent.mcp.server import create_server
from automl_agent.tools import registry
from jsonschema import Draft202012Validator
from mcp import Client, MCPError

pytestmark = pytest.mark.anyio


async def test_the_list_is_that_of_the_registry_in_its_order(workspace):
    async with Client(create_server(workspace)) as client:
        listed = (await client.list_tools()).tools
        again = (await client.list_tools(cache_mode="bypass")).tools
    assert [(tool.name, tool.title, tool.description, tool.input_schema, tool.output_schema) for tool in listed] == [
        (
            tool.name,
            tool.title,
            tool.description,
            tool.request.model_json_schema(),
            tool.answer.model_json_schema(mode="serialization"),
        )
        for tool in registry.tools()
    ]
    assert listed == again


async def test_annotations_are_those_of_the_registry(workspace):
    async with Client(create_server(workspace)) as client:
        listed = (await client.list_tools()).tools
    for tool, known in zip(listed, registry.tools(), strict=True):
        told = tool.annotations
        assert (told.read_only_hint, told.destructive_hint, told.idempotent_hint, told.open_world_hint) == (
            known.reads_only,
            known.destructive,
            known.idempotent,
            False,
        )


async def test_every_schema_is_valid_and_says_object(workspace):
    async with Client(create_server(workspace)) as client:
        for tool in (await client.list_tools()).tools:
            for schema in (tool.input_schema, tool.output_schema):
                Draft202012Validator.check_schema(schema)
                assert schema["type"] == "object"


async def test_an_answer_is_structured_and_the_same_as_text(workspace, sales):
    async with Client(create_server(workspace)) as client:
        result = await client.call_tool("discover_data", {"path": "sales"})
    assert not result.is_error
    assert json.loads(result.content[0].text) == result.structured_content
    assert [column["name"] for column in result.structured_content["tables"][0]["columns"]] == [
        "age",
        "colour",
        "bought",
    ]
    assert result.structured_content["next_actions"][0]["tool"] == "draft_spec"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_events_of_the_work_are_progress_that_increases(workspace, sales, mode):
    told = []

    async def hear(progress, total, message):
        told.append((progress, message))

    async with Client(create_server(workspace), mode=mode) as client:
        await client.call_tool("discover_data", {"path": "sales"}, progress_callback=hear)
    assert [progress for progress, _ in told] == list(range(1, len(told) + 1))
    assert any("1 file" in message for _, message in told)


@pytest.mark.parametrize(
    ("arguments", "blame", "words"),
    [
        ({}, "fix", "path: Field required"),
        ({"path": "sales", "depth": 3}, "fix", "depth: Extra inputs"),
        ({"path": ["sales"]}, "fix", "path: Input should be a valid string"),
        ({"path": "nothing-here"}, "fix", "does not exist"),
    ],
)
async def test_wrong_arguments_are_an_error_that_a_model_can_mend(workspace, arguments, blame, words):
    async with Client(create_server(workspace)) as client:
        result = await client.call_tool("discover_data", arguments)
    error = json.loads(result.content[0].text)
    assert result.is_error
    assert error["error"] == blame
    assert words in error["message"]
    assert error["hint"]


async def test_errors_have_no_structured_content(workspace):
    """Clients check structured content against the schema of the answer, errors included, and then hide the message."""
    async with Client(create_server(workspace)) as client:
        result = await client.call_tool("get_report", {"project": "../elsewhere"})
    assert result.is_error
    assert result.structured_content is None
    assert json.loads(result.content[0].text)["error"] == "ask_user"


async def test_an_unknown_tool_is_named_beside_those_there_are(workspace):
    async with Client(create_server(workspace)) as client:
        with pytest.raises(MCPError, match="no tool 'make_coffee'") as caught:
            await client.call_tool("make_coffee", {})
    assert caught.value.code == -32602
    assert "discover_data" in str(caught.value)


async def test_two_clients_are_served_at_once(workspace, sales):
    server = create_server(workspace)
    async with Client(server) as one, Client(server, mode="legacy") as two, anyio.create_task_group() as tasks:
        for client in (one, two):
            tasks.start_soon(client.call_tool, "discover_data", {"path": "sales"})
        assert not (await one.call_tool("list_projects", {})).is_error
