from __future__ import annotations

import json
from typing import Any

import pytest
from agent.tools.conftest import workspace  # noqa: F401
from automl_agent.langchain import toolkit
from automl_agent.tools import ToolError, find_tool, tools
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult


def called(tool, arguments):
    return tool.invoke({"type": "tool_call", "id": "c1", "name": tool.name, "args": arguments})


def test_each_tool_is_one_of_langchains(workspace):  # noqa: F811
    for made, tool in zip(toolkit(workspace), tools(), strict=True):
        assert (made.name, made.description, made.args_schema) == (tool.name, tool.description, tool.request)


def test_the_message_holds_json_and_the_answer_itself(workspace):  # noqa: F811
    [look] = toolkit(workspace, names=["discover_data"])
    message = called(look, {"path": "data"})
    answer = find_tool("discover_data").call(workspace, {"path": "data"})
    assert message.status == "success"
    assert message.artifact == answer
    assert message.content == answer.model_dump_json()


@pytest.mark.parametrize(
    ("name", "arguments", "blame"),
    [
        ("discover_data", {"path": "/etc"}, "ask_user"),
        ("discover_data", {"path": "nowhere"}, "fix"),
        ("discover_data", {"pat": "data"}, "fix"),
        ("discover_data", {}, "fix"),
        ("get_run", {"run_id": "run-0", "wait_seconds": 99}, "fix"),
        ("get_run", {"run_id": "run-0", "wait_seconds": None}, "fix"),
    ],
)
def test_what_goes_wrong_is_told_and_does_not_end_the_agent(name, arguments, blame, workspace):  # noqa: F811
    [tool] = toolkit(workspace, names=[name])
    message = called(tool, arguments)
    assert message.status == "error"
    assert json.loads(message.content)["error"] == blame


def test_some_tools_can_be_taken(workspace):  # noqa: F811
    names = {"predict", "list_runs"}
    assert [tool.name for tool in toolkit(workspace, names=names)] == [
        each.name for each in tools() if each.name in names
    ]
    with pytest.raises(ToolError, match="nope"):
        toolkit(workspace, names=["nope"])


def test_a_workspace_is_made_of_a_path(tmp_path):
    [listed] = toolkit(tmp_path / "new", names=["list_projects"])
    assert json.loads(listed.invoke({}))["projects"] == []
    assert (tmp_path / "new").is_dir()


class Scripted(GenericFakeChatModel):
    """Says its messages in turn."""

    def bind_tools(self, bound, **options):
        return self


def test_an_agent_of_langchain_goes_on_after_an_error(workspace):  # noqa: F811
    wrong = {"name": "discover_data", "args": {"path": "nowhere"}, "id": "1", "type": "tool_call"}
    right = {**wrong, "args": {"path": "data"}, "id": "2"}
    said = iter([AIMessage("", tool_calls=[wrong]), AIMessage("", tool_calls=[right]), AIMessage("240 parcels")])
    heard = create_agent(Scripted(messages=said), toolkit(workspace)).invoke({"messages": ["look"]})["messages"]
    assert [message.status for message in heard if message.type == "tool"] == ["error", "success"]
    assert heard[-1].content == "240 parcels"


COLUMNS = ["weight_kg", "distance_km", "depot"]


def whole_job(request):
    """What a model calls, each call made of the answers before."""
    run = yield "create_project", {"request": request, "path": "data", "trials": 1, "idempotency_key": "job"}
    while run["status"] == "running":
        run = yield "get_run", {"run_id": run["run_id"], "since": run["cursor"], "wait_seconds": 20}
    project = run["result"]["project"]
    yield "predict", {"project": project, "columns": COLUMNS, "rows": [[29.5, 880, "north"], [1, 10, "north"]]}


class Following(BaseChatModel):
    """Follows a script that sees the answers of the tools."""

    script: Any

    def bind_tools(self, bound, **options):
        return self

    def _generate(self, messages, *rest, **options):
        heard = json.loads(messages[-1].content) if messages[-1].type == "tool" else None
        try:
            name, arguments = self.script.send(heard)
            made = {"name": name, "args": arguments, "id": str(len(messages)), "type": "tool_call"}
            message = AIMessage("", tool_calls=[made])
        except StopIteration:
            message = AIMessage(", ".join(str(each["prediction"]) for each in heard["predictions"]))
        return ChatResult(generations=[ChatGeneration(message=message)])

    @property
    def _llm_type(self):
        return "script"


def job(request):
    found = yield "discover_data", {"path": "data"}
    assert found["tables"][0]["name"] == "parcels"
    drafted = yield "draft_spec", {"request": request, "path": "data"}
    assert drafted["target"] == "parcels.late"
    yield from whole_job(request)


@pytest.mark.slow
def test_an_agent_of_langchain_does_the_whole_job(workspace):  # noqa: F811
    agent = create_agent(Following(script=job("predict whether a parcel arrives late")), toolkit(workspace))
    heard = agent.invoke({"messages": ["do the job"]}, {"recursion_limit": 200})["messages"]
    assert heard[-1].content == "yes, no"
    assert {message.status for message in heard if message.type == "tool"} == {"success"}
