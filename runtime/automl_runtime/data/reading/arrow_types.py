"""Arrow tables of any types as flat tables of few: bool, int64, float64, date32, timestamp[us], string."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from automl_runtime.data.reading.nested import Nest, table_from
from automl_runtime.data.reading.objects import json_text
from automl_runtime.data.reading.values import plain_text
from automl_runtime.errors import shorten

__all__ = ["flatten"]

_WIDEST_VECTOR: Final = 2_000
_MICROSECONDS: Final = pa.timestamp("us")


def flatten(table: pa.Table, warnings: list[str]) -> Nest:
    """A table without nested types, and the tables that its list columns held.

    Structs become dotted columns, lists nested tables, vectors of numbers of one length a column for each place.
    Decimals become float64 (int64 without decimal places), times of day text, durations seconds, times with an
    offset naive ones in UTC; columns of bytes that are not text are left out.

    Args:
        table: any Arrow table.
        warnings: gets a sentence for each column that was left out or means something else now.
    """
    return _Flattener(warnings).nest(zip(table.column_names, table.columns, strict=True), table.num_rows, "")


class _Flattener:
    def __init__(self, warnings: list[str]) -> None:
        self._warnings = warnings

    def nest(
        self, columns: Iterator[tuple[str, pa.ChunkedArray]], rows: int, path: str, parents: pa.Array | None = None
    ) -> Nest:
        """Flattens the columns of one table."""
        names: list[str] = []
        flat: list[pa.ChunkedArray] = []
        children: list[Nest] = []
        for name, column in self._without_structs(columns):
            if _is_list(column.type):
                self._place_list(name, column, (names, flat, children))
                continue
            plain = _plain(column)
            if plain is None:
                self._warnings.append(f"column {shorten(name)} holds bytes that are not text and was left out")
                continue
            if types.is_duration(column.type):
                self._warnings.append(f"column {shorten(name)} holds durations, given in seconds")
            names.append(name)
            flat.append(plain)
        return Nest(path, table_from(names, flat, rows), parents, children=tuple(children))

    def _without_structs(self, columns: Iterator[tuple[str, pa.ChunkedArray]]) -> Iterator[tuple[str, pa.ChunkedArray]]:
        for name, raw in columns:
            column = _decoded(raw)
            if types.is_struct(column.type):
                fields = [f"{name}.{field.name}" for field in column.type]
                yield from self._without_structs(zip(fields, column.flatten(), strict=True))
            elif _is_vector(column.type):
                size = range(column.type.list_size)
                yield from ((f"{name}.{place}", pc.list_element(column, place)) for place in size)
            else:
                yield name, column

    def _place_list(
        self, name: str, column: pa.ChunkedArray, out: tuple[list[str], list[pa.ChunkedArray], list[Nest]]
    ) -> None:
        """A list column as a nested table; lists of lists as JSON text."""
        names, flat, children = out
        item = column.type.value_type if not types.is_map(column.type) else None
        if item is not None and (_is_list(item) or types.is_fixed_size_list(item)):
            texts = [None if value is None else json_text(_jsonable(value)) for value in column.to_pylist()]
            names.append(name)
            flat.append(pa.chunked_array([texts], pa.string()))
            return
        parents, values = _exploded(column)
        values = _decoded(values)
        if types.is_struct(values.type):
            fields = zip([field.name for field in values.type], values.flatten(), strict=True)
            children.append(self.nest(fields, len(values), name, parents))
            return
        plain = _plain(values)
        if plain is None:
            self._warnings.append(f"column {shorten(name)} holds lists of bytes and was left out")
            return
        children.append(Nest(name, table_from(["value"], [plain], len(values)), parents, scalars=True))


def _is_list(kind: pa.DataType) -> bool:
    if types.is_fixed_size_list(kind):
        return not _is_vector(kind)
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind))


def _is_vector(kind: pa.DataType) -> bool:
    if not types.is_fixed_size_list(kind) or not 0 < kind.list_size <= _WIDEST_VECTOR:
        return False
    return bool(types.is_integer(kind.value_type) or types.is_floating(kind.value_type))


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column without the wrappings that do not change what it says."""
    while True:
        kind = column.type
        if types.is_dictionary(kind):
            column = column.cast(kind.value_type)
        elif types.is_run_end_encoded(kind):
            column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
        elif isinstance(kind, pa.UuidType):
            column = _texts(column)
        elif isinstance(kind, pa.BaseExtensionType):
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type)
        elif types.is_list_view(kind) or types.is_large_list_view(kind):
            # Not cast: pyarrow 26 leaves the last offset out.
            plain = pa.list_(kind.value_type)
            column = pa.chunked_array([pa.array(chunk.to_pylist(), plain) for chunk in column.chunks], plain)
        else:
            return column


