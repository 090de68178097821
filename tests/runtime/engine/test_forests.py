"""Forests equal scikit-learn's at the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.ensemble
from automl_runtime.engine.learners.base import target_scale
from engine_jobs import make_job, mixed_rows


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize(("family", "theirs"), [("random_forest", "RandomForest"), ("extra_trees", "ExtraTrees")])
def test_a_forest_equals_scikit_learn_s_at_the_same_seed(task, family, theirs):
    learner, job = make_job(mixed_rows(task, 300), family, trees=25)
    ours = learner.fit(job)
    settings = {key: value for key, value in job.params.items() if key not in ("trees", "target")}
    kind = "Regressor" if task == "regression" else "Classifier"
    forest = getattr(sklearn.ensemble, theirs + kind)(n_estimators=25, random_state=job.seed, **settings)
    train, matrix = job.rows.fold.train, job.rows.valid_matrix().astype(np.float32)
    rows = job.rows.train_matrix().astype(np.float32)
    if task == "regression":
        forest.fit(rows, target_scale(job.problem, train, job.params).y[train])
        np.testing.assert_allclose(ours.predictor.predict(matrix)[:, 0], forest.predict(matrix), atol=1e-9)
        return
    forest.fit(rows, job.problem.codes[train])
    # Ours holds one tree more, which says how frequent the classes are.
    expected = (25 * forest.predict_proba(matrix) + job.problem.baseline(train)) / 26
    outputs = ours.reading.outputs(ours.predictor.predict(matrix), len(job.problem.classes))
    np.testing.assert_allclose(outputs, expected, atol=1e-9)
