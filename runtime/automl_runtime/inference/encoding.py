"""Turns the columns of a frame into arrays of numbers, category codes, counts of n-grams and views of pictures.

The encoder holds names, kinds and spellings, and no statistic that a model could have learned from.
"""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.data.pictures import Picture, read_pictures
from automl_runtime.errors import BundleError, SchemaMismatchError, shorten
from automl_runtime.features.dates import DATE_PARTS, date_parts
from automl_runtime.features.pictures import describe, describe_copies
from automl_runtime.features.text import TEXT_STATISTICS, text_statistics
from automl_runtime.inference.raw import checked_readings, read_raw
from automl_runtime.inference.texts import count_ngrams
from automl_runtime.kernels.arrays import Bools, Floats, Ints, Singles, Sparse

__all__ = [
    "FEATURE_KINDS",
    "HUGE",
    "MISSING",
    "UNSEEN",
    "Column",
    "Encoded",
    "Encoder",
    "FeatureKind",
    "numbers_of",
    "read_boolean",
    "spell",
    "to_texts",
]

FeatureKind = Literal["number", "category", "text", "boolean", "date", "image"]
FEATURE_KINDS: tuple[FeatureKind, ...] = ("number", "category", "text", "boolean", "date", "image")

MISSING = -1
UNSEEN = -2
HUGE = 1e30
"""Where finite numbers are cut off."""
_FEW_ROWS = 64
_TRUE = {"true", "yes", "y", "t", "1", "1.0"}
_FALSE = {"false", "no", "n", "f", "0", "0.0"}


@dataclass(frozen=True, slots=True)
class Column:
    """One input column.

    `vocabulary` holds the spellings of a category, code 0 first; `characters` says whether n-grams of the
    characters of a text are counted besides its words; `infinite` whether infinite numbers stay so (else missing);
    `raw` how a text or a picture is read besides, for networks (`inference.raw`).
    """

    name: str
    kind: FeatureKind
    vocabulary: tuple[str, ...] = ()
    characters: bool = True
    infinite: bool = False
    raw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Encoded:
    """The arrays of one frame. Codes are places in the vocabulary, `MISSING` or `UNSEEN`."""

    numbers: Floats
    """float64, NaN where missing, finite otherwise but in columns that keep infinite numbers."""
    codes: Ints
    """int32."""
    texts: tuple[Sparse, ...]
    """Counts of n-grams, one CSR matrix for each text column."""
    levels: tuple[int, ...] = ()
    """The size of the vocabulary of each column of `codes`."""
    orders: tuple[Ints, ...] = ()
    """The codes of each column of `codes`, in the alphabetical order of their spellings."""
    dates: tuple[int, ...] = ()
    """Where the `DATE_PARTS` of each date begin among the numbers."""
    images: tuple[Singles, ...] = ()
    """rows x `PICTURE_WIDTH` for each column of pictures; a row of NaN where there is none."""
    copies: tuple[Singles, ...] = ()
    """rows x copies x `PICTURE_WIDTH`: the same of changed pictures, to learn from; empty unless asked for."""
    raws: tuple[Singles, ...] = ()
    """What networks read of texts and pictures, for each column and each of its `raw`: rows x width."""
    readings: tuple[str, ...] = ()
    """How each of `raws` was read."""

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: Ints) -> Encoded:
        """The rows at these positions, in this order."""
        texts = tuple(text[rows] for text in self.texts)
        images, copies, raws = (tuple(part[rows] for part in parts) for parts in (self.images, self.copies, self.raws))
        plain = self.numbers[rows], self.codes[rows], texts, self.levels, self.orders, self.dates
        return Encoded(*plain, images, copies, raws, self.readings)


