"""Rows that hold rows: a table and the tables nested in it, tied together by a key."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.naming import looks_like_id, unique_name
from automl_runtime.data.reading.build import column_names, table_name
from automl_runtime.data.reading.values import sound_text
from automl_runtime.data.tables import RawTable

__all__ = ["Nest", "natural_key", "table_from", "untie"]

_LONGEST_KEY = 64


@dataclass(frozen=True, slots=True)
class Nest:
    """A flat table and the arrays that its rows held."""

    path: str
    """Where the array stands in its parent, dotted; empty at the top."""
    data: pa.Table
    parent_rows: pa.Array | None = None
    """0-based row of the parent, for each row; None at the top."""
    scalars: bool = False
    """Whether the rows are the items of an array of plain values, in the one column `value`."""
    children: tuple[Nest, ...] = field(default=())


def table_from(names: Sequence[str], columns: Sequence[pa.Array | pa.ChunkedArray], rows: int) -> pa.Table:
    """An Arrow table with legal, unique column names; `rows` counts where there is no column."""
    if not columns:
        return pa.table({"col_0": pa.nulls(rows)})
    return pa.table(list(columns), names=column_names([sound_text(name) for name in names]))


def untie(nest: Nest, template: RawTable, taken: Collection[str] = ()) -> list[RawTable]:
    """The tables of a nest, parents first.

    A table whose rows held arrays lends each of them its key: the column that tells its rows apart or, where there
    is none, the 1-based row number in a new column `<table>_row`. An array of plain values that never holds more
    than one becomes a column.

    Args:
        nest: the table at the top.
        template: gives its name, the file, the place in that and the warnings; nested tables are called
            `<name>_<path>`.
        taken: names that other tables of the file have.
    """
    found: list[RawTable] = []
    _untie(nest, replace(template, name=unique_name(table_name(template.name), taken)), found, taken)
    return [table if position == 0 else replace(table, warnings=()) for position, table in enumerate(found)]


def _untie(nest: Nest, template: RawTable, found: list[RawTable], taken: Collection[str]) -> None:
    nest = _with_singles(nest)
    children = [child for child in nest.children if child.data.num_rows]
    data, key = nest.data, ""
    if children:
        data, key = _keyed(data, template)
    place = len(found)
    found.append(template)
    for child in children:
        names = [*taken, *(table.name for table in found)]
        path = ".".join(part for part in (template.inner, child.path) if part)
        below = replace(
            template,
            name=unique_name(table_name(f"{template.name}_{child.path}"), names),
            inner=path,
            parent=template.name,
        )
        _untie(replace(child, data=_with_key(child, data, key, template.name)), below, found, taken)
    found[place] = replace(template, data=data, names_from="format", raw_header=tuple(data.column_names))


def _with_singles(nest: Nest) -> Nest:
    """The nest with arrays of at most one plain value as columns."""
    kept = []
    for child in nest.children:
        rows = child.parent_rows
        if rows is not None and child.scalars and len(rows) and pc.count_distinct(rows).as_py() == len(rows):
            column = child.data.column(0).take(pc.index_in(pa.array(range(nest.data.num_rows), rows.type), rows))
            nest = replace(nest, data=_with_column(nest.data, child.path, column))
        else:
            kept.append(child)
    return replace(nest, children=tuple(kept))


def _with_column(data: pa.Table, name: str, column: pa.ChunkedArray, position: int | None = None) -> pa.Table:
    names = column_names([*data.column_names, name])
    position = data.num_columns if position is None else position
    return data.add_column(position, names[-1], column)


def _keyed(data: pa.Table, template: RawTable) -> tuple[pa.Table, str]:
    """The table with a column that tells its rows apart, and the name of that.

    The first column of a nested table is the key of its parent, which does so by chance at most.
    """
    key = natural_key(data.select(range(1, data.num_columns)) if template.parent else data)
    if key is not None:
        return data, key
    numbers = pa.chunked_array([pa.array(range(1, data.num_rows + 1), pa.int64())])
    numbered = _with_column(data, f"{template.name}_row", numbers, 0)
    return numbered, numbered.column_names[0]


def _with_key(child: Nest, parent: pa.Table, key: str, table: str) -> pa.Table:
    """The child's rows, led by the key of the row that each belongs to."""
    name = key if key not in child.data.column_names else f"{table}_{key}"
    return _with_column(child.data, name, parent.column(key).take(child.parent_rows), 0)


def natural_key(data: pa.Table) -> str | None:
    """The column that tells the rows apart: one called like a number or code, else the first when it is text.

    Other columns are not asked, since in other data of the same layout they need not.
    """
    for name in data.column_names:
        if looks_like_id(name) and _is_unique(data.column(name)):
            return str(name)
    if data.num_columns and pa.types.is_string(data.schema.types[0]) and _is_unique(data.column(0)):
        return str(data.column_names[0])
    return None


def _is_unique(column: pa.ChunkedArray) -> bool:
    if column.null_count or not (pa.types.is_string(column.type) or pa.types.is_int64(column.type)):
        return False
    if pa.types.is_string(column.type):
        lengths = pc.min_max(pc.utf8_length(pc.utf8_trim_whitespace(column))).as_py()
        if len(column) and not 0 < lengths["min"] <= lengths["max"] <= _LONGEST_KEY:
            return False
    return bool(pc.count_distinct(column).as_py() == len(column))
