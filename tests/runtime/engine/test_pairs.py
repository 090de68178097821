"""Sums, differences and ratios of numbers: found where they tell something, learned from the rows given alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.pairs import can_pair, fit_pairs
from automl_runtime.engine.target_means import Target
from automl_runtime.inference.blocks import Pairs
from automl_runtime.inference.encoding import Encoded, Encoder


def _encode(frame):
    return Encoder(make_columns(frame, None)).encode(frame)


def _numbers(count=600, width=4):
    rng = np.random.default_rng(0)
    return pd.DataFrame({f"n{place}": rng.uniform(1, 9, count) for place in range(width)})


def test_the_ratio_that_makes_the_target_is_found():
    frame = _numbers()
    data = _encode(frame)
    block = fit_pairs(data, Target((frame["n1"] / frame["n3"] > 1).to_numpy(float), 2), 0)
    made = block.transform(data)
    ratio = (frame["n1"] / frame["n3"]).to_numpy()
    assert max(abs(np.corrcoef(column, ratio)[0, 1]) for column in made.T) > 0.999


def test_only_the_strongest_of_many_numbers_are_paired():
    frame = _numbers(width=12)
    data = _encode(frame)
    block = fit_pairs(data, Target((frame["n9"] - frame["n4"]).to_numpy(), 0), 0)
    difference = (frame["n9"] - frame["n4"]).to_numpy()
    assert max(abs(np.corrcoef(column, difference)[0, 1]) for column in block.transform(data).T) > 0.999
    assert len({*block.left, *block.right}) <= 8
    assert block.transform(data).shape == (600, len(block.left))


def test_a_missing_number_and_a_division_by_zero_give_nothing():
    block = Pairs(np.array([0, 0]), np.array([1, 1]), np.ones(2), np.ones(2), np.array([False, True]))
    data = Encoded(np.array([[1.0, 0.0], [np.nan, 2.0], [6.0, 2.0], [1e308, 1e-308]]), np.empty((4, 0), np.int32), ())
    np.testing.assert_array_equal(block.transform(data), [[1, np.nan], [np.nan, np.nan], [8, 3], [1e308, np.nan]])


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": range(50), "b": ["x", "y"] * 25}),
        pd.DataFrame({"a": [1, 2] * 25, "b": [3, 4] * 25}),
        pd.DataFrame({"a": ["x", "y"] * 25}),
    ],
)
def test_what_has_no_two_numbers_is_not_paired(frame):
    data = _encode(frame)
    assert not can_pair(data)
    assert fit_pairs(data, Target(np.arange(50.0), 0), 0) is None


def test_all_boosters_get_what_helps_and_none_what_does_not():
    frame = _numbers(400)
    noise = np.random.default_rng(1).normal(scale=0.1, size=400)
    useful = fit(frame.assign(y=frame["n0"] / frame["n1"] + noise), "y", trials=7, folds=3)
    useless = fit(frame.assign(y=np.sin(2 * frame["n0"]) + noise), "y", trials=7, folds=3)
    boosted = [trial["model"] for trial in useful.trials if trial["learner"] in ("lightgbm", "catboost")]
    assert boosted[0] == "lightgbm"
    assert all(name.endswith("_pairs") for name in boosted[1:])
    assert [trial["model"] for trial in useless.trials if trial["params"].get("pairs")] == ["lightgbm_pairs"]


def test_pairs_do_not_leak_the_target():
    frame = _numbers(300).assign(y=np.random.default_rng(2).integers(0, 2, 300))
    assert abs(fit(frame, "y", trials=4, folds=3).cv - 0.5) < 0.12
