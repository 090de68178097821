"""The Gaussian process against what is known about it."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.strategies import gaussian
from automl_runtime.engine.strategies.gaussian import GaussianProcess, log_expected_improvement
from scipy.optimize import check_grad
from scipy.stats import norm


def test_smooth_functions_are_followed_and_doubt_grows_with_distance():
    rng = np.random.default_rng(0)
    x = rng.random((30, 2))
    model = GaussianProcess(x, np.arange(2), np.sin(5 * x[:, 0]) + x[:, 1])
    new = rng.random((50, 2))
    mean, deviation = model.predict(new)
    assert np.abs(mean - np.sin(5 * new[:, 0]) - new[:, 1]).max() < 0.15
    at, _ = model.predict(x)
    assert np.abs(at - np.sin(5 * x[:, 0]) - x[:, 1]).max() < 0.02
    assert model.predict(np.full((1, 2), 3.0))[1][0] > 5 * np.median(deviation)


def test_the_gradient_is_that_of_the_posterior():
    rng = np.random.default_rng(0)
    x, z = rng.random((12, 3)), rng.normal(size=12)
    distances = np.stack([gaussian._squared(x[:, [column]], None) for column in range(3)])
    for theta in rng.normal(size=(4, 4)):
        error = check_grad(
            lambda t: gaussian._negative_posterior(t, distances, z, 0.5)[0],
            lambda t: gaussian._negative_posterior(t, distances, z, 0.5)[1],
            theta,
        )
        assert error < 1e-4


@pytest.mark.parametrize("mean", [-3.0, 0.0, 0.5, 3.0])
def test_expected_improvement_is_that_of_the_textbook(mean):
    z = (0.2 - mean) / 0.7
    expected = 0.7 * (z * norm.cdf(z) + norm.pdf(z))
    found = log_expected_improvement(np.array([mean]), np.array([0.7]), 0.2)
    assert found[0] == pytest.approx(np.log(expected), rel=1e-6)


def test_expected_improvement_falls_on_far_below_what_a_number_holds():
    means = np.linspace(0, 200, 400)
    values = log_expected_improvement(means, np.ones(400), 0.0)
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()


def test_equal_values_and_equal_points_are_no_obstacle():
    x = np.tile([[0.5, 0.5]], (6, 1))
    mean, deviation = GaussianProcess(x, np.arange(2), np.ones(6)).predict(x[:1])
    assert mean[0] == pytest.approx(1.0)
    assert np.isfinite(deviation).all()
