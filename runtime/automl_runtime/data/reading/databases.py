"""SQLite and DuckDB files as tables, one for each of theirs; opened to read and for nothing else."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from automl_runtime.data.naming import unique_name
from automl_runtime.data.reading.arrow_types import flatten
from automl_runtime.data.reading.build import table_name
from automl_runtime.data.reading.nested import table_from, untie
from automl_runtime.data.reading.source import Source
from automl_runtime.data.reading.values import ColumnBuilder
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError, shorten

__all__ = ["read_duckdb", "read_sqlite"]

_ROWS_AT_ONCE: Final = 10_000
_COLUMNS_AT_ONCE: Final = 400
_LONGEST_TEXT_IN_BYTES: Final = 4_096
_READ_ONLY: Final = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_unsigned_extensions": "false",
    "lock_configuration": "true",
}


def read_sqlite(source: Source) -> list[RawTable]:
    """Every table of a SQLite file; views, virtual tables and columns of bytes are left out with a warning.

    The types of the cells count, not those that the schema declares. The file is not written to and nothing is
    left beside it; changes that wait in a journal beside it are seen.

    Raises:
        DataError: if the file is broken, encrypted or has no table.
    """
    try:
        with _sqlite(source.path) as connection:
            return _sqlite_tables(connection, source)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter for a message that quotes broken bytes
        raise DataError(
            f"{source.file} cannot be read as a SQLite database: {error}.",
            hint="It may be damaged, encrypted or cut off; try `sqlite3 FILE .recover`, or export its tables as CSV.",
        ) from error


@contextmanager
def _sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    journals = [beside for end in ("-wal", "-journal") if (beside := Path(f"{path}{end}")).is_file()]
    if not any(journal.stat().st_size for journal in journals):
        with _connected(f"{path.absolute().as_uri()}?mode=ro&immutable=1") as connection:
            yield connection
        return
    # Rolling a journal back or forward writes; a copy is written to.
    with tempfile.TemporaryDirectory() as folder:
        for file in (path, *journals):
            shutil.copyfile(file, Path(folder, file.name))
        with _connected(f"{Path(folder, path.name).absolute().as_uri()}?mode=rw") as connection:
            yield connection


@contextmanager
def _connected(uri: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA query_only = ON")
        yield connection


def _sqlite_tables(connection: sqlite3.Connection, source: Source) -> list[RawTable]:
    listed = connection.execute(
        "SELECT m.name, coalesce(l.type, m.type) FROM sqlite_master AS m "
        "LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = m.name "
        "WHERE m.type IN ('table', 'view') AND substr(m.name, 1, 7) <> 'sqlite_' ORDER BY m.rowid"
    ).fetchall()
    names = [name for name, kind in listed if kind == "table"]
    skipped = [f"{kind} {shorten(name)} was left out" for name, kind in listed if kind in ("view", "virtual")]
    _require_tables(names, source)
    tables: list[RawTable] = []
    for name in names:
        data, warnings = _SqliteTable(connection, name).read()
        own = unique_name(table_name(name), [table.name for table in tables])
        told = (*skipped, *warnings) if not tables else tuple(warnings)
        header = tuple(data.column_names)
        tables.append(RawTable(own, source.file, data, name, names_from="format", raw_header=header, warnings=told))
    return tables


def _require_tables(names: Sequence[str], source: Source) -> None:
    if not names:
        raise DataError(
            f"{source.file} is a database without a table.", hint="Views are not read; store what they show as a table."
        )


@dataclass(slots=True)
class _SqliteTable:
    connection: sqlite3.Connection
    name: str

    def read(self) -> tuple[pa.Table, list[str]]:
        """The table's rows and what there is to say about them."""
        warnings: list[str] = []
        columns = [row[1] for row in self._pragma() if row[6] != 1]
        expressions = self._expressions(columns, warnings)
        try:
            data = self._rows(expressions)
        except sqlite3.OperationalError as error:
            if "decode" not in str(error).lower():
                raise
            self.connection.text_factory = _lenient
            data = self._rows(expressions)
            self.connection.text_factory = str
            warnings.append(f"table {shorten(self.name)} holds text that is not UTF-8; it was read as cp1252")
        return data, warnings

    def _pragma(self) -> list[tuple[Any, ...]]:
        return self.connection.execute("SELECT * FROM pragma_table_xinfo(?)", (self.name,)).fetchall()

    def _expressions(self, columns: Sequence[str], warnings: list[str]) -> dict[str, str]:
        """The SQL that selects each column, those that hold nothing but bytes left out."""
        expressions: dict[str, str] = {}
        for column, (blobs, others) in zip(columns, self._blob_counts(columns), strict=True):
            quoted = _quoted(column)
            if blobs and not others:
                warnings.append(f"column {shorten(column)} of table {shorten(self.name)} holds bytes and was left out")
            elif blobs:
                readable = f"typeof({quoted}) <> 'blob' OR length({quoted}) <= {_LONGEST_TEXT_IN_BYTES}"
                expressions[column] = f"CASE WHEN {readable} THEN {quoted} END"
                warnings.append(
                    f"column {shorten(column)} of table {shorten(self.name)} holds bytes in {blobs:,} cells; "
                    "those that are not text are read as missing"
                )
            else:
                expressions[column] = quoted
        return expressions

    def _blob_counts(self, columns: Sequence[str]) -> Iterator[tuple[int, int]]:
        """For each column, its cells that are bytes and those that are something else."""
        for start in range(0, len(columns), _COLUMNS_AT_ONCE):
            part = [_quoted(column) for column in columns[start : start + _COLUMNS_AT_ONCE]]
            sums = ", ".join(f"total(typeof({c}) = 'blob'), total(typeof({c}) NOT IN ('blob', 'null'))" for c in part)
            counts = self.connection.execute(f"SELECT {sums} FROM {_quoted(self.name)}").fetchone()
            yield from ((int(blobs), int(others)) for blobs, others in zip(counts[::2], counts[1::2], strict=True))

    def _rows(self, expressions: dict[str, str]) -> pa.Table:
        selected = ", ".join(expressions.values()) or "NULL"
        builders = [ColumnBuilder() for _ in expressions]
        cursor = self.connection.execute(f"SELECT {selected} FROM {_quoted(self.name)}")
        count = 0
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            count += len(rows)
            for builder, values in zip(builders, zip(*rows, strict=True), strict=False):
                builder.extend([_readable(value) for value in values] if bytes in set(map(type, values)) else values)
        return table_from(list(expressions), [builder.finish() for builder in builders], count)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _lenient(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "backslashreplace")


