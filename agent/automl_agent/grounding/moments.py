"""The moment of a row: a column of dates or times, or a date joined with an hour, or a year with a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd
from automl_runtime.data.keytext import quote
from automl_runtime.data.naming import unique_name
from automl_schemas.catalog import ColumnEntry, TableEntry

from automl_agent.grounding.words import relate, tokens

__all__ = ["Moment", "find_moment", "year_and_month"]

_HOURS: Final = frozenset({"hour", "hours", "hr", "hrs", "h", "hod", "std", "stunde", "heure", "hora"})
_DAYS: Final = frozenset({"day", "dom", "tag", "jour", "dia"})
_YEARS: Final = frozenset({"year", "yr", "jahr", "annee", "ano"})
_NAME: Final = "moment"


@dataclass(frozen=True, slots=True)
class Moment:
    """What orders the rows in time."""

    name: str
    """The column of the training table."""
    sql: str | None
    """DuckDB expression over the base table, where no column holds the moment as a whole."""
    parts: tuple[str, ...]
    """The columns that it is read from."""
    values: pd.Series
    """datetime64[us], one for each row, missing where a part is."""
    is_date: bool = False
    """Whether it names whole days."""


def find_moment(table: TableEntry, frame: pd.DataFrame, time: str) -> Moment:
    """The moment of the rows of `frame`, which holds the columns of `table`, from the column `time` and its companions.

    A date is joined with a time of day or an hour beside it where that tells apart more rows; a year with the month,
    and the day, beside it.
    """
    by_name = {column.name: column for column in table.columns if column.name in frame.columns}
    if by_name[time].type not in ("date", "datetime"):
        return _from_parts(by_name, frame, time)
    values = pd.to_datetime(frame[time]).astype("datetime64[us]")
    filled = values.dropna()
    whole_days = bool((filled == filled.dt.normalize()).all())
    if not whole_days or (clock := _clock(by_name, frame, values, time)) is None:
        return Moment(time, None, (time,), values, is_date=whole_days and by_name[time].type == "date")
    unit, name = clock
    sql = f"CAST({quote(time)} AS TIMESTAMP) + to_{unit}(CAST({quote(name)} AS BIGINT))"
    joined = values + pd.to_timedelta(pd.to_numeric(frame[name]), unit="h" if unit == "hours" else "min")
    return Moment(unique_name(_NAME, by_name), sql, (time, name), joined.astype("datetime64[us]"))


def year_and_month(table: TableEntry) -> str | None:
    """The column with the year of a table that holds its moments as numbers for years and months; None elsewhere."""
    numbers = [column for column in table.columns if column.type == "integer"]
    years = [column for column in numbers if set(tokens(column.name)) & _YEARS and _within(column, 1000, 3000)]
    months = [column for column in numbers if _is_month(column)]
    return years[0].name if years and months else None


def _clock(
    by_name: Mapping[str, ColumnEntry], frame: pd.DataFrame, values: pd.Series, time: str
) -> tuple[str, str] | None:
    """The unit and the name of the column with the time of day."""
    if not values.duplicated().any():
        return None
    for name, column in by_name.items():
        is_hour = column.type == "integer" and set(tokens(name)) & _HOURS and _within(column, 0, 23)
        if name == time or not (is_hour or column.type == "time") or column.distinct < 2:
            continue
        apart = ~pd.DataFrame({"day": values, "clock": frame[name]}).duplicated()
        if apart.sum() > 1.5 * values.nunique():
            return ("minutes" if column.type == "time" else "hours"), name
    return None


def _from_parts(by_name: Mapping[str, ColumnEntry], frame: pd.DataFrame, year: str) -> Moment:
    numbers = {name: column for name, column in by_name.items() if column.type == "integer" and name != year}
    month = next((name for name, column in numbers.items() if _is_month(column)), None)
    day = next(
        (name for name, found in numbers.items() if set(tokens(name)) & _DAYS and _within(found, 1, 31)),
        None if month is None else "",
    )
    parts = [year, *([month] if month else []), *([day] if month and day else [])]
    texts = [f"CAST({quote(name)} AS BIGINT)" for name in parts] + ["1", "1"]
    columns = {unit: pd.to_numeric(frame[name]) for unit, name in zip(("year", "month", "day"), parts, strict=False)}
    filled = {"month": 1, "day": 1} | columns
    values = pd.to_datetime(pd.DataFrame(filled, index=frame.index), errors="coerce").astype("datetime64[us]")
    sql = f"make_timestamp({', '.join(texts[:3])}, 0, 0, 0.0)"
    return Moment(unique_name(_NAME, by_name), sql, tuple(parts), values)


def _is_month(column: ColumnEntry) -> bool:
    named = any(relate("month", part).strength >= 0.85 for part in tokens(column.name))
    return named and column.type == "integer" and _within(column, 1, 12)


def _within(column: ColumnEntry, low: float, high: float) -> bool:
    least, most = column.stats.min, column.stats.max
    return isinstance(least, int | float) and isinstance(most, int | float) and low <= least and most <= high
