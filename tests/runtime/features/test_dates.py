from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from automl_runtime.features.dates import DATE_PARTS, add_date_parts, date_parts

STAMPS = ["1969-12-31 23:30", "1970-01-01", "2000-02-29 12:00", "2024-02-29 06:30", "2023-12-31 23:59:59", None]


def test_parts_equal_those_of_pandas():
    values = pd.Series(pd.to_datetime(STAMPS, format="ISO8601"))
    parts = pd.DataFrame(date_parts(values), columns=DATE_PARTS)
    for part, own in (("year", "year"), ("month", "month"), ("day", "day"), ("day_of_week", "day_of_week")):
        np.testing.assert_array_equal(parts[own], getattr(values.dt, part))
    np.testing.assert_array_equal(parts["days"], (values.dt.floor("D") - pd.Timestamp(0)).dt.days)
    assert parts["hour"].tolist()[3] == 6.5
    assert parts.iloc[5].isna().all()


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["2024-02-29T06:30:00", None, "soon"]),
        pd.Series(pd.to_datetime(["2024-02-29T06:30:00", None, None]).astype("datetime64[ns]")),
        pd.Series(pd.to_datetime(["2024-02-29T08:30:00+02:00", None, None])),
        pd.Series([datetime.datetime(2024, 2, 29, 6, 30), None, float("nan")], dtype=object),
    ],
    ids=["text", "nanoseconds", "zone", "objects"],
)
def test_every_way_to_write_a_time_is_understood(values):
    parts = date_parts(values)
    assert parts[0].tolist() == [2024.0, 2.0, 3.0, 29.0, 19782.0, 6.5]
    assert np.isnan(parts[1:]).all()


def test_add_date_parts_is_row_wise_and_leaves_its_arguments_alone():
    rows = pd.DataFrame({"since": pd.to_datetime(["2024-01-01", "2024-03-05"]), "x": [1, 2]}, index=[7, 3])
    features = rows[["x"]]
    before = features.copy()
    result = add_date_parts(features, rows, ["since"])
    assert list(result.columns) == ["x", *(f"since.{part}" for part in DATE_PARTS)]
    pd.testing.assert_frame_equal(features, before)
    alone = add_date_parts(features.loc[[3]], rows.loc[[3]], ["since"])
    pd.testing.assert_frame_equal(result.loc[[3]], alone)


def test_hours_only_where_asked_for():
    rows = pd.DataFrame({"a": pd.to_datetime(["2024-01-01"]), "b": pd.to_datetime(["2024-01-01"])})
    columns = add_date_parts(rows[[]], rows, ["a", "b"], hours=["b"]).columns
    assert "b.hour" in columns
    assert "a.hour" not in columns
