"""A model that can call tools: LangChain's agent decides, and each call goes the way of all calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from automl_runtime.errors import RequestError
from langchain.agents import create_agent
from langchain.agents.middleware import ClearToolUsesEdit, ContextEditingMiddleware, wrap_model_call
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from openai import OpenAIError

from automl_agent.langchain import toolkit
from automl_agent.llm.answers import FENCE
from automl_agent.loop.calling import Calls
from automl_agent.loop.conversation import NoAnswer
from automl_agent.loop.prompting import system_of
from automl_agent.tools.contract import ToolError
from automl_agent.tools.registry import tools
from automl_agent.untrusted import as_data

__all__ = ["NativeMind", "fenced_calls"]

_REMEMBERED: Final = 60_000
"""Tokens of a conversation from which on old answers of tools are forgotten."""
_STEPS: Final = 1_000
_LONGEST_REASON: Final = 300


class NativeMind:
    """Asks a chat model of LangChain that calls tools.

    The graph stops before each call: calls are made here, one after the other and on this thread, so that the policy
    holds for all of them, a person can be asked, and Ctrl-C ends them.
    """

    def __init__(
        self,
        model: BaseChatModel,
        calls: Calls,
        *,
        project: str | None = None,
        used: Callable[[], str] = lambda: "",
        redact: Callable[[str], str] = str,
    ) -> None:
        """Asks `model` and makes its calls through `calls`.

        Args:
            model: a chat model that binds tools.
            calls: makes the calls.
            project: what the person speaks of.
            used: tells what the model has used.
            redact: takes secrets out of what an endpoint complains of.
        """
        self._calls = calls
        self._redact = redact
        self.used = used
        self._agent = create_agent(
            model,
            toolkit(calls.workspace),
            system_prompt=system_of(project),
            middleware=[_read_fences, ContextEditingMiddleware(edits=[ClearToolUsesEdit(trigger=_REMEMBERED)])],
            checkpointer=InMemorySaver(),
            interrupt_before=["tools"],
        )
        self._config: Any = {"configurable": {"thread_id": uuid4().hex}, "recursion_limit": _STEPS}

    def turn(self, text: str) -> str:
        """Does what `text` asks for and gives what the model says in the end.

        Raises:
            NoAnswer: if it says nothing, cannot be reached, or has used what it may.
            LimitReached: if enough calls were made.
        """
        last = self._ask({"messages": [HumanMessage(text)]})
        while self._agent.get_state(self._config).next:
            self._make_calls(last)
            last = self._ask(None)
        said = str(last.text).strip()
        if not said:
            raise NoAnswer("it said nothing")
        return said

    def _ask(self, given: Any) -> AIMessage:
        try:
            last: AIMessage = self._agent.invoke(given, self._config)["messages"][-1]
        except OpenAIError as error:
            raise NoAnswer(self._redact(" ".join(str(error).split()))[:_LONGEST_REASON]) from error
        except RequestError as error:  # of whoever counts what the model may use
            raise NoAnswer(error.message) from error
        return last

    def _make_calls(self, message: AIMessage) -> None:
        """Makes the calls of `message`; those that are not made are answered too, or the model could not go on."""
        why = " ".join(str(message.text).split()) or "the model called it"
        answers = {str(call["id"]): _not_made(call) for call in message.tool_calls}
        try:
            for call in message.tool_calls:
                answers[str(call["id"])] = self._made(call, why)
        finally:
            self._agent.update_state(self._config, {"messages": list(answers.values())}, as_node="tools")

    def _made(self, call: Any, why: str) -> ToolMessage:
        try:
            answer = self._calls.call(call["name"], call["args"], by="model", why=why)
        except ToolError as error:
            return _message(call, json.dumps(error.to_json(), ensure_ascii=False), "error")
        return _message(call, answer.model_dump_json(), "success")


def fenced_calls(message: AIMessage) -> AIMessage:
    """`message` with the calls that stand in its text as fenced JSON, `{"tool": ..., "arguments": {...}}`.

    `name` and `parameters` or `args` are understood, too, and a text that is nothing but such JSON.
    """
    if message.tool_calls or message.invalid_tool_calls:
        return message
    text = str(message.text)
    written = [call for block in (*FENCE.findall(text), text) if (call := _call_in(block)) is not None]
    if not written:
        return message
    return AIMessage(FENCE.sub("", text).strip() if FENCE.search(text) else "", tool_calls=written, id=message.id)


@wrap_model_call
def _read_fences(request: Any, handler: Any) -> Any:
    response = handler(request)
    response.result = [fenced_calls(each) if isinstance(each, AIMessage) else each for each in response.result]
    return response


def _call_in(block: str) -> Any:
    try:
        found = json.loads(block)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    inner = found["function"] if isinstance(found.get("function"), dict) else found
    name = inner.get("tool") or inner.get("name")
    arguments: Any = next((inner[key] for key in ("arguments", "parameters", "args") if key in inner), {})
    if isinstance(arguments, str):
        return _call_in(json.dumps({"name": name, "arguments": _object(arguments)}))
    known = [tool.name for tool in tools()]
    if name not in known or not isinstance(arguments, dict):
        return None
    return {"name": name, "args": arguments, "id": uuid4().hex, "type": "tool_call"}


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _not_made(call: Any) -> ToolMessage:
    return _message(call, json.dumps({"error": "ask_user", "message": "The person stopped this."}), "error")


def _message(call: Any, text: str, status: Any) -> ToolMessage:
    return ToolMessage(as_data(text), tool_call_id=call["id"], name=call["name"], status=status)