def _readable(value: Any) -> Any:
    """Bytes as the text that they are, None when they are none."""
    if not isinstance(value, bytes):
        return value
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def read_duckdb(source: Source) -> list[RawTable]:
    """Every table of a DuckDB file and the tables nested in them; views and columns of bytes are left out.

    Raises:
        DataError: if the file is broken, locked by a writer, of an unknown version or has no table.
    """
    try:
        with duckdb.connect(str(source.path), read_only=True, config=_READ_ONLY) as connection:
            return _duckdb_tables(connection, source)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(
            f"{source.file} cannot be read as a DuckDB database: {reason}.",
            hint="Close the program that writes to it, or export its tables with EXPORT DATABASE.",
        ) from error


def _duckdb_tables(connection: Any, source: Source) -> list[RawTable]:
    listed = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_oid, schema_name"
    ).fetchall()
    views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL").fetchall()
    _require_tables(listed, source)
    warnings = [f"view {shorten(name)} was left out" for (name,) in views]
    tables: list[RawTable] = []
    for schema, name in listed:
        kept, told = _duckdb_columns(connection, schema, name)
        warnings += told
        selected = ", ".join(map(_quoted, kept)) or "NULL"
        data = connection.sql(f"SELECT {selected} FROM {_quoted(schema)}.{_quoted(name)}").to_arrow_table()
        inner = name if schema == "main" else f"{schema}.{name}"
        nest = flatten(data, warnings)
        template = RawTable(name, source.file, pa.table({}), inner, warnings=tuple(warnings))
        tables += untie(nest, template, [table.name for table in tables])
        warnings = []
    return tables


def _duckdb_columns(connection: Any, schema: str, name: str) -> tuple[list[str], list[str]]:
    """The columns that do not hold bytes, and a sentence for each that does."""
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [schema, name],
    ).fetchall()
    told = [
        f"column {shorten(column)} of table {shorten(name)} holds bytes and was left out"
        for column, kind in rows
        if kind == "BLOB"
    ]
    return [column for column, kind in rows if kind != "BLOB"], told
