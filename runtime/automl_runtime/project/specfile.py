"""Reading and writing `project.yaml`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from automl_schemas.spec import ProjectSpec
from pydantic import BaseModel, ValidationError

from automl_runtime.errors import RequestError, shorten

__all__ = ["dump_spec", "load_spec", "parse_model", "parse_spec"]

Model = TypeVar("Model", bound=BaseModel)


def load_spec(path: Path) -> ProjectSpec:
    """The spec in the YAML file at `path`.

    Raises:
        RequestError: if the file is absent, no YAML, or has an unknown key or a value of the wrong kind; the message
            names the path of the key.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{path} cannot be read: {error.strerror}.") from error
    return parse_spec(text, origin=str(path))


def parse_spec(text: str, *, origin: str = "project.yaml") -> ProjectSpec:
    """The spec written in YAML (or JSON, which is YAML) in `text`; errors as `load_spec`."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RequestError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RequestError(f"{origin} holds {shorten(content)}; a mapping of keys is needed.")
    return parse_model(ProjectSpec, content, origin=origin)


def dump_spec(spec: ProjectSpec) -> str:
    """The YAML text of `spec`; `parse_spec` gives the same spec back."""
    return str(yaml.safe_dump(spec.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110))


def parse_model(model: type[Model], content: Mapping[str, Any], *, origin: str) -> Model:
    """`content` as a `model`.

    Raises:
        RequestError: naming each wrong key by its path, with the nearest key that is allowed.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = [_describe(model, item) for item in error.errors()[:5]]
        raise RequestError(f"{origin}: " + "\n  ".join(problems)) from error


def _describe(model: type[BaseModel], item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"]) or "(top level)"
    if item["type"] != "extra_forbidden":
        return f"`{path}`: {item['msg']} (found {shorten(item['input'])})"
    allowed = sorted(_fields_at(model, item["loc"][:-1]))
    nearest = difflib.get_close_matches(str(item["loc"][-1]), allowed, n=1, cutoff=0.5)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"known keys: {', '.join(allowed)}"
    return f"unknown key `{path}`; {hint}"


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
