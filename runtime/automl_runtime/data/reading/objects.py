"""Records with nested objects and arrays as flat tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa

from automl_runtime.data.reading.nested import Nest, table_from
from automl_runtime.data.reading.values import ColumnBuilder
from automl_runtime.errors import DataError

__all__ = ["RecordTable", "json_text"]

_CHUNK: Final = 50_000
_DEEPEST: Final = 32
_MOST_COLUMNS: Final = 10_000
_POINT: Final = ("longitude", "latitude", "altitude")


def json_text(value: object) -> str:
    """A nested value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class RecordTable:
    """Collects records one by one; memory grows with the values, not with the text they came from.

    Objects flatten to dotted names, arrays of objects and of plain values become nested tables, arrays of arrays
    become JSON text. Not thread-safe.
    """

    def __init__(self, file: str, path: str = "") -> None:
        """Takes the file for messages and the place of the array in its parent."""
        self._file = file
        self._path = path
        self._fields: dict[str, _Field] = {}
        self._columns = 0
        self._rows = 0
        self._flushed = 0
        self._parents: list[int] = []
        self._only_values = True

    def __len__(self) -> int:
        return self._rows

    def add(self, record: Mapping[str, Any], parent_row: int | None = None) -> None:
        """Appends a row.

        Raises:
            DataError: when the records have too many different keys to be a table.
        """
        self._only_values = False
        self._append(record, parent_row)

    def add_item(self, item: object, parent_row: int | None = None) -> None:
        """Appends an item of an array: an object, or a plain value under the name `value`."""
        if isinstance(item, dict):
            self.add(item, parent_row)
        else:
            self._append({"value": json_text(item) if isinstance(item, list) else item}, parent_row)

    def extend(self, items: Iterable[object]) -> None:
        """Appends items one by one."""
        for item in items:
            self.add_item(item)

    def finish(self) -> Nest:
        """The rows as a table, with the tables nested in them; nothing may be added afterwards."""
        self._flush()
        names: list[str] = []
        columns: list[pa.ChunkedArray] = []
        children: list[Nest] = []
        for field in _walk(self._fields):
            if field.builder is not None:
                field.builder.extend_missing(self._rows - field.done)
                names.append(field.path)
                columns.append(field.builder.finish())
            if field.child is not None:
                children.append(field.child.finish())
        return Nest(
            path=self._path,
            data=table_from(names, columns, self._rows),
            parent_rows=pa.array(self._parents, pa.int64()) if self._path else None,
            scalars=self._only_values and bool(self._rows),
            children=tuple(children),
        )

    def _append(self, record: Mapping[str, Any], parent_row: int | None) -> None:
        if parent_row is not None:
            self._parents.append(parent_row)
        self._fill(record, self._fields, "", 1)
        self._rows += 1
        if self._rows - self._flushed >= _CHUNK:
            self._flush()

    def _fill(self, record: Mapping[str, Any], fields: dict[str, _Field], prefix: str, depth: int) -> None:
        for key, value in record.items():
            field = fields.get(key)
            if field is None:
                field = fields[key] = _Field(f"{prefix}.{key}" if prefix and key else prefix or key)
            kind = type(value)
            if kind is dict and depth < _DEEPEST:
                self._fill(value, field.fields, field.path, depth + 1)
            elif kind is list and depth < _DEEPEST:
                self._fill_array(record, field, value, depth)
            elif kind is dict or kind is list:
                self._put(field, json_text(value))
            else:
                self._put(field, value)

    def _fill_array(self, record: Mapping[str, Any], field: _Field, items: list[Any], depth: int) -> None:
        if record.get("type") == "Point" and 2 <= len(items) <= 3 and set(map(type, items)) <= {int, float}:
            self._fill(dict(zip(_POINT, items, strict=False)), field.fields, field.path, depth + 1)
        elif any(type(item) is list for item in items):
            self._put(field, json_text(items))
        else:
            if field.child is None:
                field.child = RecordTable(self._file, field.path)
            for item in items:
                field.child.add_item(item, self._rows)

    def _put(self, field: _Field, value: object) -> None:
        if field.builder is None:
            field.builder = ColumnBuilder()
            self._columns += 1
            if self._columns > _MOST_COLUMNS:
                raise DataError(
                    f"{self._file} has more than {_MOST_COLUMNS:,} different keys in its records.",
                    hint="Its keys seem to be data. Rewrite it so that they are values, or leave the file out.",
                )
        values = field.values
        missing = self._rows - self._flushed - len(values)
        if missing:
            values.extend([None] * missing)
        values.append(value)

    def _flush(self) -> None:
        """Packs the values of the last rows into Arrow's memory."""
        count = self._rows - self._flushed
        for field in _walk(self._fields):
            if field.values and field.builder is not None:
                field.values.extend([None] * (count - len(field.values)))
                field.builder.extend_missing(self._flushed - field.done)
                field.builder.extend(field.values)
                field.values = []
                field.done = self._rows
        self._flushed = self._rows


class _Field:
    """What stands under one key: values, a nested object's fields, an array, or each of them in some records."""

    __slots__ = ("builder", "child", "done", "fields", "path", "values")

    def __init__(self, path: str) -> None:
        self.path = path
        self.values: list[object] = []
        self.builder: ColumnBuilder | None = None
        self.done = 0
        self.fields: dict[str, _Field] = {}
        self.child: RecordTable | None = None


def _walk(fields: Mapping[str, _Field]) -> Iterable[_Field]:
    for field in fields.values():
        yield field
        yield from _walk(field.fields)
