"""Hours, weekdays, days of the year and months go round: December is beside January for what adds up columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.preprocessing import fit_design
from automl_runtime.engine.target_means import Target
from automl_runtime.inference.blocks import Cycles
from automl_runtime.inference.encoding import Encoder


def _encode(rows):
    return Encoder(make_columns(rows, None)).encode(rows)


def _cycles(rows, recipe="linear"):
    design = fit_design(recipe, _encode(rows), Target(np.arange(float(len(rows))), 0), 0).design
    return [block for block in design.blocks if isinstance(block, Cycles)]


def test_the_ends_of_every_cycle_meet():
    times = ["2023-01-01 00:00", "2022-12-31 23:59", "2023-07-02 12:00", None]
    data = _encode(pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "t": pd.to_datetime(times)}))
    assert data.dates == (1,)
    waves = Cycles(np.array(data.dates), np.arange(8)).transform(data)
    np.testing.assert_allclose(waves[0, [0, 1, 4, 5]], waves[1, [0, 1, 4, 5]], atol=0.02)
    np.testing.assert_allclose((waves[:3] ** 2).reshape(3, 4, 2).sum(axis=2), 1.0)
    assert waves[0, 1] == pytest.approx(1) and waves[2, 1] == pytest.approx(-1)
    np.testing.assert_array_equal(waves[3], 0.0)


@pytest.mark.parametrize(
    ("recipe", "blocks"), [("linear", 1), ("network", 1), ("scaled", 1), ("trees", 0), ("forest", 0)]
)
def test_they_are_made_for_what_adds_up_columns(recipe, blocks):
    rows = pd.DataFrame({"a": range(100), "t": pd.date_range("2024-01-01", periods=100, freq="D")})
    assert len(_cycles(rows, recipe)) == blocks


def test_what_does_not_go_round_is_left_out():
    days = pd.DataFrame({"a": range(400), "t": pd.date_range("2024-01-01", periods=400, freq="D")})
    mondays = pd.DataFrame({"a": range(100), "t": pd.date_range("2024-01-01", periods=100, freq="7D")})
    assert _cycles(days)[0].kept.tolist() == [2, 3, 4, 5, 6, 7]
    assert _cycles(mondays)[0].kept.tolist() == [4, 5, 6, 7]
    assert _cycles(days.assign(t=days["t"].iloc[0])) == []
    assert _cycles(days[["a"]]) == []


@pytest.mark.parametrize("model", ["linear", "linear_svm"])
def test_a_linear_model_learns_the_hours(model):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"t": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 24 * 60, 500), unit="h")})
    y = np.cos(2 * np.pi * (rows["t"].dt.hour - 22) / 24)
    found = fit(rows.assign(y=y + rng.normal(scale=0.1, size=500)), "y", models=[model], trials=1, folds=3)
    assert found.cv < 0.2


def test_numbers_that_were_prepared_as_asked_are_no_dates_any_more():
    rows = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=200, freq="h"), "y": np.arange(200.0)})
    asked = fit(rows, "y", models=["linear"], trials=1, folds=2, preprocessing={"scaling": "minmax"})
    plain = fit(rows, "y", models=["linear"], trials=1, folds=2)
    kinds = [
        {type(block).__name__ for design in model.fitted.designs for block in design.blocks} for model in (asked, plain)
    ]
    assert ["Cycles" in kind for kind in kinds] == [False, True]
