"""Names of columns out of the descriptions that come with headerless files (UCI `.names` files).

Two forms are known: C4.5 lines, `name: continuous.` after a line of classes, and prose with a list of attributes,
`7. Attribute information: 1 - first name ... Output variable: 12 - last name`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from automl_runtime.data.reading.build import column_names
from automl_runtime.data.tables import RawTable

__all__ = ["apply_names", "is_names_file", "parse_names"]

_VALUES = (
    r"(?:continuous|discrete|ignore|label|real|integer|numeric|categorical|nominal|string|binary|date)\b.*"
    r"|[^:,.]+(?:,[^:,]+)+\.?"
)
_C45: Final = re.compile(rf"\s*(?P<name>[^\s:|,][^:|,]{{0,80}}?)\s*:\s*(?:{_VALUES})\s*", re.IGNORECASE)
_NUMBERED: Final = re.compile(r"\s*\(?#?(?P<number>\d{1,4})\s*(?:[.):]|-|\u2013)+\s*(?P<name>[^\s].*?)\s*")
_TARGET: Final = re.compile(r"class|classes|target|label", re.IGNORECASE)
_LONGEST_NAME = 80


def is_names_file(text: str, suffix: str) -> bool:
    """Whether a text describes the columns of another file."""
    if suffix == ".names":
        return True
    found = sum(_C45.fullmatch(line) is not None for line in text.splitlines())
    filled = sum(bool(line.strip()) and not line.lstrip().startswith("|") for line in text.splitlines())
    return found >= 3 and found >= 0.7 * filled and re.search(r":\s*(?:continuous|discrete|ignore)\b", text) is not None


def parse_names(text: str) -> list[str]:
    """The names of the columns in order, without the class that C4.5 files do not name; empty when none are found.

    >>> parse_names("yes, no.\\n\\nage: continuous.\\nsex: F, M.\\n")
    ['age', 'sex']
    >>> parse_names("Attribute information:\\n  1 - height (cm)\\n  2 - weight\\n")
    ['height', 'weight']
    """
    lines = [line.split("|", 1)[0] for line in text.splitlines()]
    names = [found["name"].strip() for line in lines if (found := _C45.fullmatch(line.rstrip()))]
    numbered = _longest_count(lines)
    return numbered if len(numbered) > len(names) else names


def _longest_count(lines: Sequence[str]) -> list[str]:
    """The names of the longest list that is numbered 1, 2, 3, ..., other lines between them allowed."""
    best: list[str] = []
    current: list[str] = []
    for line in lines:
        found = _NUMBERED.fullmatch(line.rstrip())
        if found is None:
            continue
        number = int(found["number"])
        if number == len(current) + 1:
            current.append(_short(found["name"]))
        elif number == 1:
            current = [_short(found["name"])]
        if len(current) > len(best):
            best = list(current)
    return best


def _short(text: str) -> str:
    """A name without the explanation behind it.

    >>> _short("comfort (from 0 to 10)"), _short("CRIM      crimes per head")
    ('comfort', 'CRIM')
    """
    name = re.split(r"\s*[(:=]|\s{2,}|\s[-\u2013]\s|\t", text.strip(), maxsplit=1)[0]
    return name.strip(" .,;'\"")[:_LONGEST_NAME]


def apply_names(table: RawTable, names: Sequence[str]) -> RawTable | None:
    """A headerless table with these names, the last column called `class` when just that one is missing.

    None when the table has a header or the names do not match its columns.
    """
    width = table.data.num_columns
    if table.names_from != "generated" or not names or len(set(names)) < len(names):
        return None
    if len(names) == width - 1 and not any(_TARGET.fullmatch(name) for name in names):
        names = [*names, "class"]
    if len(names) != width:
        return None
    return replace(table, data=table.data.rename_columns(column_names(names)), names_from="names_file")
