"""The fitted pieces of preprocessing: each makes some columns of a model's matrix out of encoded rows.

A block holds arrays only, and is written to a bundle field by field. Code blocks keep one table for all their
columns: the entry of code `c` of column `j` is `table[offsets[j] + c + 2]`, since codes start at -2 (unseen)
and -1 (missing).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.encoding import UNSEEN, Encoded
from automl_runtime.inference.groups import CrossedMeans, Grouped
from automl_runtime.inference.steps import STEPS
from automl_runtime.inference.texts import BUCKETS, WORD_BUCKETS
from automl_runtime.kernels.arrays import Bools, Floats, Ints, Matrix, Singles, Sparse

__all__ = [
    "BLOCKS",
    "LARGEST_SCORE",
    "PERIODS",
    "Block",
    "Codes",
    "Components",
    "Cycles",
    "Filled",
    "Numbers",
    "OneHot",
    "Pairs",
    "Pieces",
    "Raw",
    "Scaled",
    "TargetMeans",
    "Topics",
    "Words",
    "read_block",
    "table_places",
    "weigh",
    "weigh_one",
    "write_block",
]

LARGEST_SCORE = 10.0
"""Standard deviations at which `Scaled` cuts off."""


class Block(Protocol):
    """A fitted piece of preprocessing; pure and thread-safe."""

    def transform(self, data: Encoded) -> Matrix:
        """The block's columns: a dense float array or a CSR matrix with as many rows as `data`."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers as they are, NaN included."""

    columns: Ints

    def transform(self, data: Encoded) -> Matrix:
        """float64, one column each."""
        return data.numbers[:, self.columns]


@dataclass(frozen=True, slots=True)
class Filled:
    """Numbers with `fill` where they are missing, then one 0/1 column for each place in `flagged` that says so."""

    columns: Ints
    fill: Floats
    flagged: Ints

    def transform(self, data: Encoded) -> Matrix:
        """float64, `columns` + `flagged` wide."""
        values = data.numbers[:, self.columns]
        missing = np.isnan(values)
        return np.hstack([np.where(missing, self.fill, values), missing[:, self.flagged]])


@dataclass(frozen=True, slots=True)
class Scaled:
    """As `Filled`, standardised, those in `logged` after a signed log(1 + x); cut off at 10 standard deviations."""

    columns: Ints
    fill: Floats
    logged: Bools
    center: Floats
    scale: Floats
    flagged: Ints

    def transform(self, data: Encoded) -> Matrix:
        """float64, `columns` + `flagged` wide."""
        values = data.numbers[:, self.columns]
        missing = np.isnan(values)
        values = np.where(missing, self.fill, values)
        values = np.where(self.logged, np.sign(values) * np.log1p(np.abs(values)), values)
        scores = np.clip((values - self.center) / self.scale, -LARGEST_SCORE, LARGEST_SCORE)
        return np.hstack([scores, missing[:, self.flagged]])


@dataclass(frozen=True, slots=True)
class Pieces:
    """Numbers as piecewise linear functions: one column for each interval between `edges`, rising from 0 to 1 in it.

    The edges of column `j` are `edges[offsets[j]:offsets[j + 1]]`, ascending. (Gorishniy et al., On Embeddings for
    Numerical Features in Tabular Deep Learning, 2022, section 3.2.)
    """

    columns: Ints
    fill: Floats
    edges: Floats
    offsets: Ints
    flagged: Ints

    def transform(self, data: Encoded) -> Matrix:
        """float64, one column for each interval and flag."""
        values = data.numbers[:, self.columns]
        missing = np.isnan(values)
        values = np.where(missing, self.fill, values)
        pieces = len(self.edges) - len(self.columns)
        made = np.empty((len(values), pieces + len(self.flagged)))
        for column, (first, last) in enumerate(zip(self.offsets, self.offsets[1:], strict=False)):
            low, high = self.edges[first : last - 1], self.edges[first + 1 : last]
            part = made[:, first - column : last - 1 - column]
            np.divide(values[:, column, None] - low, high - low, out=part)
            np.clip(part, 0.0, 1.0, out=part)
        made[:, pieces:] = missing[:, self.flagged]
        return made


