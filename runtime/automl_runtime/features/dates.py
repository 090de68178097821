"""Numbers made from dates, one row at a time."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import date, datetime

import numpy as np
import pandas as pd

from automl_runtime.kernels.arrays import Floats

__all__ = ["DATE_PARTS", "add_date_parts", "date_parts", "date_parts_of"]

DATE_PARTS = ("year", "month", "day_of_week", "day", "days", "hour")
"""`day_of_week` counts from Monday = 0; `days` counts from 1970-01-01; `hour` holds minutes as a fraction."""

_MICROSECONDS_OF_A_DAY = 86_400_000_000
_DAYS_TO_1970 = date(1970, 1, 1).toordinal()
_NO_PARTS = (math.nan,) * len(DATE_PARTS)


def date_parts(values: pd.Series) -> Floats:
    """An array (rows x `DATE_PARTS`); NaN where `values` is null or not a date.

    Dates, date-times and ISO text are understood; times with a zone are turned into UTC.

    >>> date_parts(pd.Series(["2024-02-29 06:30"]))[0].tolist()
    [2024.0, 2.0, 3.0, 29.0, 19782.0, 6.5]
    """
    stamps = _to_microseconds(values)
    missing = np.isnat(stamps)
    known = np.where(missing, np.datetime64(0, "us"), stamps)
    days = known.astype("datetime64[D]")
    months = known.astype("datetime64[M]")
    day_number = days.astype(np.int64)
    month_number = months.astype(np.int64)
    parts = np.empty((len(stamps), len(DATE_PARTS)))
    parts[:, 0] = 1970 + month_number // 12
    parts[:, 1] = month_number % 12 + 1
    parts[:, 2] = (day_number + 3) % 7
    parts[:, 3] = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    parts[:, 4] = day_number
    parts[:, 5] = (known - days).astype(np.int64) * 24 / _MICROSECONDS_OF_A_DAY
    parts[missing] = np.nan
    return parts


def date_parts_of(value: datetime | None) -> tuple[float, ...]:
    """`date_parts` of one moment without a zone, for services that see a row at a time.

    >>> date_parts_of(datetime(2024, 2, 29, 6, 30))
    (2024.0, 2.0, 3.0, 29.0, 19782.0, 6.5)
    """
    if value is None:
        return _NO_PARTS
    days = value.toordinal() - _DAYS_TO_1970
    micros = ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond
    hour = micros * 24 / _MICROSECONDS_OF_A_DAY
    return float(value.year), float(value.month), float((days + 3) % 7), float(value.day), float(days), hour


def _to_microseconds(values: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    elif values.dtype.kind != "M":
        values = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
    return np.asarray(values.to_numpy(), dtype="datetime64[us]")


def add_date_parts(
    features: pd.DataFrame, rows: pd.DataFrame, columns: Sequence[str], *, hours: Collection[str] | None = None
) -> pd.DataFrame:
    """`features` with `<column>.year`, `.month`, `.day_of_week`, `.day`, `.days` for each date column of `rows`.

    Columns named in `hours` get `.hour` too; None means those of type `datetime64`. Neither frame is changed; every
    row is looked at alone, so that the result does not depend on the others.
    """
    parts = [features]
    for column in columns:
        timed = rows[column].dtype.kind == "M" if hours is None else column in hours
        names = DATE_PARTS if timed else DATE_PARTS[:-1]
        values = date_parts(rows[column])[:, : len(names)]
        parts.append(pd.DataFrame(values, columns=[f"{column}.{name}" for name in names], index=rows.index))
    return pd.concat(parts, axis=1)
