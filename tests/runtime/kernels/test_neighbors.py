"""The search of neighbours and its NumPy twin find the same rows."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.kernels.neighbors import nearest, nearest_numpy


@pytest.mark.parametrize("width", [1, 8, 9, 30])
def test_the_kernel_and_its_twin_agree(width):
    rng = np.random.default_rng(width)
    # Whole numbers: many distances are equal, and the earlier row has to win.
    rows, stored = (rng.integers(0, 3, (count, width)).astype(np.float32) for count in (30, 200))
    found = []
    for search in (nearest, nearest_numpy):
        places, distances = np.empty((30, 7), dtype=np.int64), np.empty((30, 7))
        search(rows, stored, places, distances)
        found.append((places, distances))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
