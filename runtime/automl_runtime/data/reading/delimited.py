"""Delimited text: CSV, TSV and whatever else separates its cells by a sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from automl_runtime.data.reading.bands import bands
from automl_runtime.data.reading.build import raw_table
from automl_runtime.data.reading.dialects import detect_dialect
from automl_runtime.data.reading.encodings import decode
from automl_runtime.data.reading.grid import find_tables
from automl_runtime.data.reading.header import Row
from automl_runtime.data.reading.records import parse_records
from automl_runtime.data.reading.regular import read_regular
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError

__all__ = ["read_delimited", "tables_of_grid"]

_LARGE = 1 << 20
_MOST_COLUMNS = 100_000


def read_delimited(source: Source) -> list[RawTable]:
    """The tables of a delimited file, in their order.

    Raises:
        DataError: if no record can be read.
    """
    decoded = decode(source.path.read_bytes(), source.encoding)
    source = replace(source, encoding=decoded.encoding)
    detected = detect_dialect(decoded.text)
    table = read_regular(decoded.text, detected, source) if len(decoded.text) >= _LARGE else None
    if table is not None:
        return [replace(table, warnings=(*decoded.warnings, *table.warnings))]
    records = parse_records(decoded.text, detected.dialect)
    warnings = [*decoded.warnings, *records.warnings]
    if records.cut and len(records.rows) == 1:
        raise DataError(
            f"{source.file}, line {records.lines[0]}: a quote is opened and never closed; no record stands before it.",
            hint="Close the quote, or export the file again: it seems to be cut off.",
        )
    return tables_of_grid(source, records.rows, lines=records.lines, warnings=warnings, dialect=detected.dialect)


def tables_of_grid(
    source: Source,
    rows: Sequence[Row],
    *,
    lines: Sequence[int] | None = None,
    warnings: Sequence[str] = (),
    **details: object,
) -> list[RawTable]:
    """A RawTable for every table in a grid of text; the first one carries the warnings about the file.

    Raises:
        DataError: if there is none.
    """
    widest = max(range(len(rows)), key=lambda index: len(rows[index]), default=None)
    if widest is not None and len(rows[widest]) > _MOST_COLUMNS:
        where = lines[widest] if lines is not None else widest + 1
        raise DataError(
            f"{source.file}, line {where}: {len(rows[widest]):,} cells; {_MOST_COLUMNS:,} columns are allowed.",
            hint="Is this a table? If its records go on over lines, export it again with line ends.",
        )
    found = bands(rows)
    parts = [rows] if len(found) == 1 else [[row[start:stop] for row in rows] for start, stop in found]
    grids = [(grid, part) for part in parts for grid in find_tables(part)]
    if not grids:
        raise DataError(f"{source.file}: it has no table in it, only blank lines.")
    tables = []
    for number, (grid, part) in enumerate(grids, start=1):
        inner = str(number) if number > 1 else None
        said = warnings if number == 1 else ()
        table = raw_table(source, grid, part, lines=lines, inner=inner, warnings=said, **details)
        tables.append(replace(table, name=f"{table.name}_{number}") if number > 1 else table)
    return tables