class Encoder:
    """Encodes frames that have the columns it knows; others are ignored, order does not matter."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self.columns = tuple(sorted(columns, key=lambda column: column.name))
        self._places = {
            column.name: {word: place for place, word in enumerate(column.vocabulary)}
            for column in columns
            if column.kind == "category"
        }
        self.number_owners = tuple(column.name for column in self.columns for _ in range(numbers_of(column.kind)))
        kinds = [column.kind for column in self.columns for _ in range(numbers_of(column.kind))]
        self.dates = tuple(place for place, kind in enumerate(kinds) if kind == "date")[:: len(DATE_PARTS)]
        self.code_owners = tuple(column.name for column in self.columns if column.kind == "category")
        self.levels = tuple(len(column.vocabulary) for column in self.columns if column.kind == "category")
        self.orders = tuple(
            np.array(sorted(range(len(column.vocabulary)), key=column.vocabulary.__getitem__), dtype=np.int64)
            for column in self.columns
            if column.kind == "category"
        )
        infinite = {column.name for column in columns if column.infinite}
        self._infinite = np.array([name in infinite for name in self.number_owners], dtype=bool)
        self.text_owners = tuple(column.name for column in self.columns if column.kind == "text")
        self.image_owners = tuple(column.name for column in self.columns if column.kind == "image")
        self.raw_owners = tuple(column.name for column in self.columns for _ in column.raw)
        self.readings = tuple(reading for column in self.columns for reading in column.raw)

    def encode(self, frame: pd.DataFrame, *, copies: int = 0) -> Encoded:
        """The arrays of `frame`, with so many `copies` of each picture.

        Raises:
            SchemaMismatchError: if a column is missing, naming it.
            DataError: if a picture cannot be read.
        """
        frame = (
            frame
            if frame.columns.inferred_type in ("string", "empty")
            else frame.set_axis(frame.columns.map(str), axis=1)
        )
        self.check_names(frame.columns)
        numbers: list[Floats] = []
        codes: list[Ints] = []
        texts: list[Sparse] = []
        pictures: list[tuple[Singles, Singles]] = []
        raws: dict[tuple[str, str], Singles] = {}
        for kind, run in groupby(self.columns, key=lambda column: column.kind):
            columns = list(run)
            if kind == "number":
                numbers.append(_to_numbers(frame, [column.name for column in columns]))
                continue
            for column in columns:
                values = frame[column.name]
                if kind == "category":
                    codes.append(self._codes(column, values))
                elif kind == "image":
                    shown = _to_pictures(column.name, values)
                    pictures.append(_to_views(shown, copies))
                    raws |= {(column.name, reading): read_raw(reading, shown) for reading in column.raw}
                elif kind == "text":
                    # An empty text is a missing one: not every table can tell them apart.
                    spelled = [text or None for text in to_texts(values)]
                    numbers.append(text_statistics(spelled))
                    texts.append(count_ngrams([text or "" for text in spelled], characters=column.characters))
                    raws |= {(column.name, reading): read_raw(reading, spelled) for reading in column.raw}
                else:
                    numbers.append(_to_boolean(values) if kind == "boolean" else date_parts(values))
        return Encoded(
            _finite(_beside(numbers, len(frame)), self._infinite),
            np.column_stack(codes).astype(np.int32) if codes else np.empty((len(frame), 0), dtype=np.int32),
            tuple(texts),
            self.levels,
            self.orders,
            self.dates,
            tuple(views for views, _ in pictures),
            tuple(changed for _, changed in pictures) if copies else (),
            tuple(raws[each] for each in zip(self.raw_owners, self.readings, strict=True)),
            self.readings,
        )

    def check_names(self, names: Container[str]) -> None:
        """Looks for every column among `names`.

        Raises:
            SchemaMismatchError: naming those that are missing.
        """
        missing = [column.name for column in self.columns if column.name not in names]
        if missing:
            raise SchemaMismatchError(
                f"The rows to predict lack {len(missing)} of {len(self.columns)} columns of the model: "
                f"{', '.join(shorten(name) for name in missing[:5])}.",
                hint="Give every column that the model was trained on; cells may be empty.",
            )

    def _codes(self, column: Column, values: pd.Series) -> NDArray[np.int32]:
        if len(values) <= _FEW_ROWS:
            places = self._places[column.name]
            cells = values.tolist()
            return np.array(
                [MISSING if _is_null(cell) else places.get(spell(cell), UNSEEN) for cell in cells], np.int32
            )
        if values.dtype == object:
            # 1, 1.0 and True are equal and would be taken for one level.
            nulls = values.isna()
            values = pd.Series([None if null else spell(value) for value, null in zip(values, nulls, strict=True)])
        levels, uniques = pd.factorize(values)
        table = [self._places[column.name].get(spell(value), UNSEEN) for value in uniques]
        return np.asarray(np.array([*table, MISSING], dtype=np.int32)[levels])

    def to_json(self) -> list[dict[str, Any]]:
        """The columns as JSON; `from_json` reads them."""
        records = [asdict(column) for column in self.columns]
        for record in records:
            for name in ("infinite", "raw"):
                if not record[name]:
                    del record[name]
        return records

    @classmethod
    def from_json(cls, record: list[dict[str, Any]]) -> Encoder:
        """The encoder that `to_json` wrote.

        Raises:
            BundleError: if a kind is unknown or a vocabulary repeats a spelling.
        """
        columns = []
        for entry in record:
            vocabulary = tuple(map(str, entry["vocabulary"]))
            if entry["kind"] not in FEATURE_KINDS or len(set(vocabulary)) < len(vocabulary):
                raise BundleError(f"The model's column {shorten(entry['name'])} is not valid.")
            columns.append(
                Column(
                    str(entry["name"]),
                    entry["kind"],
                    vocabulary,
                    bool(entry["characters"]),
                    bool(entry.get("infinite")),
                    checked_readings(entry["kind"], entry.get("raw", ())),
                )
            )
        return cls(tuple(columns))


def spell(value: object) -> str:
    """How a category is spelled: numbers without a superfluous `.0`, all else as `str` writes it.

    >>> spell(3.0), spell(True), spell("3.0")
    ('3', 'True', '3.0')
    """
    if isinstance(value, float | np.floating) and math.isfinite(value) and float(value).is_integer():
        return str(int(value))
    # Lone surrogates cannot be written to a file.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def to_texts(values: pd.Series) -> list[str | None]:
    """The cells as text, None where null."""
    return [None if null else str(value) for value, null in zip(values, values.isna(), strict=True)]


def numbers_of(kind: FeatureKind) -> int:
    """How many numbers of a row a column of this kind is read as."""
    several = {"date": len(DATE_PARTS), "text": len(TEXT_STATISTICS), "category": 0, "image": 0}
    return several.get(kind, 1)


def _to_pictures(column: str, values: pd.Series) -> list[Picture | None]:
    return read_pictures([None if _is_null(cell) else cell for cell in values.tolist()], column=column)


def _to_views(pictures: list[Picture | None], copies: int) -> tuple[Singles, Singles]:
    return describe(pictures), describe_copies(pictures, copies) if copies else np.empty((0, 0, 0), dtype=np.float32)


def _beside(parts: list[Floats], rows: int) -> Floats:
    """The columns of all parts; a single part, which for tables of numbers alone is all there is, is not copied."""
    if len(parts) == 1:
        return parts[0]
    return np.hstack(parts) if parts else np.empty((rows, 0))


def _finite(numbers: Floats, kept: Bools) -> Floats:
    infinite = np.isinf(numbers)
    numbers[infinite & ~kept] = np.nan
    np.clip(numbers, -HUGE, HUGE, out=numbers, where=~(infinite & kept))
    return numbers


def _is_null(cell: object) -> bool:
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, float) and cell != cell)


def _to_numbers(frame: pd.DataFrame, names: list[str]) -> Floats:
    """Several columns at once where their types allow it."""
    cells = frame[names]
    if all(isinstance(dtype, np.dtype) and dtype.kind in "iufb" for dtype in cells.dtypes):
        return np.array(cells.to_numpy(dtype=np.float64))
    return np.hstack([_to_number(cells[name]) for name in names])


def _to_number(values: pd.Series) -> Floats:
    if values.dtype.kind not in "iufb":
        values = pd.to_numeric(values.astype("object"), errors="coerce")
    return np.array(values.to_numpy(dtype=np.float64, na_value=np.nan)).reshape(-1, 1)


def _to_boolean(values: pd.Series) -> Floats:
    if values.dtype.kind == "b":
        return np.array(values.to_numpy(dtype=np.float64, na_value=np.nan)).reshape(-1, 1)
    if values.dtype.kind in "iuf":
        return _to_number(values)
    found = [math.nan if text is None else read_boolean(text) for text in to_texts(values)]
    return np.array(found, dtype=np.float64).reshape(-1, 1)


def read_boolean(text: str) -> float:
    """1 or 0 for words that mean yes or no, else NaN."""
    word = text.strip().lower()
    return 1.0 if word in _TRUE else 0.0 if word in _FALSE else math.nan
