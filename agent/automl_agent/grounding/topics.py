"""Whether a request and a table are about the same thing."""

from __future__ import annotations

from typing import Final

from automl_schemas.catalog import TableEntry

from automl_agent.grounding.thesaurus import FRAME, WEAK
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import domains, is_known, relate, spoken_parts, tokens
from automl_agent.requirements.text import word_set

__all__ = ["is_about", "is_about_something_else", "says_nothing", "speaks", "speaks_of"]

_SAYS_NOTHING: Final = word_set("""
    data dataset table train training test valid sample sheet file input set part all full raw clean export dump
    final merged total new extract records rows csv unnamed col column list main base
""")
_COLUMNS: Final = 2
"""Columns of a walk of life that a table needs, besides its name, to be about it."""


def is_about(wish: Wish, table: TableEntry, source: str) -> bool:
    """Whether the request speaks of what `table` holds: of its name, files, folder or columns, or of their field."""
    names = _names(table, source)
    columns = [part for part in _parts(table) if len(part) > 2]
    spoken = [word for word in wish.context if word not in FRAME and word not in WEAK and len(word) > 2]
    if any(relate(word, part).strength >= 0.74 for word in spoken for part in (*names, *columns)):
        return True
    return bool(_fields_of(spoken, 1) & _fields_of_table(table, source))


def speaks_of(word: str, table: TableEntry, source: str) -> bool:
    """Whether the names, columns or classes of `table` hold `word`, or are of the same field."""
    columns = _parts(table)
    values = [
        part
        for column in table.columns
        if column.distinct <= 20
        for entry in column.stats.top
        for part in tokens(entry.value)
    ]
    if any(relate(word, part).strength >= 0.74 for part in (*_names(table, source), *columns, *values)):
        return True
    return bool(domains(word) & _fields_of_table(table, source))


def is_about_something_else(wish: Wish, table: TableEntry, source: str) -> bool:
    """Whether both speak, and of different fields."""
    spoken = _fields_of([word for word in wish.context if word not in FRAME and word not in WEAK], 1)
    if not spoken or spoken & _fields_of_table(table, source):
        return False
    columns = [
        part
        for column in table.columns
        for part in tokens(column.name)
        if part not in _SAYS_NOTHING and not part.isdigit()
    ]
    return bool(_fields_of([*_names(table, source), *columns], 2 if columns else 1))


def speaks(table: TableEntry, source: str) -> bool:
    """Whether a name of `table` or its files holds a known word, so that it says what the table is about."""
    return any(is_known(part) for part in _names(table, source))


def says_nothing(table: TableEntry, source: str) -> bool:
    """Whether the names of `table`, its files and its folder are like "data" or "train"."""
    return not _names(table, source)


def _parts(table: TableEntry) -> list[str]:
    return [part for column in table.columns for part in spoken_parts(column.name, column.meaning)]


def _names(table: TableEntry, source: str) -> list[str]:
    folder = source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    files = [file.rsplit("/", 1)[-1].rsplit(".", 1)[0] for file in table.files]
    parts = [part for name in (table.name, folder, table.meaning or "", *files) for part in tokens(name)]
    return [part for part in parts if len(part) > 2 and part not in _SAYS_NOTHING and not part.isdigit()]


def _fields_of_table(table: TableEntry, source: str) -> frozenset[int]:
    named = _fields_of(_names(table, source), 1)
    columns = [
        part for column in table.columns for part in dict.fromkeys(tokens(column.name)) if part not in _SAYS_NOTHING
    ]
    return named | _fields_of(columns, _COLUMNS)


def _fields_of(words: list[str], least: int) -> frozenset[int]:
    counts: dict[int, int] = {}
    for word in dict.fromkeys(words):
        for number in domains(word):
            counts[number] = counts.get(number, 0) + 1
    return frozenset(number for number, count in counts.items() if count >= least)
