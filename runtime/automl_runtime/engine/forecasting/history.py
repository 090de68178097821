"""What is known of series at the moment a forecast is made: lags, means of windows, the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.data.frequency import STEPS, Frequency
from automl_runtime.data.naming import unique_name

__all__ = ["History", "Rows", "calendar", "features_of", "level_width", "with_columns"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NEAREST = 3
_SEASONS = 3
_AVERAGED_SEASONS = 8
_UNSEASONAL_LEVEL = 16
_WEEK = STEPS["week"]


@dataclass(frozen=True)
class History:
    """The target of every series on a common grid of steps."""

    values: Floats
    """Series x steps; NaN where there is none."""
    first: int
    """The step of the first column."""

    @property
    def last(self) -> int:
        """The step of the last column."""
        return self.first + int(self.values.shape[1]) - 1

    @cached_property
    def _sums(self) -> tuple[Floats, Floats, Floats]:
        """Number, sum and sum of squares of the values before each column, and after the last."""
        known = ~np.isnan(self.values)
        filled = np.where(known, self.values, 0.0)
        count, total, squares = (
            np.pad(np.cumsum(part, axis=1), ((0, 0), (1, 0))) for part in (known.astype(np.float64), filled, filled**2)
        )
        return count, total, squares

    def at(self, series: Ints, steps: Ints) -> Floats:
        """The target at these steps; NaN before the first and after the last."""
        places = steps - self.first
        inside = (places >= 0) & (places < self.values.shape[1])
        found = self.values[series, np.where(inside, places, 0)]
        return np.where(inside, found, np.nan)

    def window(self, series: Ints, last: Ints, width: int) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the `width` steps that end with `last`, gaps left out."""
        size = self.values.shape[1]
        stop = np.clip(last - self.first + 1, 0, size)
        start = np.clip(last - self.first + 1 - width, 0, size)
        count, total, squares = (part[series, stop] - part[series, start] for part in self._sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / np.where(count > 0, count, np.nan)
            spread = np.sqrt(np.maximum(squares / np.where(count > 1, count, np.nan) - mean**2, 0.0))
        return mean, spread


@dataclass(frozen=True, slots=True)
class Rows:
    """What is to be forecast: steps of series, each seen `gaps` steps before; three arrays of one length."""

    series: Ints
    steps: Ints
    gaps: Ints


def features_of(history: History, rows: Rows, frequency: Frequency) -> pd.DataFrame:
    """A frame of float64 with a row for each of `rows`, made only of the target up to the step `steps - gaps`.

    Lags of a period are those of its last whole multiples that are known; `level` is the mean of the last
    `level_width` steps.
    """
    origin = rows.steps - rows.gaps
    columns: dict[str, Floats] = {"gap": rows.gaps.astype(np.float64)}
    for lag in range(_NEAREST):
        columns[f"last_{lag + 1}"] = history.at(rows.series, origin - lag)
    for period in frequency.periods():
        first = -(-rows.gaps // period) * period
        lags = [history.at(rows.series, rows.steps - first - back * period) for back in range(_AVERAGED_SEASONS)]
        for back in range(_SEASONS):
            columns[f"season_{period}_{back + 1}"] = lags[back]
        columns[f"season_{period}_mean"] = _mean(np.column_stack(lags))
        mean, spread = history.window(rows.series, origin, period)
        columns[f"mean_{period}"], columns[f"spread_{period}"] = mean, spread
    columns["level"], _ = history.window(rows.series, origin, level_width(frequency))
    return pd.DataFrame(columns | calendar(frequency.moments(rows.steps), frequency))


def with_columns(features: pd.DataFrame, extra: Mapping[str, object]) -> pd.DataFrame:
    """`features` with further columns; one that is called like a feature gets a number."""
    for name, values in extra.items():
        features[unique_name(name, features.columns)] = values
    return features


def level_width(frequency: Frequency) -> int:
    """Steps whose mean is the level of a series: four weeks, a year of longer steps, else 16 of them.

    These are whole seasons, so that the level does not swing with them, and no more, so that it follows a trend.
    """
    if not frequency.months and _WEEK % frequency.size == 0 and frequency.size < _WEEK:
        return 4 * _WEEK // frequency.size
    return max([*frequency.periods(), 0]) or _UNSEASONAL_LEVEL


def calendar(moments: pd.DatetimeIndex, frequency: Frequency) -> dict[str, Floats]:
    """Parts of the date that change from step to step."""
    parts = {"month": moments.month, "year_part": moments.day_of_year}
    if not frequency.months:
        parts |= {"weekday": moments.day_of_week, "day": moments.day}
        if frequency.size < STEPS["day"]:
            parts |= {"hour": moments.hour + moments.minute / 60, "week_part": moments.day_of_week * 24 + moments.hour}
    return {name: np.asarray(values, dtype=np.float64) for name, values in parts.items()}


def _mean(values: Floats) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)
