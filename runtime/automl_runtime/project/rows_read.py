"""The rows of a file, some thousands at a time, cells as they stand."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from automl_runtime.data.distinct import fold
from automl_runtime.data.reading import read_path
from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import EventSink, Warned, ignore

__all__ = ["DELIMITED", "read_chunks"]

DELIMITED: Final = (".csv", ".tsv", ".txt")
"""Files that are text with a row in a line, whatever parts the cells."""
_READABLE = (*DELIMITED, ".jsonl", ".ndjson", ".parquet")
_CHUNK_ROWS = 20_000
_BLOCK = 1 << 20


def read_chunks(
    source: Path,
    stream: BinaryIO | None = None,
    *,
    needed: Collection[str] = (),
    on_broken: Callable[[int, str], None] | None = None,
    on_event: EventSink = ignore,
) -> Generator[pd.DataFrame]:
    """The rows of a file of delimited text, JSON lines or Parquet, some thousands at a time, cells as they stand.

    Delimited text is comma-separated UTF-8, of which some thousand rows are held at a time. What is not, or has not the
    columns that are needed when it is read so, is read as training data are (whatever encoding, dialect and lines above
    the header), as a whole.

    Args:
        source: the file; its name says of what kind it is.
        stream: the open file, for callers who look how far it has been read; text must then be comma-separated UTF-8.
        needed: names of columns by which the right way to read a text is told.
        on_broken: gets the number of each JSON line that is none, from 0 and empty lines aside, and what is said about
            it; the row is then empty. None: such a line ends the reading.
        on_event: hears what had to be mended in a text.

    Raises:
        RequestError: if the file is of another kind.
        DataError: if it cannot be read.
    """
    suffix = source.suffix.lower()
    if suffix not in _READABLE:
        raise RequestError(
            f"{source.name!r} cannot be predicted; rows come as {', '.join(_READABLE)}, raw files as a folder."
        )
    read: Callable[[BinaryIO], Iterator[pd.DataFrame]] = partial(_json_chunks, source, on_broken)
    if suffix == ".parquet":
        read = _parquet_chunks
    elif suffix in DELIMITED:
        read = _csv_chunks if stream is not None else partial(_text_chunks, source, needed, on_event)
    try:
        with source.open("rb") if stream is None else nullcontext(stream) as opened:
            yield from read(opened)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{source} is not UTF-8: {error.reason} at byte {error.start}.", hint="Save it as comma-separated UTF-8."
        ) from error
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pa.ArrowInvalid) as error:
        raise DataError(f"{source} cannot be read: {error}") from error


def _text_chunks(
    source: Path, needed: Collection[str], on_event: EventSink, stream: BinaryIO
) -> Iterator[pd.DataFrame]:
    """Comma-separated UTF-8 as it comes; another text by the reader of training data, where that finds more columns."""
    known = _plain_columns(stream) if _is_utf8(stream) else None
    lacking = _lacking(needed, known or ())
    if known is None or lacking:
        found = read_path(source).tables
        best = min(found, key=lambda table: _lacking(needed, table.data.column_names), default=None)
        if best is not None and (known is None or _lacking(needed, best.data.column_names) < lacking):
            for warning in best.warnings:
                on_event(Warned(f"{source.name}: {warning}"))
            for start in range(0, best.data.num_rows, _CHUNK_ROWS):
                yield best.data.slice(start, _CHUNK_ROWS).to_pandas()
            return
    yield from _csv_chunks(stream)


def _is_utf8(stream: BinaryIO) -> bool:
    """Whether all of it is, without the zeros that UTF-16 has; the stream is at its begin again."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := stream.read(_BLOCK):
            if "\0" in decoder.decode(block):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    finally:
        stream.seek(0)
    return True


def _plain_columns(stream: BinaryIO) -> list[str]:
    """The header of comma-separated text; empty where the first row does not fit it."""
    try:
        return [str(name) for name in next(_csv_chunks(stream, rows=1)).columns]
    except (pd.errors.ParserError, pd.errors.EmptyDataError, StopIteration):
        return []
    finally:
        stream.seek(0)


def _lacking(needed: Collection[str], columns: Collection[str]) -> int:
    """How many of the needed columns are not there, white space and case aside."""
    return len({fold(name) for name in needed} - {fold(name) for name in columns})


def _csv_chunks(stream: BinaryIO, rows: int | None = None) -> Iterator[pd.DataFrame]:
    with pd.read_csv(
        stream,
        dtype="str",
        keep_default_na=False,
        na_values=[],
        chunksize=rows or _CHUNK_ROWS,
        encoding="utf-8-sig",
    ) as reader:
        for chunk in reader:
            if len(chunk) and not isinstance(chunk.index, pd.RangeIndex):
                # The first cells would count as the names of the rows, and all others stand in wrong columns.
                raise pd.errors.ParserError("its rows have more cells than its header")
            yield chunk.reset_index(drop=True)


def _parquet_chunks(stream: BinaryIO) -> Iterator[pd.DataFrame]:
    with pq.ParquetFile(stream) as file:
        for batch in file.iter_batches(batch_size=_CHUNK_ROWS):
            yield batch.to_pandas()


def _json_chunks(
    source: Path, on_broken: Callable[[int, str], None] | None, stream: BinaryIO
) -> Iterator[pd.DataFrame]:
    records: list[dict[str, Any]] = []
    done = 0
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            records.append(_json_record(source, number, line))
        except DataError as error:
            if on_broken is None:
                raise
            on_broken(done + len(records), str(error))
            records.append({})
        if len(records) == _CHUNK_ROWS:
            yield pd.DataFrame(records, dtype=object)
            done, records = done + len(records), []
    if records:
        yield pd.DataFrame(records, dtype=object)


def _json_record(source: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        said = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"
        raise DataError(f"{source}, line {number}: {said} ({error}).") from error
    if not isinstance(record, dict):
        raise DataError(f"{source}, line {number}: one JSON object a line is needed.")
    return record