@dataclass(frozen=True, slots=True)
class Pairs:
    """`first` x left + `second` x right of two numbers each, or left / right where `ratio` says so."""

    left: Ints
    right: Ints
    first: Floats
    second: Floats
    ratio: Bools

    def transform(self, data: Encoded) -> Matrix:
        """float64, one column for each pair; NaN where a number is missing or divided by 0."""
        return self.compute(data.numbers)

    def compute(self, numbers: Floats) -> Floats:
        """The pairs of rows of numbers."""
        left, right = numbers[:, self.left], numbers[:, self.right]
        with np.errstate(over="ignore", invalid="ignore"):
            sums = left * self.first + right * self.second
            found = np.where(self.ratio, left / np.where(right == 0, np.nan, right), sums)
        return np.where(np.isfinite(found), found, np.nan)


PERIODS = ((5, 24.0), (2, 7.0), (4, 365.2425), (1, 12.0))
"""Hour, day of the week, day since 1970 and month among the parts of a date, and after how many each comes again."""


@dataclass(frozen=True, slots=True)
class Cycles:
    """Sine and cosine of the hour, the weekday, the day of the year and the month of dates; 0 where there is none.

    `dates` are the places of the first part of each date; `kept` are places among the eight waves of all dates.
    """

    dates: Ints
    kept: Ints

    def transform(self, data: Encoded) -> Matrix:
        """float64, `kept` wide."""
        waves = [np.empty((len(data), 0))]
        for first in self.dates:
            for part, period in PERIODS:
                angles = 2.0 * np.pi / period * data.numbers[:, first + part]
                waves.append(np.nan_to_num(np.column_stack([np.sin(angles), np.cos(angles)])))
        return np.hstack(waves)[:, self.kept]


def table_places(data: Encoded, columns: Ints, offsets: Ints) -> Ints:
    """Where the table of a code block keeps each cell of `columns`."""
    return data.codes[:, columns] + (offsets[:-1] - UNSEEN)


@dataclass(frozen=True, slots=True)
class Codes:
    """Categories as numbers from `table`, for models that split them natively."""

    columns: Ints
    table: Floats
    offsets: Ints

    def transform(self, data: Encoded) -> Matrix:
        """float64, one column each; NaN where the table has it."""
        return self.table[table_places(data, self.columns, self.offsets)]


@dataclass(frozen=True, slots=True)
class OneHot:
    """Categories as 0/1 columns; `table` names the column (from 0, over all categories), -1 for none."""

    columns: Ints
    table: Ints
    offsets: Ints
    width: int
    sparse: bool

    def transform(self, data: Encoded) -> Matrix:
        """float64, `width` columns."""
        hot = self.table[table_places(data, self.columns, self.offsets)]
        rows, cells = np.nonzero(hot >= 0)
        if self.sparse:
            from scipy import sparse

            ones = np.ones(len(rows))
            return sparse.csr_matrix((ones, (rows, hot[rows, cells])), shape=(len(data), self.width))
        result = np.zeros((len(data), self.width))
        result[rows, hot[rows, cells]] = 1.0
        return result


@dataclass(frozen=True, slots=True)
class TargetMeans:
    """Categories as smoothed means of the target (`table` has a column for each output) and log counts."""

    columns: Ints
    table: Floats
    offsets: Ints

    def transform(self, data: Encoded) -> Matrix:
        """float64, outputs x columns wide."""
        cells = self.table[table_places(data, self.columns, self.offsets)]
        return cells.reshape(len(data), len(self.columns) * self.table.shape[1])


@dataclass(frozen=True, slots=True)
class Words:
    """TF-IDF of the n-grams in `buckets` (ascending) of text column `text`; words and n-grams have length 1 each."""

    text: int
    buckets: Ints
    weights: Floats

    def transform(self, data: Encoded) -> Matrix:
        """CSR, float64, one column for each bucket."""
        return weigh(data.texts[self.text], self.buckets, self.weights)


