"""Tables as they were read, before anything is decided about their cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
from automl_schemas.catalog import Dialect, FileEntry, IgnoredFile, ImageFolder
from automl_schemas.vocabulary import ColumnType

__all__ = ["RawTable", "ReadResult"]


@dataclass(frozen=True, slots=True)
class RawTable:
    """One table of a file, with its cells untouched.

    `data` has unique, non-empty, stripped column names. Cells of text formats (delimited, fixed width, HTML, XML,
    Excel text) are Arrow strings, "" for an empty cell and null for a cell that a short row lacks; formats that
    know types (Parquet, SQLite, JSON, Excel numbers and dates) keep them.
    """

    name: str
    """Unique among the tables of one read; a legal file name (letters, digits, `_`, `-`)."""
    file: str
    """Path below the source, POSIX separators; `archive.zip!/member.csv` inside an archive."""
    data: pa.Table
    inner: str | None = None
    """Sheet, SQL table, JSON path, or ordinal ("2") of a table inside the file."""
    header_row: int | None = None
    """1-based row of the header in the file; None when there is none."""
    preamble_rows: int = 0
    footer_rows: int = 0
    names_from: Literal["header", "names_file", "generated", "format"] = "header"
    raw_header: tuple[str, ...] = ()
    """The header cells as found, empty and repeated ones included."""
    encoding: str | None = None
    dialect: Dialect | None = None
    parent: str | None = None
    """Name of the table that this nested array belongs to; the key columns are copied into `data`."""
    warnings: tuple[str, ...] = ()
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    """Types of columns that the reader knows; those of the others are told by their cells."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What reading a file or folder gave, in the order of the paths."""

    tables: list[RawTable] = field(default_factory=list)
    files: list[FileEntry] = field(default_factory=list)
    ignored: list[IgnoredFile] = field(default_factory=list)
    images: list[ImageFolder] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
