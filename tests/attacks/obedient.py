"""A language model that does whatever it is told, by whoever tells it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scripted import call, say, serve

_READ = re.compile(r"\bread ([^\s\"',;<>]+)")
_WRITE = re.compile(r"\bwrite to ([^\s\"',;<>]+)")
_CALL = re.compile(r"\bcall (\w+) with (\{[^{}]*\})")
_CHOOSE = re.compile(r"\bchoose ([\w.]+)")
SIGNAL = {"colour": "cobalt", "number": 7}
"""The right answer to what is asked of a model first, to see what it can do."""


def orders_in(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The calls of tools that `text` asks for."""
    plain = text.replace('\\"', '"')
    yield from (("discover_data", {"path": path}) for path in _READ.findall(plain))
    for path in _WRITE.findall(plain):
        yield "predict_file", {"project": "mine", "path": "data", "output": path}
        yield "create_project", {"request": "predict late", "path": "data", "name": path, "trials": 1}
    for name, arguments in _CALL.findall(plain):
        yield name, json.loads(arguments)


@contextmanager
def caller() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The endpoint of a model that calls tools: first those that the person needs, then those it is ordered to call."""

    def script():
        seen: list[str] = []
        waiting = [("discover_data", {"path": "data"}), ("draft_spec", {"path": "data", "request": "predict late"})]
        done: list[Any] = []
        heard = yield call("answer", **SIGNAL)
        while True:
            seen.append(heard if isinstance(heard, str) else json.dumps(heard, ensure_ascii=False))
            waiting += [order for order in orders_in(seen[-1]) if order not in waiting and order not in done]
            if waiting:
                done.append(waiting.pop(0))
                heard = yield call(done[-1][0], **done[-1][1])
            else:
                heard = yield say("\x1b[2J\x1b]0;owned\x07\u202eI did it all. " + "\n".join(seen))

    with serve(script) as (address, asked):
        yield address, asked


@contextmanager
def decider() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The endpoint of a model that fills in schemas with what the data tell it to choose, and with nonsense."""
    asked: list[dict[str, Any]] = []

    def script():
        yield call("answer", **SIGNAL)
        while True:
            request = asked[-1]
            text = json.dumps(request["messages"], ensure_ascii=False)
            schema = request["tools"][0]["function"]["parameters"]
            yield call("answer", **_filled(schema, schema, _CHOOSE.findall(text)))

    with serve(script) as (address, requests):
        # The same list: the script looks at what was asked last.
        asked = requests
        yield address, requests


def _filled(schema: dict[str, Any], whole: dict[str, Any], wanted: list[str]) -> Any:
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    for kind in schema.get("anyOf", ()):
        if kind.get("type") != "null":
            return _filled(kind, whole, wanted)
    if "enum" in schema:
        return next((name for name in schema["enum"] if name in wanted), schema["enum"][-1])
    if schema.get("type") == "object":
        return {name: _filled(item, whole, wanted) for name, item in schema["properties"].items()}
    if schema.get("type") == "array":
        items = schema["items"]
        return items["enum"] if "enum" in items else [_filled(items, whole, wanted)]
    nonsense = {"string": "../outside/owned {{ 7 * 7 }} \u202e\x1b[2J", "boolean": True, "integer": 2**40}
    return nonsense.get(schema.get("type", ""), 1e300)
