"""What a model sees of the data: names, types, counts and descriptions of columns, never a cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from automl_runtime.data.catalog import Discovery
from automl_schemas.catalog import ColumnEntry, DataCatalog

from automl_agent.grounding.candidates import content_of
from automl_agent.untrusted import clean

__all__ = ["described", "dictionary_of", "predictable"]

_MOST_COLUMNS: Final = 36
_MOST_OF_TABLE: Final = 16
_LONGEST_TEXT: Final = 200_000
_LONGEST_MEANING: Final = 70
_TEXTS: Final = (".txt", ".md", ".names", ".rst", ".dic", ".codebook")
_ENTRY: Final = re.compile(
    r"^[\s>*+|\-\d.()`\"']*(?P<name>[^\s:|=`\"'][^:|=`\"'\n]{0,60}?)[`\"']*"
    r"\s*(?::|\||=|\t| [-–—] )\s*(?P<said>[^\n]{3,400})$",
    re.MULTILINE,
)


def described(column: ColumnEntry, meaning: str | None = None) -> str:
    """A column in a few words: type, number of different values, span of numbers, gaps, meaning.

    >>> described(some_column)  # doctest: +SKIP
    'integer, 9 different, 0 to 8, 3 % missing; number of doors'
    """
    parts = [column.type, f"{column.distinct:,} different"]
    low, high = column.stats.min, column.stats.max
    if column.type in ("integer", "number") and isinstance(low, int | float) and isinstance(high, int | float):
        parts.append(f"{low:.4g} to {high:.4g}")
    if column.missing:
        parts.append(f"{100 * column.missing / max(column.rows, 1):.0f} % missing")
    return ", ".join(parts) + (f"; {clean(meaning, _LONGEST_MEANING)}" if meaning else "")


def predictable(
    catalog: DataCatalog,
    meanings: Mapping[str, str],
    *,
    first: Iterable[str] = (),
    left_out: Iterable[tuple[str, str]] = (),
    numbers_only: bool = False,
) -> dict[str, str]:
    """`table.column` -> description of the columns that could be a target, at most 36, the largest tables first.

    Args:
        catalog: what is there.
        meanings: descriptions by the name of a column.
        first: columns that must be among them.
        left_out: (table, column) that must not.
        numbers_only: the request asks for a number.
    """
    wanted, without = list(first), set(left_out)
    found: dict[str, str] = {}
    tables = sorted(catalog.tables, key=lambda table: -table.rows * min(len(table.columns), 8))
    for table in tables:
        fitting = [column for column in table.columns if _fits(column, numbers_only=numbers_only)]
        # Wide tables often hold what matters at either end.
        half = _MOST_OF_TABLE // 2
        ends = fitting if len(fitting) <= _MOST_OF_TABLE else [*fitting[:half], *fitting[-half:]]
        for column in ends:
            if (table.name, column.name) not in without:
                found[f"{table.name}.{column.name}"] = described(column, meanings.get(column.name))
    kept = [name for name in found if name in wanted] + [name for name in found if name not in wanted]
    return {name: found[name] for name in found if name in set(kept[:_MOST_COLUMNS])}


def _fits(column: ColumnEntry, *, numbers_only: bool) -> bool:
    content = content_of(column)
    if content is None or column.role in {"id", "key"} or column.personal is not None or column.distinct < 2:
        return False
    return not numbers_only or content == "number"


def dictionary_of(discovery: Discovery) -> dict[str, str]:
    """What texts beside the data say about columns: name -> description, from lines like `name: what it is`.

    Only lines that begin with the name of a column count, and not those that list its values; what they say is
    untrusted.
    """
    known = {_plain(column.name): column for table in discovery.catalog.tables for column in table.columns}
    found: dict[str, str] = {}
    for text in _texts(discovery):
        for match in _ENTRY.finditer(text):
            column = known.get(_plain(match["name"]))
            if column is not None and not _lists_cells(match["said"], column):
                found.setdefault(column.name, clean(match["said"].strip("|` "), _LONGEST_MEANING))
    return found


def _lists_cells(said: str, column: ColumnEntry) -> bool:
    """Whether a description is little more than values of its column."""
    values = [value.value.casefold() for value in column.stats.top if len(value.value) > 1]
    return sum(value in said.casefold() for value in values) >= 2


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _texts(discovery: Discovery) -> Iterator[str]:
    for file in discovery.catalog.files:
        path = discovery.root / file.path
        is_text = Path(file.path).suffix.casefold() in _TEXTS and file.kind in ("text", "names", "log")
        if not is_text or "!" in file.path or path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            yield stream.read(_LONGEST_TEXT).decode("utf-8", errors="replace")
