from __future__ import annotations

import json

import pytest
from agent_tools import NAMES
from automl_agent.tools import ToolError, find_tool, tools
from automl_agent.tools.contract import Answer, Request, StartRequest


def test_the_tools_are_those_that_were_promised():
    assert [tool.name for tool in tools()] == NAMES


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_a_tool_is_described_for_a_model(tool):
    assert 60 < len(tool.description) < 700
    assert tool.title
    assert issubclass(tool.request, Request)
    assert issubclass(tool.answer, Answer)
    assert tool.answer.model_json_schema(mode="serialization")["type"] == "object"
    assert tool.long == issubclass(tool.request, StartRequest)
    assert not (tool.reads_only and (tool.destructive or tool.long))


@pytest.mark.parametrize("tool", tools(), ids=lambda tool: tool.name)
def test_arguments_are_no_free_form_mappings(tool):
    schema = json.dumps(tool.request.model_json_schema())
    assert '"additionalProperties": true' not in schema
    assert '"additionalProperties": {' not in schema
    assert schema.count('"type": "object"') == schema.count('"additionalProperties": false')


def test_a_tool_that_does_not_exist():
    with pytest.raises(ToolError, match="no tool 'drop_tables'") as caught:
        find_tool("drop_tables")
    assert (caught.value.blame, caught.value.exit_code) == ("fix", 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "path: Field required"),
        ({"path": 3}, "path: Input should be a valid string, not 3"),
        ({"path": "data", "deep": True}, "deep: Extra inputs are not permitted, not True"),
        ({"path": None}, "path: Input should be a valid string, not None"),
    ],
)
def test_wrong_arguments_are_named(workspace, arguments, said):
    with pytest.raises(ToolError) as caught:
        find_tool("discover_data").call(workspace, arguments)
    assert said in caught.value.message
    assert caught.value.blame == "fix"
    assert caught.value.hint == "Arguments: path."


def test_null_means_the_default():
    request = find_tool("draft_spec").parse({"request": "x", "answers": None, "seed": None, "path": None})
    assert (request.answers, request.seed) == ([], 0)
