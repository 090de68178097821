"""Bodies of Arrow IPC and npy: columns of Arrow, and matrices of numbers."""

from __future__ import annotations

import ast
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.serving.answers import Columns, Contents
from automl_runtime.serving.columns import as_contents
from automl_runtime.serving.requests import BadRequest, Problem, too_many_rows

if TYPE_CHECKING:
    from automl_schemas.bundle import InputSchema

__all__ = ["read_arrow", "read_npy"]

_ARROW: Final = "a stream of Arrow IPC with the columns of the model, its buffers not compressed"
_NPY: Final = "an array of numbers, rows x columns, in the order of the columns of the model"
_DAYS: Final = (-719_162, 2_932_896)
"""The first and the last day that Python knows, from 1970."""
_MICROSECONDS: Final = (_DAYS[0] * 86_400_000_000, (_DAYS[1] + 1) * 86_400_000_000 - 1)
_LONGEST_HEADER: Final = 10_000


def read_arrow(body: bytes, schema: InputSchema, most_rows: int) -> Contents:
    """A stream of Arrow IPC: columns of texts, numbers, booleans, dates and moments, and dictionaries of them.

    Raises:
        BadRequest: 422 if it is none or its columns are not those of the model; 413 if it has more than `most_rows`.
    """
    try:
        table = _table(body, most_rows)
        names = table.column_names
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError, struct.error) as error:
        raise BadRequest([Problem(f"The body is no stream of Arrow IPC: {error}"[:300], allowed=_ARROW)]) from error
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest([Problem(f"The column '{twice[:100]}' stands twice.", column=twice[:100])])
    columns = {name: _plain(name, table[name]) for name in names}
    found = as_contents(columns, schema, most_rows)
    return found if columns else Contents((), columns=Columns({}, table.num_rows))


def read_npy(body: bytes, schema: InputSchema, most_rows: int) -> Contents:
    """A matrix of numbers as `numpy.save` writes it, in the order of the columns of the model; NaN is missing.

    Raises:
        BadRequest: 422 if it is none or has not as many columns as the model; 413 if it has more than `most_rows` rows.
    """
    try:
        shape, by_columns, dtype, start = _npy_header(body)
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError, struct.error) as error:
        raise BadRequest([Problem(f"The body is no npy: {error}"[:300], allowed=_NPY)]) from error
    columns = len(schema.columns)
    if dtype.kind not in "biuf" or len(shape) != 2 or shape[1] != columns or min(shape) < 0:
        message = f"The array is {dtype} of shape {shape}; the model has {columns} columns."
        raise BadRequest([Problem(message[:300], allowed=_NPY)])
    if shape[0] > most_rows:
        raise too_many_rows(shape[0], most_rows)
    data = body[start:]
    if len(data) != shape[0] * shape[1] * dtype.itemsize:
        raise BadRequest([Problem(f"The array has {len(data):,} bytes, its header tells of others.", allowed=_NPY)])
    matrix = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
    kind = np.float64 if dtype.kind == "f" else bool if dtype.kind == "b" else np.int64
    if dtype.kind == "u" and dtype.itemsize == 8:
        kind = np.float64
    numbers = np.asarray(matrix, dtype=kind)
    values = {column.name: pa.array(numbers[:, place].copy()) for place, column in enumerate(schema.columns)}
    return as_contents(values, schema, most_rows)


def _npy_header(body: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order, type and where the numbers begin (NumPy Enhancement Proposal 1)."""
    if body[:6] != b"\x93NUMPY" or body[6:7] not in (b"\1", b"\2", b"\3"):
        raise ValueError("it does not begin like one")
    short = body[6] == 1
    length, start = struct.unpack_from("<H" if short else "<I", body, 8)[0], 10 if short else 12
    if length > min(_LONGEST_HEADER, len(body) - start):
        raise ValueError(f"its header has {length:,} bytes")
    header = ast.literal_eval(body[start : start + length].decode().strip())
    shape, descr = header["shape"], header["descr"]
    if not (isinstance(shape, tuple) and all(type(size) is int for size in shape) and isinstance(descr, str)):
        raise ValueError("its header has no plain shape and type")
    return shape, bool(header["fortran_order"]), np.dtype(descr), start + length


def _table(body: bytes, most_rows: int) -> pa.Table:
    """All batches; none is opened before it is known that it does not unpack to something larger."""
    for message in pa.ipc.MessageReader.open_stream(body):
        if message.type in ("record batch", "dictionary") and _is_compressed(message.metadata.to_pybytes()):
            raise ValueError("its buffers are compressed; use Content-Encoding instead")
    batches, rows = [], 0
    with pa.ipc.open_stream(body) as stream:
        for batch in stream:
            rows += batch.num_rows
            if rows > most_rows:
                raise too_many_rows(rows, most_rows)
            batch.validate(full=True)
            batches.append(batch)
        return pa.Table.from_batches(batches, stream.schema)


def _is_compressed(metadata: bytes) -> bool:
    """Whether the record batch in a message says that its buffers are compressed (Message.fbs of Arrow)."""
    message = struct.unpack_from("<I", metadata)[0]
    header = _field(metadata, message, 2)
    kind = metadata[_field(metadata, message, 1)]
    batch = _follow(metadata, header)
    if kind == 2:
        # A dictionary holds a batch.
        batch = _follow(metadata, _field(metadata, batch, 1))
    return _field(metadata, batch, 3) > 0


def _field(metadata: bytes, table: int, number: int) -> int:
    """Where a field of a table of a flatbuffer stands; 0: it is not there."""
    vtable = table - struct.unpack_from("<i", metadata, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", metadata, vtable)[0]:
        return 0
    offset: int = struct.unpack_from("<H", metadata, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _follow(metadata: bytes, place: int) -> int:
    return place + int(struct.unpack_from("<I", metadata, place)[0])


def _plain(name: str, column: pa.ChunkedArray) -> pa.Array:
    """One array of a type that cells are read from."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    try:
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        kind = array.type
        if pa.types.is_decimal(kind):
            return pc.cast(array, pa.float64())
        if pa.types.is_time(kind) or (pa.types.is_timestamp(kind) and kind.tz is not None):
            return pc.cast(array, pa.string())
        if pa.types.is_timestamp(kind):
            return _within(pc.cast(array, pa.timestamp("us"), safe=kind.unit != "ns"), pa.int64(), _MICROSECONDS)
        if pa.types.is_date(kind):
            return _within(pc.cast(array, pa.date32()), pa.int32(), _DAYS)
        if kind == pa.string_view():
            return pc.cast(array, pa.string())
    except (pa.ArrowException, ValueError) as error:
        raise BadRequest([Problem(f"Column '{name[:100]}': {error}."[:300], column=name[:100])]) from error
    plain = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_floating)
    if any(test(kind) for test in (*plain, pa.types.is_boolean, pa.types.is_null)):
        return array
    message = f"Column '{name[:100]}' is {str(kind)[:100]}."
    allowed = "texts, numbers, booleans, dates, moments, times"
    raise BadRequest([Problem(message, column=name[:100], allowed=allowed)])


def _within(array: pa.Array, kind: pa.DataType, bounds: tuple[int, int]) -> pa.Array:
    ends = pc.min_max(pc.cast(array, kind)).as_py()
    if ends["min"] is not None and not (bounds[0] <= ends["min"] and ends["max"] <= bounds[1]):
        raise ValueError("a date is not within the years 1 to 9999")
    return array
