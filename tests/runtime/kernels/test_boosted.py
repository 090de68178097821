"""The kernel that walks boosted trees and its NumPy twin do the same."""

from __future__ import annotations

import numpy as np
from automl_runtime.kernels.boosted import boosted_sum, boosted_sum_numpy
from hypothesis import given
from hypothesis import strategies as st


def _trees(rng, count, depth=4, width=5):
    """Full trees over numbers (columns 0 to 2) and codes (the others); children lie behind their parent."""
    inner, size = 2**depth - 1, 2 ** (depth + 1) - 1
    place = np.arange(size)
    feature = np.where(place < inner, rng.integers(0, width, (count, size)), -1)
    coded = feature >= 3
    sets = np.where(coded, np.cumsum(coded).reshape(count, size) - 1, -1)
    start = (np.arange(count) * size)[:, None]
    left, right = (np.where(place < inner, 2 * place + side + start, 0) for side in (1, 2))
    words = rng.integers(0, 2**32, (max(1, int(coded.sum())), 2), dtype=np.uint32)
    whole = [each.ravel().astype(np.int32) for each in (feature, left, right, sets)]
    return (
        start.ravel().astype(np.int32),
        rng.integers(0, 2, count).astype(np.int32),
        whole[0],
        rng.normal(size=count * size).astype(np.float32),
        whole[1],
        whole[2],
        rng.random(count * size) < 0.5,
        whole[3],
        words,
    )


@given(st.integers(0, 2**32 - 1))
def test_the_kernel_and_its_twin_agree(seed):
    rng = np.random.default_rng(seed)
    rows = np.hstack([rng.normal(size=(40, 3)), rng.integers(-1, 80, (40, 2))]).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    trees = _trees(rng, 7)
    kernel, twin = np.zeros((40, 2)), np.zeros((40, 2))
    boosted_sum(rows, *trees, kernel)
    boosted_sum_numpy(rows, *trees, twin)
    np.testing.assert_array_equal(kernel, twin)
    assert np.abs(kernel).sum() > 0
