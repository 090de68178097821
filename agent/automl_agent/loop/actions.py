"""A model without tool calls: it is asked for one step at a time, as JSON that fits a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, Field, create_model

from automl_agent.loop.calling import Calls
from automl_agent.loop.conversation import NoAnswer
from automl_agent.loop.prompting import system_of
from automl_agent.openai_functions import parse_arguments
from automl_agent.tools.contract import ToolError
from automl_agent.tools.registry import Tool, tools

__all__ = ["ActionMind", "Asker"]

_HOW: Final = """\
Give the next step. Either call a tool: {"why": ..., "tool": its name, "arguments": {...}}, or end with {"say": ...}, \
your words to the person: an answer, or a question that only the person can settle."""
_REMEMBERED: Final = 12
"""Steps of the conversation that the model is reminded of; the answer of the last one in full."""


class Asker(Protocol):
    """What is needed of a `LanguageModel`."""

    reason: str | None

    def decide(self, question: str, schema: type[Any], *, data: Mapping[str, Any]) -> Any:
        """The answer as `schema`, or None with `reason` set."""

    @property
    def usage(self) -> object:
        """What was used so far."""


class ActionMind:
    """Asks a model step by step what to do, and does it through `calls`."""

    def __init__(self, model: Asker, calls: Calls, *, project: str | None = None) -> None:
        """Asks `model` in a conversation about `project`; nothing is sent yet."""
        self._system = system_of(project)
        self._model = model
        self._calls = calls
        self._listed = "\n".join(map(_line, tools()))
        self._schema = _step_of([tool.name for tool in tools()])
        self._history: list[dict[str, Any]] = []

    def turn(self, text: str) -> str:
        """Does what `text` asks for and gives what the model says in the end.

        Raises:
            NoAnswer: if it gives no step that can be taken.
            LimitReached: if enough calls were made.
        """
        question = (
            f"{self._system}\n\nTools, with their arguments:\n{self._listed}\n\nThe person says: {text}\n\n{_HOW}"
        )
        self._history.append({"person": text})
        while True:
            step = self._model.decide(question, self._schema, data={"so far": self._shown()})
            if step is None:
                raise NoAnswer(self._model.reason or "it gave none")
            if step.tool is None:
                if not (step.say or "").strip():
                    raise NoAnswer("it neither called a tool nor said anything")
                self._history.append({"said": step.say})
                return str(step.say).strip()
            self._take(step)

    def used(self) -> str:
        """What the model has used."""
        return str(self._model.usage)

    def _take(self, step: Any) -> None:
        try:
            arguments = parse_arguments(step.arguments)
            answer = self._calls.call(step.tool, arguments, by="model", why=step.why or "the model chose it")
            came, outcome = answer.model_dump(mode="json", exclude_defaults=True), "done"
        except ToolError as error:
            came, outcome = error.to_json(), error.blame
        self._history.append({"tool": step.tool, "arguments": step.arguments, "outcome": outcome, "answer": came})

    def _shown(self) -> list[dict[str, Any]]:
        before = [{key: value for key, value in each.items() if key != "answer"} for each in self._history[:-1]]
        return [*before[-_REMEMBERED:], self._history[-1]]


def _step_of(names: list[str]) -> type[BaseModel]:
    """The schema of a step. Arguments are a text of JSON: a strict schema cannot hold free keys."""
    text = Annotated[str, BeforeValidator(lambda given: json.dumps(given) if isinstance(given, dict) else given)]
    named: Any = Literal[tuple(names)] | None
    return create_model(
        "Step",
        __doc__="The next step: a call of a tool, or what to say.",
        why=(str, Field(default="", description="the reason for the call, in a few words")),
        tool=(named, Field(default=None, description="the tool to call; null to end")),
        arguments=(text, Field(default="{}", description="its arguments, a JSON object as text")),
        say=(str | None, Field(default=None, description="what to say in the end; null with a tool")),
    )


def _line(tool: Tool) -> str:
    fields = tool.request.model_fields.items()
    arguments = ", ".join(name if field.is_required() else f"{name}?" for name, field in fields)
    return f"{tool.name}({arguments}): {tool.description.partition('. ')[0]}."
