"""Sketch of the training inputs, small enough for a bundle, and how far other rows are from it."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from automl_schemas.base import Contract
from automl_schemas.bundle import InputSchema
from automl_schemas.vocabulary import ColumnType

__all__ = ["ColumnSketch", "Reference", "bins_of", "numbers_of", "psi", "psi_of", "sketch", "sketch_values"]

_BINS = 20
_TOP = 50
_FLOOR = 1e-4

_KINDS: dict[ColumnType, Literal["number", "category", "length"]] = {
    "boolean": "category",
    "category": "category",
    "text": "length",
    "empty": "category",
}


class ColumnSketch(Contract):
    """The distribution of one column.

    Numbers, dates (seconds since 1970) and lengths of texts are counted in the bins `edges[i] < x <= edges[i + 1]`, the
    outer bins being open; categories by their words. `other` counts the words that are not listed. A text itself
    is never kept.
    """

    name: str
    kind: Literal["number", "category", "length"]
    rows: int
    missing: int
    edges: tuple[float, ...] = ()
    """Inner edges, ascending, without repeats: n edges part n + 1 bins."""
    counts: tuple[int, ...] = ()
    """Rows per bin, or per word of `words`."""
    words: tuple[str, ...] = ()
    other: int = 0
    mean: float | None = None
    std: float | None = None
    tails: tuple[float, float] | None = None
    """Means of the values in the first and in the last bin, which have no outer edge; None: of no numbers."""

    @property
    def missing_share(self) -> float:
        """Share of the rows without a value."""
        return self.missing / self.rows if self.rows else 0.0


class Reference(Contract):
    """`reference.json` of a bundle."""

    version: Literal[1] = 1
    rows: int
    columns: list[ColumnSketch]
    prediction: ColumnSketch | None = None
    """What the model predicted out of fold: see `sketch`."""
    labels: tuple[ColumnSketch, ...] = ()
    """Of a model of several labels in place of `prediction`: the probability of each, by its name."""


def sketch(rows: pd.DataFrame, schema: InputSchema, predictions: pd.Series | pd.DataFrame | None = None) -> Reference:
    """The distribution of each column of `schema` in `rows`, clean rows of the training table; pictures have none.

    `predictions` are those of rows that the model was not fitted on: numbers (values, or probabilities of one class),
    else labels. Of several labels a row they are a frame: a column of probabilities for each.
    """
    columns = [
        sketch_values(rows[column.name], column.name, _KINDS.get(column.type, "number"))
        for column in schema.columns
        if column.name in rows.columns and column.type != "image"
    ]
    if predictions is None:
        return Reference(rows=len(rows), columns=columns)
    if isinstance(predictions, pd.DataFrame):
        labels = tuple(sketch_values(predictions[name].dropna(), str(name), "number") for name in predictions)
        return Reference(rows=len(rows), columns=columns, labels=labels)
    numeric = pd.api.types.is_float_dtype(predictions)
    predicted = sketch_values(predictions, "prediction", "number" if numeric else "category")
    return Reference(rows=len(rows), columns=columns, prediction=predicted)


def sketch_values(values: pd.Series, name: str, kind: Literal["number", "category", "length"]) -> ColumnSketch:
    """The distribution of `values`, of which those that are missing are counted only."""
    present = values.dropna()
    missing = len(values) - len(present)
    if kind == "category":
        counted = present.astype(str).value_counts()
        order = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        top = order[:_TOP]
        return ColumnSketch(
            name=name,
            kind=kind,
            rows=len(values),
            missing=missing,
            words=tuple(str(word) for word, _ in top),
            counts=tuple(int(count) for _, count in top),
            other=int(sum(count for _, count in order[_TOP:])),
        )
    numbers = numbers_of(present, kind)
    missing = len(values) - len(numbers)
    quantiles = np.quantile(numbers, np.linspace(0, 1, _BINS + 1)[1:-1]) if len(numbers) else np.array([])
    edges = np.unique(quantiles)
    some = len(numbers) > 0
    return ColumnSketch(
        name=name,
        kind=kind,
        rows=len(values),
        missing=missing,
        edges=tuple(float(edge) for edge in edges),
        counts=tuple(int(count) for count in _bin(numbers, edges)),
        mean=float(numbers.mean()) if some else None,
        std=float(numbers.std()) if some else None,
        tails=_tails(numbers, edges) if some else None,
    )


def _tails(numbers: np.ndarray, edges: np.ndarray) -> tuple[float, float]:
    """Means of the first and of the last bin; of an empty one its edge."""
    low, high = numbers[numbers <= edges[0]], numbers[numbers > edges[-1]]
    return (
        float(low.mean() if len(low) else edges[0]),
        float(high.mean() if len(high) else edges[-1]),
    )


def psi(expected: np.ndarray, actual: np.ndarray) -> float:
    """Population stability index of two vectors of counts over the same bins; 0 when the shares are equal.

    Below 0.1 is usually read as no change, above 0.25 as a large one (Siddiqi, Credit Risk Scorecards, 2006).

    >>> psi(np.array([50, 50]), np.array([500, 500]))
    0.0
    """
    if expected.sum() == 0 or actual.sum() == 0:
        return 0.0
    p = np.maximum(expected / expected.sum(), _FLOOR)
    q = np.maximum(actual / actual.sum(), _FLOOR)
    return float(np.sum((q - p) * np.log(q / p)))


def psi_of(reference: Reference, rows: pd.DataFrame) -> dict[str, float]:
    """The index of each column of `reference` that `rows` has, missing values counted as a bin of their own."""
    result: dict[str, float] = {}
    for column in reference.columns:
        if column.name in rows.columns:
            result[column.name] = psi(*bins_of(column, rows[column.name]))
    return result


def bins_of(column: ColumnSketch, values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the sketched rows and of `values` over the same bins: those of the sketch, others, missing."""
    expected = np.array([*column.counts, column.other, column.missing], dtype=float)
    return expected, _counts_like(values, column)


def _counts_like(values: pd.Series, column: ColumnSketch) -> np.ndarray:
    present = values.dropna()
    if column.kind == "category":
        counted = present.astype(str).value_counts()
        known = [int(counted.get(word, 0)) for word in column.words]
        return np.array([*known, len(present) - sum(known), len(values) - len(present)], dtype=float)
    numbers = numbers_of(present, column.kind)
    counts = _bin(numbers, np.array(column.edges))
    return np.array([*counts, 0, len(values) - len(numbers)], dtype=float)


def _bin(numbers: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, numbers, side="left"), minlength=len(edges) + 1)


def numbers_of(present: pd.Series, kind: str) -> np.ndarray:
    """The finite numbers that stand for the values of a column without missing ones."""
    if kind == "length":
        numbers = present.astype(str).str.len().to_numpy(dtype=float)
    elif pd.api.types.is_datetime64_any_dtype(present):
        numbers = present.to_numpy(dtype="datetime64[us]").astype("int64") / 1e6
    else:
        numbers = pd.to_numeric(present, errors="coerce").to_numpy(dtype=float)
    return np.asarray(numbers[np.isfinite(numbers)])
