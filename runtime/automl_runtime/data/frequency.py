"""The step of a series, and its moments as whole numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.errors import RequestError, TrainingError

__all__ = ["STEPS", "Frequency", "infer_frequency", "last_steps", "named_frequency", "next_moment", "to_moments"]

Steps = NDArray[np.int64]

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
STEPS = {
    "second": _SECOND,
    "minute": 60 * _SECOND,
    "hour": 3600 * _SECOND,
    "day": _DAY,
    "week": 7 * _DAY,
    "month": 1,
    "quarter": 3,
    "year": 12,
}
"""Nanoseconds, or months for the last three."""
_IN_MONTHS = ("month", "quarter", "year")
_NAME = re.compile(rf"(?:(?P<count>[1-9]\d{{0,5}}) )?(?P<unit>{'|'.join(STEPS)})s?")
_DAYS_OF_MONTH = 365.25 / 12
_SHORTEST_MONTH = 27.5
_LONGEST_YEAR = 367


@dataclass(frozen=True, slots=True)
class Frequency:
    """Moments that are `size` nanoseconds apart, or `size` months when `months`; `origin` is number 0."""

    size: int
    months: bool
    origin: pd.Timestamp

    def steps(self, moments: pd.Series) -> Steps:
        """The numbers of the nearest steps."""
        if self.months:
            found = (moments.dt.year - self.origin.year) * 12 + moments.dt.month - self.origin.month
            return np.asarray(found.to_numpy(dtype=np.int64) // self.size)
        # Nanoseconds would end after 292 years.
        apart = (moments - self.origin).astype("timedelta64[us]").astype("int64").to_numpy()
        size = self.size // 1000
        return np.asarray((apart + size // 2) // size)

    def moments(self, steps: Steps) -> pd.DatetimeIndex:
        """The moments of steps."""
        if self.months:
            place = self.origin.month - 1 + steps * self.size
            years, months = self.origin.year + place // 12, place % 12 + 1
            return pd.DatetimeIndex(
                pd.to_datetime({"year": years, "month": months, "day": np.ones(len(steps), dtype=np.int64)})
            )
        apart = pd.to_timedelta(steps * (self.size // 1000), unit="us").as_unit("us")
        return pd.DatetimeIndex(self.origin.as_unit("us") + apart)

    def periods(self) -> tuple[int, ...]:
        """How many steps make a day, a week, a year, as far as they are two or more; the shortest first."""
        if self.months:
            return (12 // self.size,) if 12 // self.size >= 2 else ()
        # A year of 52 weeks keeps the day of the week.
        wanted = (_DAY, 7 * _DAY, 364 * _DAY)
        return tuple(length // self.size for length in wanted if length % self.size == 0 and length // self.size >= 2)

    @property
    def name(self) -> str:
        """What `named_frequency` takes: `hour`, `15 minutes`, `quarter`."""
        units = [unit for unit in STEPS if (unit in _IN_MONTHS) == self.months and self.size % STEPS[unit] == 0]
        count = self.size // STEPS[units[-1]] if units else 1
        return "second" if not units else units[-1] if count == 1 else f"{count} {units[-1]}s"

    def count(self, days: float) -> int:
        """How many steps make so many days, at least one; a month is a twelfth of a year."""
        length = self.size * _DAYS_OF_MONTH if self.months else self.size / _DAY
        return max(1, round(days / length))

    def to_json(self) -> dict[str, Any]:
        """The frequency as JSON."""
        return {"size": self.size, "months": self.months, "origin": self.origin.isoformat()}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Frequency:
        """What `to_json` gave."""
        return cls(int(record["size"]), bool(record["months"]), pd.Timestamp(record["origin"]))


def to_moments(values: pd.Series) -> pd.Series:
    """A column of times without a zone.

    Raises:
        TrainingError: if a cell is missing or no time, with its row.
    """
    if values.dtype.kind == "M" and getattr(values.dt, "tz", None) is None:
        moments = values
    else:
        moments = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
    bad = np.flatnonzero(moments.isna().to_numpy())
    if len(bad):
        raise TrainingError(f"Row {bad[0] + 1} has no time in {values.name!r}: {values.iloc[int(bad[0])]!r}.")
    return moments.astype("datetime64[us]")


def named_frequency(name: str, moments: pd.Series) -> Frequency:
    """The frequency called `minute`, `hour`, `day`, `week`, `month`, `quarter`, `year`, or several: `15 minutes`.

    Raises:
        RequestError: if it is another word.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise RequestError(f"The frequency {name!r} is unknown; possible: {', '.join(STEPS)}, or `15 minutes`.")
    months = match["unit"] in _IN_MONTHS
    size = int(match["count"] or 1) * STEPS[match["unit"]]
    return Frequency(size, months, _origin(moments, months=months))


def last_steps(times: pd.Series, frequency: str, count: int) -> NDArray[np.bool_]:
    """Which rows lie within the last `count` steps of the grid on which all `times` lie."""
    moments = to_moments(times)
    steps = named_frequency(frequency, moments).steps(moments)
    return np.asarray(steps > steps.max() - count)


def next_moment(times: pd.Series, frequency: str) -> pd.Timestamp:
    """The step after the last of `times`."""
    moments = to_moments(times)
    grid = named_frequency(frequency, moments)
    return pd.Timestamp(grid.moments(grid.steps(moments).max(keepdims=True) + 1)[0])


def infer_frequency(moments: pd.Series, series: NDArray[np.int64]) -> Frequency:
    """The usual distance between a moment and the next of its series.

    Raises:
        TrainingError: if no series has three moments.
    """
    order = np.lexsort((moments.to_numpy(), series))
    times, names = moments.to_numpy()[order].astype("datetime64[ns]").astype(np.int64), series[order]
    apart = np.diff(times)[(np.diff(names) == 0)]
    apart = apart[apart > 0]
    if len(apart) < 2:
        raise TrainingError("There are too few moments to tell how far apart they are; three are needed.")
    usual = int(np.median(apart))
    days = usual / _DAY
    if _SHORTEST_MONTH <= days <= _LONGEST_YEAR:
        return Frequency(max(1, round(days / 30.44)), True, _origin(moments, months=True))
    whole = max(round(usual / _SECOND), 1) * _SECOND
    return Frequency(whole, False, _origin(moments, months=False))


def _origin(moments: pd.Series, *, months: bool) -> pd.Timestamp:
    first = pd.Timestamp(moments.min())
    return first.to_period("M").to_timestamp() if months else first
