"""One raw record as the arrays of one row: what `Encoder.encode` makes of a frame of that row, without the frame.

Common types of cells are read here; whatever else a cell holds is encoded in a frame of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.errors import RequestError, shorten
from automl_runtime.features.dates import date_parts_of
from automl_runtime.features.text import text_statistics
from automl_runtime.inference.encoding import (
    HUGE,
    MISSING,
    UNSEEN,
    Column,
    Encoded,
    Encoder,
    FeatureKind,
    read_boolean,
    spell,
    to_texts,
)
from automl_runtime.inference.texts import BUCKETS, count_one
from automl_runtime.kernels.arrays import Ints, Singles

__all__ = ["RecordEncoder", "Row"]

_NAN = float("nan")
_LONGEST_DIGITS = 15
"""So many are exact in a double; of longer ones the last bit depends on who reads them."""
_DIGITS = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{3}(?:\d{3})?)?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_LONG = 1 << 63


class Row(NamedTuple):
    """An encoded record; see `Encoded`."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    texts: tuple[tuple[Ints, Singles], ...]
    """Columns and counts of the n-grams of each text."""
    images: tuple[Singles, ...]
    """1 x `PICTURE_WIDTH` each."""


class RecordEncoder:
    """Encodes records that have the columns of `encoder`; others are ignored. Thread-safe."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._names = [column.name for column in encoder.columns]
        self._readers = [(column.kind, _READERS[column.kind](column)) for column in encoder.columns]

    def __reduce__(self) -> tuple[Any, ...]:
        return RecordEncoder, (self._encoder,)

    def encode(self, record: Mapping[str, Any]) -> Row:
        """The arrays of `record`.

        Raises:
            RequestError: if it is no mapping.
            SchemaMismatchError: if a column is missing, naming it.
            DataError: if a picture cannot be read.
        """
        numbers: list[float] = []
        codes: list[int] = []
        texts: list[tuple[Ints, Singles]] = []
        images: list[Singles] = []
        for (kind, read), value in zip(self._readers, self._cells(record), strict=True):
            if kind == "category":
                codes.append(read(value))
            elif kind == "number" or kind == "boolean":
                numbers.append(read(value))
            elif kind == "date":
                numbers += read(value)
            elif kind == "text":
                statistics, counts = read(value)
                numbers += statistics
                texts.append(counts)
            else:
                images.append(read(value))
        return Row(np.array(numbers, np.float64), np.array(codes, np.int32), tuple(texts), tuple(images))

    def _cells(self, record: Mapping[Any, Any]) -> list[Any]:
        try:
            return list(map(record.__getitem__, self._names))
        except KeyError:
            spelled = {str(name): value for name, value in record.items()}
            self._encoder.check_names(spelled)
            return [spelled[name] for name in self._names]
        except (AttributeError, IndexError, TypeError):
            raise RequestError(
                f"A record maps names of columns to values; {shorten(type(record).__name__)} does not.",
                hint='Pass a dict such as {"age": 31, "city": "Rome"}; tables go to predict and predict_proba.',
            ) from None

    def encoded(self, row: Row) -> Encoded:
        """`row` as blocks and steps take it."""
        from scipy import sparse

        texts = tuple(
            sparse.csr_matrix((counts, buckets, [0, len(buckets)]), shape=(1, BUCKETS)) for buckets, counts in row.texts
        )
        known = self._encoder
        return Encoded(row.numbers[None], row.codes[None], texts, known.levels, known.orders, known.dates, row.images)


def _framed(column: Column) -> Callable[[Any], Encoded]:
    """The encoding of any cell at all, by a frame."""
    encoder = Encoder((column,))
    return lambda value: encoder.encode(pd.DataFrame([{column.name: value}]))


def _number_reader(column: Column) -> Callable[[Any], float]:
    framed = _framed(column)

    def read(value: Any) -> float:
        kind = type(value)
        if kind is str:
            if len(value) > _LONGEST_DIGITS or not _DIGITS.fullmatch(value):
                return float(framed(value).numbers[0, 0])
            return float(value)
        if value is None:
            return _NAN
        if kind is float or kind is int or kind is bool or kind is np.float64 or kind is np.int64:
            # Integers beyond 64 bits are objects in a frame.
            if -HUGE <= value <= HUGE and (kind is not int or -_LONG <= value < _LONG):
                return float(value)
            if value != value:
                return _NAN
        return float(framed(value).numbers[0, 0])

    return read


def _boolean_reader(column: Column) -> Callable[[Any], float]:
    number, framed = _number_reader(column), _framed(column)

    def read(value: Any) -> float:
        kind = type(value)
        if kind is bool or kind is float or kind is int or value is None:
            return number(value)
        return read_boolean(value) if kind is str else float(framed(value).numbers[0, 0])

    return read


def _category_reader(column: Column) -> Callable[[Any], int]:
    places = {word: place for place, word in enumerate(column.vocabulary)}
    framed = _framed(column)

    def read(value: Any) -> int:
        kind = type(value)
        if kind is str:
            # What is found as it stands is spelled so.
            found = places.get(value)
            return places.get(spell(value), UNSEEN) if found is None else found
        if value is None or (kind is float and value != value):
            return MISSING
        if kind is int or kind is float or kind is bool:
            return places.get(spell(value), UNSEEN)
        return int(framed(value).codes[0, 0])

    return read


def _date_reader(column: Column) -> Callable[[Any], tuple[float, ...]]:
    framed = _framed(column)

    def read(value: Any) -> tuple[float, ...]:
        moment = value
        if type(value) is str and _ISO.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return tuple(framed(value).numbers[0].tolist())
        elif value is None:
            return date_parts_of(None)
        kind = type(moment)
        if kind is not datetime and kind is not pd.Timestamp:
            return tuple(framed(value).numbers[0].tolist())
        if moment.tzinfo is not None:
            try:
                moment = moment.astimezone(UTC)
            except OverflowError:
                return tuple(framed(value).numbers[0].tolist())
        return date_parts_of(moment)

    return read


def _text_reader(column: Column) -> Callable[[Any], tuple[list[float], tuple[Ints, Singles]]]:
    def read(value: Any) -> tuple[list[float], tuple[Ints, Singles]]:
        known = type(value) is str or value is None
        text = value if known else to_texts(pd.DataFrame([{column.name: value}])[column.name])[0]
        # An empty text is a missing one, as in a frame.
        return text_statistics([text or None])[0].tolist(), count_one(text or "", characters=column.characters)

    return read


def _image_reader(column: Column) -> Callable[[Any], Singles]:
    framed = _framed(column)
    return lambda value: framed(value).images[0]


_READERS: dict[FeatureKind, Callable[[Column], Callable[[Any], Any]]] = {
    "number": _number_reader,
    "boolean": _boolean_reader,
    "category": _category_reader,
    "date": _date_reader,
    "text": _text_reader,
    "image": _image_reader,
}
