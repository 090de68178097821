"""Columns that nobody should have made: no family of models breaks on them, and none is moved by their order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.registry import learner_names
from automl_runtime.engine.neural.learners import READS
from hypothesis import given, settings
from hypothesis import strategies as st

ROWS = 60
CELLS = [None, float("nan"), float("inf"), -float("inf"), 1e308, -0.0, 7, True, "", "7", "n/a", "x" * 50, (1, 2), b"y"]
BROKEN = {
    "constant": lambda rng: np.full(ROWS, 3.0),
    "one_word": lambda rng: np.full(ROWS, "same"),
    "null": lambda rng: np.full(ROWS, np.nan),
    "nothing": lambda rng: [None] * ROWS,
    "infinite": lambda rng: np.where(rng.random(ROWS) < 0.5, np.inf, rng.normal(size=ROWS)),
    "only_infinite": lambda rng: np.where(rng.random(ROWS) < 0.5, np.inf, -np.inf),
    "huge": lambda rng: rng.normal(size=ROWS) * 1e300,
    "mixed": lambda rng: pd.Series([CELLS[place] for place in rng.integers(0, len(CELLS), ROWS)], dtype=object),
    "no_date": lambda rng: pd.Series([pd.NaT] * ROWS, dtype="datetime64[us]"),
}


def _rows(broken, task, seed=0):
    rng = np.random.default_rng(seed)
    size = rng.normal(size=ROWS)
    y = {"regression": size, "binary": np.where(size > 0, "yes", "no")}[task]
    return pd.DataFrame({"size": size, **{name: BROKEN[name](rng) for name in broken}, "y": y})


def _finite(model, rows, task):
    outputs = model.predict(rows) if task == "regression" else model.predict_proba(rows)
    return bool(np.isfinite(outputs.to_numpy()).all())


@pytest.mark.parametrize(
    ("family", "task"),
    [(name, "binary") for name in learner_names() if name not in READS]
    + [(name, "regression") for name in learner_names() if name not in (*READS, "naive_bayes")],
)
def test_no_column_breaks_a_family(family, task):
    rows = _rows(BROKEN, task)
    model = fit(rows, "y", models=[family], trials=1, folds=2)
    assert [trial["status"] for trial in model.trials] == ["complete"]
    other = _rows(BROKEN, task, seed=1).assign(constant=np.inf, null="full", infinite=None, only_infinite=0.0)
    assert _finite(model, rows, task) and _finite(model, other, task)
    turned = fit(rows[rows.columns[::-1]], "y", models=[family], trials=1, folds=2)
    assert model.predict(rows).tolist() == turned.predict(rows[rows.columns[::-1]]).tolist()


@settings(max_examples=12, deadline=None)
@given(
    cells=st.lists(st.sampled_from(CELLS), min_size=1, max_size=4),
    names=st.sets(st.sampled_from(sorted(BROKEN)), max_size=2),
    order=st.randoms(use_true_random=False),
)
def test_no_mixture_of_cells_breaks_a_fit(cells, names, order):
    rows = _rows(sorted(names), "binary").assign(odd=pd.Series(cells * ROWS, dtype=object).iloc[:ROWS])
    model = fit(rows, "y", trials=3, folds=2)
    assert all(trial["status"] != "failed" for trial in model.trials)
    turned = rows[order.sample(list(rows.columns), rows.shape[1])]
    assert _finite(model, turned, "binary")
    again = fit(turned, "y", trials=3, folds=2)
    np.testing.assert_array_equal(model.predict_proba(rows), again.predict_proba(turned))
