"""Rows to predict: raw or clean values become the frame that the features are built from.

The same plan that cleaned a column in training parses its cells here, so that both agree to the last bit.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from operator import itemgetter
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

from automl_runtime.data.cleaning import allowed_values
from automl_runtime.data.distinct import fold, is_text
from automl_runtime.data.parsing import arrow_type, clean_values, parse_text
from automl_runtime.data.typed import finished, number_values
from automl_runtime.errors import SchemaMismatchError, shorten

__all__ = [
    "ABSENT",
    "NO_VALUE",
    "CellProblem",
    "cell_problem",
    "is_missing",
    "parse_cell",
    "parse_columns",
    "parse_frame",
    "parse_records",
    "plan_of",
    "unknown_keys",
]

NO_VALUE: Final = "no value"
"""The `value` of a problem with a column that was left out."""
ABSENT: Final = object()
"""Stands for the value of a key that was left out."""
_NUMERIC: Final = ("integer", "number", "time")
_WORDS: Final = ("category", "text")
_MOST_SUGGESTIONS: Final = 20
_WORTH_IT: Final = 8
"""Cells from which on a column is looked at as a whole first."""
_SHOWN_COLUMNS: Final = 10


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A value that is none of its column's; `row` counts from 0."""

    row: int
    column: str
    value: str
    """Shortened and quoted."""
    allowed: str
    """What would have been right, as "a number such as 12.5"."""


def parse_records(
    records: Sequence[Mapping[str, object]], schema: InputSchema
) -> tuple[pd.DataFrame, list[CellProblem]]:
    """Rows of JSON values as a frame with the columns of `schema`, and what is wrong with them.

    Text is read by the plan of its column as raw cells are; numbers and booleans count as they are; null and NaN are
    missing. Keys that are no column, keys that are required and absent, and values of the wrong kind are problems, in
    the order of rows; their cells are null. Nothing in the values makes this raise.

    Returns:
        A frame of as many rows as `records`: int64 (float64 when a cell is null), float64, bool ("boolean" when a cell
        is null), datetime64[us] or str; and the problems.
    """
    columns: dict[str, Any] = {}
    whole = _turned(records, [column.name for column in schema.columns])
    # Records that have all columns, and no more keys than there are columns, have no others.
    plain = whole is not None and sum(map(len, records)) == len(records) * len(schema.columns)
    problems = [] if plain else unknown_keys(records, schema)
    for place, column in enumerate(schema.columns):
        absent = None if column.nullable and not column.required else ABSENT
        values = [record.get(column.name, absent) for record in records] if whole is None else whole[place]
        array, wrong = _parse_objects(values, column)
        columns[column.name] = _series(array, column)
        problems += [cell_problem(row, values[row], column) for row in wrong]
    frame = pd.DataFrame(columns) if columns else pd.DataFrame(index=pd.RangeIndex(len(records)))
    return frame, sorted(problems, key=lambda problem: problem.row)


def _turned(records: Sequence[Mapping[str, object]], names: Sequence[str]) -> list[tuple[object, ...]] | None:
    """The values of each column, at once; None where a record lacks one, or there are no two columns."""
    if len(names) < 2 or not records:
        return None
    try:
        return list(zip(*map(itemgetter(*names), records), strict=True))
    except KeyError:
        return None


def parse_columns(
    columns: Mapping[str, Sequence[object] | pa.Array], rows: int, schema: InputSchema
) -> tuple[pd.DataFrame, list[CellProblem]]:
    """`parse_records` of rows that come column by column: each a list of `rows` JSON values, or an Arrow array.

    Columns of `schema` that are absent are null in all rows; whether they may be is for the caller to say.
    """
    problems: list[CellProblem] = []
    parsed: dict[str, Any] = {}
    for column in schema.columns:
        values = columns.get(column.name)
        if values is None:
            parsed[column.name] = _series(pa.nulls(rows, arrow_type(plan_of(column).type)), column)
            continue
        array, wrong = _parse_array(values, column) if isinstance(values, pa.Array) else _parse_objects(values, column)
        parsed[column.name] = _series(array, column)
        shown = values.take(pa.array(wrong, pa.int64())).to_pylist() if isinstance(values, pa.Array) else None
        told = [values[row] for row in wrong] if shown is None else shown
        problems += [cell_problem(row, value, column) for row, value in zip(wrong, told, strict=True)]
    frame = pd.DataFrame(parsed) if parsed else pd.DataFrame(index=pd.RangeIndex(rows))
    return frame, sorted(problems, key=lambda problem: problem.row)


