"""Linear models equal scikit-learn's at the same penalty."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.learners import sparse_linear
from automl_runtime.engine.learners.linear import PENALTIES, Ending
from automl_runtime.engine.learners.sparse_linear import ElasticNetLearner, LassoLearner
from automl_runtime.engine.preprocessing import fit_design
from automl_runtime.engine.target_means import Target
from automl_runtime.inference.encoding import Encoder
from engine_jobs import make_job, mixed_rows, run
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge


def _rows_of(job):
    y = job.problem.y
    if not job.problem.classes:
        y = (y - y[job.rows.fold.train].mean()) / y[job.rows.fold.train].std()
    return job.rows.train_matrix(), y[job.rows.fold.train]


def _paths(learner, job):
    matrix, y = _rows_of(job)
    return list(learner.path(job, matrix, y, np.ones(len(y)), Ending(job)))


def test_ridge_equals_scikit_learn_s_at_every_strength():
    learner, job = make_job(mixed_rows("regression"), "ridge", name="linear")
    matrix, y = _rows_of(job)
    for penalty, found in zip(PENALTIES, _paths(learner, job), strict=True):
        model = Ridge(alpha=penalty).fit(matrix, y)
        np.testing.assert_allclose(found[:-1, 0], model.coef_, atol=1e-9)
        np.testing.assert_allclose(found[-1, 0], model.intercept_, atol=1e-9)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_logistic_regression_equals_scikit_learn_s_at_every_strength(task):
    learner, job = make_job(mixed_rows(task), "logistic", name="linear")
    matrix, y = _rows_of(job)
    for penalty, found in zip(PENALTIES, _paths(learner, job), strict=True):
        model = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=5000).fit(matrix, y)
        np.testing.assert_allclose(found[:-1].T, model.coef_, atol=0.01)


@pytest.mark.parametrize(
    ("family", "theirs"), [(LassoLearner(), Lasso), (ElasticNetLearner(), ElasticNet)], ids=["lasso", "elastic_net"]
)
def test_sparse_regressions_equal_scikit_learn_s(family, theirs):
    job = make_job(mixed_rows("regression"), "linear", name="linear")[1]
    matrix, y = _rows_of(job)
    most = np.abs(matrix.T @ (y - y.mean())).max() / len(y) / family.share
    found = _paths(family, job)
    assert not found[0][:-1].any()
    for place in (3, 7, 12):
        model = theirs(alpha=most * 1e-3 ** (place / 12), tol=1e-10, max_iter=100_000).fit(matrix, y)
        np.testing.assert_allclose(found[place][:-1, 0], model.coef_, atol=1e-5)
        np.testing.assert_allclose(found[place][-1, 0], model.intercept_, atol=1e-5)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_sparse_classifiers_equal_scikit_learn_s(task, monkeypatch):
    monkeypatch.setitem(sparse_linear._MOST, "classes", (3_000, 1e-8))
    job = make_job(mixed_rows(task), "linear", name="linear")[1]
    matrix, y = _rows_of(job)
    shares = np.bincount(y.astype(int)) / len(y)
    errors = (y[:, None] == np.arange(len(shares))) - shares
    most = np.abs(matrix.T @ errors).max() / len(y)
    found = _paths(LassoLearner(), job)
    for place in (4, 8):
        strength = most * 1e-3 ** (place / 12)
        model = LogisticRegression(
            l1_ratio=1.0, C=1 / (strength * len(y)), solver="saga", tol=1e-9, max_iter=100_000
        ).fit(matrix, y)
        np.testing.assert_allclose(found[place][:-1].T, model.coef_, atol=2e-3)


def test_a_lasso_leaves_out_what_says_nothing():
    rng = np.random.default_rng(0)
    rows = mixed_rows("regression")
    rows = rows.assign(**{f"noise{place}": rng.normal(size=len(rows)) for place in range(40)})
    weights = []
    for family in ("lasso", "linear"):
        learner, job = make_job(rows, family, **({"name": "linear"} if family == "linear" else {}))
        weights.append(run(learner, job).predictor.weights[:, 0])
    assert (weights[0] == 0).mean() > 0.3
    assert (weights[1] == 0).mean() == 0


def test_sparse_models_read_words():
    words = "the a cat dog sat on mat with prize cash win call now today maybe later".split()
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, 8)) for _ in range(200)]
    rows = mixed_rows("binary", 200).drop(columns="y").assign(text=texts)
    rows["y"] = ["yes" if "prize" in text else "no" for text in texts]
    model = fit(rows, "y", models=["lasso"], trials=1, folds=2, kinds={"text": "text"})
    assert model.cv > 0.95


@pytest.mark.parametrize(("texts", "spread"), [([], 1.0), (["text"], 0.1)])
def test_numbers_beside_texts_are_small_as_words_are(texts, spread):
    rows = mixed_rows("regression", 200)[["weight"]].assign(text=["the first cat sat", "a second dog ran"] * 100)
    data = Encoder(make_columns(rows[["weight", *texts]], dict.fromkeys(texts, "text"))).encode(rows)
    numbers = fit_design("linear", data, Target(np.arange(200.0), 0), 0).design.blocks[0].transform(data)
    np.testing.assert_allclose(numbers.std(axis=0), spread)
