"""Support vector machines, nearest neighbours, and the samples of learners that are slow on many rows."""

from __future__ import annotations

import time

import numpy as np
import pytest
from automl_runtime.engine.learners import neighbors, svm
from automl_runtime.engine.learners.base import Stopper
from automl_runtime.engine.learners.platt import platt
from automl_runtime.engine.learners.samples import fit_affordable, sample, sizes
from automl_runtime.engine.learners.svm import LinearSvmLearner
from automl_runtime.errors import BundleError
from engine_jobs import make_job, mixed_rows, run
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR, LinearSVC


@pytest.fixture
def scores_as_they_are(monkeypatch):
    """Probabilities are not fitted: log odds are the machine's own scores."""
    monkeypatch.setattr(svm, "platt", lambda *_: (1.0, 0.0))


@pytest.mark.usefixtures("scores_as_they_are")
def test_a_linear_machine_equals_liblinear_s():
    learner, job = make_job(mixed_rows("binary"), "linear_svm", strength=0.5)
    ours = run(learner, job).predictor
    rows, y = job.rows.train_matrix(), job.problem.codes[job.rows.fold.train]
    # LIBLINEAR shrinks the intercept too; scaled up, hardly.
    model = LinearSVC(C=0.5, dual=False, tol=1e-8, intercept_scaling=1000.0, max_iter=100_000).fit(rows, y)
    np.testing.assert_allclose(ours.weights[:, 0], model.coef_[0], atol=2e-3)
    np.testing.assert_allclose(ours.intercept, model.intercept_, atol=2e-3)


@pytest.mark.usefixtures("scores_as_they_are")
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_machine_with_radial_functions_equals_libsvm_s(task):
    learner, job = make_job(mixed_rows(task), "rbf_svm")
    ours = run(learner, job).predictor
    rows, matrix = job.rows.train_matrix(), job.rows.valid_matrix()
    train = job.rows.fold.train
    if task == "binary":
        theirs = SVC(C=1.0, gamma="scale").fit(rows, job.problem.codes[train]).decision_function(matrix)
    else:
        y = job.problem.y[train]
        theirs = SVR(C=1.0, gamma="scale", epsilon=0.1).fit(rows, (y - y.mean()) / y.std()).predict(matrix)
    np.testing.assert_allclose(ours.predict(matrix)[:, 0], theirs, atol=5e-3)


def test_platt_s_probabilities_are_a_logistic_regression_on_smoothed_labels():
    rng = np.random.default_rng(0)
    positive = rng.random(300) < 0.3
    scores = rng.normal(size=300) + 2.0 * positive
    slope, shift = platt(scores, positive, np.ones(300))
    ones, zeros = positive.sum(), (~positive).sum()
    targets = np.where(positive, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    doubled = np.concatenate([np.ones(300), np.zeros(300)])
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(
        np.tile(scores, 2)[:, None], doubled, sample_weight=np.concatenate([targets, 1 - targets])
    )
    np.testing.assert_allclose([slope, shift], [model.coef_[0, 0], model.intercept_[0]], atol=1e-4)


@pytest.mark.parametrize("family", ["linear_svm", "rbf_svm", "gaussian_process"])
def test_probabilities_of_margins_are_calibrated(family):
    rows = mixed_rows("binary", 900)
    learner, job = make_job(rows, family, valid=450)
    result = run(learner, job)
    chances = result.reading.outputs(result.predictor.predict(job.rows.valid_matrix()), 2)[:, 1]
    truth = job.problem.codes[job.rows.fold.valid]
    for low, high in ((0.0, 0.3), (0.3, 0.7), (0.7, 1.0)):
        inside = (chances >= low) & (chances < high)
        assert abs(chances[inside].mean() - truth[inside].mean()) < 0.12


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_neighbours_equal_scikit_learn_s(task):
    learner, job = make_job(mixed_rows(task), "neighbors")
    result = run(learner, job)
    count, train = neighbors.COUNTS[result.best - 1], job.rows.fold.train
    rows = job.rows.train_matrix().astype(np.float32).astype(float)
    matrix = job.rows.valid_matrix().astype(np.float32).astype(float)
    settings = {"n_neighbors": count, "weights": "distance", "algorithm": "brute"}
    found = result.predictor.predict(job.rows.valid_matrix())
    if task == "regression":
        y = (job.problem.y - job.problem.y[train].mean()) / job.problem.y[train].std()
        theirs = KNeighborsRegressor(**settings).fit(rows, y[train]).predict(matrix)[:, None]
    else:
        shares = KNeighborsClassifier(**settings).fit(rows, job.problem.codes[train]).predict_proba(matrix)
        theirs = (shares * count + job.problem.baseline(train)) / (count + 1)
    np.testing.assert_allclose(found, theirs, atol=1e-9)


def test_stored_rows_are_bounded(monkeypatch):
    assert neighbors.most_stored(10) == neighbors.MOST_STORED
    assert neighbors.most_stored(10_000) == 1_000
    monkeypatch.setattr(neighbors, "most_stored", lambda _: 50)
    learner, job = make_job(mixed_rows("binary"), "neighbors")
    model = run(learner, job).predictor
    assert len(model.stored) == len(model.targets) == 50
    model.targets[0] = 2
    with pytest.raises(BundleError, match="neighbours"):
        model.check(model.stored.shape[1])


@pytest.mark.parametrize("field", ["scales", "weights", "intercept"])
def test_a_kernel_machine_with_arrays_that_do_not_fit_is_refused(field):
    from dataclasses import replace

    learner, job = make_job(mixed_rows("regression", 150), "rbf_svm")
    model = run(learner, job).predictor
    width = job.rows.fitted.matrix.shape[1]
    model.check(width)
    with pytest.raises(BundleError, match="kernel machine"):
        replace(model, **{field: getattr(model, field)[:-1]}).check(width)


def test_samples_grow_inside_each_other():
    assert sizes(300, 500, 1000) == [300]
    assert sizes(4100, 500, 3000) == [500, 1000, 2000, 3000]
    small, large = sample(1000, 10, 3), sample(1000, 50, 3)
    assert set(small) < set(large)
    assert (np.diff(large) > 0).all()
    assert len(sample(40, 50, 3)) == 40


@pytest.mark.parametrize(
    ("stop", "rounds", "place"),
    [
        (Stopper(), None, 3),
        (Stopper(), 2, 2),
        (Stopper(time.monotonic() - 1), None, 1),
        (Stopper(time.monotonic() + 1e6), None, 3),
    ],
    ids=["no clock", "replay", "over", "long"],
)
def test_as_many_rows_are_fitted_as_time_allows(stop, rounds, place):
    _, job = make_job(mixed_rows("binary", 120), "rbf_svm", stop=stop, rounds=rounds)
    assert fit_affordable(job, [10, 20, 40], 2.0, lambda rows: rows) == ([10, 20, 40][place - 1], place)


def test_a_linear_machine_gives_its_inner_folds_the_same_steps(monkeypatch):
    stop = Stopper(time.monotonic() - 1)
    learner, job = make_job(mixed_rows("binary"), "linear_svm", stop=stop)
    assert isinstance(learner, LinearSvmLearner)
    assert run(learner, job).rounds == 1
