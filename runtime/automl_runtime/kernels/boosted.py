"""Walks boosted trees whose nodes know where missing values go, and split categories by sets of codes.

All trees lie one behind the other in flat arrays. Node `i` looks at cell `feature[i]` of a row: a missing one goes left
where `missing_left[i]` says so; a number goes left when it is below `threshold[i]`; where `sets[i]` names a row of
`words`, a code goes left unless its bit is set there. A leaf has `feature[i] == -1`, and `threshold[i]` is its value.
Children lie behind their parent, so that every walk ends. (The rules are those of XGBoost.)
"""

from __future__ import annotations

import numpy as np

from automl_runtime.kernels.arrays import Bools, Floats, Ints
from automl_runtime.kernels.compiling import compiled

__all__ = ["boosted_sum", "boosted_sum_numpy"]


@compiled
def boosted_sum(
    rows: Floats,
    roots: Ints,
    outputs: Ints,
    feature: Ints,
    threshold: Floats,
    left: Ints,
    right: Ints,
    missing_left: Bools,
    sets: Ints,
    words: Ints,
    out: Floats,
) -> None:
    """Adds to column `outputs[t]` of `out` (float64, rows x outputs) the leaf value of each tree `t`.

    `rows`: float32, C order, NaN where missing; `words`: uint32 (sets x words). Indices are not checked here: see
    `inference.boosted.Boosted`.
    """
    span = words.shape[1] * 32
    for row in range(rows.shape[0]):
        for tree in range(roots.shape[0]):
            node = roots[tree]
            while feature[node] >= 0:
                cell = rows[row, feature[node]]
                if np.isnan(cell):
                    goes_left = missing_left[node]
                elif sets[node] < 0:
                    goes_left = cell < threshold[node]
                elif cell < 0 or cell >= span:
                    goes_left = True
                else:
                    code = np.int64(cell)
                    goes_left = (words[sets[node], code >> 5] >> np.uint32(code & 31)) & np.uint32(1) == 0
                node = left[node] if goes_left else right[node]
            out[row, outputs[tree]] += threshold[node]


def boosted_sum_numpy(
    rows: Floats,
    roots: Ints,
    outputs: Ints,
    feature: Ints,
    threshold: Floats,
    left: Ints,
    right: Ints,
    missing_left: Bools,
    sets: Ints,
    words: Ints,
    out: Floats,
) -> None:
    """The twin of `boosted_sum`: all rows go down one tree together."""
    every, span = np.arange(len(rows)), words.shape[1] * 32
    members = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little").astype(bool)
    for root, output in zip(roots, outputs, strict=True):
        node = np.full(len(rows), root)
        while (inner := feature[node] >= 0).any():
            cells = rows[every, np.maximum(feature[node], 0)]
            goes_left = cells < threshold[node]
            coded = np.flatnonzero((sets[node] >= 0) & ~np.isnan(cells))
            known = coded[(cells[coded] >= 0) & (cells[coded] < span)]
            goes_left[coded] = True
            goes_left[known] = ~members[sets[node[known]], cells[known].astype(np.int64)]
            goes_left = np.where(np.isnan(cells), missing_left[node], goes_left)
            node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
        out[:, output] += threshold[node]