def parse_frame(frame: pd.DataFrame, schema: InputSchema) -> tuple[pd.DataFrame, list[CellProblem]]:
    """Rows of a file as `parse_records` gives them; further columns are left out.

    Raises:
        SchemaMismatchError: if a column is absent, naming it and the nearest that is there.
    """
    names = _matched_names(frame, schema)
    problems: list[CellProblem] = []
    columns: dict[str, Any] = {}
    for column in schema.columns:
        name = names.get(column.name)
        if name is None:
            columns[column.name] = _series(pa.nulls(len(frame), arrow_type(plan_of(column).type)), column)
            continue
        array, wrong = _parse_series(frame[name], column)
        columns[column.name] = _series(array, column)
        problems += [cell_problem(row, frame[name].iloc[row], column) for row in wrong]
    result = pd.DataFrame(columns) if columns else pd.DataFrame(index=pd.RangeIndex(len(frame)))
    return result, sorted(problems, key=lambda problem: problem.row)


def parse_cell(value: object, column: InputColumn) -> tuple[object, bool]:
    """One value as `parse_records` reads it (None, int, float, bool, datetime or str), and whether it is wrong.

    A key that was left out is not a value; see `record_parser`.
    """
    array, wrong = _parse_objects([value], column)
    return _as_trained(array, column)[0].as_py(), bool(wrong)


def _matched_names(frame: pd.DataFrame, schema: InputSchema) -> dict[str, Any]:
    """Column of the schema -> column of the frame, white space and then case aside."""
    by_fold: dict[str, Any] = {}
    for name in frame.columns:
        by_fold.setdefault(fold(str(name)), name)
    names = {}
    for column in schema.columns:
        if column.name in frame.columns:
            names[column.name] = column.name
        elif fold(column.name) in by_fold:
            names[column.name] = by_fold[fold(column.name)]
        else:
            near = difflib.get_close_matches(column.name, [str(name) for name in frame.columns], n=1)
            there = ", ".join(shorten(str(name)) for name in frame.columns[:_SHOWN_COLUMNS])
            hint = f"The nearest is {shorten(near[0])}." if near else f"There are: {there or 'none'}."
            raise SchemaMismatchError(f"Column {shorten(column.name)} is missing.", hint=hint)
    return names


def unknown_keys(records: Sequence[Mapping[str, object]], schema: InputSchema) -> list[CellProblem]:
    """What is said about keys that are no column."""
    known = {column.name for column in schema.columns}
    suggestions: dict[str, str] = {}
    problems = []
    for row, record in enumerate(records):
        if record.keys() <= known:
            continue
        for key in record:
            if key not in known:
                allowed = _suggestion(str(key), sorted(known), suggestions)
                problems.append(CellProblem(row, str(key)[:80], shorten(str(key)), allowed))
    return problems


def _suggestion(key: str, known: Sequence[str], made: dict[str, str]) -> str:
    # Comparing names is slow: a request full of different wrong keys must not keep us busy.
    if key not in made and len(made) < _MOST_SUGGESTIONS:
        folded = {name.casefold(): name for name in known}
        near = difflib.get_close_matches(key[:80].casefold(), folded, n=1, cutoff=0.5)
        made[key] = f"a column; the nearest is {shorten(folded[near[0]])}" if near else "a column"
    return made.get(key, "a column")


def cell_problem(row: int, value: object, column: InputColumn) -> CellProblem:
    """What is said about a value that is none of `column`."""
    shown = NO_VALUE if value is ABSENT else "null" if is_missing(value) else _shown(value)
    return CellProblem(row, column.name, shown, _allowed(column))


def _shown(value: object) -> str:
    try:
        return shorten(value[:200] if isinstance(value, str) else value)
    except (RecursionError, ValueError):
        # Deeply nested lists, integers of thousands of digits.
        return f"a {type(value).__name__}"


def _allowed(column: InputColumn) -> str:
    if column.type == "category" and 0 < len(column.categories) <= 10:
        return f"one of {', '.join(column.categories)}"
    return allowed_values(plan_of(column), column.example)


