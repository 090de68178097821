"""What a mixture is worth beside its members, and how the size of models follows the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from automl_runtime.engine.fit import fit
from automl_runtime.engine.metrics import loss_of
from automl_runtime.inference.storage import stored_bytes

TABLES = 10


def _table(seed):
    """Rows of which a part of the truth is straight, a part bent, and a part a matter of categories."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.normal(size=(160, 3)), columns=list("abc")).assign(kind=rng.choice(list("xyz"), 160))
    straight, bent, steps = rng.uniform(0, 2, size=3)
    y = straight * rows["a"] + bent * np.sin(2 * rows["b"]) + steps * (rows["kind"] == "x") + rng.normal(size=160) / 2
    return rows.assign(y=y if seed % 2 else np.where(y > y.median(), "yes", "no"))


def test_an_ensemble_is_as_good_as_its_best_member_on_most_tables():
    better = 0
    for seed in range(TABLES):
        model = fit(_table(seed), "y", trials=3, folds=3, models=["linear", "tree", "lightgbm"], seed=seed)
        best = next(row.cv for row in model.leaderboard() if row.model != "ensemble")
        better += loss_of(model.metric, model.cv) <= loss_of(model.metric, best)
    assert better >= 0.8 * TABLES


def test_more_rows_bear_a_larger_model():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, size=4000)
    rows = pd.DataFrame({"x": x, "y": np.sin(3 * x) + rng.normal(size=4000)})
    rounds, sizes = [], []
    for count in (60, 400, 4000):
        model = fit(rows.head(count), "y", trials=1, folds=2, models=["lightgbm"])
        rounds.append(np.mean(model.trials[0]["rounds"]))
        sizes += [stored_bytes(part.predictor) for member in model.fitted.members for part in member.parts]
    assert rounds == sorted(rounds)
    assert sizes == sorted(sizes)
    assert sizes[-1] > 2 * sizes[0]


def test_fifty_columns_of_noise_are_left_out_and_cost_nothing():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    rows["y"] = rows["a"] - rows["b"] + rows["c"] / 2 + rng.normal(size=200) / 2
    noise = pd.DataFrame(rng.normal(size=(200, 50)), columns=[f"noise_{place}" for place in range(50)])
    wide = pd.concat([rows, noise], axis=1)
    how = {"trials": 1, "folds": 3, "models": ["linear"]}
    chosen = fit(wide, "y", preprocessing={"selection": "k_best", "k": 3}, **how)
    assert chosen.cv <= fit(rows, "y", **how).cv * 1.01
    assert chosen.cv < fit(wide, "y", **how).cv
    assert {name for name, share in chosen.importance(wide, wide["y"]).items() if share > 0} == {"a", "b", "c"}
