"""How a model uses its columns: Shapley values of a sample of rows, and partial dependence with its spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from automl_runtime.engine.cost import predictions_within
from automl_runtime.events import EventSink, ignore
from automl_runtime.inference.encoding import MISSING, Encoded
from automl_runtime.inference.model import FittedModel, Label
from automl_runtime.inference.shapley import rounds_for, shapley_values
from automl_runtime.kernels.arrays import Floats

__all__ = ["Dependence", "Effect", "Effects", "column_effects"]

_PREDICTIONS: Final = 30_000
_FEWEST_PREDICTIONS: Final = 6_000
_SECONDS: Final = 1.5
_ROUNDS: Final = 8
_FEWEST_ROWS: Final = 30
_MOST_ROWS: Final = 200
_DEPENDENCES: Final = 6
_POINTS: Final = 14
_LEVELS: Final = 8
_BAND: Final = (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class Effect:
    """Contributions of one column to the outputs of a sample of rows.

    `size` holds the mean absolute contribution to each class that is told of (one entry when it is one class or a
    value); `contributions` and `levels` (the place of the row's value between the smallest, 0, and the largest, 1, by
    rank; None where it is missing or no number) have an entry for each row, and are empty for more than two classes.
    """

    feature: str
    size: list[float]
    contributions: list[float] = field(default_factory=list)
    levels: list[float | None] = field(default_factory=list)

    @property
    def total(self) -> float:
        """By what features are ranked."""
        return sum(self.size)


@dataclass(frozen=True, slots=True)
class Dependence:
    """The mean output when a column is set to a value in every row (Friedman 2001), and where 80 % of the rows lie.

    `points` are numbers or words; `mean` holds a list for each class that is told of; `low` and `high` are the 10 %
    and 90 % quantiles of the rows' own curves (Goldstein et al., individual conditional expectation, 2015), empty for
    more than two classes; `counts` are the rows of the sample nearest to each point.
    """

    feature: str
    kind: Literal["number", "category"]
    points: list[float] | list[str]
    mean: list[list[float]]
    low: list[float]
    high: list[float]
    counts: list[int]


@dataclass(frozen=True, slots=True)
class Effects:
    """What drives the model; `labels` are the classes told of (empty for values), `rows` is the size of the sample."""

    rows: int
    labels: list[Label]
    columns: list[Effect]
    """The column with the largest effect first."""
    dependences: list[Dependence]


def column_effects(
    model: FittedModel, frame: pd.DataFrame, *, seconds: float, seed: int = 0, on_event: EventSink = ignore
) -> Effects | None:
    """Effects of all columns and dependence on the six with the largest; None if the model holds no background rows.

    Asks for about 40,000 predictions, fewer of models that take long: for 200 rows where there are few columns, for 30
    where there are many.

    Args:
        model: a model that holds background rows.
        frame: the rows to take a sample of.
        seconds: after that no further background row is compared with.
        seed: of the sample.
        on_event: gets `Progress` of the stage `explaining`.
    """
    from threadpoolctl import threadpool_limits

    if model.background is None or not len(frame):
        return None
    # Threads of BLAS change the last digits, and with them the bytes of a report.
    with threadpool_limits(limits=1, user_api="blas"):
        return _effects(model, model.background, frame, seconds, seed, on_event)


def _effects(
    model: FittedModel, background: Encoded, frame: pd.DataFrame, seconds: float, seed: int, on_event: EventSink
) -> Effects:
    width = len(model.encoder.columns)
    rounds = min(_ROUNDS, rounds_for(width, len(background)))
    affordable = predictions_within(model, _SECONDS, least=_FEWEST_PREDICTIONS, most=_PREDICTIONS)
    count = int(np.clip(affordable // max(2 * width * rounds, 1), _FEWEST_ROWS, _MOST_ROWS))
    sample = frame.iloc[np.sort(np.random.default_rng(seed).permutation(len(frame))[:count])]
    data = model.encoder.encode(sample)
    found = shapley_values(
        model.outputs, model.encoder, data, background, rounds=rounds, seconds=seconds, on_event=on_event
    )
    told = _told(model, data)
    columns = [
        _effect(column.name, found.values[:, place][:, told], sample[column.name])
        for place, column in enumerate(model.encoder.columns)
    ]
    columns.sort(key=lambda effect: (-effect.total, effect.feature))
    dependences = [_dependence(model, data, effect.feature, told) for effect in columns if effect.total > 0]
    return Effects(
        rows=len(sample),
        labels=[model.classes[place] for place in told] if model.classes else [],
        columns=columns,
        dependences=[each for each in dependences[:_DEPENDENCES] if each is not None],
    )


def _told(model: FittedModel, data: Encoded) -> list[int]:
    """The places of the outputs that are told of: the positive of two, the eight that are predicted most of more."""
    if not model.classes:
        return [0]
    if model.positive is not None:
        return [model.classes.index(model.positive)]
    share = model.outputs(data).mean(axis=0)
    return sorted(np.argsort(-share, kind="stable")[:_LEVELS].tolist())


def _effect(feature: str, values: Floats, cells: pd.Series) -> Effect:
    size = np.abs(values).mean(axis=0).tolist()
    if values.shape[1] > 1:
        return Effect(feature, size)
    numeric = pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_datetime64_any_dtype(cells)
    ranks = cells.rank(method="average") if numeric else pd.Series(np.nan, index=cells.index)
    spread = ranks.max() - ranks.min()
    scaled = (ranks - ranks.min()) / spread if spread > 0 else ranks * np.nan
    return Effect(feature, size, values[:, 0].tolist(), [None if pd.isna(level) else float(level) for level in scaled])


def _dependence(model: FittedModel, data: Encoded, feature: str, told: Sequence[int]) -> Dependence | None:
    """None for columns that are not one number or one code, and for those that hold one value only."""
    kinds = {column.name: column for column in model.encoder.columns}
    column = kinds[feature]
    if column.kind == "category":
        place = model.encoder.code_owners.index(feature)
        codes, amounts = np.unique(data.codes[:, place], return_counts=True)
        keep = [code for code in codes[np.argsort(-amounts, kind="stable")].tolist() if code >= MISSING][:_LEVELS]
        keep.sort(key=lambda code: (code == MISSING, code))
        counts = [int(amounts[codes == code][0]) for code in keep]
        points: list[float] | list[str] = [column.vocabulary[code] if code != MISSING else "(missing)" for code in keep]
        rows = [replace(data, codes=_set(data.codes, place, code)) for code in keep]
        return _summarised(model, feature, "category", points, rows, counts, told)
    if column.kind not in ("number", "boolean"):
        return None
    place = model.encoder.number_owners.index(feature)
    known = data.numbers[:, place][~np.isnan(data.numbers[:, place])]
    grid = _grid(known)
    rows = [replace(data, numbers=_set(data.numbers, place, value)) for value in grid]
    nearest = np.abs(known[:, None] - np.array(grid)[None]).argmin(axis=1) if grid else np.empty(0, dtype=int)
    counts = np.bincount(nearest, minlength=len(grid)).tolist()
    if column.kind == "boolean":
        return _summarised(
            model, feature, "category", ["no" if value == 0 else "yes" for value in grid], rows, counts, told
        )
    return _summarised(model, feature, "number", grid, rows, counts, told)


def _grid(known: Floats) -> list[float]:
    """Every value where there are few, else quantiles from 2 % to 98 % without repeats."""
    if not len(known):
        return []
    values = np.unique(known)
    if len(values) > _POINTS:
        values = np.unique(np.quantile(known, np.linspace(0.02, 0.98, _POINTS), method="nearest"))
    return [float(value) for value in values]


def _set(matrix: np.ndarray, place: int, value: float) -> np.ndarray:
    changed = matrix.copy()
    changed[:, place] = value
    return changed


def _summarised(
    model: FittedModel,
    feature: str,
    kind: Literal["number", "category"],
    points: list[float] | list[str],
    rows: Sequence[Encoded],
    counts: list[int],
    told: Sequence[int],
) -> Dependence | None:
    if len(points) < 2:
        return None
    curves = np.array([model.outputs(each)[:, told] for each in rows])
    low, high = np.quantile(curves[:, :, 0], _BAND, axis=1) if len(told) == 1 else (np.empty(0), np.empty(0))
    mean = curves.mean(axis=1).T
    return Dependence(feature, kind, points, mean.tolist(), low.tolist(), high.tolist(), counts)
