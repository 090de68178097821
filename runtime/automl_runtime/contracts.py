"""Turns what people write into contracts, with messages that say what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from automl_runtime.errors import RequestError, shorten

__all__ = ["load_yaml", "nearest", "parse_model"]

Model = TypeVar("Model", bound=BaseModel)

_MOST_VALUES = 1_000_000


def load_yaml(text: str) -> Any:
    """The plain values that `text` writes in YAML.

    Raises:
        ValueError: if it is not valid, nested too deeply, or its aliases make more than a million values of it.
    """
    try:
        content = yaml.safe_load(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    if _swells(content):
        raise ValueError(f"its aliases make more than {_MOST_VALUES:,} values of it")
    return content


def parse_model(model: type[Model], content: Mapping[str, Any], *, origin: str) -> Model:
    """`content` as a `model`.

    Raises:
        RequestError: naming each wrong key by its path, with the nearest key or value that is allowed.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = [_describe(model, item) for item in error.errors()[:5]]
        raise RequestError(f"{origin}: " + "\n  ".join(problems)) from error


def nearest(word: object, allowed: Sequence[str]) -> str:
    """A question that offers the nearest of the `allowed` words, empty when none is near.

    >>> nearest("medain", ["mean", "median"])
    '; did you mean `median`?'
    """
    found = difflib.get_close_matches(str(word), allowed, n=1, cutoff=0.5)
    return f"; did you mean `{found[0]}`?" if found else ""


def _swells(content: Any) -> bool:
    """Whether `content` says more than it holds: aliases repeat lists of aliases, or a list holds itself."""
    waiting, seen = [content], 0
    while waiting and seen <= _MOST_VALUES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple):
            waiting += value
    return bool(waiting)


def _describe(model: type[BaseModel], item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"]) or "(top level)"
    if item["type"] == "extra_forbidden":
        allowed = sorted(_fields_at(model, item["loc"][:-1]))
        return f"unknown key `{path}`" + (nearest(item["loc"][-1], allowed) or f"; known keys: {', '.join(allowed)}")
    words = re.findall(r"'([^']*)'", item["msg"]) if item["type"] == "literal_error" else []
    said = item["msg"].removeprefix("Value error, ")
    return f"`{path}`: {said} (found {shorten(item['input'])}){nearest(item['input'], words)}"


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> set[str]:
    for part in location:
        if isinstance(part, int) or part not in model.model_fields:
            continue
        nested = _model_in(model.model_fields[part].annotation)
        if nested is None:
            return set()
        model = nested
    return set(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found is not None:
            return found
    return None
