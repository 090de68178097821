"""What a cleaned column holds and what it is good for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import ColumnEntry, ColumnStats, ValueCount
from automl_schemas.cleaning import CleaningExample, ColumnPlan
from automl_schemas.vocabulary import ColumnRole, ColumnType, PersonalData

from automl_runtime.data.distinct import one_array, word_set
from automl_runtime.data.label_lists import find_listed_labels
from automl_runtime.data.naming import looks_like_id, tokens
from automl_runtime.data.parsing import CleanValues, changed_cells, json_text
from automl_runtime.data.personal import detect, mask
from automl_runtime.data.typed import as_text

__all__ = ["profile_column"]

_TOP: Final = 20
_LONGEST: Final = 200
_SAMPLE: Final = 400
_EXAMPLES: Final = 3
_MOST_SPARE: Final = 1000
_BLOCK: Final = 20_000
_UNIQUE: Final = 0.98
_NAMED_UNIQUE: Final = 0.95
_FEWEST_IDS: Final = 10
_TARGET_WORDS: Final = word_set("target label labels class outcome response y")
_CALENDAR: Final = word_set("year month day hour minute second week quarter date time jahr monat tag")
_PLAIN_TYPES: Final = ("integer", "number", "time")


def profile_column(raw: pa.ChunkedArray | pa.Array, clean: CleanValues, plan: ColumnPlan, position: int) -> ColumnEntry:
    """The catalog's entry of a column: type, role, statistics, personal data, and examples of changed cells.

    Args:
        raw: The cells as they were read, one per clean value.
        clean: What `clean_values` made of them.
        plan: The plan that it used.
        position: 0-based place of the column in its table.
    """
    values = clean.values
    counted = _counted(values)
    texts: list[str] = json_text(counted[0]).to_pylist()
    distinct = len(texts)
    type_: ColumnType = "empty" if distinct == 0 else plan.type
    personal = detect(plan.column, type_, [text[:_LONGEST] for text in texts[:: max(1, distinct // _SAMPLE)]])
    filled = len(values) - values.null_count
    return ColumnEntry(
        name=plan.column,
        position=position,
        type=type_,
        role=_role(plan.column, type_, values, texts, personal),
        plan=plan,
        rows=len(values),
        missing=values.null_count,
        rejected=int(clean.rejected.sum()),
        changed=clean.changed,
        cleared=_cleared(one_array(raw), clean, plan),
        distinct=distinct,
        constant=distinct == 1 and filled == len(values),
        personal=personal,
        stats=_stats(values, type_, texts, counted[1], personal),
        examples=_examples(one_array(raw), clean, plan, personal),
        listed=find_listed_labels(texts, counted[1]) if _may_list(type_, personal) else None,
    )


def _may_list(type_: ColumnType, personal: PersonalData | None) -> bool:
    return type_ in ("category", "text") and personal is None


def _counted(values: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Distinct values and their counts, most frequent first, then by value."""
    filled = values.drop_null()
    if pa.types.is_null(values.type) or len(filled) == 0:
        return filled, np.zeros(0, dtype=np.int64)
    found = pc.value_counts(filled)
    distinct, counts = pc.struct_field(found, "values"), pc.struct_field(found, "counts")
    keys = distinct if not pa.types.is_boolean(distinct.type) else pc.cast(distinct, pa.int8())
    order = pc.sort_indices(
        pa.table({"count": counts, "value": keys}), sort_keys=[("count", "descending"), ("value", "ascending")]
    )
    return distinct.take(order), np.asarray(counts.take(order))


def _role(
    name: str, type_: ColumnType, values: pa.Array, texts: list[str], personal: PersonalData | None
) -> ColumnRole:
    """What the column is good for; an identifier is (nearly) unique, a key points at one."""
    if not texts:
        return "empty"
    if type_ == "image":
        return "image"
    if len(texts) == 1 and values.null_count == 0:
        return "constant"
    if type_ in ("date", "datetime"):
        return "time"
    if type_ in ("text", "category", "integer") and personal is None:
        unique = len(texts) / (len(values) - values.null_count)
        if _is_id(name, type_, values, texts, unique):
            return "id"
        if looks_like_id(name) and len(texts) > 2 and (type_ != "category" or _one_word(texts)):
            return "key"
    if type_ != "text" and len(texts) >= 2 and _TARGET_WORDS & set(tokens(name)):
        return "target_candidate"
    if type_ in _PLAIN_TYPES:
        return "number"
    return "text" if type_ == "text" else "category"


def _is_id(name: str, type_: ColumnType, values: pa.Array, texts: list[str], unique: float) -> bool:
    """Whether the values name the rows: called so, codes of one word, or integers that count the rows."""
    if len(texts) < _FEWEST_IDS or unique < _NAMED_UNIQUE or _CALENDAR & set(tokens(name)):
        return False
    if looks_like_id(name):
        return type_ == "integer" or _one_word(texts)
    if unique < _UNIQUE:
        return False
    if type_ == "integer":
        return _counts_rows(values)
    return _one_word(texts) and _codes(texts)


