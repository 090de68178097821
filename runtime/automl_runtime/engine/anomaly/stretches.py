"""The strange stretches of series, and the numbers in which they show, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.data.frequency import to_moments
from automl_runtime.engine.anomaly.windows import Windows, series_keys
from automl_runtime.kernels.arrays import Floats

__all__ = ["APART", "Stretch", "WatchedSeries", "stretches_of", "watched_series"]

_MOST_SERIES = 4
_MOST_STEPS = 1_500
APART = 3
"""Strange rows so many steps apart, or less, are one stretch."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Strange rows of one series that follow each other."""

    key: tuple[str, ...]
    """The values of the columns that tell series apart; empty when there is one series."""
    first: str
    """Moment of its first row, ISO 8601."""
    last: str
    rows: int
    """Of those that are strange."""
    score: float
    """The highest of them."""


@dataclass(frozen=True, slots=True)
class WatchedSeries:
    """A series as a picture shows it: one of its numbers, moment by moment."""

    key: tuple[str, ...]
    column: str
    moments: Sequence[str]
    """ISO 8601, ascending."""
    values: Sequence[float]
    """NaN where there is none."""
    strange: Sequence[bool]


def stretches_of(windows: Windows, rows: pd.DataFrame, scores: Floats, flagged: Flags) -> list[Stretch]:
    """The stretches of the `flagged` rows, those with the highest scores first."""
    moments, keys = to_moments(rows[windows.time]), series_keys(rows, windows.series)
    steps = windows.frequency.steps(moments)
    chosen = sorted(np.flatnonzero(flagged).tolist(), key=lambda place: (keys[place], steps[place]))
    runs: list[list[int]] = []
    for place in chosen:
        before = runs[-1][-1] if runs else None
        if before is not None and keys[before] == keys[place] and steps[place] - steps[before] <= APART:
            runs[-1].append(place)
        else:
            runs.append([place])
    found = [
        Stretch(
            _shown(keys[run[0]], windows),
            str(moments.iloc[run[0]].isoformat(sep=" ")),
            str(moments.iloc[run[-1]].isoformat(sep=" ")),
            len(run),
            float(scores[run].max()),
        )
        for run in runs
    ]
    return sorted(found, key=lambda stretch: -stretch.score)


def watched_series(
    windows: Windows, rows: pd.DataFrame, flagged: Flags, telling: Sequence[tuple[int, str]]
) -> list[WatchedSeries]:
    """At most four series with `flagged` rows, those with most first; of each the number that tells most.

    Args:
        windows: of the model.
        rows: in any order.
        flagged: which of them are strange.
        telling: places of rows with the columns that make them strange, the strangest row first.
    """
    keys = pd.Series(series_keys(rows, windows.series), index=rows.index)
    counts = pd.Series(flagged, index=rows.index).groupby(keys).sum()
    ranked = sorted(counts[counts > 0].items(), key=lambda item: (-int(item[1]), item[0]))
    found = []
    for key, _ in ranked[:_MOST_SERIES]:
        own = np.flatnonzero((keys == key).to_numpy())
        named = [windows.column_of(name) for place, name in telling if keys.iloc[place] == key]
        column = next((name for name in named if name is not None), next(iter(windows.habits)))
        found.append(_watched(windows, rows.iloc[own], flagged[own], _shown(key, windows), column))
    return found


def _watched(windows: Windows, rows: pd.DataFrame, flagged: Flags, key: tuple[str, ...], column: str) -> WatchedSeries:
    moments = to_moments(rows[windows.time])
    order = np.argsort(moments.to_numpy(), kind="stable")
    part = order[_fullest(flagged[order])]
    return WatchedSeries(
        key,
        column,
        [str(moment.isoformat(sep=" ")) for moment in moments.iloc[part]],
        [float(value) for value in pd.to_numeric(rows[column].iloc[part], errors="coerce")],
        [bool(flag) for flag in flagged[part]],
    )


def _fullest(flagged: Flags) -> slice:
    """The first of the parts of a picture's width that hold most strange rows."""
    before = np.concatenate([[0], np.cumsum(flagged)])
    starts = np.arange(max(1, len(flagged) - _MOST_STEPS + 1))
    ends = np.minimum(starts + _MOST_STEPS, len(flagged))
    first = int(np.argmax(before[ends] - before[starts]))
    return slice(first, first + _MOST_STEPS)


def _shown(key: tuple[str, ...], windows: Windows) -> tuple[str, ...]:
    return key if windows.series else ()
