"""Columns whose format knows types: from Arrow types to kinds, to text, and to clean values."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.cleaning import ColumnPlan

from automl_runtime.data.distinct import Cells, is_text

__all__ = ["Kind", "as_text", "clean_typed", "finished", "number_values", "typed_cells", "typed_kind"]

Kind = Literal["boolean", "number", "moment", "time", "text", "other"]

_LARGEST_EXACT: Final = float(2**63)
_LARGEST_MICROSECONDS: Final = 2.5e17


def typed_kind(type_: pa.DataType) -> Kind:
    """What cells of this Arrow type are."""
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_):
        return "number"
    if pa.types.is_date(type_) or pa.types.is_timestamp(type_):
        return "moment"
    if pa.types.is_time(type_) or pa.types.is_duration(type_):
        return "time"
    return "text" if is_text(type_) else "other"


def as_text(array: pa.Array) -> pa.Array:
    """Any typed array as text: whole floats without ".0", dates as ISO, nested values as JSON; NaN is null."""
    type_ = array.type
    if is_text(type_):
        return array.cast(pa.large_string())
    if pa.types.is_null(type_):
        return pa.nulls(len(array), pa.large_string())
    if pa.types.is_floating(type_):
        text = pc.cast(pc.cast(array, pa.float64()), pa.large_string())
        return pc.if_else(pc.fill_null(pc.is_nan(array), False), pa.scalar(None, pa.large_string()), text)
    if pa.types.is_nested(type_) or pa.types.is_binary(type_) or pa.types.is_large_binary(type_):
        return pa.array([None if item is None else _written(item) for item in array.to_pylist()], pa.large_string())
    if pa.types.is_decimal(type_):
        return pc.replace_substring_regex(pc.cast(array, pa.large_string()), r"\.0+$", "")
    if pa.types.is_timestamp(type_):
        text = pc.cast(pc.cast(_utc(array), pa.timestamp("us"), safe=False), pa.large_string())
        return pc.replace_substring(pc.replace_substring_regex(text, r"\.0+$", ""), " ", "T")
    return pc.cast(array, pa.large_string())


def _written(item: Any) -> str:
    if isinstance(item, bytes):
        try:
            return item.decode()
        except UnicodeDecodeError:
            return item.hex()
    return json.dumps(item, ensure_ascii=False, sort_keys=True, default=str)


def typed_cells(array: pa.Array) -> Cells:
    """The distinct cells of a typed array as text, null and infinite ones left out."""
    if pa.types.is_floating(array.type):
        array = array.filter(pc.fill_null(pc.is_finite(array), False))
    found = pc.value_counts(as_text(array.drop_null()))
    values, counts = pc.struct_field(found, "values"), pc.struct_field(found, "counts")
    return Cells(values, np.asarray(counts, dtype=np.int64))


def clean_typed(array: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray] | None:
    """Clean values and rejected cells where the kind of `array` suits the plan; None when it has to go by its text."""
    kind = typed_kind(array.type)
    if plan.type == "boolean" and kind == "boolean":
        return array, np.zeros(len(array), dtype=bool)
    if plan.type in ("date", "datetime") and kind == "moment":
        return _moments(array, plan)
    if plan.type == "time" and kind == "time":
        return _minutes(array), np.zeros(len(array), dtype=bool)
    if kind == "number" and plan.type in ("integer", "number", "time", "datetime", "date", "boolean"):
        return _numbers(array, plan)
    return None


def _utc(array: pa.Array) -> pa.Array:
    return pc.cast(array, pa.timestamp(array.type.unit)) if array.type.tz else array


def _moments(array: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    if pa.types.is_timestamp(array.type):
        array = _utc(array)
    moments = pc.cast(array, pa.timestamp("us"), safe=False)
    if plan.type == "date":
        moments = pc.cast(moments, pa.date32(), safe=False)
    return moments, np.zeros(len(array), dtype=bool)


def _minutes(array: pa.Array) -> pa.Array:
    if pa.types.is_duration(array.type):
        micros = pc.cast(array, pa.duration("us"), safe=False)
    else:
        micros = pc.cast(pc.cast(array, pa.time64("us"), safe=False), pa.int64())
    return pc.divide(pc.cast(pc.cast(micros, pa.int64()), pa.float64()), 60e6)


def _numbers(array: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray] | None:
    if plan.hhmm and pa.types.is_floating(array.type):
        # The clean form: minutes. Numbers like 1730 are integers or text.
        plan = plan.model_copy(update={"hhmm": False})
    if plan.type == "date" or (plan.type == "datetime" and plan.epoch is None):
        return None
    floats = pc.cast(array, pa.float64(), safe=False)
    values = np.array(pc.fill_null(floats, np.nan), dtype=float)
    missing = np.isnan(values) | np.isin(values, plan.sentinels)
    if plan.type == "integer" and pa.types.is_integer(array.type):
        fits = np.asarray(pc.fill_null(pc.less(floats, _LARGEST_EXACT), True))
        kept = pc.if_else(pa.array(~missing & fits), array, pa.scalar(None, array.type))
        return pc.cast(kept, pa.int64()), ~missing & ~fits
    if plan.type == "boolean":
        ok = np.isin(values, (0.0, 1.0))
        return pa.array(values == 1, mask=~ok), ~ok & ~missing
    ok, clean = number_values(values, plan)
    ok &= ~missing
    return finished(clean, ok, plan), ~ok & ~missing


def number_values(values: np.ndarray, plan: ColumnPlan) -> tuple[np.ndarray, np.ndarray]:
    """Which numbers are values of the column, and what they mean under the plan (minutes, microseconds, themselves)."""
    ok = np.isfinite(values)
    values = np.where(ok, values, 0.0)
    if plan.hhmm:
        ok &= (values >= 0) & (values <= 2400) & (values % 100 < 60) & (values == np.floor(values))
        return ok, values // 100 * 60 + values % 100
    if plan.epoch is not None:
        scale = 1e6 if plan.epoch == "s" else 1e3
        ok &= np.abs(values) < _LARGEST_MICROSECONDS / scale
        return ok, np.round(np.where(ok, values, 0.0) * scale)
    if plan.type == "time":
        ok &= values >= 0
    if plan.type == "integer":
        ok &= (values == np.floor(values)) & (np.abs(values) <= 2**53)
    return ok, values


def finished(values: np.ndarray, ok: np.ndarray, plan: ColumnPlan) -> pa.Array:
    """`values` of a number-like plan in its Arrow type, null where not `ok`."""
    safe = np.where(ok, values, 0)
    if plan.type == "integer":
        return pa.array(safe.astype(np.int64), mask=~ok)
    if plan.type == "datetime":
        return pc.cast(pa.array(safe.astype(np.int64), mask=~ok), pa.timestamp("us"))
    return pa.array(safe.astype(float), mask=~ok)
