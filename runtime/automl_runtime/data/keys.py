"""Columns that name the rows of a table: unique, without nulls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import prod

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import ColumnEntry, KeyCandidate

from automl_runtime.data.keytext import key_kind
from automl_runtime.data.naming import core, looks_like_id

__all__ = ["Codes", "duplicate_rows", "find_keys", "is_key_like", "is_row_number"]

_LONGEST = 64.0
_SAMPLE = 20_000
_WIDEST_SEARCH = 14
_SMALL_TABLE = 100
_MOST_CANDIDATES = 4
_TIMES = ("date", "datetime")


class Codes:
    """Integer codes of a table's columns, made when first asked for; a null is a value of its own."""

    def __init__(self, data: pa.Table) -> None:
        self._data = data
        self._codes: dict[str, np.ndarray] = {}

    def __getitem__(self, column: str) -> np.ndarray:
        """Codes 0, 1, ... of the values of `column`, one a row."""
        if column not in self._codes:
            values = self._data[column].combine_chunks()
            encoded = pc.dictionary_encode(values, null_encoding="encode")
            if isinstance(encoded, pa.ChunkedArray):
                encoded = encoded.combine_chunks()
            self._codes[column] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return self._codes[column]

    def size(self, column: str) -> int:
        """Number of distinct values, null counted."""
        codes = self[column]
        return int(codes.max()) + 1 if len(codes) else 0

    def joint(self, columns: Sequence[str], rows: slice = slice(None)) -> np.ndarray:
        """Codes of the combinations of values that occur in `columns`."""
        joint = self[columns[0]][rows]
        for column in columns[1:]:
            if len(joint) and int(joint.max()) + 1 == len(joint):
                break  # every row is its own already
            joint = pd.factorize(joint * self.size(column) + self[column][rows])[0].astype(np.int64)
        return joint

    def unique_share(self, columns: Sequence[str], at_least: float = 1.0) -> float:
        """Distinct combinations by rows; 0 as soon as a sample or the sizes show that it is below `at_least`."""
        rows = self._data.num_rows
        if rows == 0 or prod(self.size(column) for column in columns) < at_least * rows:
            return 0.0
        if rows > 2 * _SAMPLE:
            sample = self.joint(columns, slice(0, _SAMPLE))
            if len(np.unique(sample)) < at_least * len(sample):
                return 0.0
        return float(len(np.unique(self.joint(columns))) / rows)


def duplicate_rows(data: pa.Table) -> np.ndarray:
    """True for every row that repeats an earlier one in all columns."""
    repeated = np.zeros(data.num_rows, dtype=bool)
    if data.num_rows > 1 and data.num_columns:
        codes = Codes(data)
        if any(codes.size(name) == data.num_rows for name in data.column_names):
            return repeated
        order = sorted(data.column_names, key=lambda name: -codes.size(name))
        repeated = pd.Series(codes.joint(order)).duplicated().to_numpy()
    return repeated


def is_row_number(values: pa.ChunkedArray) -> bool:
    """Whether the values are the whole numbers from 0 or 1 on, in any order (a few gaps do not matter)."""
    if not pa.types.is_integer(values.type) or len(values) < 2 or values.null_count:
        return False
    ends = pc.min_max(values)
    first, last = ends["min"].as_py(), ends["max"].as_py()
    dense = first in (0, 1) and last - first + 1 <= 1.02 * len(values)
    return bool(dense and pc.count_distinct(values).as_py() == len(values))


def is_key_like(column: ColumnEntry) -> bool:
    """Whether the values can be keys at all: no fractions, no long text, no addresses of pages, some variety."""
    if key_kind(column.type) is None or column.constant or (column.type == "number" and not _whole(column)):
        return False
    if column.type in ("text", "category"):
        top = column.stats.top
        if (column.stats.mean_length or 0.0) > _LONGEST or any("://" in item.value for item in top[:3]):
            return False
    return True


def _whole(column: ColumnEntry) -> bool:
    ends = (column.stats.min, column.stats.max, column.stats.median)
    return all(isinstance(end, float) and end == int(end) for end in ends)


def find_keys(data: pa.Table, columns: Sequence[ColumnEntry], table: str = "") -> list[KeyCandidate]:
    """Single keys and, when those are only row numbers or none, keys of two or three columns, best first.

    Keys called like the number of something come before other columns, left before right, row numbers last. Only
    columns that are called like ids, times, and columns of few values take part in composite keys, and one of them
    must be an id or a time: numbers that happen to be unique together do not name a row.
    """
    if data.num_rows == 0:
        return []
    eligible = [
        column
        for column in columns
        if is_key_like(column)
        and not data[column.name].null_count
        and (column.type != "number" or looks_like_id(column.name))
    ]
    codes = Codes(data)
    single = [column for column in eligible if codes.size(column.name) == data.num_rows]
    numbered = {column.name for column in single if is_row_number(data[column.name])}
    single.sort(key=lambda column: (-_merit(column, table, column.name in numbered), column.position))
    found = [[column.name] for column in single[:_MOST_CANDIDATES]]
    if all(_is_counter(name, numbered) for (name,) in found):
        named = {column.name for column in single}
        found = _composite(codes, [column for column in eligible if column.name not in named], data.num_rows) + found
    return [KeyCandidate(columns=names, unique=1.0) for names in found]


def _is_counter(name: str, numbered: Iterable[str]) -> bool:
    return name in numbered and not (looks_like_id(name) and core(name))


def _merit(column: ColumnEntry, table: str, numbered: bool) -> float:
    merit = 3.0 if looks_like_id(column.name) else 0.0
    if core(column.name) and core(column.name) == core(table):
        merit += 1.0
    if numbered and not core(column.name):
        merit -= 2.5
    elif numbered and not looks_like_id(column.name):
        merit -= 3.0
    if column.type in _TIMES:
        merit -= 1.0
    if column.personal is not None or (column.stats.mean_length or 0.0) > 25:
        merit -= 2.0
    return merit - 0.1 * min(column.position, 10)


def _composite(codes: Codes, eligible: Sequence[ColumnEntry], rows: int) -> list[list[str]]:
    chosen = sorted((column for column in eligible if _may_take_part(column, rows)), key=_rank)[:_WIDEST_SEARCH]
    for size in (2, 3):
        found = []
        for group in combinations(chosen, size):
            if not any(_names_rows(column) for column in group):
                continue
            names = [column.name for column in sorted(group, key=lambda column: column.position)]
            if codes.unique_share(names) == 1.0:
                found.append((sum(_rank(column)[0] for column in group), sum(c.position for c in group), names))
        if found:
            return [names for _, _, names in sorted(found)[:_MOST_CANDIDATES]]
    return []


def _names_rows(column: ColumnEntry) -> bool:
    return looks_like_id(column.name) or column.type in _TIMES


def _may_take_part(column: ColumnEntry, rows: int) -> bool:
    if _names_rows(column):
        return True
    few = column.distinct <= max(50, 0.05 * rows) and column.type in ("integer", "category")
    return few and rows >= _SMALL_TABLE


def _rank(column: ColumnEntry) -> tuple[int, int]:
    if looks_like_id(column.name):
        return 0, column.position
    return (1 if column.type in _TIMES else 2 if column.type == "category" else 3), column.position
