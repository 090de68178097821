"""What a model costs is told from its size: the same every time, more for more trees."""

from __future__ import annotations

import numpy as np
import pandas as pd
from automl_runtime.engine.cost import microseconds_per_row, predictions_within
from automl_runtime.engine.fit import fit


def fitted(trials):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    return fit(rows, pd.Series(rows["a"] * rows["b"], name="y"), trials=trials, folds=2).fitted


def test_more_models_cost_more_and_allow_fewer_predictions():
    one, many = fitted(1), fitted(5)
    assert len(many.members) > len(one.members)
    assert microseconds_per_row(many) > microseconds_per_row(one)
    counts = [predictions_within(model, 0.5, least=10, most=10**9) for model in (one, many)]
    assert counts[0] > counts[1] > 10
    assert predictions_within(one, 1e9, least=10, most=500) == 500
    assert predictions_within(one, 0, least=10, most=500) == 10
