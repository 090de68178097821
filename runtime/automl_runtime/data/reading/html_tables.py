"""The tables of a web page. Nothing is fetched, no script is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lxml import etree

from automl_runtime.data.naming import unique_name
from automl_runtime.data.reading.build import raw_table, table_name
from automl_runtime.data.reading.delimited import tables_of_grid
from automl_runtime.data.reading.encodings import decode
from automl_runtime.data.reading.grid import GridTable, find_tables
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError

__all__ = ["read_html"]

_WIDEST: Final = 1_000
_MOST_COLUMNS: Final = 16_384
_MOST_CELLS: Final = 5_000_000
_UNSEEN: Final = frozenset({"script", "style", "template", "noscript"})
_BREAKS: Final = frozenset({"br", "p", "div", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    part: str
    """`thead`, `tfoot` or `tbody`."""
    headings: bool
    """Whether all its cells are `<th>`."""
    cells: list[str]


def read_html(source: Source) -> list[RawTable]:
    """Every table of a page, cells that span rows or columns repeated in each; cells are text as a person sees it.

    The names of the columns are the heading cells, else what the rows themselves say. Tables of one cell and tables
    that hold tables are layout.

    Raises:
        DataError: if there is no table on the page, or one of more than five million cells.
    """
    decoded = decode(source.path.read_bytes(), source.encoding)
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(decoded.text.encode("utf-8", "backslashreplace"), parser)
    except etree.XMLSyntaxError as error:
        raise DataError(f"{source.file} cannot be read as HTML: {error}.") from error
    source = replace(source, encoding=decoded.encoding)
    found: list[RawTable] = []
    for element in root.iter("table") if root is not None else ():
        rows = _rows(element, source)
        if sum(len(row.cells) for row in rows) > 1:
            found += _tables(rows, source)
    if not found:
        raise DataError(f"{source.file} is a web page without a table.")
    return _named(found, source, decoded.warnings)


def _named(tables: Sequence[RawTable], source: Source, warnings: Sequence[str]) -> list[RawTable]:
    named: list[RawTable] = []
    for number, table in enumerate(tables, start=1):
        name = unique_name(table_name(source.stem), [other.name for other in named])
        inner = str(number) if len(tables) > 1 else None
        named.append(replace(table, name=name, inner=inner))
    named[0] = replace(named[0], warnings=(*warnings, *named[0].warnings))
    return named


def _rows(table: Any, source: Source) -> list[_Row]:
    """The rows of a table with cells in every place; none where its cells hold tables."""
    rows: list[_Row] = []
    open_cells: dict[int, tuple[int, str]] = {}
    cells_so_far = 0
    for row, part in _row_elements(table):
        cells = [cell for cell in row if cell.tag in ("td", "th")]
        if any(cell.find(".//table") is not None for cell in cells):
            return []
        try:
            placed = _placed(cells, open_cells)
            cells_so_far += len(placed)
            if cells_so_far > _MOST_CELLS:
                raise ValueError(f"a table of more than {_MOST_CELLS:,} cells")
        except ValueError as error:
            raise DataError(f"{source.file}, line {row.sourceline}: {error}.") from error
        headings = bool(cells) and all(cell.tag == "th" for cell in cells)
        rows.append(_Row(row.sourceline or len(rows) + 1, part, headings, placed))
    return rows


def _row_elements(table: Any) -> Iterator[tuple[Any, str]]:
    """The rows that are the table's own, those of its foot last."""
    feet = []
    for child in table:
        if child.tag == "tr":
            yield child, "tbody"
        elif child.tag in ("thead", "tbody"):
            yield from ((row, child.tag) for row in child if row.tag == "tr")
        elif child.tag == "tfoot":
            feet += [row for row in child if row.tag == "tr"]
    yield from ((row, "tfoot") for row in feet)


def _placed(cells: Sequence[Any], open_cells: dict[int, tuple[int, str]]) -> list[str]:
    """The texts of a row, with those that reach into it from above; `open_cells` maps columns to rows left and text."""
    placed: list[str] = []

    def take_open() -> None:
        while (left := open_cells.pop(len(placed), None)) is not None:
            if left[0] > 1:
                open_cells[len(placed)] = (left[0] - 1, left[1])
            placed.append(left[1])

    for cell in cells:
        take_open()
        text = _text(cell)
        rows, columns = _span(cell, "rowspan"), min(_span(cell, "colspan"), _WIDEST)
        if len(placed) + columns > _MOST_COLUMNS:
            raise ValueError(f"a row of more than {_MOST_COLUMNS:,} cells")
        for offset in range(columns):
            if rows > 1:
                open_cells[len(placed)] = (rows - 1, text)
            placed.append(text if offset == 0 or len(cells) > 1 else "")
    take_open()
    return placed


def _span(cell: Any, name: str) -> int:
    value = cell.get(name, "").strip()
    return max(1, int(value)) if value.isdecimal() and len(value) < 6 else 1


def _text(cell: Any) -> str:
    parts: list[str] = []
    _collect(cell, parts)
    return _SPACES.sub(" ", "".join(parts)).strip()


def _collect(element: Any, parts: list[str]) -> None:
    walk = etree.iterwalk(element, events=("start", "end"))
    for event, node in walk:
        if event == "start" and node.tag in _UNSEEN:
            walk.skip_subtree()
        elif event == "start":
            parts.append((" " if node.tag in _BREAKS else "") + (node.text or ""))
        elif node is not element:
            parts.append((" " if node.tag in _BREAKS else "") + (node.tail or ""))


def _tables(rows: Sequence[_Row], source: Source) -> list[RawTable]:
    """One table by its headings; where it has none, what the rows say."""
    body = [row for row in rows if row.part != "tfoot"]
    feet = len(rows) - len(body)
    first, last = _header(body)
    if last == first:
        texts = [row.cells for row in rows]
        if not find_tables(texts):
            return []
        return tables_of_grid(source, texts, lines=[row.line for row in rows])
    width = max(len(row.cells) for row in body[first:])
    header = _joined([row.cells for row in body[first:last]], width)
    kept = [header, *(row.cells for row in body[last:])]
    grid = _grid(kept, header)
    grid = replace(grid, preamble_rows=grid.preamble_rows + first, footer_rows=grid.footer_rows + feet)
    return [raw_table(source, grid, kept, lines=[row.line for row in body[last - 1 :]])]


def _header(rows: Sequence[_Row]) -> tuple[int, int]:
    """First row of the header and the one past its last; titles, one cell over all columns, stand above it."""
    count = 0
    while count < len(rows) and (rows[count].part == "thead" or rows[count].headings):
        count += 1
    first = 0
    while first < count - 1 and sum(1 for cell in rows[first].cells if cell) <= 1:
        first += 1
    return first, count


def _joined(rows: Sequence[list[str]], width: int) -> list[str]:
    """One name for each column out of rows of headings; a heading over several rows counts once."""
    columns = [[row[place] for row in rows if place < len(row) and row[place]] for place in range(width)]
    return [" ".join(dict.fromkeys(column)) for column in columns]


def _grid(rows: Sequence[list[str]], header: Sequence[str]) -> GridTable:
    """The table below a known header, totals at its end left out."""
    found = find_tables(rows)
    if len(found) == 1 and found[0].header_row == 0 and found[0].first_row == 1:
        return found[0]
    return GridTable(tuple(header), 0, 1, len(rows), len(header))
