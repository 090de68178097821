"""What more budget would buy, told from the way so far."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.outlook import forecast_gains


@pytest.mark.parametrize(("limit", "power"), [(0.0, 0.5), (0.2, 1.0), (0.4, 0.3)])
def test_a_power_law_is_carried_on(limit, power):
    seconds = np.geomspace(1, 60, 25)
    rng = np.random.default_rng(0)
    errors = limit + (1 - limit) * seconds**-power * (1 + 0.01 * rng.normal(size=25))
    outlook = forecast_gains(seconds, errors)
    for gain in outlook.gains:
        later = limit + (1 - limit) * (60 * gain.multiple) ** -power
        truth = 1 - later / errors.min()
        assert gain.low - 0.05 <= truth <= gain.high + 0.05
        assert gain.share == pytest.approx(truth, abs=0.1)
    assert [gain.multiple for gain in outlook.gains] == [2.0, 5.0]
    assert outlook.gains[0].share < outlook.gains[1].share


def test_a_search_that_stands_still_promises_little():
    seconds = np.arange(1.0, 41.0)
    falling = forecast_gains(seconds, seconds**-0.5).gains[1].share
    flat = forecast_gains(seconds, np.r_[1.0, 0.5, np.full(38, 0.4)]).gains[1].share
    assert 0 <= flat < 0.03 < falling


def test_worse_trials_change_nothing():
    outlook = forecast_gains([1, 2, 3, 4, 5], [0.5, 0.9, 0.4, 0.7, 0.4])
    assert outlook.seconds == (1.0, 3.0)
    assert outlook.errors == (0.5, 0.4)
    assert all(0 <= gain.low <= gain.high < 1 for gain in outlook.gains)


@pytest.mark.parametrize(("seconds", "errors"), [([], []), ([1.0], [0.5]), ([1, 2, 3, 4], [0.3, 0.2, 0.1, 0.0])])
def test_nothing_is_promised_of_too_little(seconds, errors):
    assert forecast_gains(seconds, errors).gains == ()


def test_models_know_their_outlook_and_their_pareto_front():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90)})
    rows["y"] = rows["a"] * rows["b"] + rng.normal(size=90) / 5
    model = fit(rows, "y", trials=5, folds=2)
    outlook = model.outlook()
    assert outlook.errors[-1] == min(score for _, score in model.path)
    assert list(outlook.seconds) == sorted(outlook.seconds)
    front = model.pareto_front()
    assert front[0].cv == model.leaderboard()[0].cv
    speeds = [row.predict_us_per_row for row in front]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[-1] == min(row.predict_us_per_row for row in model.leaderboard())
