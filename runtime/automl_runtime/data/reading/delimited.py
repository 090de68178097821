"""Delimited text: CSV, TSV and whatever else separates its cells by a sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from automl_runtime.data.reading.build import column_names, raw_table, table_name
from automl_runtime.data.reading.dialects import Detected, detect_dialect
from automl_runtime.data.reading.encodings import decode
from automl_runtime.data.reading.grid import GridTable, find_tables
from automl_runtime.data.reading.header import Row
from automl_runtime.data.reading.records import is_sound_quoting, parse_records
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError

__all__ = ["read_delimited", "tables_of_grid"]

_LARGE = 1 << 20
_HEAD = 1_000
_TAIL = 200


def read_delimited(source: Source) -> list[RawTable]:
    """The tables of a delimited file, in their order.

    Raises:
        DataError: if no record can be read.
    """
    decoded = decode(source.path.read_bytes(), source.encoding)
    source = replace(source, encoding=decoded.encoding)
    detected = detect_dialect(decoded.text)
    table = _read_regular(decoded.text, detected, source)
    if table is not None:
        return [replace(table, warnings=decoded.warnings)]
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
    grids = find_tables(rows)
    if not grids:
        raise DataError(f"{source.file}: it has no table in it, only blank lines.")
    tables = []
    for number, grid in enumerate(grids, start=1):
        inner = str(number) if number > 1 else None
        said = warnings if number == 1 else ()
        table = raw_table(source, grid, rows, lines=lines, inner=inner, warnings=said, **details)
        tables.append(replace(table, name=f"{table.name}_{number}") if number > 1 else table)
    return tables


def _read_regular(text: str, detected: Detected, source: Source) -> RawTable | None:
    """A large file whose records all have the same width, read by Arrow; None when it is not that regular."""
    dialect = detected.dialect
    if len(text) < _LARGE or len(dialect.delimiter) != 1 or dialect.escapechar or detected.width < 2:
        return None
    if not is_sound_quoting(text, dialect):
        return None
    try:
        data = _arrow_table(text, detected)
    except pa.ArrowInvalid:
        return None
    ends = text.count("\n") or text.count("\r")
    if data.num_rows != ends + (not text.endswith(("\n", "\r"))) or _has_blank_row(data):
        return None
    head, tail = min(_HEAD, data.num_rows), min(_TAIL, max(0, data.num_rows - _HEAD))
    ends_of_file = pa.concat_tables([data.slice(0, head), data.slice(data.num_rows - tail)])
    rows = list(zip(*(column.to_pylist() for column in ends_of_file.columns), strict=True))
    grids = find_tables(rows)
    if len(grids) != 1 or grids[0].first_row >= head:
        return None
    return _regular_table(data, grids[0], source, dialect=dialect)


def _regular_table(data: pa.Table, grid: GridTable, source: Source, **details: object) -> RawTable:
    body = data.slice(grid.first_row, data.num_rows - grid.first_row - grid.footer_rows)
    header = grid.header
    return RawTable(
        name=table_name(source.stem),
        file=source.file,
        data=body.rename_columns(column_names(header or (), data.num_columns)),
        header_row=None if grid.header_row is None else grid.header_row + 1,
        preamble_rows=grid.preamble_rows,
        footer_rows=grid.footer_rows,
        names_from="generated" if header is None else "header",
        raw_header=header or (),
        encoding=source.encoding,
        **details,  # type: ignore[arg-type]
    )


def _arrow_table(text: str, detected: Detected) -> pa.Table:
    content = text.encode()
    names = [f"f{index}" for index in range(detected.width)]
    return arrow_csv.read_csv(
        pa.BufferReader(content),
        read_options=arrow_csv.ReadOptions(column_names=names, block_size=min(len(content) + 1, 1 << 30)),
        parse_options=arrow_csv.ParseOptions(
            delimiter=detected.dialect.delimiter,
            quote_char=detected.dialect.quotechar or False,
            double_quote=True,
            newlines_in_values=bool(detected.dialect.quotechar),
            ignore_empty_lines=False,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        ),
    )


def _has_blank_row(data: pa.Table) -> bool:
    blank = pc.equal(pc.utf8_trim_whitespace(data.column(0)), "")
    for column in data.columns[1:]:
        if not pc.any(blank).as_py():
            return False
        blank = pc.and_(blank, pc.equal(pc.utf8_trim_whitespace(column), ""))
    return bool(pc.any(blank).as_py())
