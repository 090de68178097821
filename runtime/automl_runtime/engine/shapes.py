"""The shape functions of models that add up single columns: linear models, splines and additive trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.model import Model
from automl_runtime.errors import RequestError, shorten
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.parts import Part

__all__ = ["Shape", "shape_functions"]

_POINTS = 50
_LEAST_CHANCE = 1e-12


@dataclass(frozen=True, slots=True)
class Shape:
    """What a column contributes to the raw prediction, at each of its values."""

    feature: str
    values: list[Any]
    """Of a number or date: ascending; of other columns: the most frequent first."""
    contributions: NDArray[np.float64]
    """Values x outputs: log odds, logits (a column for each class, sum 0) or units of the target (of its logarithm
    where the model predicts that); 0 on average over the rows."""
    importance: float
    """The mean absolute contribution over the rows."""


def shape_functions(model: Model, frame: Any, *, points: int = _POINTS) -> list[Shape]:
    """A function for each column, most important first; with the mean raw prediction they add up to each prediction.

    Args:
        model: of one member that adds columns: what `fit(interpretable=True)` returns, unless that is a tree.
        frame: rows that the functions are centred on, as those trained on; a pandas, Polars or Arrow table.
        points: at which each is read, at most; they are taken from the rows.

    Raises:
        RequestError: if columns work together in the model.
        SchemaMismatchError: if a column is missing.
    """
    rows = as_frame(frame)[model.features].reset_index(drop=True)
    _refuse(model)
    base = rows.iloc[[0]]
    start = _raw(model, base)
    shapes = []
    for name in model.features:
        values, place = _grid(rows[name], points)
        at = _raw(model, _replaced(base, name, rows[name])) - start
        center = at.mean(axis=0)
        found = _raw(model, _replaced(base, name, rows[name].iloc[place])) - start - center
        shapes.append(Shape(name, values, found, float(np.abs(at - center).mean())))
    return sorted(shapes, key=lambda shape: -shape.importance)


def _refuse(model: Model) -> None:
    members = model.fitted.members
    adds = len(members) == 1 and all(_adds(part) for part in members[0].parts)
    if not adds:
        raise RequestError(
            f"The model {shorten(model.best_model)} does not add up single columns, so they have no functions.",
            hint='Fit with interpretable=True, or models=["additive"], ["linear"] or ["lasso"] alone.',
        )


def _adds(part: Part) -> bool:
    if isinstance(part.predictor, LightGbm):
        return all(len(used) <= 1 for used in part.predictor.columns_of_trees())
    return isinstance(part.predictor, Linear)


def _grid(column: pd.Series, points: int) -> tuple[list[Any], NDArray[np.int64]]:
    """Values of the column, and a row that holds each."""
    known = column.dropna()
    if known.dtype.kind in "iufM":
        order = known.sort_values(kind="stable").drop_duplicates()
        chosen = np.unique(np.linspace(0, len(order) - 1, min(points, len(order))).round().astype(np.int64))
        place = order.index.to_numpy()[chosen]
    else:
        spelled = known.map(repr)
        first = spelled.drop_duplicates()
        counts = spelled.value_counts()
        ranked = first.iloc[np.argsort(-first.map(counts).to_numpy(), kind="stable")]
        place = ranked.index.to_numpy()[:points]
    return column.loc[place].tolist(), np.asarray(place, dtype=np.int64)


def _replaced(base: pd.DataFrame, name: str, values: pd.Series) -> pd.DataFrame:
    """As many copies of the row `base` as there are `values`, which stand in column `name`."""
    copies = base.iloc[np.zeros(len(values), dtype=np.int64)].reset_index(drop=True)
    return copies.assign(**{name: values.reset_index(drop=True)})


def _raw(model: Model, rows: pd.DataFrame) -> NDArray[np.float64]:
    """The raw predictions, in units of the target or its logarithm; the mean of the parts of the only member."""
    fitted = model.fitted
    data = fitted.encoder.encode(rows)
    parts = fitted.members[0].parts
    return np.asarray(
        sum(_unread(part, fitted.designs[part.design].matrix(data), fitted) for part in parts) / len(parts)
    )


def _unread(part: Part, matrix: Any, fitted: Any) -> NDArray[np.float64]:
    raw = np.asarray(part.predictor.predict(matrix), dtype=np.float64)
    classes = len(fitted.info.classes)
    if not classes:
        return raw * part.reading.scale + part.reading.shift
    if part.reading.link == "none":
        # LightGBM gives probabilities.
        chances = np.clip(raw, _LEAST_CHANCE, 1.0)
        raw = np.log(chances) if raw.shape[1] > 1 else np.log(chances / np.maximum(1.0 - chances, _LEAST_CHANCE))
    return raw - raw.mean(axis=1, keepdims=True) if raw.shape[1] > 1 else raw
