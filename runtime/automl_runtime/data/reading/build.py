"""RawTables out of rows of text: names of columns, ragged rows, Arrow columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from automl_runtime.data.naming import legal_name, looks_like_id
from automl_runtime.data.reading.grid import GridTable, is_blank, table_rows
from automl_runtime.data.reading.header import Row
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable

__all__ = ["column_names", "raw_table", "table_name", "text_table", "unique"]

_SPACES = re.compile(r"\s+")


def table_name(text: str) -> str:
    """A legal name for the table of a file or sheet: letters, digits, `_` and `-`.

    >>> table_name("Sales 2021 (final)"), table_name("\u00fc")
    ('Sales_2021_final', 'table')
    """
    return legal_name(text)


def unique(names: Iterable[str], *, join: str = "_{}") -> list[str]:
    """The names, a repeated one with a number that makes it unique.

    >>> unique(["a", "b", "a"]), unique(["a", "a"], join=" ({})")
    (['a', 'b', 'a_2'], ['a', 'a (2)'])
    """
    names = list(names)
    taken, given = set(names), set[str]()
    result = []
    for name in names:
        fresh, number = name, 2
        while fresh in given or (fresh != name and fresh in taken):
            fresh, number = name + join.format(number), number + 1
        given.add(fresh)
        result.append(fresh)
    return result


def column_names(header: Sequence[str], width: int | None = None) -> list[str]:
    """Unique names for columns: stripped, inner white space collapsed, `col_N` for empty ones.

    >>> column_names(["  a  b ", "", "x", "x"])
    ['a b', 'col_1', 'x', 'x (2)']
    """
    cells = [*header, *[""] * ((width or 0) - len(header))]
    named = [_SPACES.sub(" ", cell).strip() or f"col_{index}" for index, cell in enumerate(cells)]
    return unique(named, join=" ({})")


@dataclass(slots=True)
class _Body:
    header: list[str]
    rows: Sequence[Sequence[str | None]]
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str, where: Sequence[int]) -> None:
        """Notes a warning about rows, with their number and the first of their lines."""
        if where:
            shown = ", ".join(map(str, where[:5]))
            self.warnings.append(f"{len(where)} {text} (line {shown}{', ...' if len(where) > 5 else ''})")


def raw_table(
    source: Source,
    grid: GridTable,
    rows: Sequence[Row],
    *,
    lines: Sequence[int] | None = None,
    inner: str | None = None,
    warnings: Sequence[str] = (),
    **details: object,
) -> RawTable:
    """The RawTable of a grid's table: cells as text, null where a short row lacks them.

    `lines` gives the 1-based line of every row of the grid; without it rows are numbered. `details` are further
    fields of RawTable.
    """
    where = lines if lines is not None else range(1, len(rows) + 1)
    picked = table_rows(rows, grid)
    above = rows[grid.header_row : grid.first_row] if grid.header_row is not None else []
    named = max(map(len, above), default=grid.width)
    body = _even(grid, named, [list(rows[index]) for index in picked], [where[index] for index in picked])
    inside = {*range(grid.first_row, grid.last_row)}.difference(picked)
    body.warn(
        "comments between the rows were left out", [where[row] for row in sorted(inside) if not is_blank(rows[row])]
    )
    fields: dict[str, object] = {
        "name": table_name(source.stem),
        "file": source.file,
        "inner": inner,
        "header_row": None if grid.header_row is None else where[grid.header_row],
        "preamble_rows": grid.preamble_rows,
        "footer_rows": grid.footer_rows,
        "names_from": "generated" if grid.header is None else "header",
        "raw_header": () if grid.header is None else tuple(body.header),
        "encoding": source.encoding,
        "warnings": (*warnings, *body.warnings),
        **details,
    }
    names = column_names(body.header)
    return RawTable(data=text_table(names, body.rows), **fields)  # type: ignore[arg-type]


def text_table(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> pa.Table:
    """An Arrow table of strings from rows that all have `len(names)` cells."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in zip(names, columns, strict=True)})


def _even(grid: GridTable, named: int, rows: list[list[str]], where: Sequence[int]) -> _Body:
    """Header and rows brought to one width, with a warning that names the rows that were not of it.

    `named`: cells that the header has in the file.
    """
    header = list(grid.header) if grid.header is not None else [""] * grid.width
    if grid.header is not None:
        header = _fitted_header(header[:named], rows)
    width = len(header)
    cut = [_without_empty_end(row, width) for row in rows]
    longest = max([width, *map(len, cut)])
    header += [""] * (longest - width)
    body = _Body(header, [row if len(row) == longest else [*row, *[None] * (longest - len(row))] for row in cut])
    longer = [at for row, at in zip(cut, where, strict=True) if len(row) > width]
    body.warn("rows with more cells than the header", longer)
    body.warn("rows with too few cells", [at for row, at in zip(rows, where, strict=True) if len(row) < width])
    return body


def _without_empty_end(row: list[str], width: int) -> list[str]:
    while len(row) > width and not row[-1].strip():
        row = row[:-1]
    return row


def _fitted_header(header: list[str], rows: list[list[str]]) -> list[str]:
    """The header when nearly all rows have one cell more or less than it.

    One name too few is the unnamed column of row names that R writes, when the first cells are all different;
    one too many is a stray empty name.
    """
    counts = Counter(map(len, rows))
    if not counts:
        return header
    usual, count = counts.most_common(1)[0]
    if count < 0.9 * len(rows):
        return header
    if usual == len(header) + 1 and all(row[-1].strip() for row in rows if len(row) == usual):
        return ["", *header] if _are_row_names(header, rows) else [*header, ""]
    if usual == len(header) - 1 and header.count("") == 1 and header[-1]:
        header.remove("")
    return header


def _are_row_names(header: list[str], rows: list[list[str]]) -> bool:
    """Whether the first cells name the rows: all different, and not what the first name announces."""
    first = [row[0] for row in rows]
    return len(set(first)) == len(first) and not looks_like_id(header[0])
