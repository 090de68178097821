"""Finds the answer in what a model wrote: a tool call, JSON, JSON in a fence, or JSON amid prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

__all__ = ["FENCE", "TOOL", "is_plain", "read_answer"]

T = TypeVar("T", bound=BaseModel)

TOOL: Final = "answer"
"""The name of the function that a model calls to answer."""
FENCE: Final = re.compile(r"```[\w-]*\s*\n?(.*?)(?:```|$)", re.DOTALL)
"""A block of code in a text; the last one may have been cut off."""
_THOUGHT: Final = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)", re.DOTALL)
_LONGEST: Final = 100_000


def read_answer(schema: type[T], calls: list[str], content: str) -> tuple[T | None, str]:
    """The answer as `schema`, or None with what is wrong with it.

    Args:
        schema: what the answer must be.
        calls: arguments of the calls of the tool `answer`, as JSON.
        content: the text of the message.
    """
    wrong = "the answer holds no JSON object"
    for found in _objects(calls, _THOUGHT.sub("", content[:_LONGEST])):
        try:
            return schema.model_validate(found), ""
        except ValidationError as error:
            wrong = "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in error.errors()[:3])
    return None, wrong


def is_plain(schema: type[BaseModel], content: str) -> bool:
    """Whether `content` is nothing but JSON that fits `schema`."""
    try:
        schema.model_validate_json(content)
    except ValidationError:
        return False
    return True


def _place(path: tuple[int | str, ...]) -> str:
    return ".".join(map(str, path)) or "the object"


def _objects(calls: list[str], content: str) -> Iterator[dict[str, Any]]:
    """Each JSON object that could be the answer; of one that was cut off, what is there."""
    texts = [*calls, content, *FENCE.findall(content)]
    brace = content.find("{")
    if brace >= 0:
        texts.append(content[brace : content.rfind("}") + 1])
        texts.append(content[brace:])
    for partial in (False, True):
        for text in texts:
            if not text.lstrip().startswith("{"):
                continue
            try:
                found = from_json(text.strip(), allow_partial=partial)
            except ValueError:
                continue
            if isinstance(found, dict):
                yield _unwrapped(found)


def _unwrapped(found: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call that was written as text: `{"name": "answer", "arguments": {...}}`."""
    call = found.get("function") if isinstance(found.get("function"), dict) else found
    assert isinstance(call, dict)
    for key in ("arguments", "parameters"):
        inside = call.get(key)
        if call.get("name") == TOOL and isinstance(inside, str):
            try:
                inside = json.loads(inside)
            except ValueError:
                continue
        if call.get("name") == TOOL and isinstance(inside, dict):
            return inside
    return found
