"""What every family of models has to do: learn, repeat, end when told to, be stored, and equal its library."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.base import Stopper
from automl_runtime.engine.learners.registry import learner_names
from automl_runtime.engine.neural.learners import READS
from automl_runtime.errors import RequestError
from automl_runtime.inference.model import load
from engine_jobs import LABELS, make_job, mixed_rows, run

TASKS = tuple(LABELS)
GENERAL = [name for name in learner_names() if name not in READS]
"""Those that are not for one kind of column."""


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("family", GENERAL)
def test_a_family_beats_the_majority_or_the_mean_on_mixed_columns_and_is_stored(family, task, tmp_path):
    if (family, task) == ("naive_bayes", "regression"):
        with pytest.raises(RequestError, match="naive_bayes tells classes apart"):
            fit(mixed_rows(task), "y", models=[family], trials=1)
        return
    rows = mixed_rows(task, 600)
    model = fit(rows.head(450), "y", models=[family], trials=1, folds=3)
    assert {trial["learner"] for trial in model.trials} == {family}
    rest = rows.tail(150)
    scores = model.evaluate(rest)
    if task == "regression":
        assert scores["rmse"] < 0.8 * rest["y"].std()
    else:
        shares = rest["y"].value_counts(normalize=True)
        assert scores["accuracy"] > shares.max() + 0.1
        assert scores["log_loss"] < -(shares * np.log(shares)).sum()
    model.save(tmp_path)
    loaded = load(tmp_path)
    data = loaded.encoder.encode(rest)
    np.testing.assert_array_equal(loaded.outputs(data), model.fitted.outputs(data))


@pytest.mark.parametrize("family", GENERAL)
def test_a_family_repeats_exactly_whatever_the_number_of_threads(family):
    rows = mixed_rows("binary", 300)
    fits = []
    for threads in (1, 1, 3):
        learner, job = make_job(rows, family, threads=threads)
        fits.append(run(learner, job).predictor.predict(job.rows.valid_matrix()))
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[0], fits[2])


@pytest.mark.parametrize("family", GENERAL)
def test_a_fit_that_is_stopped_at_once_is_valid_and_comes_out_again(family):
    rows = mixed_rows("binary", 300)
    stop = Stopper()
    stop.stopped.set()
    learner, job = make_job(rows, family, stop=stop)
    stopped = run(learner, job)
    outputs = stopped.predictor.predict(job.rows.valid_matrix())
    assert np.isfinite(outputs).all()
    again = run(*make_job(rows, family, rounds=stopped.rounds))
    np.testing.assert_array_equal(again.predictor.predict(job.rows.valid_matrix()), outputs)


@pytest.mark.parametrize("family", GENERAL)
def test_weights_of_rows_move_a_family(family):
    rows = mixed_rows("binary", 300)
    heavy = np.where(rows["size"] > 0, 1.0, 0.01)
    outputs = []
    for weights in (None, heavy):
        learner, job = make_job(rows, family, weights=weights)
        outputs.append(run(learner, job).predictor.predict(job.rows.valid_matrix()))
    assert not np.allclose(*outputs)
