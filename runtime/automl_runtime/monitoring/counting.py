"""Rows of a running service, counted in the bins of the sketches of training: vectors that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from automl_runtime.kernels.arrays import Floats
from automl_runtime.monitoring.reference import ColumnSketch, bins_of, numbers_of

__all__ = ["BinnedColumn", "RowCounts"]

_SUMS = 3
"""Of the deviations from the mean of training: all, those in the first and those in the last bin."""
_LARGEST = 1e290
"""Numbers further off count as so much, so that sums stay finite."""


class BinnedColumn:
    """One column of a vector of `RowCounts`."""

    def __init__(self, sketch: ColumnSketch, start: int) -> None:
        self.sketch = sketch
        self.edges = np.array(sketch.edges)
        self.expected = np.array([*sketch.counts, sketch.other, sketch.missing], dtype=float)
        """Rows of the sketch in each bin; the last two are of other words and of no value."""
        self._codes = {word: place for place, word in enumerate(sketch.words)}
        self._center = sketch.mean or 0.0
        self._bins = slice(start, start + len(self.expected))
        self._sums = slice(self._bins.stop, self._bins.stop + (_SUMS if sketch.kind != "category" else 0))
        self.stop = self._sums.stop

    def counts(self, vector: Floats) -> Floats:
        """Rows in each of the bins of `expected`."""
        return vector[self._bins]

    def tails(self, vector: Floats) -> tuple[float, float]:
        """Means of the values in the first and in the last bin of numbers; of an empty bin its edge."""
        counts, sums = self.counts(vector), vector[self._sums][1:]
        places = (0, len(self.edges))
        ends = (self.edges[0], self.edges[-1])
        low, high = (
            self._center + total / counts[place] if counts[place] else end
            for total, place, end in zip(sums, places, ends, strict=True)
        )
        return float(low), float(high)

    def mean(self, vector: Floats) -> float | None:
        """Of the numbers; None where there are none."""
        if self.sketch.kind == "category" or not (count := self.counts(vector)[:-2].sum()):
            return None
        return float(self._center + vector[self._sums][0] / count)

    def add(self, vector: Floats, values: Sequence[Any] | pd.Series) -> None:
        """Counts clean values in `vector`: None, numbers, booleans, moments or texts, or a column of a clean frame."""
        if self.sketch.kind == "category":
            vector[self._bins] += bins_of(self.sketch, values)[1] if isinstance(values, pd.Series) else self._of(values)
            return
        numbers = _numbers(values, self.sketch.kind)
        counts = vector[self._bins]
        counts[-1] += len(values) - len(numbers)
        if not len(self.edges):
            # The column was empty in training.
            counts[-2] += len(numbers)
            return
        bins = np.searchsorted(self.edges, numbers, side="left")
        counts[:-2] += np.bincount(bins, minlength=len(self.edges) + 1)
        away = np.clip(numbers, -_LARGEST, _LARGEST) - self._center
        ends = [away[bins == place].sum() for place in (0, len(self.edges))]
        vector[self._sums] += [away.sum(), *ends]

    def _of(self, values: Iterable[Any]) -> Floats:
        counts = np.zeros(len(self.expected))
        others, missing = len(self._codes), len(self._codes) + 1
        for value, count in Counter(values).items():
            counts[missing if value is None else self._codes.get(str(value), others)] += count
        return counts


class RowCounts:
    """The layout of a vector that counts rows: a slice for each column, and last the number of rows."""

    def __init__(self, sketches: Iterable[ColumnSketch]) -> None:
        self.columns: dict[str, BinnedColumn] = {}
        stop = 0
        for sketch in sketches:
            self.columns[sketch.name] = column = BinnedColumn(sketch, stop)
            stop = column.stop
        self.size = stop + 1

    def empty(self) -> Floats:
        """The vector of no rows."""
        return np.zeros(self.size)

    def of(self, columns: Mapping[str, Sequence[Any] | pd.Series], rows: int) -> Floats:
        """The vector of `rows` clean rows, given column by column; columns that have no sketch are left out."""
        vector = self.empty()
        vector[-1] = rows
        for name, values in columns.items():
            column = self.columns.get(name)
            if column is not None:
                column.add(vector, values)
        return vector


def _numbers(values: Sequence[Any] | pd.Series, kind: str) -> Floats:
    """The finite numbers that stand for the values, as `numbers_of` gives them."""
    if isinstance(values, pd.Series):
        return numbers_of(values.dropna(), kind)
    if kind == "length":
        return np.array([len(value) for value in values if value is not None], dtype=float)
    try:
        numbers = np.array(values, dtype=float)
    except TypeError:
        moments = np.array([value for value in values if value is not None], dtype="datetime64[us]")
        return np.asarray(moments.astype("int64") / 1e6)
    return np.asarray(numbers[np.isfinite(numbers)])