def _parse_series(series: pd.Series, column: InputColumn) -> tuple[pa.Array, list[int]]:
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError, OverflowError):
        return _parse_objects(series.tolist(), column)
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if not (is_text(array.type) or array.type in _TRUSTED):
        return _parse_objects(series.astype(object).where(series.notna(), None).tolist(), column)
    return _parse_trusted(array, column)


def _parse_array(array: pa.Array, column: InputColumn) -> tuple[pa.Array, list[int]]:
    if pa.types.is_floating(array.type):
        values = pc.cast(array, pa.float64())
        # A number that is none stands for nothing, as it does in frames.
        return _parse_trusted(pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values), column)
    if is_text(array.type) or array.type in _TRUSTED:
        return _parse_trusted(array, column)
    return _parse_objects(array.to_pylist(), column)


def _parse_trusted(array: pa.Array, column: InputColumn) -> tuple[pa.Array, list[int]]:
    clean = clean_values(array, plan_of(column))
    wrong = clean.rejected.copy() if column.type != "empty" else np.zeros(len(array), dtype=bool)
    if not column.nullable:
        wrong |= np.asarray(clean.values.is_null())
    return clean.values, np.flatnonzero(wrong).tolist()


_TRUSTED: Final = frozenset(
    [
        pa.int64(),
        pa.int32(),
        pa.int16(),
        pa.int8(),
        pa.float64(),
        pa.bool_(),
        pa.date32(),
        pa.timestamp("us"),
        pa.timestamp("ns"),
    ]
)
"""Arrow types of frames that mean the same as the JSON values."""


def is_missing(value: object) -> bool:
    """Whether the value stands for nothing."""
    return (
        value is None
        or value is ABSENT
        or value is pd.NaT
        or value is pd.NA
        or (isinstance(value, float) and math.isnan(value))
    )


def _parse_objects(values: Sequence[object], column: InputColumn) -> tuple[pa.Array, list[int]]:
    """Clean values of cells of any kind, and the rows of those that are none of the column's."""
    plan = plan_of(column)
    at_once = _clean_at_once(values, plan)
    if at_once is not None:
        array, rejected = at_once
        wrong_at_once = rejected if column.nullable else rejected | np.asarray(array.is_null())
        return array, np.flatnonzero(wrong_at_once).tolist()
    texts: list[str | None] = [None] * len(values)
    numbers = np.full(len(values), np.nan)
    wrong: set[int] = set()
    for row, value in enumerate(values):
        if is_missing(value):
            if (value is ABSENT and column.required) or not column.nullable:
                wrong.add(row)
        elif not _place(value, row, plan.type, plan.epoch is not None, texts, numbers):
            wrong.add(row)
            texts[row], numbers[row] = None, np.nan
    array, rejected = _clean_both(texts, numbers, column)
    wrong.update(np.flatnonzero(rejected).tolist())
    if not column.nullable:
        wrong.update(np.flatnonzero(np.asarray(array.is_null())).tolist())
    return array, sorted(wrong)


def _clean_at_once(values: Sequence[object], plan: ColumnPlan) -> tuple[pa.Array, np.ndarray] | None:
    """Clean values of cells that are all of one usual kind or null, and which were rejected; None: they are not.

    What comes out is what comes out cell by cell, ten times as fast.
    """
    if len(values) < _WORTH_IT or plan.type == "empty":
        return None
    # Of the types first: Arrow crashes on lists that are nested deeply.
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds == {str}:
            return parse_text(pa.array(values, pa.large_string()), plan)
        if kinds == {bool} and plan.type in (*_WORDS, "boolean"):
            return parse_text(pc.cast(pa.array(values, pa.bool_()), pa.large_string()), plan)
        if kinds and kinds <= {int, float} and plan.type in ("integer", "number"):
            numbers = np.array(values, dtype=float)
            if not np.isinf(numbers).any():
                empty = pa.nulls(len(values), arrow_type(plan.type))
                return _with_numbers(empty, np.zeros(len(values), dtype=bool), numbers, plan)
    except (UnicodeEncodeError, OverflowError):
        # Half a surrogate pair; integers of hundreds of digits.
        pass
    return None


