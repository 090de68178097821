"""What a number of a series usually does: its size, its season, and how much its windows vary.

A season is the first clear peak of the autocorrelation; its profile is the median of each phase, so that strange
stretches of time do not bend it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["MEASURES", "Habit", "fit_habit"]

MEASURES = ("jump", "level", "spread")
"""How far a number is from the steps just before; how far the mean of its window is from what it was before; how much
the window varies (a logarithm). All without season, in units of what is usual in the series; 0 is as usual."""

_JUST_BEFORE = 5
_BASELINE = 10
"""A level is compared with the windows so many widths back."""
_UNSEASONAL = 16
_SHORTEST, _WIDEST = 4, 64
_LONGEST_SEASON = 1_000
_CYCLES = 3
_PEAK = 0.3
_ALMOST_HIGHEST = 0.9
_FAR = 3.0
_NORMAL_MAD = 1.4826
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class Habit:
    """Of one number: what is usual in each series."""

    width: int
    """Steps of a window."""
    center: Floats
    """Of each series."""
    scale: Floats
    profile: Floats
    """Series x phases of the season, in units of `scale`; one phase of 0 without a season."""
    limit: float
    """Where a number is cut off, so that a single one does not make its whole window strange."""
    spread: float
    """The usual logarithm of the standard deviation of a window."""

    @property
    def reach(self) -> int:
        """How many steps before a step its measures look back."""
        return (_BASELINE + 1) * self.width + _JUST_BEFORE

    def scaled(self, values: Floats, series: Ints) -> Floats:
        """`values` (series x steps) in units of what is usual in their series."""
        return np.asarray((values - self.center[series][:, None]) / self.scale[series][:, None])

    def measures(self, values: Floats, series: Ints, axis: Ints) -> dict[str, Floats]:
        """`MEASURES` of each step (series x steps), made of it and of steps before; 0 where too little is known.

        Args:
            values: series x steps; NaN where there is none. Gaps shorter than a window are interpolated.
            series: which series these are.
            axis: the numbers of the steps.
        """
        known = np.isfinite(values)
        phases = axis % self.profile.shape[1]
        rest = _interpolated(self.scaled(values, series) - self.profile[series][:, phases], self.width)
        mean, logs = _rolling(np.clip(rest, -self.limit, self.limit), self.width)
        found = (
            rest - _median_before(rest, 1, _JUST_BEFORE),
            mean - _median_before(mean, self.width, _BASELINE),
            logs - self.spread,
        )
        return {name: np.where(known & np.isfinite(one), one, 0.0) for name, one in zip(MEASURES, found, strict=True)}

    def check(self, series: int) -> None:
        """Refuses arrays that do not fit each other or so many series.

        Raises:
            BundleError: if they do not.
        """
        sound = (
            self.width > 1
            and self.center.shape == self.scale.shape == (series,)
            and bool((self.scale > 0).all())
            and self.profile.ndim == 2
            and len(self.profile) == series
            and self.profile.shape[1] > 0
            and self.limit > 0
        )
        if not sound:
            raise BundleError("What the model knows of its series does not fit together.")


def fit_habit(values: Floats, first: int, width: int | None) -> Habit:
    """What is usual of `values` (series x steps, NaN where there is none), whose first step has the number `first`.

    Without `width` a window is a season long, if that is 4 to 64 steps, else 16 steps.
    """
    center, scale = _sizes(values)
    scaled = (values - center[:, None]) / scale[:, None]
    season = _season(scaled)
    if width is None:
        width = season if season is not None and _SHORTEST <= season <= _WIDEST else _UNSEASONAL
    phases = (first + np.arange(values.shape[1])) % (season or 1)
    profile = np.zeros((len(values), 1)) if season is None else _profile(scaled, phases, season)
    rest = _interpolated(scaled - profile[:, phases], width)
    middle = np.abs(rest[np.isfinite(rest)])
    limit = _FAR * _NORMAL_MAD * float(np.median(middle)) if len(middle) else 0.0
    limit = limit if limit > 0 else 1.0
    _, logs = _rolling(np.clip(rest, -limit, limit), width)
    logs = logs[np.isfinite(logs)]
    return Habit(width, center, scale, profile, limit, float(np.median(logs)) if len(logs) else 0.0)


def _sizes(values: Floats) -> tuple[Floats, Floats]:
    """Median and robust standard deviation of each series; where half of the values are one, the standard deviation."""
    frame = pd.DataFrame(values.T)
    center = frame.median().fillna(0.0)
    scale = _NORMAL_MAD * (frame - center).abs().median()
    scale = scale.where(scale > 0, frame.std())
    return center.to_numpy(), scale.where(scale > 0, 1.0).to_numpy()


def _season(scaled: Floats) -> int | None:
    """The lag of the first autocorrelation that is nearly the highest peak; None where none is clear."""
    from scipy.signal import find_peaks

    steps = scaled.shape[1]
    most = min(steps // _CYCLES, _LONGEST_SEASON)
    known = np.isfinite(scaled)
    cells = np.where(known, np.clip(scaled, -_FAR, _FAR), 0.0)
    # Padded to a power of two that is large enough for a product not to wrap around.
    size = 2 ** int(np.ceil(np.log2(2 * steps)))
    products, pairs = (
        np.fft.irfft((np.abs(np.fft.rfft(part, size, axis=1)) ** 2).sum(axis=0), size)[: most + 2]
        for part in (cells, known.astype(np.float64))
    )
    correlation = products / np.maximum(np.round(pairs), 1.0)
    if not correlation[0] > 0:
        return None
    correlation /= correlation[0]
    peaks, _ = find_peaks(correlation, height=_PEAK, prominence=_PEAK)
    peaks = peaks[(peaks > 1) & (peaks <= most)]
    high = correlation[peaks]
    return int(peaks[high >= _ALMOST_HIGHEST * high.max()][0]) if len(peaks) else None


def _profile(scaled: Floats, phases: Ints, season: int) -> Floats:
    medians: Any = pd.DataFrame(scaled.T).groupby(phases).median()
    return np.ascontiguousarray(medians.reindex(range(season)).fillna(0.0).to_numpy().T)


def _interpolated(values: Floats, width: int) -> Floats:
    """Gaps shorter than `width` steps filled in on a straight line."""
    found = values.copy()
    for row in found:
        known = np.flatnonzero(np.isfinite(row))
        short = np.flatnonzero((np.diff(known) > 1) & (np.diff(known) <= width))
        for before, after in zip(known[short], known[short + 1], strict=True):
            row[before : after + 1] = np.linspace(row[before], row[after], after - before + 1)
    return found


def _rolling(values: Floats, width: int) -> tuple[Floats, Floats]:
    """Mean, and logarithm of the standard deviation, of the window that ends with each step; half of it is known."""
    rolling = pd.DataFrame(values.T).rolling(width, min_periods=max(2, width // 2))
    spread = np.maximum(rolling.std().to_numpy().T, 0.0)
    return rolling.mean().to_numpy().T, np.log(spread + _LEAST_SPREAD)


def _median_before(values: Floats, apart: int, count: int) -> Floats:
    """The median of the known ones among the values `apart`, 2 x `apart`, ... `count` x `apart` steps before each."""
    shifted = [
        np.pad(values, ((0, 0), (apart * (place + 1), 0)), constant_values=np.nan)[:, : values.shape[1]]
        for place in range(count)
    ]
    ordered = np.sort(np.stack(shifted), axis=0)
    known = np.isfinite(ordered).sum(axis=0)[None]
    low, high = (
        np.take_along_axis(ordered, np.clip(place, 0, count - 1), axis=0)[0] for place in ((known - 1) // 2, known // 2)
    )
    return np.where(known[0] > 0, (low + high) / 2, np.nan)
