"""Who is sealed away."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.holdout import fold_groups, holdout_mask, row_identity, sealed_rows
from automl_runtime.data.training_columns import IDENTITY, TrainingColumn
from automl_runtime.errors import DataError, RequestError
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.spec import DataSpec, MetricSpec, ProjectSpec, TableSpec, TargetSpec, TaskSpec
from hypothesis import given, settings
from hypothesis import strategies as st


def spec(key: list[str], group: str | None = None) -> ProjectSpec:
    return ProjectSpec(
        name="p",
        request="r",
        task=TaskSpec(type="binary", group=group),
        target=TargetSpec(table="t", column="y"),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source=".", tables=[TableSpec(name="t", files=["t.csv"], key=key)]),
    )


def columns(frame: pd.DataFrame) -> list[TrainingColumn]:
    plan = ColumnPlan(column="x", type="text")
    return [TrainingColumn(str(name), "t", str(name), None, "text", plan, "text") for name in frame.columns]


def frame(rows: int = 2000) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": range(rows),
            "who": [f"p{k % 300}" for k in range(rows)],
            "when": pd.to_datetime("2021-01-01") + pd.to_timedelta([k // 3 for k in range(rows)], unit="D"),
            "part": [k % 5 / 4 for k in range(rows)],
            "y": [k % 2 for k in range(rows)],
        }
    )


def test_a_fifth_of_the_keys_is_held_out_whatever_the_order() -> None:
    data = frame()
    mask = holdout_mask(row_identity(data, spec(["id"]), columns(data)), seed=3)
    assert 0.17 < mask.mean() < 0.23
    turned = data.iloc[::-1].reset_index(drop=True)
    again = holdout_mask(row_identity(turned, spec(["id"]), columns(turned)), seed=3)
    assert (again[::-1] == mask).all()
    other = holdout_mask(row_identity(data, spec(["id"]), columns(data)), seed=4)
    assert (other != mask).any()


def test_a_row_stays_on_its_side_when_others_go() -> None:
    data = frame()
    mask = holdout_mask(row_identity(data, spec(["id"]), columns(data)), seed=0)
    half = data.iloc[::2]
    assert (holdout_mask(row_identity(half, spec(["id"]), columns(half)), seed=0) == mask[::2]).all()


def test_the_hash_is_the_same_everywhere() -> None:
    mask = holdout_mask(pd.Series([str(k) for k in range(30)]), seed=0)
    assert "".join("01"[int(value)] for value in mask) == "110001100000000100000000001000"


def test_groups_and_equal_rows_are_never_divided() -> None:
    data = frame()
    by_group = row_identity(data, spec(["id"], group="who"), columns(data))
    mask = holdout_mask(by_group, seed=0)
    assert pd.Series(mask).groupby(data["who"].to_numpy()).nunique().max() == 1
    assert fold_groups(data, spec(["id"], group="who"), columns(data)).nunique() == 300  # type: ignore[union-attr]
    assert fold_groups(data, spec(["id"]), columns(data)) is None
    content = row_identity(data.drop(columns=["id", "when"]), spec([]), columns(data))
    assert content.nunique() == 300
    named = data.assign(**{IDENTITY: data["who"]})
    assert row_identity(named, spec([]), columns(named)).equals(named["who"].rename("identity"))


def test_identity_does_not_depend_on_the_dtype() -> None:
    whole = pd.DataFrame({"k": pd.Series([1, 2, 3])})
    floats = whole.astype(float)
    assert row_identity(whole, spec(["k"]), []).tolist() == row_identity(floats, spec(["k"]), []).tolist()
    mixed = pd.DataFrame({"k": [1.0, 2.5, np.nan], "w": ["a", None, "b"]})
    assert row_identity(mixed, spec(["k", "w"]), []).tolist() == ["1\x1fa", "2.5\x1f", "\x1fb"]


@given(st.lists(st.integers(0, 30), min_size=20, max_size=200), st.floats(0.1, 0.4))
@settings(max_examples=50, deadline=None)
def test_the_last_part_by_time_without_dividing_a_moment(days: list[int], fraction: float) -> None:
    time = pd.Series(pd.to_datetime("2021-01-01") + pd.to_timedelta(days, unit="D"))
    if time.nunique() < 2:
        with pytest.raises(DataError, match="cannot be divided"):
            holdout_mask(time.astype("str"), seed=0, fraction=fraction, time=time)
        return
    mask = holdout_mask(time.astype("str"), seed=0, fraction=fraction, time=time)
    assert time[mask].min() > time[~mask].max()


def test_rows_without_a_time_are_for_training() -> None:
    time = pd.Series(pd.to_datetime(["2021-01-01", None, "2021-01-02", "2021-01-03", "2021-01-04"]))
    assert holdout_mask(pd.Series(list("abcde")), seed=0, time=time).tolist() == [False, False, False, False, True]


def test_few_rows_still_leave_both_sides() -> None:
    for rows in range(2, 9):
        mask = holdout_mask(pd.Series([f"r{k}" for k in range(rows)]), seed=1)
        assert 0 < mask.sum() < rows
    with pytest.raises(DataError, match="1 different identities"):
        holdout_mask(pd.Series(["a"] * 20), seed=0)


def _from(day: str, time: str | None = "when") -> ProjectSpec:
    made = spec(["id"])
    task = made.task.model_copy(update={"time": time})
    training = made.training.model_copy(update={"holdout_from": date.fromisoformat(day)})
    return made.model_copy(update={"task": task, "training": training})


def test_the_holdout_begins_on_the_day_that_was_asked_for() -> None:
    data = frame()
    mask = sealed_rows(data, _from("2022-06-01"), columns(data))
    assert (mask == (data["when"] >= "2022-06-01")).all()
    assert 0 < mask.sum() < len(mask)


def test_a_first_day_that_leaves_one_side_empty_or_has_no_time_is_refused() -> None:
    data = frame()
    with pytest.raises(DataError, match="none of them would be in a holdout from 2031-01-01"):
        sealed_rows(data, _from("2031-01-01"), columns(data))
    with pytest.raises(DataError, match=r"from 2021-01-01 to .* all of them"):
        sealed_rows(data, _from("2020-01-01"), columns(data))
    with pytest.raises(RequestError, match="no column dates the rows"):
        sealed_rows(data, _from("2022-01-01", time=None), columns(data))
