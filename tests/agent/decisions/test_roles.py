"""Columns that a model calls mere names of rows are judged by the score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from agent.decisions.conftest import sensible
from automl_agent.decisions.judging import loss_without
from automl_runtime.data.leak_scores import Outcome


@pytest.fixture
def parcels(tmp_path):
    """`sack` only counts; `grams` rarely repeats as well, and decides the price."""
    rng = np.random.default_rng(2)
    grams = rng.integers(50, 900, 600)
    frame = pd.DataFrame(
        {
            "sack": rng.permutation(np.repeat(np.arange(300), 2)) + 7000,
            "grams": grams,
            "zone": rng.choice(["a", "b", "c"], 600),
            "price": (grams * 0.01 + rng.normal(0, 0.4, 600)).round(2),
        }
    )
    path = tmp_path / "parcels.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("named", "gone", "kept"),
    [(["sack"], {"sack"}, None), (["grams"], set(), "the loss on inner folds"), ([], set(), None)],
)
def test_a_name_goes_only_if_the_score_does_not_suffer(parcels, drafted, by_id, named, gone, kept):
    done, _ = drafted("predict price for each parcel", parcels, sensible(named=named))
    dropped = {drop.column for drop in done.spec.data.drop if "language model" in drop.reason}
    decision = by_id(done)["columns.names"]
    assert dropped == gone
    assert decision.by == ("model" if gone else "rule")
    assert kept is None or kept in decision.why


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_the_loss_grows_without_what_decides(kind):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=400), "b": rng.choice(["x", "y"], 400)})
    target = frame["a"].to_numpy()
    codes = np.digitize(target, [0] if kind == "binary" else [-0.5, 0.5])
    outcome = Outcome(kind, target if kind == "regression" else codes, [] if kind == "regression" else ["l", "m", "h"])
    whole, without = loss_without(frame, outcome, ["a"])
    assert without > 1.2 * whole
    assert loss_without(frame, outcome, ["b"])[1] < 1.1 * whole
    assert loss_without(frame, outcome, ["a", "b"])[1] == float("inf")
    groups, time = pd.Series(np.arange(400) // 4), pd.Series(pd.date_range("2024-01-01", periods=400))
    assert loss_without(frame, outcome, ["a"], groups=groups)[1] > whole
    assert loss_without(frame, outcome, ["a"], time=time)[1] > whole
