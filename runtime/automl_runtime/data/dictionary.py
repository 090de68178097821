"""What texts beside the data say of tables, columns and codes: lines like `X3: marital status (1 = married)`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from automl_schemas.catalog import ColumnEntry, FileEntry, TableEntry

__all__ = ["with_meanings"]

_LONGEST_TEXT: Final = 200_000
_LONGEST_MEANING: Final = 200
_LONGEST_CODE: Final = 40
_MOST_CODES: Final = 20
_SUFFIXES: Final = (".txt", ".md", ".names", ".rst", ".dic", ".codebook")
_ENTRY: Final = re.compile(
    r"^[ \t>*+|\-\d.()`\"']*(?P<name>[^\s:|=`\"'][^:|=`\"'\n]{0,60}?)[`\"']*"
    r"[ \t]*(?::|\||=|\t| [-–—] )[ \t]*(?P<said>[^\n]{3,})$",
    re.MULTILINE,
)
_CODE: Final = re.compile(
    r"(?:^|[\s(,;:])(?P<code>[-+]?\w{1,20})\s*(?:=|:|\s[-–—]\s)\s*(?P<says>[^\W\d][^,;:=()\n]{0,60}?)(?=\s*(?:[,;.)\n]|$))"
)
_FOLLOWS: Final = re.compile(r"(?:[ \t]+[-*]?[ \t]*[-+]?\w{1,20}\s*(?:=|:|[-–—])[^\n]*(?:\n|$))+")
"""Indented lines below an entry that say what its codes mean."""


@dataclass(slots=True)
class _Said:
    meaning: str | None = None
    codes: dict[str, str] = field(default_factory=dict)


def with_meanings(root: Path, files: Sequence[FileEntry], tables: Sequence[TableEntry]) -> list[TableEntry]:
    """`tables` with what the texts among `files` say of them; the first text that speaks of something is taken.

    Only lines that begin with the name of a column, table or file count. A description that does little more than list
    values of its column is none. What they say is untrusted: kept on one line, without signs that nobody sees, and cut.

    Args:
        root: folder of the files; of a single file there is nothing beside it.
        files: what was found.
        tables: to be described.
    """
    columns: dict[str, _Said] = {_plain(column.name): _Said() for table in tables for column in table.columns}
    named: dict[str, _Said] = {
        _plain(name): _Said()
        for table in tables
        for name in (table.name, *(file.rpartition("/")[2] for file in table.files))
    }
    for text in _texts(root, files):
        for match in _ENTRY.finditer(text):
            name = _plain(match["name"])
            said = columns.get(name) or named.get(name)
            if said is None or said.meaning is not None:
                continue
            said.meaning = _one_line(match["said"], _LONGEST_MEANING)
            below = _FOLLOWS.match(text, match.end() + 1)
            said.codes = _codes(f"{match['said']}\n{below[0] if below else ''}")
    return [_described(table, columns, named) for table in tables]


def _described(table: TableEntry, columns: dict[str, _Said], named: dict[str, _Said]) -> TableEntry:
    own = [named[_plain(name)].meaning for name in (table.name, *(file.rpartition("/")[2] for file in table.files))]
    update = {"columns": [_with_meaning(column, columns[_plain(column.name)]) for column in table.columns]}
    return table.model_copy(update={**update, "meaning": next((text for text in own if text), None)})


def _with_meaning(column: ColumnEntry, said: _Said) -> ColumnEntry:
    if said.meaning is None:
        return column
    values = {_number(value.value): value.value for value in column.stats.top}
    codes = {values[_number(code)]: says for code, says in said.codes.items() if _number(code) in values}
    meaning = None if _lists_values(said.meaning, column) else said.meaning
    # Half a list of codes would name one class and leave the others to guesses.
    whole = codes if 2 <= len(codes) == column.distinct else {}
    return column.model_copy(update={"meaning": meaning, "codes": whole})


def _lists_values(said: str, column: ColumnEntry) -> bool:
    """Whether a description is little more than values of its column."""
    values = [value.value.casefold() for value in column.stats.top if len(value.value) > 1]
    return sum(value in said.casefold() for value in values) >= 2


def _codes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _CODE.finditer(text):
        found.setdefault(match["code"], _one_line(match["says"], _LONGEST_CODE))
    return dict(list(found.items())[:_MOST_CODES])


def _number(text: str) -> str:
    """Codes are compared as numbers where they are: `01`, `1` and `1.0` are one."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.strip().casefold()


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def _one_line(text: str, limit: int) -> str:
    seen = "".join(sign if sign.isprintable() and not "\ufe00" <= sign <= "\ufe0f" else " " for sign in text)
    line = " ".join(seen.strip("|` ").split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _texts(root: Path, files: Sequence[FileEntry]) -> Iterator[str]:
    for file in files:
        path = root / file.path
        is_text = path.suffix.casefold() in _SUFFIXES and (not file.tables or path.suffix.casefold() == ".md")
        if not is_text or "!" in file.path or path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as stream:
            yield stream.read(_LONGEST_TEXT).decode("utf-8", errors="replace")
