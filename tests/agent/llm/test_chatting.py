"""The same model as LangChain's `ChatOpenAI`."""

from __future__ import annotations

import json

import pytest
from agent.llm.scripted_server import say
from automl_runtime.errors import RequestError
from langchain_core.messages import HumanMessage, ToolMessage


def test_what_a_chat_model_uses_counts_and_is_written_down(model_of):
    model, _ = model_of(lambda request: say("hello sk-proj-AbCdEf0123456789"))
    chat = model.chat_model()
    answer = chat.invoke([HumanMessage("hi"), ToolMessage("cell: 17", tool_call_id="1", name="look")])
    assert answer.text.startswith("hello")
    assert (model.usage.calls, model.usage.tokens_in) == (1, 100)
    said = "\n".join(model.transcript.lines)
    assert "cell: 17" not in said
    assert "AbCdEf" not in said
    assert json.loads(model.transcript.lines[0])["sent"][1]["characters"] == 8


def test_a_chat_model_keeps_to_the_budget(model_of):
    model, server = model_of(lambda request: say("hello"), calls=1)
    chat = model.chat_model()
    chat.invoke("one")
    with pytest.raises(RequestError, match="limit of 1 calls"):
        chat.invoke("two")
    assert len(server.requests) == 1
