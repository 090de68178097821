"""The tools as OpenAI functions: strict definitions of both APIs, and what answers the calls of a model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from automl_runtime.errors import shorten
from automl_runtime.events import EventSink, ignore
from pydantic import BaseModel

from automl_agent.tools.contract import ToolError
from automl_agent.tools.registry import Tool, find_tool, tools
from automl_agent.tools.workspace import Workspace

__all__ = ["Api", "definitions", "dispatch", "parse_arguments", "reply", "strict_schema"]

Api = Literal["chat", "responses"]
"""Chat Completions nests a function in its tool; Responses does not."""

_KEPT: Final = frozenset(
    {
        *("type", "enum", "const", "description", "pattern", "format"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
    }
)
"""Keywords that a strict schema may hold and that need no change; the others are checked by the tool alone."""
_FORMATS: Final = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})


def definitions(api: Api, listed: Iterable[Tool] | None = None) -> list[dict[str, Any]]:
    """The tools (all, unless `listed`) as `tools=` of a request to `api` takes them, each with a strict schema."""
    made = []
    for tool in tools() if listed is None else listed:
        function = {
            "name": tool.name,
            "description": tool.description,
            "parameters": strict_schema(tool.request),
            "strict": True,
        }
        made.append({"type": "function", "function": function} if api == "chat" else {"type": "function", **function})
    return made


def dispatch(call: Any, workspace: Workspace, on_event: EventSink = ignore) -> str:
    """Does what a model asks for in `call`, and gives the JSON text for the model to read.

    `call` is a tool call of Chat Completions or a `function_call` of Responses: an object of the SDK, or its JSON. What
    goes wrong is told in the text, `{"error": "fix" | "ask_user" | "failed", "message", "hint", "exit_code"}`.
    """
    name, arguments, _ = _read(call)
    try:
        answer = find_tool(name).call(workspace, parse_arguments(arguments), on_event)
    except ToolError as error:
        return json.dumps(error.to_json(), ensure_ascii=False)
    return str(answer.model_dump_json())


def reply(call: Any, workspace: Workspace, on_event: EventSink = ignore) -> dict[str, Any]:
    """As `dispatch`, as the message (Chat Completions) or the input item (Responses) that answers `call`."""
    _, _, identity = _read(call)
    return {**identity, _CONTENT[identity.get("type", "")]: dispatch(call, workspace, on_event)}


def parse_arguments(text: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments that a model wrote, an object or the JSON of one; none are no arguments.

    Raises:
        ToolError: if it is no JSON object.
    """
    if isinstance(text, Mapping):
        return text
    try:
        arguments = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise ToolError("fix", f"The arguments are no JSON: {error}.", exit_code=2) from error
    if not isinstance(arguments, dict):
        raise ToolError("fix", f"The arguments must be a JSON object, not {shorten(arguments)}.", exit_code=2)
    return arguments


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of `model` as strict function calling wants it.

    Every property is required, one with a default may be null instead, no object takes other properties, references are
    written out, and keywords that are not supported are left out.

    Raises:
        ValueError: if strict schemas cannot say it: an object with free keys, a tuple, a schema within itself.
    """
    schema = model.model_json_schema()
    return _Strict(model.__name__, schema.get("$defs", {})).of(schema, ())


class _Strict:
    def __init__(self, name: str, definitions: Mapping[str, Any]) -> None:
        self._name = name
        self._definitions = definitions

    def of(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        if "$ref" in schema:
            return self._referred(schema, inside)
        made = {key: schema[key] for key in schema if key in _KEPT}
        if made.get("format") not in _FORMATS:
            made.pop("format", None)
        variants = schema.get("anyOf") or schema.get("oneOf")
        if variants:
            made["anyOf"] = [self.of(each, inside) for each in variants]
        if "items" in schema:
            made["items"] = self.of(schema["items"], inside)
        if schema.get("type") == "object":
            made |= self._object(schema, inside)
        if not made.keys() - {"description"} or "prefixItems" in schema:
            raise ValueError(f"{self._name}: strict schemas cannot say {shorten(dict(schema))}")
        return made

    def _referred(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        name = schema["$ref"].removeprefix("#/$defs/")
        if name in inside:
            raise ValueError(f"{self._name}: {name} is within itself")
        made = self.of(self._definitions[name], (*inside, name))
        return made | {key: schema[key] for key in ("description",) if key in schema}

    def _object(self, schema: Mapping[str, Any], inside: tuple[str, ...]) -> dict[str, Any]:
        if schema.get("additionalProperties", False) is not False:
            raise ValueError(f"{self._name}: strict schemas have no free keys, as in {shorten(dict(schema))}")
        required = schema.get("required", ())
        properties = {
            key: self.of(each, inside) if key in required else _or_null(self.of(each, inside))
            for key, each in schema.get("properties", {}).items()
        }
        return {"properties": properties, "required": list(properties), "additionalProperties": False}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    null = {"type": "null"}
    if null in schema.get("anyOf", ()):
        return schema
    about = {"description": schema.pop("description")} if "description" in schema else {}
    return {"anyOf": [*(schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]), null], **about}


_CONTENT: Final = {"": "content", "function_call_output": "output"}


def _read(call: Any) -> tuple[str, Any, dict[str, Any]]:
    """Name, arguments, and how the answer says which call it is for."""
    content = call.model_dump() if isinstance(call, BaseModel) else call
    if not isinstance(content, Mapping):
        raise TypeError(f"a tool call is an object of the SDK or its JSON, not {shorten(call)}")
    if "function" in content:
        function = content["function"]
        return function["name"], function["arguments"], {"role": "tool", "tool_call_id": content.get("id")}
    if "name" in content and "arguments" in content:
        identity = {"type": "function_call_output", "call_id": content.get("call_id")}
        return content["name"], content["arguments"], identity
    raise TypeError(f"no tool call of Chat Completions or Responses: {shorten(dict(content))}")
