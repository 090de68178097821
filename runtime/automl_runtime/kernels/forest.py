"""Walks packed decision trees.

All trees of a forest lie one behind the other in flat arrays. Node `i` sends a row to `left[i]` when
`row[feature[i]] <= threshold[i]` and to `right[i]` otherwise; a leaf has `feature[i] == -1`, and `left[i]` is
its row in `values`. Children lie behind their parent, so that every walk ends.
"""

from __future__ import annotations

import numpy as np

from automl_runtime.kernels.arrays import Floats, Ints
from automl_runtime.kernels.compiling import compiled

__all__ = ["forest_sum", "forest_sum_numpy"]


@compiled
def forest_sum(
    rows: Floats, roots: Ints, feature: Ints, threshold: Floats, left: Ints, right: Ints, values: Floats, out: Floats
) -> None:
    """Adds to `out` (float64, rows x outputs) the leaf values of every tree.

    `rows`: float32, C order, no NaN; `roots`, `feature`, `left`, `right`: int32; `threshold`: float32;
    `values`: float64 (leaves x outputs). Indices are not checked here: see `inference.forest.Forest`.
    """
    for row in range(rows.shape[0]):
        for tree in range(roots.shape[0]):
            node = roots[tree]
            while feature[node] >= 0:
                node = left[node] if rows[row, feature[node]] <= threshold[node] else right[node]
            for output in range(values.shape[1]):
                out[row, output] += values[left[node], output]


def forest_sum_numpy(
    rows: Floats, roots: Ints, feature: Ints, threshold: Floats, left: Ints, right: Ints, values: Floats, out: Floats
) -> None:
    """The twin of `forest_sum`: all rows go down one tree together."""
    every = np.arange(len(rows))
    for root in roots:
        node = np.full(len(rows), root)
        while (inner := feature[node] >= 0).any():
            goes_left = rows[every, np.maximum(feature[node], 0)] <= threshold[node]
            node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
        out += values[left[node]]