def _exploded(column: pa.ChunkedArray) -> tuple[pa.Array, pa.ChunkedArray]:
    """The row of each list item, and the items."""
    parents: list[pa.Array] = [pa.array([], pa.int64())]
    values: list[pa.Array] = []
    before = 0
    for chunk in column.chunks:
        lists = chunk.cast(_entries(chunk.type)) if types.is_map(chunk.type) else chunk
        parents.append(pc.add(pc.list_parent_indices(lists).cast(pa.int64()), before))
        values.append(pc.list_flatten(lists))
        before += len(chunk)
    kind = _entries(column.type).value_type if types.is_map(column.type) else column.type.value_type
    return pa.concat_arrays(parents), pa.chunked_array(values, kind)


def _entries(kind: pa.MapType) -> pa.ListType:
    return pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """A column that is not nested in one of the few types; None when it holds bytes that are not text."""
    kind = column.type
    if types.is_null(kind) or types.is_boolean(kind) or types.is_string(kind) or types.is_date32(kind):
        return column
    for is_kind, convert in _CONVERSIONS:
        if is_kind(kind):
            return convert(column)
    return _texts(column)


def _integers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.cast(pa.string())


def _floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    wide = column.cast(pa.float64())
    return pc.if_else(pc.is_nan(wide), pa.scalar(None, pa.float64()), wide)


def _decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type.scale <= 0:
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:
            return column.cast(pa.float64())
    return column.cast(pa.float64())


def _strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _bytes(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    try:
        text = column.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return None
    return None if pc.any(pc.match_substring_regex(text, r"[\x00-\x08\x0e-\x1f]")).as_py() else text


def _timestamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Microseconds; with an offset, the time in UTC."""
    try:
        exact = column.cast(pa.timestamp("us", column.type.tz), safe=column.type.unit != "ns")
    except pa.ArrowInvalid:
        return _strings(column)
    return exact.cast(_MICROSECONDS)


def _times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.time32("s")).cast(pa.string())
    except pa.ArrowInvalid:
        return column.cast(pa.string())


def _seconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = [None if value is None else plain_text(value) for value in column.to_pylist()]
    return pa.chunked_array([values], pa.string())


def _jsonable(value: object) -> object:
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else plain_text(value)


_Convert = Callable[[pa.ChunkedArray], pa.ChunkedArray | None]

_CONVERSIONS: Final[tuple[tuple[Callable[[pa.DataType], bool], _Convert], ...]] = (
    (types.is_integer, _integers),
    (types.is_floating, _floats),
    (types.is_decimal, _decimals),
    (lambda kind: types.is_large_string(kind) or types.is_string_view(kind), _strings),
    (
        lambda kind: (
            types.is_binary(kind)
            or types.is_large_binary(kind)
            or types.is_fixed_size_binary(kind)
            or types.is_binary_view(kind)
        ),
        _bytes,
    ),
    (types.is_date64, lambda column: column.cast(pa.date32())),
    (types.is_timestamp, _timestamps),
    (types.is_time, _times),
    (types.is_duration, _seconds),
)
