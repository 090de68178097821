"""Greedy weighted ensembles of out-of-fold outputs.

Caruana et al., Ensemble Selection from Libraries of Models, 2004.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import selection_loss
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["greedy_weights"]

_STEPS = 30
_MOST_CANDIDATES = 16
_MOST_ROWS = 15_000
_LEAST_WEIGHT = 0.02


def greedy_weights(
    problem: Problem, rows: Ints, outputs: Sequence[Floats], seed: int, *, most_rows: int = _MOST_ROWS
) -> Floats:
    """Weights (sum 1, one for each of `outputs`) of the mixture with the least loss on `rows`.

    The best model comes first; then, step by step, the model whose addition (again, perhaps) helps most. The
    shortest prefix with the least loss is kept; weights below 2 % are dropped. At most `most_rows` rows, drawn
    at random, are looked at.
    """
    if len(rows) > most_rows:
        sample = np.sort(np.random.default_rng(seed).permutation(len(rows))[:most_rows])
        rows, outputs = rows[sample], [each[sample] for each in outputs]
    loss = selection_loss(problem, rows)
    alone = np.array([loss(each) for each in outputs])
    candidates = np.argsort(alone, kind="stable")[:_MOST_CANDIDATES]
    order = [int(candidates[0])]
    losses = [float(alone[order[0]])]
    total = outputs[order[0]].copy()
    for step in range(2, min(_STEPS, max(10, len(rows) // 20)) + 1):
        tried = [loss((total + outputs[place]) / step) for place in candidates]
        best = int(candidates[int(np.argmin(tried))])
        order.append(best)
        losses.append(float(min(tried)))
        total += outputs[best]
        if len(losses) > 12 and min(losses[-8:]) > min(losses) - 1e-7 * abs(min(losses)):
            break
    length = int(np.argmin(losses)) + 1
    weights = np.bincount(order[:length], minlength=len(outputs)) / length
    weights[weights < _LEAST_WEIGHT] = 0.0
    return np.asarray(weights / weights.sum())
