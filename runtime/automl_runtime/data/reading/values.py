"""Values of any Python types as one Arrow column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["ColumnBuilder", "column_of", "plain_text", "sound_text"]

_LARGEST_INT64: Final = 2**63
_EXACT_IN_FLOAT: Final = 2**53
_TEXT: Final = pa.string()


def plain_text(value: object) -> str:
    """A value as text: numbers as Python writes them, dates as ISO, truth values in lower case.

    >>> plain_text(5), plain_text(0.1), plain_text(True), plain_text(datetime(2021, 3, 5, 4, 5))
    ('5', '0.1', 'true', '2021-03-05 04:05:00')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return _duration_text(value)
    return str(value)


def _duration_text(value: timedelta) -> str:
    seconds = value.days * 86400 + value.seconds
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    return f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def column_of(
    values: Sequence[object], *, text: Callable[[object], str] = plain_text, empty: str | None = None
) -> pa.Array:
    """One Arrow array of `values`; see `ColumnBuilder`."""
    builder = ColumnBuilder(text=text, empty=empty)
    builder.extend(values)
    return pa.concat_arrays(builder.finish().chunks) if values else pa.nulls(0)


class ColumnBuilder:
    """Collects the values of a column in parts and gives it the narrowest type that holds them all.

    int64, float64, bool, date32 or timestamp[us] where all values are of that kind; integers beyond 64 bits,
    durations, times of day and any mixture become text. NaN is a missing value. Not thread-safe.
    """

    __slots__ = ("_empty", "_kinds", "_parts", "_text")

    def __init__(self, *, text: Callable[[object], str] = plain_text, empty: str | None = None) -> None:
        """Takes how a value is written in a column of text, and what a missing one is there (null, or "")."""
        self._text = text
        self._empty = empty
        self._kinds: set[type] = set()
        self._parts: list[pa.Array | list[Any]] = []

    def extend(self, values: Sequence[object]) -> None:
        """Adds the values of further rows; None and NaN are missing."""
        kinds = set(map(type, values))
        if float in kinds:
            values = [None if value != value else value for value in values]
            kinds = set(map(type, values))
        kinds.discard(type(None))
        self._kinds |= kinds
        self._parts.append(_packed(values, kinds))

    def extend_missing(self, count: int) -> None:
        """Adds `count` missing values."""
        if count:
            self._parts.append(pa.nulls(count))

    def finish(self) -> pa.ChunkedArray:
        """The column; the builder must not be used after that."""
        wanted = self._type()
        if wanted in (pa.int64(), pa.float64()) and any(_too_big(part, wanted) for part in self._parts):
            wanted = _TEXT
        for index, part in enumerate(self._parts):
            self._parts[index] = self._as_text(part) if wanted == _TEXT else _as_type(part, wanted)
        return pa.chunked_array(self._parts, wanted)

    def _type(self) -> pa.DataType:
        kinds = self._kinds
        if not kinds:
            return pa.null()
        if kinds == {int}:
            return pa.int64()
        if kinds <= {int, float}:
            return pa.float64()
        if kinds == {bool}:
            return pa.bool_()
        if kinds == {date}:
            return pa.date32()
        return pa.timestamp("us") if kinds <= {date, datetime} else _TEXT

    def _as_text(self, part: pa.Array | list[Any]) -> pa.Array:
        if isinstance(part, pa.Array):
            if part.type == _TEXT and (self._empty is None or not part.null_count):
                return part
            part = part.to_pylist()
        return _text_array([self._empty if value is None else self._text(value) for value in part])


def _packed(values: Sequence[object], kinds: set[type]) -> pa.Array | list[Any]:
    """The values in Arrow's memory where nothing that matters for text is lost by that."""
    if not kinds:
        return pa.nulls(len(values))
    if kinds == {str}:
        return _text_array(values)
    if kinds == {float}:
        return pa.array(values, pa.float64())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int}:
        try:
            return pa.array(values, pa.int64())
        except (OverflowError, pa.ArrowInvalid):
            return list(values)
    return list(values)


def _text_array(values: Sequence[Any]) -> pa.Array:
    """An array of text; half of a UTF-16 pair, which JSON can write and UTF-8 cannot, stays `\\ud800`."""
    try:
        return pa.array(values, _TEXT)
    except UnicodeEncodeError:
        return pa.array([value if value is None else sound_text(value) for value in values], _TEXT)


def sound_text(text: str) -> str:
    """Text whose lone surrogates are spelled out, so that it can be written."""
    return text.encode("utf-8", "backslashreplace").decode()


def _too_big(part: pa.Array | list[Any], wanted: pa.DataType) -> bool:
    """Whether a whole number of `part` would not survive in the wanted type."""
    if isinstance(part, list):
        limit = _LARGEST_INT64 if wanted == pa.int64() else _EXACT_IN_FLOAT
        return any(type(value) is int and abs(value) >= limit for value in part)
    if wanted == pa.int64() or part.type != pa.int64() or part.null_count == len(part):
        return False
    extremes = pc.min_max(part).as_py()
    return bool(max(-extremes["min"], extremes["max"]) >= _EXACT_IN_FLOAT)


def _as_type(part: pa.Array | list[Any], wanted: pa.DataType) -> pa.Array:
    if isinstance(part, pa.Array):
        return part if part.type == wanted else part.cast(wanted)
    if wanted == pa.float64():
        return pa.array([None if value is None else float(value) for value in part], wanted)
    return pa.array([_midnight(value) for value in part] if pa.types.is_timestamp(wanted) else part, wanted)


def _midnight(value: Any) -> Any:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.combine(value, time())
