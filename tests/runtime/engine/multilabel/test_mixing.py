import numpy as np
import pytest
from automl_runtime.engine.multilabel.mixing import apply_mixing, fit_mixing, one_row
from automl_runtime.kernels.rows import mix_chances

COUNT = 600


def made(seed, *, helpful):
    """Probabilities of two labels; the second is known only through the first when `helpful`."""
    rng = np.random.default_rng(seed)
    first = rng.random(COUNT)
    truth = (rng.random((COUNT, 2)) < np.column_stack([first, first if helpful else np.full(COUNT, 0.4)])).astype(int)
    return np.column_stack([first, np.full(COUNT, 0.4)]), truth, rng.permutation(COUNT) % 5


def loss(shares, truth):
    return -np.log(np.where(truth == 1, shares, 1 - shares)).mean(axis=0)


def test_a_label_learns_from_another_on_rows_never_seen():
    weights, mixed = fit_mixing(*made(0, helpful=True))
    shares, truth, _ = made(1, helpful=True)
    assert (weights[0] == (1, 0, 0)).all() and weights[1, 0] == pytest.approx(1.0, abs=0.25)
    assert loss(apply_mixing(shares, weights), truth)[1] < 0.9 * loss(shares, truth)[1]
    assert mixed.shape == (COUNT, 2)


def test_labels_that_do_not_depend_stay_as_they_are():
    shares, truth, folds = made(0, helpful=False)
    weights, mixed = fit_mixing(shares, truth, folds)
    assert (weights == np.eye(2, 3)).all()
    assert (mixed == shares).all() and (apply_mixing(shares, weights) == shares).all()


@pytest.mark.parametrize("labels", [1, 2, 30])
def test_one_row_is_mixed_as_many_are(labels):
    rng = np.random.default_rng(labels)
    weights = np.eye(labels, labels + 1)
    changed = rng.random(labels) < 0.6
    weights[changed] += rng.normal(size=(int(changed.sum()), labels + 1))
    shares = rng.random((20, labels))
    shares[0], shares[1] = 0.0, 1.0
    wanted = apply_mixing(shares, weights)
    mix, mixed, by_python = one_row(weights), np.flatnonzero(changed), np.empty(labels)
    for row, expected in zip(shares, wanted, strict=True):
        mix_chances.__wrapped__(row, weights[mixed], mixed, by_python)
        for found in (mix(row), by_python):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
