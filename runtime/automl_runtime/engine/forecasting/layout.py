"""What the columns of a table of series mean, what a regression sees of its rows, and the parts of a forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.data.frequency import Frequency
from automl_runtime.data.naming import unique_name
from automl_runtime.engine.forecasting.covariates import Covariates
from automl_runtime.engine.forecasting.history import History, Rows, features_of, with_columns
from automl_runtime.errors import SchemaMismatchError, shorten
from automl_runtime.inference.model import FittedModel
from automl_runtime.kernels.arrays import Floats

__all__ = [
    "Layout",
    "Member",
    "Spread",
    "combined_inputs",
    "known_columns",
    "naive_outputs",
    "require_columns",
    "series_codes",
]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of the table mean."""

    target: str
    time: str
    series: tuple[str, ...]
    known_ahead: tuple[str, ...]
    horizon: int
    frequency: Frequency
    keys: tuple[tuple[str, ...], ...]
    """The series that were seen, each by its cells in `series`."""

    @property
    def bounds(self) -> tuple[str, str]:
        """What the ends of the interval are called: `low` and `high`, unless a column is called so."""
        taken = (self.target, self.time, *self.series)
        return unique_name("low", taken), unique_name("high", taken)


@dataclass(frozen=True, slots=True)
class Member:
    """A regression; `relative`: it gives multiples of the level."""

    model: FittedModel
    relative: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """How far off forecasts were in validation: the lower and upper quantile of the errors, by how far ahead."""

    edges: tuple[int, ...]
    """The largest gap of each group but the last."""
    low: tuple[float, ...]
    high: tuple[float, ...]
    level: float
    relative: bool = False
    """Whether the errors are counted in multiples of the level of a series: many series differ in size."""

    def bounds(self, gaps: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """What is added to a forecast at these gaps; multiples of the level when `relative`."""
        group = np.searchsorted(np.array(self.edges), gaps)
        return np.array(self.low)[group], np.array(self.high)[group]


def naive_outputs(history: History, rows: Rows, period: int) -> Floats:
    """The value of the last whole period that is known, or of the one before where that is a gap; else the mean."""
    first = -(-rows.gaps // period) * period
    found = np.full(len(rows.steps), np.nan)
    for back in range(3):
        lag = history.at(rows.series, rows.steps - first - back * period)
        found = np.where(np.isnan(found), lag, found)
    with np.errstate(invalid="ignore"):
        mean, _ = history.window(rows.series, rows.steps - rows.gaps, history.values.shape[1])
    found = np.where(np.isnan(found), mean, found)
    return np.where(np.isnan(found), np.nanmean(history.values), found)


def series_codes(table: pd.DataFrame, layout: Layout) -> NDArray[np.int64]:
    """The place of each row's series among the known ones.

    Raises:
        SchemaMismatchError: naming the first that is unknown.
    """
    if not layout.series:
        return np.zeros(len(table), dtype=np.int64)
    places = {key: place for place, key in enumerate(layout.keys)}
    keys = list(zip(*(table[name].astype("str") for name in layout.series), strict=True))
    unknown = next((key for key in keys if key not in places), None)
    if unknown is not None:
        raise SchemaMismatchError(f"The series {shorten(', '.join(unknown))} was not in the training rows.")
    return np.array([places[key] for key in keys], dtype=np.int64)


def combined_inputs(
    history: History, covariates: Covariates, rows: Rows, layout: Layout, known: pd.DataFrame
) -> pd.DataFrame:
    """What a regression sees of `rows`: features of the history, what is known ahead and was before, and the series."""
    cells = {name: [layout.keys[code][place] for code in rows.series] for place, name in enumerate(layout.series)}
    told = {str(name): values.reset_index(drop=True) for name, values in known.items()}
    before = covariates.features(rows, known, layout.frequency.periods())
    return with_columns(features_of(history, rows, layout.frequency), told | before | cells)


def known_columns(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The columns that are known ahead."""
    return table[list(names)].reset_index(drop=True)


def require_columns(table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raises SchemaMismatchError that names the first of `names` that `table` does not have."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise SchemaMismatchError(f"The table has no column {shorten(missing[0])}.")
