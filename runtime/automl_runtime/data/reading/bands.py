"""Tables that stand side by side in a grid, parted by an empty column."""

from __future__ import annotations

from collections.abc import Sequence

from automl_runtime.data.reading.grid import find_tables
from automl_runtime.data.reading.header import Row

__all__ = ["Band", "bands"]

Band = tuple[int, int]
"""Columns from and to."""


def bands(rows: Sequence[Row]) -> list[Band]:
    """The columns of tables that stand side by side; the whole width where there is one table.

    Tables side by side are two columns wide or more and have names. Their data do not end on the same row, totals and
    notes not counted, unless all have the same names, or each a title of its own.
    """
    width = max(map(len, rows), default=0)
    empty = _empty_columns(rows, width)
    starts = [index for index in range(width) if index not in empty and (index == 0 or index - 1 in empty)]
    found = [(start, next((end for end in range(start, width) if end in empty), width)) for start in starts]
    if len(found) < 2 or any(stop - start < 2 for start, stop in found):
        return [(0, width)]
    return found if _are_apart([[row[start:stop] for row in rows] for start, stop in found]) else [(0, width)]


def _empty_columns(rows: Sequence[Row], width: int) -> set[int]:
    empty = set(range(width))
    for row in rows:
        empty -= {index for index in empty if index < len(row) and row[index].strip()}
        if not empty:
            break
    return empty


def _are_apart(parts: Sequence[Sequence[Row]]) -> bool:
    tables = [find_tables(part) for part in parts]
    if not all(found and found[-1].header and found[-1].last_row - found[-1].first_row > 1 for found in tables):
        return False
    tops = [next(row for row in part if any(map(str.strip, row))) for part in parts]
    titled = all(top[0].strip() and not any(map(str.strip, top[1:])) for top in tops)
    ends = {found[-1].last_row for found in tables}
    return titled or len(ends) == len(tables) or len({found[0].header for found in tables}) == 1
