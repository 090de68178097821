"""JSON documents and JSON lines as tables."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from automl_runtime.data.reading.build import column_names
from automl_runtime.data.reading.encodings import decode, detect_encoding
from automl_runtime.data.reading.grid import find_tables
from automl_runtime.data.reading.nested import Nest, table_from, untie
from automl_runtime.data.reading.objects import RecordTable, json_text
from automl_runtime.data.reading.shapes import RecordSet, find_record_sets
from automl_runtime.data.reading.source import Source
from automl_runtime.data.reading.values import column_of, plain_text
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError, shorten

__all__ = ["read_json", "read_json_lines", "tables_of"]

_MOST_NAMED: Final = 10
_SAMPLE: Final = 1 << 20
_BLANK: Final = " \t\r\n\x1e\ufeff"


@dataclass(slots=True)
class _Parser:
    """Parses values and remembers keys that one object has more than once."""

    repeated: dict[str, int] = field(default_factory=dict)

    def parse(self, text: str) -> Any:
        """The value of a whole text.

        Raises:
            ValueError: if it is not JSON, is too deeply nested or holds a number of thousands of digits.
        """
        try:
            return json.loads(text, object_pairs_hook=self.make_object)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None

    def make_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """The object of `pairs`, later values of a repeated key under new names."""
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        keys = [key for key, _ in pairs]
        for key in made:
            if keys.count(key) > 1:
                self.repeated[key] = self.repeated.get(key, 0) + 1
        return dict(zip(_distinct(keys), (value for _, value in pairs), strict=True))

    def warnings(self) -> list[str]:
        """What there is to say about repeated keys."""
        return [
            f"the key {shorten(key)} stands more than once in {count:,} objects; all values are kept"
            for key, count in list(self.repeated.items())[:_MOST_NAMED]
        ]


def _distinct(keys: Sequence[str]) -> list[str]:
    named = column_names(keys)
    return [name if key else key for key, name in zip(keys, named, strict=True)]


def read_json(source: Source) -> list[RawTable]:
    """The tables of a JSON document; several documents one after the other are records of one table.

    Raises:
        DataError: if it is not JSON, or holds nothing that is a table.
    """
    decoded = decode(source.path.read_bytes(), source.encoding)
    parser = _Parser()
    document = _parse_document(decoded.text, parser, source)
    warnings = (*decoded.warnings, *parser.warnings())
    template = RawTable(source.stem, source.file, pa.table({}), encoding=decoded.encoding, warnings=warnings)
    tables = tables_of(document, template)
    if not tables:
        raise DataError(f"{source.file} is JSON but holds no table: {shorten(decoded.text.strip())}.")
    return tables


def _parse_document(text: str, parser: _Parser, source: Source) -> Any:
    try:
        return parser.parse(text)
    except ValueError as error:
        documents = _concatenated(text, parser)
        if documents is not None:
            return documents
        raise DataError(
            f"{source.file} is not valid JSON: {error}.", hint="It may have been cut off; export or copy it again."
        ) from error


def _concatenated(text: str, parser: _Parser) -> list[Any] | None:
    """The values of a text that holds several, one after the other; None when it does not."""
    decoder = json.JSONDecoder(object_pairs_hook=parser.make_object)
    found: list[Any] = []
    position = 0
    parser.repeated.clear()
    while position < len(text):
        while position < len(text) and text[position] in _BLANK + ",":
            position += 1
        if position == len(text):
            break
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        found.append(value)
    return found if len(found) > 1 and all(isinstance(value, dict) for value in found) else None


def tables_of(document: Any, template: RawTable, *, name_single: bool = True) -> list[RawTable]:
    """The tables of a parsed document.

    Args:
        document: objects, arrays and plain values.
        template: gives the file, the encoding, the warnings and the name for a table that has none of its own.
        name_single: whether the only table of a document is called what it is called there.
    """
    tables: list[RawTable] = []
    found = find_record_sets(document)
    for records in found:
        own_name = records.name if name_single or len(found) > 1 else None
        placed = replace(
            template,
            name=own_name or template.name,
            inner=".".join(records.path) or None,
            warnings=() if tables else (*template.warnings, *_left_out(document, records)),
        )
        tables += untie(_nest_of(records, template.file), placed, [table.name for table in tables])
    return tables


def _left_out(document: Any, records: RecordSet) -> list[str]:
    """A sentence about the plain values that stand beside the tables of a document."""
    beside = [key for key, value in document.items() if not isinstance(value, dict | list)] if records.path else []
    named = ", ".join(shorten(key) for key in beside[:_MOST_NAMED])
    return [f"values that stand beside the tables were left out: {named}"] if beside else []


def _nest_of(found: RecordSet, file: str) -> Nest:
    if found.shape == "matrix":
        return _matrix(found.content, found.names)
    if found.shape == "columns":
        columns = {key: list(_plain(column)) for key, column in found.content.items()}
        return _from_columns(list(columns), list(columns.values()))
    table = RecordTable(file)
    table.extend(found.items())
    return table.finish()


def _plain(column: Any) -> Iterable[object]:
    items = column.values() if isinstance(column, dict) else column
    return (json_text(item) if isinstance(item, dict | list) else item for item in items)


def _from_columns(names: Sequence[str], columns: Sequence[Sequence[object]]) -> Nest:
    return Nest("", table_from(names, [column_of(column) for column in columns], len(columns[0])))


def _matrix(rows: Sequence[list[Any]], names: Sequence[str]) -> Nest:
    """A table of rows that are arrays; the first one is the header when it reads like one."""
    if not names:
        texts = [["" if cell is None else plain_text(cell) for cell in _plain(row)] for row in rows]
        found = find_tables(texts)
        if found and found[0].header_row == 0 and all(isinstance(cell, str) for cell in rows[0]):
            names, rows = rows[0], rows[1:]
    width = max([len(names), *map(len, rows)])
    padded = [[*_plain(row), *[None] * (width - len(row))] for row in rows]
    columns = [[row[position] for row in padded] for position in range(width)]
    return _from_columns([*names, *[""] * (width - len(names))], columns)


def read_json_lines(source: Source) -> list[RawTable]:
    """The table of a file with one JSON value a line, and the tables nested in it.

    Blank lines are passed over; a line that is not JSON is left out and named in the warnings.

    Raises:
        DataError: if no line is JSON.
    """
    parser, table, broken = _Parser(), RecordTable(source.file), _BrokenLines()
    text = _open_lines(source)
    arrays: list[list[Any]] = []
    for number, line in _filled(text.lines):
        try:
            value = parser.parse(line)
        except ValueError as error:
            reason = f"{error.msg} (column {error.colno})" if isinstance(error, json.JSONDecodeError) else error
            broken.add(number, f"is not JSON and was left out: {reason}")
            continue
        if isinstance(value, list) and not len(table):
            arrays.append(value)
        elif arrays:
            broken.add(number, "is no array, as the lines before it, and was left out")
        else:
            table.add_item(value)
    if not len(table) and not arrays:
        raise DataError(f"{source.file} holds no line of JSON{broken.first()}.", hint="Export or copy it again.")
    nest = table.finish() if len(table) else _matrix(arrays, ())
    warnings = (*text.warnings, *broken.warnings(), *parser.warnings())
    return untie(nest, RawTable(source.stem, source.file, pa.table({}), encoding=text.encoding, warnings=warnings))


def _filled(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their 1-based numbers."""
    for number, line in enumerate(lines, start=1):
        text = line.strip(_BLANK)
        if text:
            yield number, text


