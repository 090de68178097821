"""The few rows that a model keeps, to explain others by comparing with them."""

from __future__ import annotations

import numpy as np

from automl_runtime.engine.problem import Problem
from automl_runtime.kernels.arrays import Ints

__all__ = ["BACKGROUND_ROWS", "background_rows"]

BACKGROUND_ROWS = 32


def background_rows(problem: Problem, seed: int) -> Ints:
    """Places of 32 rows at most, spread evenly over the target; the first few of them are spread evenly too.

    Rows are ordered by target, equal ones at random; every n-th is taken, in the order of van der Corput's sequence.
    """
    tie = np.random.default_rng(seed).permutation(len(problem))
    ordered = np.lexsort((tie, problem.y))
    count = min(BACKGROUND_ROWS, len(ordered))
    middle = ((np.arange(count) + 0.5) * len(ordered) / count).astype(np.int64)
    return np.asarray(ordered[middle[_spread(count)]])


def _spread(count: int) -> Ints:
    bits = max(1, (count - 1).bit_length())
    return np.array(sorted(range(count), key=lambda number: int(f"{number:0{bits}b}"[::-1], 2)), dtype=np.int64)
