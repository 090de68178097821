"""One raw record as the arrays of one row: what `Encoder.encode` makes of a frame of that row, without the frame.

Common types of cells are read here; whatever else a cell holds is encoded in a frame of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.errors import RequestError, shorten
from automl_runtime.features.dates import DATE_PARTS, date_parts_of
from automl_runtime.features.text import TEXT_STATISTICS, text_statistics
from automl_runtime.inference.encoding import (
    HUGE,
    MISSING,
    UNSEEN,
    Column,
    Encoded,
    Encoder,
    FeatureKind,
    numbers_of,
    read_boolean,
    spell,
    to_texts,
)
from automl_runtime.inference.raw import read_raw
from automl_runtime.inference.texts import BUCKETS, count_one
from automl_runtime.kernels.arrays import Ints, Singles

__all__ = ["RecordEncoder", "Row"]

_NAN = float("nan")
_LONGEST_DIGITS = 15
"""So many are exact in a double; of longer ones the last bit depends on who reads them."""
_DIGITS = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{3}(?:\d{3})?)?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_LONG = 1 << 63
_NO_CODES = np.empty(0, np.int32)
_FLOATS = {float}
_PLAIN = {float, int, bool, type(None)}


class Row(NamedTuple):
    """An encoded record; see `Encoded`."""

    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    texts: tuple[tuple[Ints, Singles], ...]
    """Columns and counts of the n-grams of each text."""
    images: tuple[Singles, ...]
    """1 x `PICTURE_WIDTH` each."""
    raws: tuple[Singles, ...] = ()
    """1 x width each; see `Encoded`."""


class RecordEncoder:
    """Encodes records that have the columns of `encoder`; others are ignored. Thread-safe."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._names = [column.name for column in encoder.columns]
        numbers = [place for place, column in enumerate(encoder.columns) if column.kind in ("number", "boolean")]
        *starts, self._width = accumulate((numbers_of(column.kind) for column in encoder.columns), initial=0)
        self._readers = [
            (place, start, column.kind, _READERS[column.kind](column))
            for place, (start, column) in enumerate(zip(starts, encoder.columns, strict=True))
        ]
        """Of each column its place, where it begins among the numbers of a row, its kind, and what reads a cell."""
        self._others = [reader for reader in self._readers if reader[2] not in ("number", "boolean")]
        self._pick = itemgetter(*numbers) if len(numbers) > 1 else None
        self._picked = np.array([starts[place] for place in numbers], np.intp)

    def __reduce__(self) -> tuple[Any, ...]:
        return RecordEncoder, (self._encoder,)

    def encode(self, record: Mapping[str, Any]) -> Row:
        """The arrays of `record`.

        Raises:
            RequestError: if it is no mapping.
            SchemaMismatchError: if a column is missing, naming it.
            DataError: if a picture cannot be read.
        """
        cells = self._cells(record)
        together = None if self._pick is None else _plain_numbers(self._pick(cells))
        if together is not None and not self._others:
            return Row(together, _NO_CODES, (), ())
        numbers = np.empty(self._width)
        if together is not None:
            numbers[self._picked] = together
        codes: list[int] = []
        texts: list[tuple[Ints, Singles]] = []
        images: list[Singles] = []
        raws: list[Singles] = []
        for place, start, kind, read in self._readers if together is None else self._others:
            value = cells[place]
            if kind == "category":
                codes.append(read(value))
            elif kind == "number" or kind == "boolean":
                numbers[start] = read(value)
            elif kind == "date":
                numbers[start : start + len(DATE_PARTS)] = read(value)
            elif kind == "text":
                statistics, counts, raw = read(value)
                numbers[start : start + len(TEXT_STATISTICS)] = statistics
                texts.append(counts)
                raws += raw
            else:
                seen = read(value)
                images.append(seen.images[0])
                raws += seen.raws
        return Row(numbers, np.array(codes, np.int32), tuple(texts), tuple(images), tuple(raws))

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
        rows = row.numbers[None], row.codes[None], texts, known.levels, known.orders, known.dates, row.images
        return Encoded(*rows, raws=row.raws, readings=known.readings)


def _plain_numbers(cells: Sequence[Any]) -> NDArray[np.float64] | None:
    """What each of the cells reads as where all are numbers, true, false or None, none of them far off; else None."""
    kinds = set(map(type, cells))
    if kinds == _FLOATS:
        # NaN is not below anything.
        return np.array(cells) if sum(map(abs, cells)) <= HUGE else None
    if not kinds <= _PLAIN:
        return None
    most = _LONG - 1 if int in kinds else HUGE
    return np.array(cells, np.float64) if sum(abs(cell) for cell in cells if cell is not None) <= most else None


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


def _text_reader(column: Column) -> Callable[[Any], tuple[list[float], tuple[Ints, Singles], list[Singles]]]:
    def read(value: Any) -> tuple[list[float], tuple[Ints, Singles], list[Singles]]:
        known = type(value) is str or value is None
        text = value if known else to_texts(pd.DataFrame([{column.name: value}])[column.name])[0]
        # An empty text is a missing one, as in a frame.
        counts = count_one(text or "", characters=column.characters)
        raws = [read_raw(reading, [text or None]) for reading in column.raw]
        return text_statistics([text or None])[0].tolist(), counts, raws

    return read


def _image_reader(column: Column) -> Callable[[Any], Encoded]:
    return _framed(column)


_READERS: dict[FeatureKind, Callable[[Column], Callable[[Any], Any]]] = {
    "number": _number_reader,
    "boolean": _boolean_reader,
    "category": _category_reader,
    "date": _date_reader,
    "text": _text_reader,
    "image": _image_reader,
}
