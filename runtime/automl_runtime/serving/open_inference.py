"""The bodies of the Open Inference Protocol, version 2, with its extension of binary tensors: what KServe's, Triton's
and other clients of it send and read.

A tensor for each column, of shape [rows] or [rows, 1], or one matrix of numbers in the order of the columns.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import numpy as np

from automl_runtime.serving.answers import Answer, Contents
from automl_runtime.serving.columns import as_contents
from automl_runtime.serving.requests import BadRequest, Problem, too_many_rows
from automl_runtime.serving.tables import answer_table

if TYPE_CHECKING:
    import pyarrow as pa
    from automl_schemas.bundle import BundleManifest, InputSchema

__all__ = ["HEADER_LENGTH", "read_infer", "tensors_in", "tensors_out"]

HEADER_LENGTH: Final = b"inference-header-content-length"
Datatype = Literal[
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64", "BYTES"
]
_DTYPES: Final = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
_NOTHING: Final = type(None)
_FORM: Final = '{"inputs": [{"name": ..., "shape": [rows], "datatype": ..., "data": [...]}, ...]}'


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: Datatype
    data: list[Any] | None = None
    parameters: dict[str, Any] = {}


class _Wanted(msgspec.Struct):
    name: str
    parameters: dict[str, Any] = {}


class _Request(msgspec.Struct):
    inputs: list[_Tensor]
    id: str | None = None
    outputs: list[_Wanted] | None = None
    parameters: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(_Request)


def read_infer(name: str, header: bytes | None, body: bytes, schema: InputSchema, most_rows: int) -> Contents:
    """The rows of a request to the model `name`.

    Args:
        name: told in the answer.
        header: of `HEADER_LENGTH`: how many bytes of the body are JSON, where tensors follow it as bytes.
        body: of the request.
        schema: columns of the model.
        most_rows: 413 for more.

    Raises:
        BadRequest: if it is no such request, or its tensors are no columns of the model.
    """
    size = _header_size(header, len(body))
    try:
        request = _decoder.decode(body[:size])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest([Problem(f"The request cannot be read: {error}"[:300], allowed=_FORM)]) from error
    columns: dict[str, list[Any]] = {}
    place = size
    for tensor in request.inputs:
        values, place = _values(tensor, body, place)
        for column, of_column in _columns(tensor, values, schema, most_rows).items():
            if column in columns:
                raise _wrong(tensor, "stands twice")
            columns[column] = of_column
    if place != len(body):
        raise BadRequest([Problem(f"{len(body) - place} bytes of the body belong to no tensor.")])
    found = as_contents(columns, schema, most_rows)
    return found._replace(write=partial(_write, name, request))


def tensors_in(schema: InputSchema) -> list[dict[str, Any]]:
    """What the model takes, for its metadata."""
    kinds = {"integer": "INT64", "number": "FP64", "boolean": "BOOL"}
    return [
        {"name": column.name, "datatype": kinds.get(column.type, "BYTES"), "shape": [-1]} for column in schema.columns
    ]


def tensors_out(manifest: BundleManifest) -> list[dict[str, Any]]:
    """What the model gives, for its metadata; probabilities are in the order of the classes."""
    outputs = _outputs(answer_table([], manifest))
    return [{"name": name, "datatype": kind, "shape": [-1, *values.shape[1:]]} for name, (kind, values) in outputs]


def _header_size(header: bytes | None, most: int) -> int:
    if header is None:
        return most
    if not header.isdigit() or len(header) > 12 or int(header) > most:
        message = f"{HEADER_LENGTH.decode()} is {header.decode('latin-1')[:100]!r}; the body has {most} bytes."
        raise BadRequest([Problem(message, allowed=f"0 to {most}")])
    return int(header)


def _wrong(tensor: _Tensor, what: str, allowed: str | None = None) -> BadRequest:
    name = tensor.name[:100]
    return BadRequest([Problem(f"The tensor '{name}' {what}.", column=name, allowed=allowed)])


def _values(tensor: _Tensor, body: bytes, place: int) -> tuple[list[Any], int]:
    """The values of a tensor in one list, and where its bytes end, if it has some."""
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        if tensor.data is None:
            raise _wrong(tensor, "has no data")
        return _checked(tensor, _flat(tensor.data, len(tensor.shape))), place
    if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(body) - place:
        raise _wrong(tensor, f"has a binary_data_size that the body does not hold: {size!r}"[:200])
    data, end = body[place : place + size], place + size
    if tensor.datatype == "BYTES":
        return _texts(tensor, data), end
    dtype = np.dtype(_DTYPES[tensor.datatype])
    if size % dtype.itemsize:
        raise _wrong(tensor, f"has {size} bytes, which is no number of {tensor.datatype}")
    return np.frombuffer(data, dtype).tolist(), end


def _flat(data: list[Any], rank: int) -> list[Any]:
    for _ in range(rank - 1):
        if not data or not all(isinstance(part, list) for part in data):
            break
        data = list(chain.from_iterable(data))
    return data


def _checked(tensor: _Tensor, values: list[Any]) -> list[Any]:
    kinds: set[type] = {str} if tensor.datatype == "BYTES" else {bool} if tensor.datatype == "BOOL" else {int}
    if tensor.datatype.startswith("FP"):
        kinds = {int, float}
    if not set(map(type, values)) <= kinds | {_NOTHING}:
        raise _wrong(tensor, f"holds values that are not {tensor.datatype}", f"{tensor.datatype} or null")
    return values


def _texts(tensor: _Tensor, data: bytes) -> list[str]:
    """Texts, each after its length."""
    texts, place = [], 0
    while place < len(data):
        if place + 4 > len(data):
            raise _wrong(tensor, "ends within a length")
        (length,) = struct.unpack_from("<I", data, place)
        place += 4 + length
        if place > len(data):
            raise _wrong(tensor, "ends within a text")
        try:
            texts.append(data[place - length : place].decode())
        except UnicodeDecodeError as error:
            raise _wrong(tensor, "holds texts that are not in UTF-8") from error
    return texts


def _columns(tensor: _Tensor, values: list[Any], schema: InputSchema, most_rows: int) -> dict[str, list[Any]]:
    names = [column.name for column in schema.columns]
    if not 1 <= len(tensor.shape) <= 2 or min(tensor.shape) < 0:
        raise _wrong(tensor, f"has the shape {tensor.shape[:10]}", "[rows], [rows, 1] or [rows, columns]")
    if math.prod(tensor.shape) != len(values):
        raise _wrong(tensor, f"has the shape {tensor.shape} and {len(values):,} values")
    if tensor.shape[0] > most_rows:
        raise too_many_rows(tensor.shape[0], most_rows)
    width = math.prod(tensor.shape[1:])
    if tensor.name in names or width != len(names):
        if width != 1:
            allowed = f"[rows], or [rows, {len(names)}] of all columns"
            raise _wrong(tensor, f"has the shape {tensor.shape}", allowed)
        return {tensor.name: values}
    if tensor.datatype == "BYTES":
        raise _wrong(tensor, "is a matrix of texts", "a matrix of numbers, or a tensor for each column")
    return {name: values[place::width] for place, name in enumerate(names)}


def _outputs(table: pa.Table) -> list[tuple[str, tuple[str, np.ndarray]]]:
    """Name, type and values of each output."""
    shares = [name for name in table.column_names if name.startswith("probability_")]
    found = []
    for name in table.column_names:
        if name in shares or name.startswith("reason_"):
            continue
        values = np.asarray(table[name].to_numpy())
        kind = {"b": "BOOL", "i": "INT64", "f": "FP64"}.get(values.dtype.kind, "BYTES")
        found.append((name, (kind, values)))
    if shares:
        matrix = [np.asarray(table[name].to_numpy(), dtype=np.float64) for name in shares]
        found.append(("probabilities", ("FP64", np.column_stack(matrix))))
    return found


def _write(
    name: str, request: _Request, answers: Sequence[dict[str, Any]], manifest: BundleManifest, many: bool
) -> Answer:
    del many
    outputs = dict(_outputs(answer_table(answers, manifest)))
    wanted = [_Wanted(output) for output in outputs] if request.outputs is None else request.outputs
    binary = bool(request.parameters.get("binary_data_output", False))
    told, blobs = [], []
    for output in wanted:
        if output.name not in outputs:
            allowed = ", ".join(outputs)
            raise BadRequest([Problem(f"There is no output {output.name[:100]!r}.", allowed=allowed)])
        kind, values = outputs[output.name]
        shown: dict[str, Any] = {"name": output.name, "datatype": kind, "shape": list(values.shape)}
        if output.parameters.get("binary_data", binary):
            blobs.append(_packed(kind, values))
            shown["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            shown["data"] = _plain(values)
        told.append(shown)
    content: dict[str, Any] = {"model_name": name, "model_version": manifest.model_version, "outputs": told}
    if request.id is not None:
        content["id"] = request.id
    head = msgspec.json.encode(content)
    if not blobs:
        return Answer(head, len(answers))
    length = ((HEADER_LENGTH, b"%d" % len(head)),)
    return Answer(b"".join([head, *blobs]), len(answers), "application/octet-stream", length)


def _packed(kind: str, values: np.ndarray) -> bytes:
    if kind != "BYTES":
        return values.astype(_DTYPES[kind]).tobytes()
    texts = [str(value).encode() for value in values.tolist()]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _plain(values: np.ndarray) -> list[Any]:
    """The values in one list; what is no number is null."""
    return [None if value != value else value for value in values.reshape(-1).tolist()]