@dataclass(slots=True)
class _BrokenLines:
    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, number: int, reason: str) -> None:
        """Takes note of a line."""
        self.count += 1
        if self.count <= _MOST_NAMED:
            self.named.append(f"line {number} {reason}")

    def first(self) -> str:
        """The first one, as the end of a sentence."""
        return f" ({self.named[0]})" if self.named else ""

    def warnings(self) -> list[str]:
        """One sentence for each of the first lines, and how many there are in all."""
        more = self.count - len(self.named)
        return [*self.named, f"{more:,} more lines were left out"] if more else self.named


@dataclass(frozen=True, slots=True)
class _Lines:
    encoding: str
    lines: Iterable[str]
    warnings: tuple[str, ...] = ()


def _open_lines(source: Source) -> _Lines:
    """The lines of a text; one that its codec cannot read is decoded as a whole, with repairs."""
    encoding = source.encoding
    if encoding is None:
        with source.path.open("rb") as stream:
            encoding = detect_encoding(stream.read(_SAMPLE))
    try:
        with source.path.open(encoding=encoding) as text:
            while text.read(_SAMPLE):
                pass
    except UnicodeDecodeError:
        decoded = decode(source.path.read_bytes(), source.encoding)
        return _Lines(decoded.encoding, io.StringIO(decoded.text), decoded.warnings)
    return _Lines(encoding, _each_line(source.path, encoding))


def _each_line(path: Path, encoding: str) -> Iterator[str]:
    with path.open(encoding=encoding) as stream:
        yield from stream
