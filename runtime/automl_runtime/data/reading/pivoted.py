"""Tables with a column for each month (day, year ...), made into one row for each: what stands is what a date, a value.

region | 2023-01 | 2023-02 | ...          region | date       | consumption
North  |     102 |      97 | ...    ->    North  | 2023-01-01 |         102
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.date_formats import date_formats
from automl_runtime.data.distinct import Cells, distinct_texts, fold, is_text, one_array, trimmed, word_set
from automl_runtime.data.naming import unique_name
from automl_runtime.data.numerals import infer_style
from automl_runtime.data.tables import RawTable

__all__ = ["lengthened"]

_FEWEST: Final = 4
_MOST_CELLS: Final = 50_000_000
_YEAR: Final = re.compile(r"(?:1[89]|2[01])\d\d")
_SUMS: Final = word_set("total totals sum sums average avg mean ytd summe gesamt somme moyenne")
_MICROSECONDS: Final = 86_400_000_000
_WIDEST_GAP: Final = 5
"""Steps that may be missing between two dates, as weekends are."""


def lengthened(table: RawTable) -> RawTable:
    """`table` with one row for each row and date of its header, empty cells left out; as it is where it has no dates.

    The header must end with at least four dates in order, more than the columns before them; these must name each row
    once, and what stands below the dates must be numbers. One of them that holds two values and is not needed to name
    the rows may be what is to be told from the others: then the table stays. Sums behind the dates go. The values are
    called as the table is, without digits, so that those of several years can be stacked.
    """
    names = table.data.column_names
    last = len(names)
    while last and fold(names[last - 1]) in _SUMS:
        last -= 1
    moments = _dates_at_the_end(names[:last])
    first = last - len(moments)
    if len(moments) < max(_FEWEST, first + 1) or not first or not table.data.num_rows:
        return table
    keys = table.data.select(names[:first])
    if table.data.num_rows * len(moments) > _MOST_CELLS or not _names_each_row(keys) or _has_mark(keys):
        return table
    values = _same_type([one_array(table.data[name]) for name in names[first:last]])
    if not _are_numbers(values):
        return table
    said = f"{len(moments)} columns, {names[first]} to {names[last - 1]}, became rows"
    left_out = f"; left out: {', '.join(names[last:])}" if names[last:] else ""
    return replace(
        table,
        data=_rows(table, names[:first], moments, values),
        names_from="format",
        raw_header=(),
        warnings=(*table.warnings, said + left_out),
    )


def _dates_at_the_end(names: Sequence[str]) -> list[str]:
    """The last of `names` that are dates in order, as ISO dates or moments."""
    found: list[int] = []
    for count in _possible(names):
        found = _moments(names[len(names) - count :])
        if found:
            break
    whole = all(micros % _MICROSECONDS == 0 for micros in found)
    return [str(text) for text in np.datetime_as_string(np.array(found, "datetime64[us]"), unit="D" if whole else "s")]


def _possible(names: Sequence[str]) -> list[int]:
    """How many of the last names have digits and so may be dates."""
    count = 0
    while count < len(names) and re.search(r"\d", names[len(names) - count - 1]):
        count += 1
    return [count, count - 1] if count > _FEWEST else [count] if count == _FEWEST else []


def _moments(names: Sequence[str]) -> list[int]:
    """Microseconds since 1970 of names that are all dates, in order either way; empty when they are not."""
    if all(_YEAR.fullmatch(name) for name in names):
        micros = np.array([np.datetime64(name, "us").astype(np.int64) for name in names])
    else:
        found = date_formats(Cells(trimmed(pa.array(names)), np.ones(len(names), dtype=np.int64)))
        if found is None or not found[1].ok.all():
            return []
        micros = found[1].micros
    steps = np.diff(micros) * np.sign(micros[-1] - micros[0])
    in_order = steps.min() > 0 and steps.max() <= _WIDEST_GAP * steps.min()
    return [int(moment) for moment in micros] if in_order else []


def _names_each_row(keys: pa.Table) -> bool:
    return bool(keys.group_by(keys.column_names).aggregate([]).num_rows == keys.num_rows)


def _has_mark(keys: pa.Table) -> bool:
    """Whether a column has two values, and the others name each row without it."""
    return any(
        pc.count_distinct(keys[name]).as_py() == 2 and _names_each_row(keys.drop_columns([name]))
        for name in (keys.column_names if keys.num_columns > 1 else ())
    )


def _same_type(columns: list[pa.Array]) -> list[pa.Array]:
    types = {column.type for column in columns}
    return columns if len(types) == 1 else [column.cast(pa.string()) for column in columns]


def _are_numbers(columns: Sequence[pa.Array]) -> bool:
    type_ = columns[0].type
    if not is_text(type_):
        return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))
    found = distinct_texts(pa.concat_arrays(columns))
    filled = np.asarray(pc.not_equal(found.text, ""), dtype=bool)
    cells = Cells(found.text, found.counts).keep(filled)
    return len(cells) > 0 and infer_style(cells) is not None


def _rows(table: RawTable, keys: Sequence[str], moments: Sequence[str], values: Sequence[pa.Array]) -> pa.Table:
    rows, steps = table.data.num_rows, len(moments)
    # Column after column they are concatenated; row after row they are wanted.
    cells = pa.concat_arrays(values).take(pa.array(np.arange(rows * steps).reshape(steps, rows).T.ravel()))
    filled = pc.is_valid(cells)
    if is_text(cells.type):
        filled = pc.and_(filled, pc.not_equal(pc.utf8_trim_whitespace(cells), "")).fill_null(False)
    whose = pa.array(np.repeat(np.arange(rows), steps))
    columns = {name: one_array(table.data[name]).take(whose) for name in keys}
    date = unique_name("date", keys)
    columns[date] = pa.array(moments).take(pa.array(np.tile(np.arange(steps), rows)))
    name = "_".join(re.findall(r"[^\W\d_]+", table.name)) or "value"
    columns[unique_name(name, columns)] = cells
    return pa.table(columns).filter(filled)
