"""Dense layers of one row, their NumPy twin and the network of many rows say the same."""

from __future__ import annotations

import numpy as np
from automl_runtime.inference.compiled import one_row
from automl_runtime.inference.network import Network
from automl_runtime.kernels.networks import dense_row, dense_row_numpy
from hypothesis import given, settings
from hypothesis import strategies as st


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), widths=st.lists(st.integers(1, 40), min_size=2, max_size=5), far=st.booleans())
def test_one_row_says_what_it_says_among_others(seed, widths, far):
    draw = np.random.default_rng(seed)
    sizes = np.array(widths)
    count = int(((sizes[:-1] + 1) * sizes[1:]).sum())
    weights = (draw.normal(size=count) * (300.0 if far else 0.5)).astype(np.float32)
    network = Network(weights, sizes)
    network.check(widths[0])
    rows = draw.normal(size=(6, widths[0])) * draw.integers(0, 2, (6, widths[0]))
    wanted = network.predict(rows)
    scale = np.maximum(np.abs(wanted), np.abs(wanted).max(initial=0.0)) + 1.0
    for row, expected, size in zip(rows, wanted, scale, strict=True):
        found, twin = np.zeros((1, widths[-1])), np.zeros((1, widths[-1]))
        dense_row(row[None], weights, sizes, found)
        dense_row_numpy(row[None], weights, sizes, twin)
        assert (np.abs(found[0] - twin[0]) <= 1e-12 * size).all()
        assert (np.abs(found[0] - expected) <= 1e-12 * size).all()
        np.testing.assert_array_equal(one_row(network, False)(row[None]), found)


def test_cells_that_are_missing_or_infinite_do_not_vanish():
    weights, widths = np.ones(2 * 3 + 3 + 3 + 1, np.float32), np.array([2, 3, 1])
    for cell in (np.nan, np.inf):
        found = np.zeros((1, 1))
        dense_row(np.array([[cell, 0.0]]), weights, widths, found)
        assert not np.isfinite(found).any()