def _place(value: object, row: int, type_: str, epoch: bool, texts: list[str | None], numbers: np.ndarray) -> bool:
    """Puts a value among the texts or the numbers; False when it is of a kind that the column does not take."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        texts[row] = value
        return _encodable(value)
    if isinstance(value, bool):
        if type_ in _WORDS or type_ == "boolean":
            texts[row] = "true" if value else "false"
        return type_ in (*_WORDS, "boolean", "empty")
    if isinstance(value, int | float):
        return _place_number(value, row, type_, epoch, texts, numbers)
    if isinstance(value, datetime | date | time):
        texts[row] = value.isoformat()
        return type_ in ("date", "datetime", "time", *_WORDS, "empty")
    return False


def _place_number(
    value: float, row: int, type_: str, epoch: bool, texts: list[str | None], numbers: np.ndarray
) -> bool:
    try:
        number = float(value)
    except OverflowError:
        return type_ == "empty"
    if not math.isfinite(number):
        return type_ == "empty"
    whole_text = isinstance(value, int) or not number.is_integer()
    if (type_ in _NUMERIC and not (type_ == "time" and isinstance(value, int))) or (type_ == "datetime" and epoch):
        numbers[row] = number
    elif type_ in ("date", "datetime") and not isinstance(value, int):
        return False
    elif type_ == "boolean":
        texts[row] = "true" if number else "false"
        return number in (0, 1)
    else:
        # Whole numbers stand for their digits: 20211231, 517 for 05:17, a category written as a number.
        texts[row] = str(value if whole_text else int(number))
    return True


def _clean_both(texts: Sequence[str | None], numbers: np.ndarray, column: InputColumn) -> tuple[pa.Array, np.ndarray]:
    """Clean values of cells of which some are texts and some numbers, and which were rejected."""
    plan = plan_of(column)
    array, rejected = pa.nulls(len(texts), arrow_type(plan.type)), np.zeros(len(texts), dtype=bool)
    if plan.type == "empty":
        # Nothing was learned from the column, so that nothing in it is wrong.
        return array, rejected
    if any(text is not None for text in texts):
        encodable = [text if text is not None and _encodable(text) else None for text in texts]
        array, rejected = parse_text(pa.array(encodable, pa.large_string()), plan)
    return _with_numbers(array, rejected, numbers, plan)


def _with_numbers(
    array: pa.Array, rejected: np.ndarray, numbers: np.ndarray, plan: ColumnPlan
) -> tuple[pa.Array, np.ndarray]:
    """Clean values with those that came as numbers (NaN: none did) put in."""
    given = ~np.isnan(numbers)
    if given.any():
        fits, values = number_values(numbers, plan.model_copy(update={"hhmm": False}))
        kept = given & fits & ~np.isin(numbers, plan.sentinels)
        array = pc.if_else(pa.array(given), finished(values, kept, plan), array)
        rejected |= given & ~fits
    return array, rejected


def plan_of(column: InputColumn) -> ColumnPlan:
    """The plan that parses the column; a column that was computed from another has the plain one of its own type."""
    if column.plan.accepted and column.plan.type != column.type:
        return ColumnPlan(column=column.name, type=column.type)
    return column.plan


def _encodable(text: str) -> bool:
    """Whether `text` is whole; half of a surrogate pair is legal JSON but no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _series(array: pa.Array, column: InputColumn) -> Any:
    """Clean values with the pandas dtype of the training table, categories in the spelling of training."""
    array = _as_trained(array, column)
    if pa.types.is_boolean(array.type):
        return array.to_pandas().astype("boolean") if array.null_count else array.to_pandas()
    if pa.types.is_string(array.type):
        return array.to_pandas().astype("str")
    if pa.types.is_null(array.type):
        return pd.Series(np.full(len(array), np.nan))
    return array.to_pandas()


def _as_trained(array: pa.Array, column: InputColumn) -> pa.Array:
    """Dates as moments, and categories in the spelling of training."""
    if pa.types.is_date(array.type):
        return pc.cast(array, pa.timestamp("us"))
    if pa.types.is_string(array.type) and column.categories and column.plan.type == "category":
        return _in_training_spelling(array, column.categories)
    return array


def _in_training_spelling(array: pa.Array, categories: Sequence[str]) -> pa.Array:
    known = {fold(category): category for category in reversed(categories)}
    encoded = pc.dictionary_encode(array)
    spelled = [known.get(fold(text), text) for text in encoded.dictionary.to_pylist()]
    return pa.array(spelled, pa.string()).take(encoded.indices)
