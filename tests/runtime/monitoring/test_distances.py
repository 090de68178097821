"""Distances of binned numbers are those of the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.monitoring.distances import jensen_shannon, wasserstein
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance


def binned(values, edges):
    bins = np.searchsorted(edges, values, side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1).astype(float)
    low, high = values[bins == 0], values[bins == len(edges)]
    return counts, (low.mean() if len(low) else edges[0], high.mean() if len(high) else edges[-1])


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0, -2.0, 50.0])
@pytest.mark.parametrize("width", [1.0, 3.0])
def test_wasserstein_of_bins_is_nearly_that_of_the_values(shift, width):
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=4000), rng.normal(shift, width, 3000)
    edges = np.quantile(first, np.linspace(0, 1, 21)[1:-1])
    (counts, tails), (others, other_tails) = binned(first, edges), binned(second, edges)
    found = wasserstein(edges, counts, others, tails, other_tails)
    assert found == pytest.approx(wasserstein_distance(first, second), rel=0.06, abs=0.05)
    assert found == pytest.approx(wasserstein(edges, others, counts, other_tails, tails))


def test_one_value_far_off_moves_the_distance_by_its_share_only():
    rng = np.random.default_rng(3)
    first = rng.normal(size=4000)
    second = np.append(rng.normal(size=1999), 1e6)
    edges = np.quantile(first, np.linspace(0, 1, 21)[1:-1])
    (counts, tails), (others, other_tails) = binned(first, edges), binned(second, edges)
    assert wasserstein(edges, counts, others, tails, other_tails) == pytest.approx(500, rel=0.02)


def test_a_constant_column_has_moved_by_the_difference():
    edges = np.array([5.0])
    counts = np.array([10.0, 0.0])
    assert wasserstein(edges, counts, counts, (5.0, 5.0), (5.0, 5.0)) == 0
    assert wasserstein(edges, counts, np.array([0.0, 4.0]), (5.0, 5.0), (5.0, 7.0)) == pytest.approx(2.0)


def test_jensen_shannon_is_that_of_scipy_squared():
    rng = np.random.default_rng(1)
    for _ in range(20):
        first, second = rng.integers(0, 9, 12).astype(float), rng.integers(1, 9, 12).astype(float)
        assert jensen_shannon(first, second) == pytest.approx(jensenshannon(first, second, base=2) ** 2)
    assert jensen_shannon(np.zeros(3), np.ones(3)) == 0.0
