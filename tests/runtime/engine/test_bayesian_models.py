"""Naive Bayes and Gaussian processes do what scikit-learn's do."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.learners import gaussian_process
from automl_runtime.engine.learners.gaussian_process import tune
from automl_runtime.errors import BundleError
from automl_runtime.inference.naive_bayes import NaiveBayes
from engine_jobs import make_job, mixed_rows, run
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.naive_bayes import CategoricalNB, GaussianNB


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_naive_bayes_equals_scikit_learn_s_of_numbers_and_of_categories(task):
    rows = mixed_rows(task).dropna()
    learner, job = make_job(rows, "naive_bayes", smoothing=1e-12)
    ours = learner.fit(job).predictor
    train, matrix = job.rows.train_matrix(), job.rows.valid_matrix()
    y, numbers = job.problem.codes[job.rows.fold.train], job.rows.fitted.numbers
    priors = job.problem.baseline(job.rows.fold.train)
    gauss = GaussianNB(priors=priors, var_smoothing=0.0).fit(train[:, :numbers], y)
    codes = CategoricalNB(class_prior=priors, alpha=1.0).fit(train[:, numbers:].astype(int), y)
    theirs = gauss.predict_joint_log_proba(matrix[:, :numbers])
    theirs += codes.predict_joint_log_proba(matrix[:, numbers:].astype(int)) - np.log(priors)
    found = ours.predict(matrix)
    # Up to a constant of the row.
    np.testing.assert_allclose(np.diff(found, axis=1), np.diff(theirs, axis=1), rtol=1e-7)


def test_a_number_far_from_every_class_does_not_drown_the_others():
    means = np.array([[0.0, 1.0], [5.0, 5.0]])
    model = NaiveBayes(
        np.log([0.5, 0.5]), means, np.array([[1.0, 1.0], [1e-12, 1e-12]]), np.zeros((0, 2)), np.zeros(1, int)
    )
    near, far = model.predict(np.array([[0.3, 5.0], [0.3, 9.0]]))
    np.testing.assert_allclose(far[1] - far[0], near[1] - near[0], rtol=1e-12)


def test_naive_bayes_leaves_missing_cells_out():
    learner, job = make_job(mixed_rows("binary"), "naive_bayes")
    model = learner.fit(job).predictor
    nothing = np.full((1, job.rows.fitted.matrix.shape[1]), np.nan)
    np.testing.assert_allclose(model.predict(nothing)[0], model.prior)
    model.offsets[-1] += 1
    with pytest.raises(BundleError, match="naive Bayes"):
        model.check(nothing.shape[1])


@pytest.fixture
def kernels(monkeypatch):
    """The kernels that were chosen."""
    found = []

    def keeps(*arguments):
        kernel, steps = tune(*arguments)
        found.append(kernel)
        return kernel, steps

    monkeypatch.setattr(gaussian_process, "tune", keeps)
    return found


def _theirs(kernel, rows, y):
    kernel = ConstantKernel(kernel.amplitude) * RBF(kernel.lengths) + WhiteKernel(kernel.noise)
    return GaussianProcessRegressor(kernel, optimizer=None).fit(rows, y)


def test_a_gaussian_process_equals_scikit_learn_s_with_the_same_kernel(kernels):
    learner, job = make_job(mixed_rows("regression"), "gaussian_process")
    ours = run(learner, job)
    train = job.rows.fold.train
    y = (job.problem.y[train] - job.problem.y[train].mean()) / job.problem.y[train].std()
    # Ours stores rows in units of the length scales as float32.
    rows, matrix = (job.rows.train_matrix(), job.rows.valid_matrix())
    model = _theirs(kernels[0], rows, y)
    np.testing.assert_allclose(ours.predictor.predict(matrix)[:, 0], model.predict(matrix), atol=1e-4)


def test_the_evidence_and_its_gradient_are_scikit_learn_s():
    rng = np.random.default_rng(0)
    rows, y, noise = rng.normal(size=(40, 3)), rng.normal(size=(40, 1)), np.ones(40)
    logs = np.array([0.3, -1.0, 0.1, 0.5, -0.2])
    value, gradient = gaussian_process._evidence(logs, rows, y, noise, True)
    kernel = ConstantKernel(np.exp(0.3)) * RBF(np.exp(logs[2:])) + WhiteKernel(np.exp(-1.0))
    model = GaussianProcessRegressor(kernel, optimizer=None).fit(rows, y[:, 0])
    theirs, slopes = model.log_marginal_likelihood(model.kernel_.theta, eval_gradient=True)
    assert value == pytest.approx(-theirs - 20 * np.log(2 * np.pi), rel=1e-6)
    # Theirs: amplitude, length scales, noise.
    np.testing.assert_allclose(gradient[[0, 2, 3, 4, 1]], -slopes, rtol=1e-5, atol=1e-6)


def test_leave_one_out_scores_are_those_of_fits_without_the_row(kernels, monkeypatch):
    seen = []

    def keeps(scores, positive, weights):
        seen.append(scores)
        return 1.0, 0.0

    monkeypatch.setattr(gaussian_process, "platt", keeps)
    learner, job = make_job(mixed_rows("binary", 160), "gaussian_process")
    run(learner, job)
    rows, y = job.rows.train_matrix(), np.where(job.problem.codes[job.rows.fold.train] == 1, 1.0, -1.0)
    for place in (0, 7):
        rest = np.delete(np.arange(len(y)), place)
        model = _theirs(kernels[0], rows[rest], y[rest] - y.mean())
        assert seen[0][place] == pytest.approx(model.predict(rows[[place]])[0] + y.mean(), abs=1e-4)
