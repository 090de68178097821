"""Tables written as they were found: RFC 4180 CSV, UTF-8, nothing cleaned."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.tables import RawTable

__all__ = ["write_raw"]

_BATCH = 10_000


def write_raw(tables: Iterable[RawTable], folder: Path) -> list[Path]:
    """Writes every table to `folder/<table>.csv` (CRLF, one header row) and returns the paths.

    The header is the one found, empty and repeated names included; `col_0, col_1, ...` when there is none. Text cells
    are untouched, cells that a short row lacks are empty; numbers, dates and booleans of typed formats become plain
    text (`3`, `0.5`, `2021-06-30`, `true`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables:
        path = folder / f"{table.name}.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\r\n")
            writer.writerow(_header(table))
            for batch in table.data.to_batches(max_chunksize=_BATCH):
                columns = [_texts(column) for column in batch.columns]
                writer.writerows(zip(*columns, strict=True))
        paths.append(path)
    return paths


def _header(table: RawTable) -> list[str]:
    width = table.data.num_columns
    if table.names_from == "generated" or (table.names_from == "names_file" and not table.raw_header):
        return [f"col_{index}" for index in range(width)]
    if table.raw_header:
        return [*table.raw_header, *[""] * (width - len(table.raw_header))][:width]
    return list(table.data.column_names)


def _texts(column: pa.Array) -> list[str]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return list(pc.fill_null(column, "").to_pylist())
    return [_text(value) for value in column.to_pylist()]


def _text(value: object) -> str:
    """Plain text of a typed value.

    >>> _text(3.0), _text(0.25), _text(True), _text(None), _text(datetime(2021, 6, 30))
    ('3', '0.25', 'true', '', '2021-06-30')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        midnight = value.time() == value.min.time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(value)