@dataclass(frozen=True, slots=True)
class Topics:
    """`Words` projected on the directions in `components` (buckets x topics, float32)."""

    text: int
    buckets: Ints
    weights: Floats
    components: Floats

    def transform(self, data: Encoded) -> Matrix:
        """float64, one column for each topic."""
        found = weigh(data.texts[self.text], self.buckets, self.weights)
        return np.asarray(found @ self.components.astype(np.float64))


@dataclass(frozen=True, slots=True)
class Components:
    """The columns from `start` on of the views of pictures in column `image`, less `center`, projected on `axes`.

    `axes` (columns x components) are float32; where there is no picture every component is 0.
    """

    image: int
    start: int
    center: Floats
    axes: Floats

    def transform(self, data: Encoded) -> Matrix:
        """float64, one column for each component."""
        views = data.images[self.image][:, self.start : self.start + len(self.center)]
        return np.nan_to_num((views - self.center.astype(np.float64)) @ self.axes.astype(np.float64), nan=0.0)


@dataclass(frozen=True, slots=True)
class Raw:
    """A text or a picture as it stands; `place` counts the columns that are kept so, `width` its columns."""

    place: int
    width: int

    def transform(self, data: Encoded) -> Matrix:
        """float32, `width` columns."""
        return data.raws[self.place]


def weigh(counts: Sparse, buckets: Ints, weights: Floats) -> Sparse:
    """(1 + log count) x weight for the chosen buckets; the words and the n-grams of a text each have length 1."""
    from scipy import sparse

    places = np.full(BUCKETS, -1, dtype=np.int32)
    places[buckets] = np.arange(len(buckets), dtype=np.int32)
    columns = places[counts.indices]
    kept = columns >= 0
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))[kept]
    columns = columns[kept]
    values = (1.0 + np.log(counts.data[kept].astype(np.float64))) * weights[columns]
    group = 2 * rows + (buckets[columns] >= WORD_BUCKETS)
    length = np.sqrt(np.bincount(group, values**2, minlength=2 * counts.shape[0]))
    values /= length[group]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=counts.shape[0]))])
    return sparse.csr_matrix((values, columns, indptr), shape=(counts.shape[0], len(buckets)))


def weigh_one(found: Ints, counts: Singles, block: Words | Topics) -> tuple[Ints, Floats]:
    """Places (ascending) and values that are not 0 of the only row of `weigh`, of a text with `counts` in `found`."""
    places = np.searchsorted(block.buckets, found)
    kept = np.append(block.buckets, -1)[places] == found
    places = places[kept]
    values = (1.0 + np.log(counts[kept].astype(np.float64))) * block.weights[places]
    words = int(np.searchsorted(found[kept], WORD_BUCKETS))
    for part in (values[:words], values[words:]):
        part /= np.sqrt(part @ part)
    return places, values


BLOCKS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        *(Numbers, Filled, Scaled, Pieces, Cycles, Codes, OneHot, Pairs),
        *(CrossedMeans, Grouped, TargetMeans, Words, Topics, Components, Raw),
    )
}


def write_block(block: Any, prefix: str, arrays: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Puts the arrays of `block` into `arrays` below `prefix`; returns the rest as JSON."""
    record: dict[str, Any] = {"block": type(block).__name__}
    for field in fields(block):
        value = getattr(block, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
        else:
            record[field.name] = value
    return record


def read_block(record: dict[str, Any], prefix: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """The block, or step, that `write_block` wrote.

    Raises:
        BundleError: if the block is unknown or incomplete.
    """
    cls = (BLOCKS | STEPS).get(record["block"])
    if cls is None:
        raise BundleError(f"The model has an unknown block {record['block']!r}; known: {sorted(BLOCKS | STEPS)}.")
    values = {}
    for field in fields(cls):
        value = record.get(field.name, arrays.get(f"{prefix}.{field.name}"))
        if value is None:
            raise BundleError(f"The model's block {prefix} ({record['block']}) lacks {field.name!r}.")
        values[field.name] = value
    return cls(**values)
