"""Clean tables as JSON lines: the durable, diffable record, and the way back to typed columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from automl_schemas.cleaning import ColumnPlan

from automl_runtime.data.parsing import arrow_type, json_text
from automl_runtime.errors import DataError

__all__ = ["read_table", "write_lines"]

_BATCH: Final = 50_000
_BLOCK: Final = 64 * 1024 * 1024


def write_lines(table: pa.Table, stream: IO[str]) -> None:
    """Writes one JSON object per row, keys in the order of the columns; dates are ISO, nothing is left out."""
    if table.num_columns == 0:
        stream.write("{}\n" * table.num_rows)
        return
    for start in range(0, table.num_rows, _BATCH):
        batch = table.slice(start, _BATCH)
        parts: list[pa.Array | pa.Scalar] = []
        for place, name in enumerate(table.column_names):
            key = json.dumps(name, ensure_ascii=False)
            parts.append(_scalar(f"{'{' if place == 0 else ', '}{key}: "))
            parts.append(_json_values(batch.column(place)))
        parts.append(_scalar("}"))
        lines = pc.binary_join_element_wise(*parts, _scalar(""))
        stream.write("\n".join(lines.to_pylist()))
        stream.write("\n")


def _scalar(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _json_values(column: pa.ChunkedArray) -> pa.Array:
    """The cells of a column as JSON texts."""
    array = pa.concat_arrays(column.chunks)
    if pa.types.is_null(array.type):
        return pa.array(["null"] * len(array), pa.large_string())
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_finite(array), array, pa.scalar(None, array.type))
    text = json_text(array)
    if pa.types.is_string(array.type) or pa.types.is_temporal(array.type):
        encoded = pc.dictionary_encode(text)
        quoted = [json.dumps(item, ensure_ascii=False) for item in encoded.dictionary.to_pylist()]
        text = pa.array(quoted, pa.large_string()).take(encoded.indices)
    return pc.fill_null(text, "null")


def read_table(path: Path, plans: Mapping[str, ColumnPlan]) -> pa.Table:
    """A table written by `write_lines`, typed by the plans; columns are those of `plans`, in their order.

    Raises:
        DataError: if the file is missing or a line of it does not have the columns and types of the plans.
    """
    schema = pa.schema([(name, _stored(plan)) for name, plan in plans.items()])
    options = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        size = path.stat().st_size
        if size == 0:
            return _typed(schema.empty_table(), plans)
        block = pj.ReadOptions(
            use_threads=False, block_size=max(1024, min(size, 2**31 - 2)) if size < _BLOCK else _BLOCK
        )
        table = pj.read_json(path, read_options=block, parse_options=options)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.", hint="make data") from error
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} does not hold the columns of its plan: {error}.", hint="make data") from error
    return _typed(table.select(list(plans)), plans)


def _stored(plan: ColumnPlan) -> pa.DataType:
    type_ = _clean_type(plan)
    return pa.string() if pa.types.is_temporal(type_) else type_


def _clean_type(plan: ColumnPlan) -> pa.DataType:
    return arrow_type(plan.type) if plan.accepted else pa.string()


def _typed(table: pa.Table, plans: Mapping[str, ColumnPlan]) -> pa.Table:
    columns = [table.column(name).cast(_clean_type(plan)) for name, plan in plans.items()]
    return pa.table(columns, names=list(plans))
