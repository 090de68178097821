"""What only tells when a row happened is left out where later rows are predicted better without it, and else kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.time_stamps import harmful_stamps, hide, stamps
from automl_runtime.events import Finding
from automl_runtime.inference.encoding import Encoded


def _flights(seed=0, days=120, each=30):
    """Delays of flights: some days have a storm that nothing announces; `day` and `serial` tell the days apart."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), each)
    storm = (rng.exponential(12, days) * rng.choice([-1, 0, 4], days))[day]
    distance = rng.normal(size=len(day))
    late = 3 * distance + storm + rng.normal(size=len(day))
    return pd.DataFrame({"day": day, "serial": np.arange(len(day)) * 3 + 7, "distance": distance, "late": late})


def _sales(seed=0, days=120, each=30):
    """What is sold grows from day to day."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), each)
    price = rng.normal(size=len(day))
    return pd.DataFrame({"day": day, "price": price, "sold": 0.5 * day - price + rng.normal(size=len(day))})


def _problem(rows, target):
    inputs = rows.drop(columns=target)
    problem = Problem("regression", "rmse", target, rows[target].to_numpy(float), time=rows["day"].to_numpy(float))
    data = Encoded(inputs.to_numpy(float), np.empty((len(rows), 0), dtype=np.int32), ())
    return problem, data


@pytest.mark.parametrize("seed", range(3))
def test_days_that_are_learned_by_heart_are_harmful(seed):
    problem, data = _problem(_flights(seed), "late")
    assert harmful_stamps(problem, data, 0, None).tolist() == [0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_a_day_that_tells_the_level_is_not_harmful(seed):
    problem, data = _problem(_sales(seed), "sold")
    assert stamps(problem, data, 0).tolist() == [0]
    assert harmful_stamps(problem, data, 0, None).tolist() == []


def test_what_comes_again_is_no_stamp():
    day = np.arange(800.0)
    columns = [day % 7, -day, np.full(800, 3.0), np.where(day < 790, np.nan, 1.0), np.sqrt(day), day % 365 // 30]
    problem = Problem("regression", "rmse", "y", day, time=day)
    data = Encoded(np.column_stack(columns), np.empty((800, 0), dtype=np.int32), ())
    assert stamps(problem, data, 0).tolist() == [1, 4]


def test_what_is_hidden_is_hidden_in_the_copy_alone():
    data = Encoded(np.ones((3, 2)), np.empty((3, 0), dtype=np.int32), ())
    assert np.isnan(hide(data, np.array([1])).numbers[:, 1]).all()
    assert data.numbers.all()


def test_only_stamps_are_nothing_to_leave_out():
    problem, data = _problem(_flights()[["day", "late"]], "late")
    assert harmful_stamps(problem, data, 0, None).tolist() == []


@pytest.mark.parametrize("classes", [(False, True), ("a", "b", "c")])
def test_classes_are_judged_by_their_chances(classes):
    rows = _flights()
    codes = np.digitize(rows["late"], np.quantile(rows["late"], np.linspace(0, 1, len(classes) + 1)[1:-1]))
    inputs = rows[["day", "serial", "distance"]].to_numpy(float)
    task = "binary" if len(classes) == 2 else "multiclass"
    time = rows["day"].to_numpy(float)
    problem = Problem(task, "log_loss", "late", codes.astype(float), classes, time=time)
    data = Encoded(inputs, np.empty((len(rows), 0), dtype=np.int32), ())
    assert harmful_stamps(problem, data, 0, None).tolist() == [0, 1]


def test_a_model_does_not_look_at_a_stamp_and_says_so():
    rows, said = _flights(), []
    model = fit(rows, "late", time="day", validation="temporal", trials=2, on_event=said.append)
    later = rows[-50:].assign(day=10_000, serial=-5)
    np.testing.assert_array_equal(model.predict(later), model.predict(rows[-50:]))
    (finding,) = (event for event in said if isinstance(event, Finding))
    assert finding.text.startswith("'day', 'serial': ")


def test_random_validation_leaves_nothing_out():
    rows, said = _flights(), []
    model = fit(rows, "late", time="day", trials=1, on_event=said.append)
    assert not any(isinstance(event, Finding) for event in said)
    assert (model.predict(rows[-50:].assign(day=0)) != model.predict(rows[-50:])).any()
