"""Merged cells of a sheet: the names they make up in a header, the values they repeat in the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from automl_runtime.data.reading.cells import TYPED, kind_of
from automl_runtime.data.reading.grid import is_blank
from automl_runtime.data.reading.header import fits, profile, recurs

__all__ = ["Merge", "Unmerged", "filled_down", "inside", "unmerge"]

_DEEPEST_HEADER: Final = 5
_YEAR: Final = re.compile(r"(?:1[89]|2[01])\d\d")

Merge = tuple[tuple[int, int], tuple[int, int]]
"""First and last cell, each as 0-based row and column."""


@dataclass(frozen=True, slots=True)
class Unmerged:
    """Texts in which every header takes one row, and the first row of each header that took more."""

    rows: list[list[str]]
    tops: dict[int, int] = field(default_factory=dict)
    """The last row of a header, where its names now stand, to its first."""


def inside(merges: Sequence[Merge], left: int, right: int, rows: int) -> list[Merge]:
    """The merged ranges that begin in columns `left` to `right`, counted from `left` and cut at the last row."""
    return [
        ((top, first - left), (min(bottom, rows - 1), min(last, right - 1) - left))
        for (top, first), (bottom, last) in merges
        if left <= first < right and top < rows
    ]


def filled_down(rows: Sequence[list[Any]], merges: Sequence[Merge]) -> list[list[Any]]:
    """The cells with the value of merged cells in those below the first."""
    filled = [list(row) for row in rows]
    for (top, left), (bottom, _) in merges:
        for row in range(top + 1, bottom + 1):
            filled[row][left] = rows[top][left]
    return filled


def unmerge(texts: Sequence[list[str]], merges: Sequence[Merge]) -> Unmerged:
    """The texts with merged values filled in, and headers of several rows joined into their last row."""
    filled = _filled(texts, merges)
    starts: dict[int, list[Merge]] = {}
    for merge in merges:
        starts.setdefault(merge[0][0], []).append(merge)
    result = Unmerged([list(row) for row in filled])
    for top in sorted(starts):
        bottom = _header_end(top, texts, starts) if _opens_a_table(top, texts) else top
        if bottom > top:
            below = {(row, column) for merge in starts[top] for row, column in _cells(merge) if row > top}
            result.rows[bottom] = _joined(filled, range(top, bottom + 1), below)
            for row in range(top, bottom):
                result.rows[row] = [""] * len(filled[row])
            result.tops[bottom] = top
    return result


def _cells(merge: Merge) -> list[tuple[int, int]]:
    (top, left), (bottom, right) = merge
    return [(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)]


def _filled(texts: Sequence[list[str]], merges: Sequence[Merge]) -> list[list[str]]:
    """Every cell of a range with its value; a title that is alone in its rows stays in one column."""
    filled = [list(row) for row in texts]
    for (top, left), (bottom, right) in merges:
        alone = is_blank(texts[top][:left]) and is_blank(texts[top][right + 1 :])
        for row in range(top, bottom + 1):
            filled[row][left : (left if alone else right) + 1] = [texts[top][left]] * (1 if alone else right - left + 1)
    return filled


def _opens_a_table(row: int, texts: Sequence[list[str]]) -> bool:
    """Whether a row has several cells and none but titles right above it."""
    if _count(texts[row]) < 2:
        return False
    return row == 0 or _count(texts[row - 1]) < 2


def _count(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _header_end(top: int, texts: Sequence[list[str]], starts: dict[int, list[Merge]]) -> int:
    """The last row of the header that begins at `top`, or `top` where merged cells make no header of more rows."""
    last_row = len(texts) - 2
    wide = [merge for merge in starts[top] if merge[1][1] > merge[0][1]]
    bottom = max(merge[1][0] for merge in starts[top])
    if wide:
        if bottom == top and _is_data(texts[top + 1 :]):
            return top
        bottom = max(bottom, top + 1)
        while any(merge[1][1] > merge[0][1] for merge in starts.get(bottom, ())):
            bottom += 1
    elif any(kind_of(cell) in TYPED for row in texts[top : bottom + 1] for cell in row):
        return top
    return bottom if bottom <= min(top + _DEEPEST_HEADER - 1, last_row) else top


def _is_data(rows: Sequence[list[str]]) -> bool:
    """Whether the first row has numbers, dates or categories where those below have them, years not counted."""
    if len(rows) < 2:
        return False
    columns = profile(rows[1:], len(rows[0]))
    years = [bool(_YEAR.fullmatch(cell.strip())) for cell in rows[0]]
    typed = fits(["" if year else cell for cell, year in zip(rows[0], years, strict=True)], columns)
    return typed[0] > typed[1] or recurs(rows[0], columns)


def _joined(filled: Sequence[list[str]], rows: range, below: set[tuple[int, int]]) -> list[str]:
    return [
        " ".join(text for row in rows if (row, column) not in below and (text := filled[row][column].strip()))
        for column in range(len(filled[rows.start]))
    ]
