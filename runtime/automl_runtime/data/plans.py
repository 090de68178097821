"""From the cells of a column to the plan that cleans them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.cleaning import ColumnPlan

from automl_runtime.data.booleans import boolean_labels, boolean_words
from automl_runtime.data.categories import is_free_text, merged_spellings
from automl_runtime.data.date_formats import clock_formats, date_formats, only_days
from automl_runtime.data.dates import ISO_DATES, ISO_TIMES, MICROSECONDS_PER_DAY, Moments
from automl_runtime.data.distinct import ENOUGH, Cells, distinct_texts, is_text, one_array, word_set
from automl_runtime.data.missing import category_markers, listed, maybe_missing, text_markers
from automl_runtime.data.naming import looks_like_id, tokens
from automl_runtime.data.numerals import NumberStyle, infer_style
from automl_runtime.data.semantics import is_code, is_compact_date, is_epoch, is_hhmm
from automl_runtime.data.sentinels import find_sentinels
from automl_runtime.data.typed import as_text, typed_cells, typed_kind
from automl_runtime.data.units import is_currency

__all__ = ["infer_plan"]

_LONGEST_NUMBER: Final = 15
_TWO_DIGITS: Final = frozenset(
    [
        "hour",
        "hours",
        "hr",
        "month",
        "day",
        "minute",
        "min",
        "second",
        "sec",
        "week",
        "quarter",
        "mois",
        "jour",
        "monat",
        "tag",
        "stunde",
    ]
)
_RANGES_AWAY: Final = 3
_PLACEHOLDER_DAYS: Final = np.array(
    sorted(
        word_set("0001-01-01 1753-01-01 1899-12-30 1899-12-31 1900-01-01 1970-01-01 2099-12-31 2999-12-31 9999-12-31")
    ),
    dtype="datetime64[D]",
).astype(np.int64)
_ZEROS: Final = r"^[0\-/.:T ]*0[0\-/.:T ]*$"
_RARE: Final = 0.01


def infer_plan(name: str, values: pa.ChunkedArray | pa.Array) -> ColumnPlan:
    """Decides type, missing markers and notation of a column from all its distinct cells.

    A type is taken when at least 97 % of the cells that are not missing, and most distinct ones, are of it; what then
    does not fit is rejected later. The order of the rows does not matter, and the same cells give the same plan.

    Args:
        name: Name of the column; evidence for what plain numbers could mean.
        values: Text of any Arrow kind, or typed cells, which keep their type.
    """
    array = one_array(values)
    return _from_text(name, array) if is_text(array.type) else _typed_plan(name, array)


def _from_text(name: str, array: pa.Array) -> ColumnPlan:
    distinct = distinct_texts(array)
    cells = Cells(distinct.text, distinct.counts)
    return _text_plan(name, cells.keep(np.asarray(pc.not_equal(cells.text, ""))))


def _typed_plan(name: str, array: pa.Array) -> ColumnPlan:
    kind = typed_kind(array.type)
    if array.null_count == len(array):
        return ColumnPlan(column=name, type="empty")
    if kind == "boolean":
        return ColumnPlan(column=name, type="boolean", true_values=["true"], false_values=["false"])
    if kind == "number":
        return _typed_number(name, array)
    if kind == "time":
        return ColumnPlan(column=name, type="time", date_formats=list(ISO_TIMES))
    if kind == "moment":
        micros = np.asarray(pc.cast(pc.cast(array.drop_null(), pa.timestamp("us"), safe=False), pa.int64()))
        midnight = pa.types.is_date(array.type) or bool((micros % MICROSECONDS_PER_DAY == 0).all())
        return ColumnPlan(column=name, type="date" if midnight else "datetime", date_formats=list(ISO_DATES))
    return _from_text(name, as_text(array))


def _typed_number(name: str, array: pa.Array) -> ColumnPlan:
    cells = typed_cells(array)
    if len(cells) == 0:
        return ColumnPlan(column=name, type="empty")
    values = np.asarray(pc.cast(cells.text, pa.float64()))
    whole = bool((values == np.floor(values)).all())
    if not whole:
        return _with_sentinels(name, ColumnPlan(column=name, type="number"), values, cells.counts)
    floating = pa.types.is_floating(array.type)
    special = _special_integer(name, cells, values, cells.counts)
    # Floats of a `time` are minutes, the clean form.
    if special is not None and not (special.hhmm and floating):
        return special
    unique = len(cells) >= 0.95 * cells.rows and len(cells) >= 20
    # Whole floats are what a spreadsheet has instead of integers; only names of rows are surely none.
    type_ = "number" if floating and not (unique or looks_like_id(name)) else "integer"
    if not floating and is_code(name, cells):
        type_ = "category"
    return _with_sentinels(name, ColumnPlan(column=name, type=type_), values, cells.counts)


def _text_plan(name: str, cells: Cells) -> ColumnPlan:
    markers = maybe_missing(cells)
    solid = cells.keep(~markers)
    if len(solid) == 0:
        return _nothing_but_markers(name, cells)
    # Without a digit in nearly all cells there are no numbers and no dates to look for.
    digits = solid.enough(solid.matches(r"\d"))
    for infer in (_boolean_plan, _number_plan, _date_plan, _clock_plan) if digits else (_boolean_plan,):
        found = infer(name, solid)
        if found is not None:
            missing = sorted({*listed(cells, markers), *found.missing})
            return found.model_copy(update={"missing": missing})
    return _word_plan(name, cells)


def _nothing_but_markers(name: str, cells: Cells) -> ColumnPlan:
    if len(cells) and not category_markers(name, cells).all():
        return _word_plan(name, cells)
    return ColumnPlan(column=name, type="empty", missing=listed(cells, np.ones(len(cells), dtype=bool)))


def _boolean_plan(name: str, cells: Cells) -> ColumnPlan | None:
    words = boolean_words(cells)
    if words is None:
        return None
    labels = boolean_labels(cells, words)
    return ColumnPlan(column=name, type="boolean", true_values=words[0], false_values=words[1], labels=labels)


def _number_plan(name: str, cells: Cells) -> ColumnPlan | None:
    found = infer_style(cells)
    if found is None:
        return None
    style, numbers = found
    good = cells.keep(numbers.ok)
    values = numbers.values[numbers.ok]
    whole = bool(numbers.whole[numbers.ok].all())
    bare = style.unit is None and not style.percent
    if whole and bare:
        if is_code(name, good):
            return None
        if style.thousands == "":
            special = _special_integer(name, good, values, good.counts)
            if special is not None:
                return special
        if _looks_like_code(name, good, style):
            return None
    plan = ColumnPlan(
        column=name,
        # Amounts of money may have cents, and percent a fraction, even where no cell has one so far.
        type="integer" if whole and not style.percent and not is_currency(style.unit) else "number",
        decimal=style.decimal,
        thousands=style.thousands,
        unit=style.unit,
        percent=style.percent,
        scales=style.scales,
    )
    return _with_sentinels(name, plan, values, good.counts)


def _special_integer(name: str, cells: Cells, values: np.ndarray, counts: np.ndarray) -> ColumnPlan | None:
    """The plan of whole numbers that are moments; None when they are just numbers."""
    if is_compact_date(values, counts) or cells.matches(r"^(?:19|20)\d{10}(?:\d{2})?$").all():
        found = _date_plan(name, cells)
        if found is not None:
            return found
    if is_hhmm(name, values, counts):
        return ColumnPlan(column=name, type="time", hhmm=True)
    epoch = is_epoch(name, values, counts)
    if epoch is not None:
        return ColumnPlan(column=name, type="datetime", epoch=epoch)
    return None


def _looks_like_code(name: str, cells: Cells, style: NumberStyle) -> bool:
    """Whether whole numbers in text are rather codes: zero-padded, too long, telephone numbers."""
    if cells.matches(r"^\+\d{7,}$").all():
        return True
    if cells.share(cells.matches(rf"\d{{{_LONGEST_NUMBER + 1},}}")) > 1 - ENOUGH:
        return True
    if style.thousands == " ":
        # Amounts differ in length; "612 345 678" in every cell is a telephone number.
        lengths = np.unique(np.asarray(pc.utf8_length(cells.text)))
        return len(lengths) == 1 and int(lengths[0]) >= 9 and len(cells) >= 5
    return _is_padded(name, cells)


def _is_padded(name: str, cells: Cells) -> bool:
    """Whether leading zeros belong to the cells: there are many, or all cells have the same length."""
    padded = cells.matches(r"^0\d+$")
    if not padded.any():
        return False
    lengths = np.asarray(pc.utf8_length(cells.text))
    one_length = cells.share(lengths == np.bincount(lengths, weights=cells.counts).argmax()) >= ENOUGH
    if one_length and lengths.max() == 2 and set(tokens(name)) & _TWO_DIGITS:
        return False
    return one_length or cells.share(padded) >= _RARE


def _with_sentinels(name: str, plan: ColumnPlan, values: np.ndarray, counts: np.ndarray) -> ColumnPlan:
    if looks_like_id(name) or plan.type not in ("integer", "number"):
        return plan
    distinct, place = np.unique(values, return_inverse=True)
    rows = np.bincount(place, weights=counts, minlength=len(distinct))
    return plan.model_copy(update={"sentinels": find_sentinels(distinct, rows)})


def _date_plan(name: str, cells: Cells) -> ColumnPlan | None:
    zeros = cells.matches(_ZEROS)
    dates = cells.keep(~zeros)
    found = date_formats(dates)
    if found is None:
        return None
    formats, moments = found
    return ColumnPlan(
        column=name,
        type="date" if only_days(moments) else "datetime",
        date_formats=formats,
        missing=sorted({*listed(cells, zeros), *_placeholder_dates(dates, moments)}),
    )


def _placeholder_dates(cells: Cells, moments: Moments) -> list[str]:
    """Spellings of days like 9999-12-31 or 1900-01-01 that are repeated far outside all others."""
    days = moments.micros // MICROSECONDS_PER_DAY
    typical = moments.ok & np.isin(days, _PLACEHOLDER_DAYS)
    rest = days[moments.ok & ~typical]
    if not typical.any() or len(rest) < 5:
        return []
    low, high = int(rest.min()), int(rest.max())
    far = np.where(days < low, low - days, days - high) > _RANGES_AWAY * max(high - low, 365)
    repeated = np.array([cells.counts[days == day].sum() >= 3 for day in days])
    return listed(cells, typical & far & repeated)


def _clock_plan(name: str, cells: Cells) -> ColumnPlan | None:
    found = clock_formats(cells)
    return None if found is None else ColumnPlan(column=name, type="time", date_formats=found[0])


def _word_plan(name: str, cells: Cells) -> ColumnPlan:
    solid = cells.keep(~maybe_missing(cells))
    if is_free_text(solid):
        return ColumnPlan(column=name, type="text", missing=listed(cells, text_markers(cells)))
    markers = category_markers(name, cells)
    return ColumnPlan(
        column=name,
        type="category",
        missing=listed(cells, markers),
        categories=merged_spellings(cells.keep(~markers)),
    )
