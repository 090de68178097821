"""Parquet, Arrow IPC and Feather files as tables."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from automl_runtime.data.reading.arrow_types import flatten
from automl_runtime.data.reading.nested import untie
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError

__all__ = ["read_arrow", "read_parquet"]

_CUT_OFF = "It may have been cut off; export or copy it again."


def read_parquet(source: Source) -> list[RawTable]:
    """The table of a Parquet file, and the tables nested in it.

    Raises:
        DataError: if the file is broken or encrypted.
    """
    return _read(source, "Parquet", _parquet)


def read_arrow(source: Source) -> list[RawTable]:
    """The table of an Arrow IPC file or stream or of a Feather file, and the tables nested in it.

    Raises:
        DataError: if the file is broken.
    """
    return _read(source, "Arrow", _arrow)


def _parquet(path: Path) -> pa.Table:
    # ParquetFile and not read_table: that adds columns for parts of the path like `year=2021`.
    with pq.ParquetFile(path) as file:
        return file.read()


def _arrow(path: Path) -> pa.Table:
    with path.open("rb") as stream:
        magic = stream.read(6)
    if magic == b"ARROW1":
        with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
            return reader.read_all()
    if magic.startswith(b"FEA1"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # version 1 is old; the file is what it is
            return feather.read_table(path)
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        return reader.read_all()


def _read(source: Source, format_name: str, read: Callable[[Path], pa.Table]) -> list[RawTable]:
    found: list[str] = []
    try:
        table = read(source.path)
        table.validate(full=True)  # offsets of a hostile file may point outside its buffers
        nest = flatten(table, found)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{source.file} cannot be read as {format_name}: {reason}.", hint=_CUT_OFF) from error
    return untie(nest, RawTable(source.stem, source.file, pa.table({}), warnings=tuple(found)))
