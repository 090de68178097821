"""Jinja filters that write any text as a literal of the language of the file: names of columns are untrusted.

cookiecutter loads `Literals` by its import path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml
from automl_runtime.errors import visible
from jinja2 import Environment
from jinja2.ext import Extension
from pydantic import BaseModel

__all__ = ["Literals", "comment", "mdcode", "mdtext", "pyrepr", "tomlstr", "yamlkey"]

_LONGEST_COMMENT: Final = 160
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>|#~])")


class Literals(Extension):
    """Adds the filters of this module to an environment."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        for function in (comment, mdcode, mdtext, pyrepr, tomlstr, yamlkey):
            environment.filters[function.__name__] = function


def pyrepr(value: object) -> str:
    """A Python literal as ruff formats it: double quotes, unless single ones need fewer escapes.

    >>> pyrepr("a"), pyrepr('say "a"'), pyrepr(None)
    ('"a"', '\\'say "a"\\'', 'None')
    """
    if isinstance(value, list):
        return f"[{', '.join(map(pyrepr, value))}]"
    if not isinstance(value, str):
        return repr(value)
    if value.count('"') > value.count("'"):
        return f"'{_escaped(value, quote=chr(39))}'"
    return f'"{_escaped(value, quote=chr(34))}"'


def comment(value: object) -> str:
    """One line for a comment or a docstring: no line break, no end of a docstring, no invisible character.

    >>> comment('a\\nb')
    'a b'
    """
    text = _one_line(value).replace("\\", "\\\\").replace('"""', "'''")
    text = text if len(text) <= _LONGEST_COMMENT else f"{text[: _LONGEST_COMMENT - 1]}…"
    # Right before closing quotes, a quote would end the docstring early.
    return f"{text[:-1]}'" if text.endswith('"') else text


def tomlstr(value: object) -> str:
    """A TOML basic string on one line."""
    return json.dumps(_one_line(value), ensure_ascii=False)


def mdtext(value: object) -> str:
    """Markdown text in which no character of `value` means anything, safe inside a table."""
    text = _one_line(value)
    return _MARKDOWN.sub(r"\\\1", text)


def mdcode(value: object) -> str:
    """A Markdown code span on one line, safe inside a table.

    >>> mdcode("a|b"), mdcode("`")
    ('`a\\\\|b`', '`` ` ``')
    """
    text = _one_line(value) or " "
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", "\\|")


def yamlkey(value: BaseModel | Mapping[str, Any], key: str) -> str:
    """The YAML lines of one key of `value`, ending with a line break, exactly as it reads back."""
    content = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    record = {key: content[key]}
    record = {key: content[key]}
    text = _yaml(record, allow_unicode=True)
    # PyYAML does not read back all that it writes (U+0085 in plain text, for one); escaped, it does. Signs that nobody
    # sees are shown.
    return text if visible(text) == text and yaml.safe_load(text) == record else _yaml(record, allow_unicode=False)


def _yaml(record: Mapping[str, Any], *, allow_unicode: bool) -> str:
    # No folding: a long line is easier to edit than one that YAML glues together.
    return yaml.dump(
        record, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, width=2**20, default_flow_style=False
    )


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines, such as SQL, line by line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _escaped(value: str, *, quote: str) -> str:
    parts = []
    for character in value:
        if character == quote:
            parts.append(f"\\{character}")
        elif character in "\"'":
            parts.append(character)
        else:
            parts.append(repr(character)[1:-1])
    return "".join(parts)


def _one_line(value: object) -> str:
    text = " ".join(str(value).split())
    return "".join(character if character.isprintable() else "?" for character in text)
