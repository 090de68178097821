"""Answers short enough for a model to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from automl_agent.tools.contract import Answer
from automl_agent.untrusted import clean

__all__ = ["LARGEST_ANSWER", "bounded", "plain"]

LARGEST_ANSWER: Final = 24_000
"""Bytes of JSON, some 6,000 tokens."""
_LONGEST_NAME: Final = 120
_Kind = TypeVar("_Kind", bound=Answer)


def plain(text: str, limit: int = _LONGEST_NAME) -> str:
    """`text` from a file as a model may see it: see `clean`; names are seldom longer than `limit` characters."""
    return clean(text, limit)


def bounded(answer: _Kind, limit: int = LARGEST_ANSWER) -> _Kind:
    """`answer` with its longest lists cut, and told in `left_out`, until it has at most `limit` bytes of JSON.

    What is no list stays; an answer without lists that is too long is a bug of its tool, and a ValueError.
    """
    content = answer.model_dump(mode="json")
    before: dict[str, int] = {}
    while _size(content) > limit:
        found = max(_lists(content, ()), key=lambda place: place[2], default=None)
        if found is None:
            raise ValueError(f"{type(answer).__name__} is longer than {limit} bytes and has no list to cut")
        path, items, _ = found
        before.setdefault(path, len(items))
        del items[len(items) // 2 :]
        content["left_out"] = [f"{name}: {_at(content, name)} of {count} shown" for name, count in before.items()]
    return answer if not before else type(answer).model_validate(content)


def _size(content: Any) -> int:
    return len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def _lists(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, list[Any], int]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not path and key in ("left_out", "next_actions", "links"):
                continue
            yield from _lists(item, (*path, key))
    elif isinstance(value, list):
        if len(value) > 1:
            yield ".".join(path), value, _size(value)
        for number, item in enumerate(value):
            yield from _lists(item, (*path, str(number)))


def _at(content: Any, path: str) -> int:
    for key in path.split("."):
        try:
            content = content[int(key)] if isinstance(content, list) else content[key]
        except (IndexError, KeyError):
            return 0
    return len(content)
