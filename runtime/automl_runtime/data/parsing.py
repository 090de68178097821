"""Cleaning the cells of one column by its plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.vocabulary import ColumnType

from automl_runtime.data.booleans import ALWAYS_FALSE, ALWAYS_TRUE
from automl_runtime.data.dates import ISO_DATES, ISO_TIMES, parse_clock, parse_moments
from automl_runtime.data.distinct import Distinct, distinct_texts, fold, is_text, one_array, trimmed
from automl_runtime.data.numerals import PLAIN, NumberStyle, parse_numbers
from automl_runtime.data.typed import as_text, clean_typed, finished, number_values, typed_kind

__all__ = ["CleanValues", "arrow_type", "changed_cells", "clean_values", "json_text", "parse_text"]

_TYPES: Final[dict[ColumnType, pa.DataType]] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "time": pa.float64(),
    "category": pa.string(),
    "text": pa.string(),
    "image": pa.string(),
    "empty": pa.null(),
}


@dataclass(frozen=True, slots=True)
class CleanValues:
    """Cleaned cells, one per raw cell.

    `values` has the Arrow type of the plan's type, null where a cell was missing or `rejected`; `changed` counts the
    cells whose clean text (as in JSON) differs from the raw text, rejected and blank ones left out.
    """

    values: pa.Array
    rejected: np.ndarray
    changed: int


def arrow_type(type_: ColumnType) -> pa.DataType:
    """The Arrow type of clean values.

    >>> arrow_type("time")
    DataType(double)
    """
    return _TYPES[type_]


def clean_values(values: pa.ChunkedArray | pa.Array, plan: ColumnPlan) -> CleanValues:
    """Cleans all cells of a column by `plan`, working on the distinct ones; nothing is guessed.

    Besides what the plan lists, the clean form itself is understood (ISO dates, `true`, plain numbers), so that
    cleaning clean values changes nothing. Numbers given as numbers are not read by the separators of the plan.
    """
    array = one_array(values)
    if not plan.accepted:
        return _as_it_stands(array)
    if not is_text(array.type):
        typed = clean_typed(array, plan)
        if typed is not None:
            clean, rejected = typed
            return CleanValues(clean, rejected, _changed_typed(array, clean, plan, rejected))
        array = as_text(array)
    return _clean_text(distinct_texts(array), plan)


def _as_it_stands(array: pa.Array) -> CleanValues:
    text = pc.cast(as_text(array), pa.string())
    blank = pc.equal(pc.utf8_trim_whitespace(text), "")
    kept = pc.if_else(blank, pa.scalar(None, pa.string()), text)
    return CleanValues(kept, np.zeros(len(array), dtype=bool), 0)


def _changed_typed(array: pa.Array, clean: pa.Array, plan: ColumnPlan, rejected: np.ndarray) -> int:
    if typed_kind(array.type) in ("moment", "time"):
        return 0
    if array.type == clean.type:
        gone = np.asarray(array.is_valid()) & ~np.asarray(clean.is_valid()) & ~rejected
        return int(gone.sum()) if plan.sentinels else 0
    return int((changed_cells(as_text(array), clean, plan) & ~rejected).sum())


def changed_cells(raw: pa.Array, clean: pa.Array, plan: ColumnPlan) -> np.ndarray:
    """Which cells read differently once clean, blank ones left out.

    Args:
        raw: Text as it was read.
        clean: The clean value of each.
        plan: The plan between them.
    """
    after = json_text(clean)
    differs = np.asarray(pc.fill_null(pc.not_equal(raw, pc.fill_null(after, "")), False))
    if plan.type in ("number", "integer", "time") and not plan.hhmm:
        # "1.50" and 1.5 are the same number in JSON.
        differs &= ~(
            np.asarray(pc.fill_null(pc.match_substring_regex(raw, PLAIN), False)) & np.asarray(clean.is_valid())
        )
    if plan.type == "datetime":
        differs &= np.asarray(pc.fill_null(pc.not_equal(_bare(raw), pc.fill_null(_bare(after), "")), False))
    blank = pc.equal(pc.utf8_trim_whitespace(raw), "")
    changed: np.ndarray = differs & ~np.asarray(pc.fill_null(blank, True))
    return changed


def parse_text(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    """Clean values of text cells, and which are rejected: `clean_values` for a few cells, without its counting."""
    if not plan.accepted:
        return _as_it_stands(text).values, np.zeros(len(text), dtype=bool)
    return _values(trimmed(pc.fill_null(text, "")), plan)


def _values(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    """Clean values of trimmed cells, and which are rejected."""
    missing = _missing(text, plan)
    clean, ok = _parse(text, plan)
    rejected = ~ok & ~missing
    return pc.if_else(pa.array(missing | rejected), pa.scalar(None, clean.type), clean), rejected


def _clean_text(distinct: Distinct, plan: ColumnPlan) -> CleanValues:
    clean, rejected = _values(distinct.text, plan)
    changed = changed_cells(distinct.raw, clean, plan) & ~rejected
    return CleanValues(distinct.spread(clean), distinct.spread_mask(rejected), int(distinct.counts[changed].sum()))


def _bare(text: pa.Array) -> pa.Array:
    return pc.utf8_rtrim(pc.replace_substring(text, "T", " "), characters="Zz")


def _missing(text: pa.Array, plan: ColumnPlan) -> np.ndarray:
    markers = pa.array(sorted({marker.lower() for marker in plan.missing} | {""}), pa.large_string())
    return np.asarray(pc.is_in(pc.utf8_lower(text), value_set=markers), dtype=bool)


def _parse(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    """Clean values of distinct trimmed cells, and which could be parsed."""
    if plan.type in ("date", "datetime") and plan.epoch is None:
        return _parse_dates(text, plan)
    if plan.type == "time" and not plan.hhmm:
        return _parse_times(text, plan)
    if plan.type in ("integer", "number", "time", "datetime"):
        return _parse_numbers(text, plan)
    if plan.type == "boolean":
        return _parse_booleans(text, plan)
    if plan.type == "category":
        return _parse_categories(text, plan)
    if plan.type == "empty":
        return pa.nulls(len(text)), np.zeros(len(text), dtype=bool)
    return pc.cast(text, pa.string()), np.ones(len(text), dtype=bool)


def _parse_dates(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    moments = parse_moments(text, [*plan.date_formats, *ISO_DATES])
    clean = pc.cast(pa.array(moments.micros, mask=~moments.ok), pa.timestamp("us"))
    if plan.type == "date":
        clean = pc.cast(clean, pa.date32(), safe=False)
    return clean, moments.ok


def _parse_times(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    moments = parse_clock(text, [*plan.date_formats, *ISO_TIMES])
    minutes = moments.micros / 60e6
    rest = ~moments.ok
    if rest.any():
        plain = parse_numbers(text, NumberStyle())
        take = rest & plain.ok & (plain.values >= 0)
        minutes = np.where(take, plain.values, minutes)
        return pa.array(minutes, mask=~(moments.ok | take)), moments.ok | take
    return pa.array(minutes, mask=~moments.ok), moments.ok


def _parse_numbers(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    numbers = parse_numbers(text, NumberStyle(plan.decimal, plan.thousands, plan.unit, plan.percent, plan.scales))
    fits, values = number_values(numbers.values, plan)
    ok = numbers.ok & fits
    if plan.epoch is not None and not ok.all():
        moments = parse_moments(text, ISO_DATES)
        values = np.where(~ok & moments.ok, moments.micros, values)
        ok = ok | moments.ok
    if plan.hhmm and not ok.all():
        moments = parse_clock(text, ISO_TIMES)
        values = np.where(~ok & moments.ok, moments.micros / 60e6, values)
        ok = ok | moments.ok
    sentinel = numbers.ok & np.isin(numbers.values, plan.sentinels)
    return finished(values, ok & ~sentinel, plan), ok | sentinel


def _parse_booleans(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    words = dict.fromkeys([*ALWAYS_FALSE, *plan.false_values], False)
    words.update(dict.fromkeys([*ALWAYS_TRUE, *plan.true_values], True))
    clean = pa.array([words.get(fold(item)) for item in text.to_pylist()], pa.bool_())
    return clean, np.asarray(clean.is_valid())


def _parse_categories(text: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, np.ndarray]:
    plain = pc.cast(pc.replace_substring_regex(text, r"\s+", " "), pa.string())
    if plan.categories:
        kept = plan.categories
        plain = pa.array([kept.get(item.casefold(), item) for item in plain.to_pylist()], pa.string())
    return plain, np.ones(len(text), dtype=bool)


def json_text(clean: pa.Array) -> pa.Array:
    """Clean values as people read them: ISO dates, `true`, shortest numbers, text as it is; null stays null."""
    if pa.types.is_null(clean.type):
        return pa.nulls(len(clean), pa.large_string())
    if pa.types.is_timestamp(clean.type):
        text = pc.cast(clean, pa.large_string())
        return pc.replace_substring(pc.replace_substring_regex(text, r"\.0+$", ""), " ", "T")
    return pc.cast(clean, pa.large_string())
