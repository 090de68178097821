"""Counts and writes down what a LangChain agent asks of the model."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import UUID

from automl_runtime.errors import RequestError
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from automl_agent.llm.budget import Spending
from automl_agent.llm.transcript import Transcript

__all__ = ["Accountant"]


class Accountant(BaseCallbackHandler):
    """Refuses calls beyond the budget, adds up tokens, and keeps the transcript.

    What tools return may hold cells, so only its size and its hash are written down.
    """

    raise_error = True

    def __init__(self, spending: Spending, transcript: Transcript, say: Callable[[str], None]) -> None:
        """Counts into `spending`, writes to `transcript`, and calls `say` after each answer."""
        self._spending, self._transcript, self._say = spending, transcript, say
        self._began: dict[UUID, float] = {}

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Counts a call.

        Raises:
            RequestError: if a limit is reached.
        """
        del serialized, kwargs
        if (reason := self._spending.used_up) is not None:
            raise RequestError(f"The language model is not asked: {reason}.", hint="Raise the limit, or go on without.")
        self._spending.begin()
        self._began[run_id] = time.monotonic()
        self._transcript.add(sent=[_shown(message) for batch in messages for message in batch[-4:]])

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Counts what came back."""
        del kwargs
        seconds = time.monotonic() - self._began.pop(run_id, time.monotonic())
        for generation in (each for batch in response.generations for each in batch):
            message = generation.message if isinstance(generation, ChatGeneration) else None
            if isinstance(message, AIMessage):
                used = message.usage_metadata
                self._spending.add(used["input_tokens"] if used else 0, used["output_tokens"] if used else 0, seconds)
                self._transcript.add(received=_shown(message))
        self._say("")


def _shown(message: BaseMessage) -> dict[str, Any]:
    text = message.content if isinstance(message.content, str) else str(message.content)
    if isinstance(message, ToolMessage):
        digest = sha256(text.encode()).hexdigest()[:12]
        return {"role": "tool", "name": message.name, "characters": len(text), "sha256": digest}
    shown: dict[str, Any] = {"role": message.type, "text": text[:2_000]}
    if isinstance(message, AIMessage) and message.tool_calls:
        shown["calls"] = [{"name": call["name"], "args": sorted(call["args"])} for call in message.tool_calls]
    return shown