def _one_word(texts: list[str]) -> bool:
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    return sum(" " not in text.strip() and len(text) <= 64 for text in sample) >= _NAMED_UNIQUE * len(sample)


def _codes(texts: list[str]) -> bool:
    """Whether words are codes: they hold digits, or are capitals of one length."""
    sample = texts[:: max(1, len(texts) // _SAMPLE)]
    digits = sum(any(char.isdigit() for char in text) for text in sample)
    capitals = sum(text.isupper() and len(text) == len(sample[0]) for text in sample)
    return max(digits, capitals) >= 0.5 * len(sample)


def _counts_rows(values: pa.Array) -> bool:
    """Whether unique integers are dense, or grow from row to row without large gaps."""
    numbers = np.asarray(values.drop_null())
    span = float(numbers.max()) - float(numbers.min()) + 1
    if span <= 2 * len(numbers):
        return True
    return bool(np.all(np.diff(numbers) > 0)) and span <= 20 * len(numbers)


def _stats(
    values: pa.Array, type_: ColumnType, texts: list[str], counts: np.ndarray, personal: PersonalData | None
) -> ColumnStats:
    if not texts:
        return ColumnStats()
    top = [
        ValueCount(value=_shown(text, personal), count=int(count))
        for text, count in zip(texts[:_TOP], counts[:_TOP].tolist(), strict=True)
    ]
    facts: dict[str, Any] = {"top": top}
    if type_ in _PLAIN_TYPES:
        numbers = np.asarray(values.drop_null(), dtype=float)
        if personal is None:
            facts |= _moments(numbers)
    elif type_ in ("date", "datetime"):
        bounds = pc.min_max(values)
        ends = json_text(pa.array([bounds["min"].as_py(), bounds["max"].as_py()], values.type)).to_pylist()
        facts |= {"min": ends[0], "max": ends[1]}
    elif type_ in ("category", "text", "image"):
        facts["mean_length"] = float(pc.mean(pc.utf8_length(values)).as_py())
    return ColumnStats(**facts)


def _moments(numbers: np.ndarray) -> dict[str, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        facts = {
            "min": float(numbers.min()),
            "max": float(numbers.max()),
            "mean": float(numbers.mean()),
            "std": float(numbers.std()),
            "median": float(np.median(numbers)),
        }
    # Sums of huge numbers overflow; a figure that is not finite is left out.
    return {key: value for key, value in facts.items() if np.isfinite(value)}


def _examples(
    raw: pa.Array, clean: CleanValues, plan: ColumnPlan, personal: PersonalData | None
) -> list[CleaningExample]:
    """Up to three different cells that the plan changes: those that keep a value and are written differently first."""
    found: dict[str, CleaningExample] = {}
    spare: dict[str, CleaningExample] = {}
    cleared: dict[str, CleaningExample] = {}
    shapes: set[str] = set()
    for old, new in _changes(raw, clean, plan):
        if old in found or old in spare or old in cleared:
            continue
        shape = "".join("9" if char.isdigit() else "a" if char.isalpha() else char for char in old[:40])
        example = CleaningExample(before=_shown(old, personal), after=None if new is None else _shown(new, personal))
        (cleared if new is None else spare if shape in shapes else found)[old] = example
        shapes.add(shape)
        if len(found) == _EXAMPLES or len(spare) + len(cleared) == _MOST_SPARE:
            break
    return [*found.values(), *spare.values(), *cleared.values()][:_EXAMPLES]


def _cleared(raw: pa.Array, clean: CleanValues, plan: ColumnPlan) -> int:
    """Cells that held something which means "nothing here"."""
    if not (plan.accepted and clean.changed and (plan.missing or plan.sentinels)):
        return 0
    text = as_text(raw)
    held = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(text), ""), False)
    return int((np.asarray(held) & np.asarray(clean.values.is_null()) & ~clean.rejected).sum())


def _changes(raw: pa.Array, clean: CleanValues, plan: ColumnPlan) -> Iterator[tuple[str, str | None]]:
    """Raw and clean text of the changed cells, in the order of the rows."""
    for start in range(0, len(raw) if clean.changed else 0, _BLOCK):
        before, values = as_text(raw.slice(start, _BLOCK)), clean.values.slice(start, _BLOCK)
        changed = changed_cells(before, values, plan) & ~clean.rejected[start : start + _BLOCK]
        places = pa.array(np.flatnonzero(changed))
        after = json_text(values.take(places))
        yield from zip(before.take(places).to_pylist(), after.to_pylist(), strict=True)


def _shown(text: str, personal: PersonalData | None) -> str:
    if personal is not None:
        return mask(text, personal)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
