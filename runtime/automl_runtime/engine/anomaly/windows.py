"""A series as a table in which a stretch of time that is strange is strange in each of its rows.

Rows are put on a regular grid of steps, and each number gets measures that look back (`engine.anomaly.habits`). Rows
that follow those of the training look back at them too, for their end is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.data.frequency import Frequency, infer_frequency, named_frequency, to_moments
from automl_runtime.engine.anomaly.habits import Habit, fit_habit
from automl_runtime.engine.saving import Arrays
from automl_runtime.errors import BundleError, DataError, RequestError, SchemaMismatchError, shorten
from automl_runtime.inference.encoding import FeatureKind
from automl_runtime.kernels.arrays import Floats

__all__ = ["Windows", "fit_windows", "read_windows", "series_keys", "write_windows"]

_NARROWEST = 2
_MOST_CELLS = 50_000_000
"""Of the grid of one number: 400 MB."""
_HABIT_ARRAYS = ("center", "scale", "profile")

Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Windows:
    """The grid of time, what each number usually does on it, and the end of the training rows."""

    time: str
    series: tuple[str, ...]
    frequency: Frequency
    keys: tuple[tuple[str, ...], ...]
    """The values of `series`, one for each series; sorted."""
    habits: Mapping[str, Habit]
    """Column -> habit."""
    past: Mapping[str, Floats]
    """Column -> series x steps: the last values of the training rows."""
    first: int
    """The number of the first of these steps."""

    @property
    def reach(self) -> int:
        """How many steps before a row its measures look back, at most."""
        return int(max(habit.reach for habit in self.habits.values()))

    @property
    def last(self) -> int:
        """The number of the last step that is kept."""
        past: Floats = next(iter(self.past.values()))
        return int(self.first + past.shape[1] - 1)

    def inputs(self, columns: Sequence[str]) -> list[str]:
        """The columns that rows must have so that `columns` of the table can be made."""
        made = {name for column in self.habits for name in self._names(column)}
        return [*(name for name in columns if name not in made), *self.habits, self.time, *self.series]

    def table(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The other columns as they are, and of each number `NAME` (of several series: as it stands beside what is
        usual in its own), `NAME: jump`, `NAME: level` and `NAME: spread`.

        The rows may come in any order. What lies between or before them is what the training rows had there, or is
        not known.

        Raises:
            SchemaMismatchError: if a column is missing, or a series was not among the training rows.
            DataError: if a moment is not readable, occurs twice in a series, or lies too far from the others.
        """
        for name in (self.time, *self.series, *self.habits):
            if name not in rows.columns:
                raise SchemaMismatchError(f"The table has no column {shorten(name)}.")
        found = rows.drop(columns=[self.time, *self.series, *self.habits])
        if rows.empty:
            return found.assign(**{name: np.empty(0) for column in self.habits for name in self._names(column)})
        codes, steps = self._places(rows)
        series, places = np.unique(codes, return_inverse=True)
        made: dict[str, Floats] = {}
        axis = self._axis(steps, len(series))
        here = np.searchsorted(axis, steps)
        for column, habit in self.habits.items():
            values = self._grid(column, series, axis)
            values[places, here] = _numbers(rows[column])
            own = values if len(self.keys) == 1 else habit.scaled(values, series)
            measures = habit.measures(values, series, axis)
            for name, cells in zip(self._names(column), (own, *measures.values()), strict=True):
                made[name] = cells[places, here]
        return pd.concat([found, pd.DataFrame(made, index=rows.index)], axis=1)

    def column_of(self, name: str) -> str | None:
        """The number that a column of `table` is made of; None where it is none of them."""
        return next((column for column in self.habits if name in self._names(column)), None)

    def knows(self, rows: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows are of a series that was among the training rows."""
        known = set(self.keys)
        return np.array([key in known for key in series_keys(rows, self.series)], dtype=bool)

    def past_known(self, rows: pd.DataFrame) -> Floats:
        """The share of the `reach` steps before each row of which a number is known: 0 to 1; for what is raised see
        `table`.
        """
        if rows.empty:
            return np.empty(0)
        codes, steps = self._places(rows)
        series, places = np.unique(codes, return_inverse=True)
        axis = self._axis(steps, len(series))
        here = np.searchsorted(axis, steps)
        known = np.zeros((len(series), len(axis)), dtype=bool)
        for column in self.habits:
            values = self._grid(column, series, axis)
            values[places, here] = _numbers(rows[column])
            known |= np.isfinite(values)
        before = np.pad(known, ((0, 0), (1, 0))).cumsum(axis=1)
        return np.asarray((before[places, here] - before[places, here - self.reach]) / self.reach)

    def continued(self, rows: pd.DataFrame) -> Windows:
        """The same, but what is kept ends with the last of `rows`; for what is raised see `table`."""
        if rows.empty:
            return self
        codes, steps = self._places(rows)
        first = int(steps.max()) + 1 - self.reach
        axis, late = np.arange(first, first + self.reach), steps >= first
        past = {}
        for column in self.habits:
            values = self._grid(column, np.arange(len(self.keys)), axis)
            values[codes[late], steps[late] - first] = _numbers(rows[column])[late]
            past[column] = values
        return replace(self, past=past, first=first)

    def _names(self, column: str) -> list[str]:
        return [column, f"{column}: jump", f"{column}: level", f"{column}: spread"]

    def _places(self, rows: pd.DataFrame) -> tuple[Steps, Steps]:
        steps = self.frequency.steps(to_moments(rows[self.time]))
        known = {key: place for place, key in enumerate(self.keys)}
        found = series_keys(rows, self.series)
        strange = next((key for key in found if key not in known), None)
        if strange is not None:
            names = ", ".join(shorten(part) for part in strange)
            raise SchemaMismatchError(f"The series {names} was not among the rows that the model learned from.")
        codes = np.array([known[key] for key in found], dtype=np.int64)
        _refuse_repeated(codes, steps, self.time, self.series)
        return codes, steps

    def _axis(self, steps: Steps, series: int) -> Steps:
        """The steps of a grid for rows at `steps`, ascending: what no row looks back at is left out."""
        # Gaps shorter than a window are filled in; none that a row sees may reach over what is left out.
        ahead = self.reach + max(habit.width for habit in self.habits.values())
        found = np.unique(steps)
        parts = np.split(found, np.flatnonzero(np.diff(found) > ahead) + 1)
        _refuse_many(sum(int(part[-1] - part[0]) + 1 + ahead for part in parts), series)
        return np.concatenate([np.arange(part[0] - ahead, part[-1] + 1) for part in parts])

    def _grid(self, column: str, series: Steps, axis: Steps) -> Floats:
        """Series x steps of `axis`: what is kept of them, else NaN."""
        values = np.full((len(series), len(axis)), np.nan)
        past = self.past[column]
        kept = (axis >= self.first) & (axis < self.first + past.shape[1])
        values[:, kept] = past[np.ix_(series, axis[kept] - self.first)]
        return values

    def check(self) -> None:
        """Refuses parts that do not fit each other.

        Raises:
            BundleError: if they do not.
        """
        for column, habit in self.habits.items():
            habit.check(len(self.keys))
            if self.past[column].ndim != 2 or len(self.past[column]) != len(self.keys):
                raise BundleError("The end of the training rows does not fit the series of the model.")


def fit_windows(
    table: pd.DataFrame,
    kinds: Mapping[str, FeatureKind] | None,
    *,
    time: str,
    series: Sequence[str] = (),
    frequency: str | None = None,
    width: int | None = None,
) -> Windows:
    """What is usual of each number of `table` (integers and floats, but of those that `kinds` calls otherwise).

    Raises:
        RequestError: if a column is missing, no column holds numbers, or `width` does not fit the series.
        TrainingError: if a moment is missing, or there are too few to tell how far apart they are.
        DataError: if a moment occurs twice in a series, or the steps are too many.
    """
    for name in (time, *series):
        if name not in table.columns:
            raise RequestError(f"The table has no column {shorten(name)}.")
    columns = [name for name in table.columns if name not in (time, *series) and _is_number(table[name], name, kinds)]
    if not columns:
        raise RequestError("There is no column of numbers whose windows could be looked at; leave `time` out.")
    moments, found = to_moments(table[time]), series_keys(table, series)
    keys = tuple(sorted(set(found)))
    places = {key: place for place, key in enumerate(keys)}
    codes = np.array([places[key] for key in found], dtype=np.int64)
    grid = infer_frequency(moments, codes) if frequency is None else named_frequency(frequency, moments)
    steps = grid.steps(moments)
    _refuse_repeated(codes, steps, time, series)
    first, count = int(steps.min()), int(np.ptp(steps)) + 1
    _refuse_many(count, len(keys))
    if width is not None and not _NARROWEST <= width <= count // 2:
        raise RequestError(f"`window` must be {_NARROWEST} to {count // 2} steps (half of the series), not {width!r}.")
    empty = Windows(time, tuple(series), grid, keys, {}, dict.fromkeys(columns, np.empty((len(keys), 0))), first)
    habits, past = {}, {}
    for name in columns:
        values = empty._grid(name, np.arange(len(keys)), np.arange(first, first + count))
        values[codes, steps - first] = _numbers(table[name])
        habits[name] = fit_habit(values, first, width)
        past[name] = values
    reach = min(count, replace(empty, habits=habits).reach)
    past = {name: np.ascontiguousarray(values[:, -reach:]) for name, values in past.items()}
    return Windows(time, tuple(series), grid, keys, habits, past, first + count - reach)


def write_windows(windows: Windows, arrays: Arrays) -> dict[str, Any]:
    """Puts the arrays of `windows` into `arrays`; returns the rest as JSON."""
    habits = []
    for place, (name, habit) in enumerate(windows.habits.items()):
        arrays |= {f"habit{place}.{part}": getattr(habit, part) for part in _HABIT_ARRAYS}
        arrays[f"habit{place}.past"] = windows.past[name]
        habits.append({"column": name, "width": habit.width, "limit": habit.limit, "spread": habit.spread})
    return {
        "time": windows.time,
        "series": list(windows.series),
        "frequency": windows.frequency.to_json(),
        "keys": [list(key) for key in windows.keys],
        "habits": habits,
        "first": windows.first,
    }


def read_windows(record: Mapping[str, Any], arrays: Arrays) -> Windows:
    """What `write_windows` wrote.

    Raises:
        BundleError: if parts do not fit each other.
    """
    habits, past = {}, {}
    for place, entry in enumerate(record["habits"]):
        parts = {part: arrays[f"habit{place}.{part}"] for part in _HABIT_ARRAYS}
        name = str(entry["column"])
        habits[name] = Habit(
            **parts, width=int(entry["width"]), limit=float(entry["limit"]), spread=float(entry["spread"])
        )
        past[name] = arrays[f"habit{place}.past"]
    windows = Windows(
        str(record["time"]),
        tuple(record["series"]),
        Frequency.from_json(record["frequency"]),
        tuple(tuple(key) for key in record["keys"]),
        habits,
        past,
        int(record["first"]),
    )
    windows.check()
    return windows


def _refuse_many(steps: int, series: int) -> None:
    if steps * series > _MOST_CELLS:
        raise DataError(
            f"The rows and what they look back at are {steps:,} steps of {series:,} series, more than {_MOST_CELLS:,} "
            "in all.",
            hint="Give rows that lie nearer to each other, or fewer series at once.",
        )


def _refuse_repeated(codes: Steps, steps: Steps, time: str, series: Sequence[str]) -> None:
    """Refuses two rows of one step of a series.

    Raises:
        DataError: naming the first.
    """
    repeated = np.flatnonzero(pd.DataFrame({"series": codes, "step": steps}).duplicated().to_numpy())
    if len(repeated):
        hint = "Add up or average such rows." if series else "Name the columns that tell series apart with `series`."
        raise DataError(
            f"{len(repeated)} rows have the same {shorten(time)} as another of their series; "
            f"the first is row {repeated[0] + 1}.",
            hint=hint,
        )


def series_keys(rows: pd.DataFrame, series: Sequence[str]) -> list[tuple[str, ...]]:
    """The values of the columns `series` of each row, as texts; of one series always the same."""
    if not series:
        return [("all",)] * len(rows)
    return list(zip(*(rows[name].astype("str") for name in series), strict=True))


def _is_number(values: pd.Series, name: Any, kinds: Mapping[str, FeatureKind] | None) -> bool:
    kind = (kinds or {}).get(str(name))
    return values.dtype.kind in "iuf" if kind is None else kind == "number"


def _numbers(values: pd.Series) -> Floats:
    cells = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(cells), cells, np.nan)
