"""Reading and writing `project.yaml`."""

from __future__ import annotations

from pathlib import Path

import yaml
from automl_schemas.spec import ProjectSpec

from automl_runtime.contracts import load_yaml, parse_model
from automl_runtime.errors import RequestError, shorten, visible

__all__ = ["dump_spec", "load_spec", "parse_model", "parse_spec"]


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
        content = load_yaml(text)
    except ValueError as error:
        raise RequestError(f"{origin} is not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise RequestError(f"{origin} holds {shorten(content)}; a mapping of keys is needed.")
    return parse_model(ProjectSpec, content, origin=origin)


def dump_spec(spec: ProjectSpec) -> str:
    """The YAML text of `spec`, signs that nobody sees as escapes; `parse_spec` gives the same spec back."""
    text = _yaml(spec, allow_unicode=True)
    return text if visible(text) == text else _yaml(spec, allow_unicode=False)


def _yaml(spec: ProjectSpec, *, allow_unicode: bool) -> str:
    content = spec.model_dump(mode="json")
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=allow_unicode, width=110))
