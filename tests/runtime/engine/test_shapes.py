"""Shape functions of additive models add up to their predictions."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.shapes import _raw, shape_functions
from automl_runtime.errors import RequestError
from automl_runtime.inference.lightgbm import LightGbm
from engine_jobs import make_job, mixed_rows, run


@pytest.mark.parametrize("family", ["additive", "linear", "lasso"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_functions_add_up_to_the_raw_prediction(task, family):
    rows = mixed_rows(task, 250).drop(columns="seen").dropna()
    model = fit(rows, "y", models=[family], trials=1, folds=2)
    shapes = shape_functions(model, rows, points=1000)
    assert {shape.feature for shape in shapes} == {"size", "weight", "kind"}
    raw = _raw(model, rows)
    total = np.tile(raw.mean(axis=0), (len(rows), 1))
    for shape in shapes:
        places = {value: place for place, value in enumerate(shape.values)}
        total += shape.contributions[[places[value] for value in rows[shape.feature]]]
    np.testing.assert_allclose(total, raw, atol=1e-6)
    assert [shape.importance for shape in shapes] == sorted((shape.importance for shape in shapes), reverse=True)


def test_a_function_follows_the_truth():
    rng = np.random.default_rng(0)
    rows = mixed_rows("regression", 800)
    rows["y"] = np.sin(3 * rows["weight"]) + rng.normal(scale=0.1, size=800)
    model = fit(rows, "y", models=["additive"], trials=1, folds=3)
    first = shape_functions(model, rows)[0]
    assert first.feature == "weight"
    assert len(first.values) <= 50
    inside = np.array(first.values) < 4
    truth = np.sin(3 * np.array(first.values))
    assert np.corrcoef(first.contributions[inside, 0], truth[inside])[0, 1] > 0.95


def test_no_tree_of_an_additive_model_splits_two_columns():
    for family, most in (("additive", 1), ("lightgbm", 5)):
        learner, job = make_job(mixed_rows("regression"), family, **({} if most == 1 else {"name": "lightgbm"}))
        model = run(learner, job).predictor
        assert isinstance(model, LightGbm)
        assert (max(len(used) for used in model.columns_of_trees()) == 1) == (most == 1)


def test_models_in_which_columns_work_together_have_no_functions():
    model = fit(mixed_rows("binary", 150), "y", models=["lightgbm"], trials=1, folds=2)
    with pytest.raises(RequestError, match="does not add up single columns"):
        shape_functions(model, mixed_rows("binary", 150))


def test_an_interpretable_search_tries_additive_trees():
    model = fit(mixed_rows("binary", 300), "y", interpretable=True, trials=6, folds=2)
    assert "additive" in {trial["learner"] for trial in model.trials}
    assert len(model.fitted.members) == 1
