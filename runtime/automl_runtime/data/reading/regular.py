"""Large delimited files, nearly all of whose records have the same width: read by Arrow instead of record by record.

Only the rows at both ends and around the few odd records are looked at one by one. They are a small table of their
own; the regular rows between them are put back where they were.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from automl_runtime.data.reading.build import raw_table
from automl_runtime.data.reading.dialects import Detected
from automl_runtime.data.reading.grid import GridTable, find_tables, table_rows
from automl_runtime.data.reading.records import Prepared, is_sound_quoting, mend_records, prepare
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable

__all__ = ["read_regular"]

_HEAD = 1_000
_TAIL = 200
_AROUND = 3
_MOST_ODD = 2_000
_MOST_COLUMNS = 20_000
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


@dataclass(frozen=True)
class _Parsed:
    """What Arrow made of a text: the regular records, and the text of the others by their place among all."""

    data: pa.Table
    odd: dict[int, str]

    @property
    def rows(self) -> int:
        return int(self.data.num_rows) + len(self.odd)

    def place(self, index: int) -> int:
        """The row of `data` that is record `index`, or the next one when that record is odd."""
        return index - bisect_left(self.places, index)

    @cached_property
    def places(self) -> list[int]:
        """Where the odd records are, in order."""
        return sorted(self.odd)


def read_regular(text: str, detected: Detected, source: Source) -> RawTable | None:
    """The table of a large file, None when the file is not regular enough or holds several tables."""
    prepared = prepare(text, detected.dialect)
    if not 2 <= detected.width <= _MOST_COLUMNS or not prepared.delimiter.isascii():
        return None
    parsed = _parse(prepared, detected.width) if is_sound_quoting(text, detected.dialect) else None
    if parsed is None and prepared.quote:
        parsed = _parse_around_quotes(prepared, detected.width)
    if parsed is None:
        return None
    chosen = _chosen(parsed)
    found = _rows(parsed, chosen, prepared)
    if found is None:
        return None
    rows, warnings = found
    grids = find_tables(rows) if max(map(len, rows)) <= _MOST_COLUMNS else []
    if len(grids) != 1:
        return None
    lines = [index + 1 for index in chosen]
    small = raw_table(source, grids[0], rows, lines=lines, warnings=warnings, dialect=detected.dialect)
    return _put_together(small, grids[0], rows, chosen, parsed)


def _parse_around_quotes(prepared: Prepared, width: int) -> _Parsed | None:
    """A text in which quotes are astray in places: the few lines with quotes in them are odd records, all of them."""
    lines = _LINES.findall(prepared.text)
    odd = {index: line for index, line in enumerate(lines) if prepared.quote in line}
    if len(odd) > _MOST_ODD:
        return None
    kept = [index for index in range(len(lines)) if index not in odd]
    rest = "".join(lines[index] for index in kept)
    parsed = _parse(replace(prepared, text=rest, quote=""), width)
    return parsed and _Parsed(parsed.data, {**odd, **{kept[index]: line for index, line in parsed.odd.items()}})


def _parse(prepared: Prepared, width: int) -> _Parsed | None:
    """The records of a text as Arrow reads them; None when too many are odd or a cell seems to hold records."""
    content = prepared.text.encode()
    odd: dict[int, str] = {}

    def put_aside(row: arrow_csv.InvalidRow) -> str:
        odd[row.number - 1] = row.text
        return "skip" if len(odd) <= _MOST_ODD else "error"

    try:
        data = _read_csv(content, prepared, width, put_aside)
    except pa.ArrowInvalid:
        return None
    if any("\n" in line.rstrip("\r\n") for line in odd.values()) or _holds_records(data, prepared.delimiter):
        return None
    for stand_in, sign in prepared.back:
        columns = [pc.replace_substring(column, stand_in, sign) for column in data.columns]
        data = pa.table(columns, names=data.column_names)
    return _without_blank_rows(_Parsed(data, odd))


def _read_csv(content: bytes, prepared: Prepared, width: int, put_aside: object) -> pa.Table:
    names = [str(index) for index in range(width)]
    return arrow_csv.read_csv(
        pa.BufferReader(content),
        read_options=arrow_csv.ReadOptions(
            column_names=names, block_size=min(len(content) + 1, (1 << 31) - 1), use_threads=False
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=prepared.delimiter,
            quote_char=prepared.quote or False,
            double_quote=True,
            newlines_in_values=bool(prepared.quote),
            ignore_empty_lines=False,
            invalid_row_handler=put_aside,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    )


def _holds_records(data: pa.Table, delimiter: str) -> bool:
    """Whether a cell of several lines has whole records in it: a stray quote has swallowed them."""
    fewest = max(1, data.num_columns - 1)
    for column in data.columns:
        several = column.filter(pc.match_substring(column, "\n"))
        if any(line.count(delimiter) >= fewest for cell in several.to_pylist() for line in cell.splitlines()):
            return True
    return False


def _without_blank_rows(parsed: _Parsed) -> _Parsed | None:
    """Rows of nothing but empty cells counted among the odd ones; None when there are too many."""
    blank = pc.equal(pc.utf8_trim_whitespace(parsed.data.column(0)), "")
    for column in parsed.data.columns[1:]:
        if not pc.any(blank).as_py():
            return parsed
        blank = pc.and_(blank, pc.equal(pc.utf8_trim_whitespace(column), ""))
    found = np.flatnonzero(np.asarray(blank.combine_chunks()))
    if len(found) + len(parsed.odd) > _MOST_ODD:
        return None
    everywhere = np.setdiff1d(np.arange(parsed.rows), np.fromiter(parsed.odd, int, len(parsed.odd)))
    odd = {**parsed.odd, **dict.fromkeys(everywhere[found].tolist(), "")}
    return _Parsed(parsed.data.filter(pc.invert(blank)), odd)


def _chosen(parsed: _Parsed) -> list[int]:
    """The records that are looked at: those at both ends and around the odd ones."""
    near = {index + step for index in parsed.odd for step in range(-_AROUND, _AROUND + 1)}
    ends = {*range(min(_HEAD, parsed.rows)), *range(max(0, parsed.rows - _TAIL), parsed.rows)}
    return sorted(index for index in near | ends if 0 <= index < parsed.rows)


def _rows(parsed: _Parsed, chosen: Sequence[int], prepared: Prepared) -> tuple[list[list[str]], list[str]] | None:
    """The cells of the chosen records, odd ones mended, and warnings about those; None when one is beyond that."""
    regular = [index for index in chosen if index not in parsed.odd]
    if not regular:
        return None
    taken = parsed.data.take([parsed.place(index) for index in regular])
    columns = [column.to_pylist() for column in taken.columns]
    cells = dict(zip(regular, map(list, zip(*columns, strict=True)), strict=True))
    odd = [(index + 1, parsed.odd[index].rstrip("\r\n")) for index in chosen if index in parsed.odd]
    mended = mend_records(odd, list(cells.values()), prepared)
    if mended is None:
        return None
    cells.update(zip((number - 1 for number, _ in odd), mended[0], strict=True))
    return [cells[index] for index in chosen], mended[1]


def _put_together(
    small: RawTable, grid: GridTable, rows: Sequence[Sequence[str]], chosen: Sequence[int], parsed: _Parsed
) -> RawTable | None:
    """The small table with the regular rows between its own."""
    kept = table_rows(rows, grid)
    if not kept:
        return small
    pieces: list[pa.Table] = []
    done, last = 0, chosen[kept[0]] - 1
    for count, index in enumerate(kept):
        first = chosen[index]
        if first - last > 1 and all(place not in parsed.odd for place in (last + 1, first - 1)):
            pieces += [small.data.slice(done, count - done), _widened(parsed, last + 1, first, small.data)]
            done = count
        last = first
    pieces.append(small.data.slice(done))
    if any(piece is None for piece in pieces):
        return None
    return replace(small, data=pa.concat_tables(pieces))


def _widened(parsed: _Parsed, first: int, stop: int, like: pa.Table) -> pa.Table | None:
    """Regular records as columns of `like`; None when cells would be lost."""
    piece = parsed.data.slice(parsed.place(first), parsed.place(stop) - parsed.place(first))
    columns = list(piece.columns)
    for surplus in columns[like.num_columns :]:
        if pc.any(pc.not_equal(surplus, "")).as_py():
            return None
    columns = columns[: like.num_columns]
    columns += [pa.nulls(piece.num_rows, pa.string()) for _ in range(like.num_columns - len(columns))]
    return pa.table(columns, names=like.column_names)
