"""How models are mixed: greedy weights of out-of-fold outputs, or what was asked for.

Caruana et al., Ensemble Selection from Libraries of Models, 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import numpy as np
from automl_schemas.pipeline import Ensemble

from automl_runtime.contracts import nearest
from automl_runtime.engine.plan import Plan
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import selection_loss
from automl_runtime.errors import RequestError, shorten
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["check_ensemble", "equal_weights", "greedy_weights"]

_STEPS = 30
_MOST_CANDIDATES = 16
_MOST_ROWS = 15_000
_LEAST_WEIGHT = 0.02


def check_ensemble(plan: Plan, problem: Problem, *, single: bool) -> None:
    """Refuses a way to mix models that this search does not have.

    Raises:
        RequestError: if it is none, or does not suit the task or how rows are divided.
    """
    asked, known = plan.ensemble, get_args(Ensemble)
    if asked not in known:
        guess = nearest(asked, list(known)) or "."
        raise RequestError(f"There is no ensemble {shorten(asked)}{guess} Possible: {', '.join(known)}.")
    if asked == "auto":
        return
    if single:
        raise RequestError(f"`ensemble: {asked}` mixes models; an interpretable search leaves one.")
    if asked == "stacking" and not problem.classes:
        raise RequestError("`ensemble: stacking` is for classes; a regression mixes values: auto, voting or bagging.")
    if asked == "bagging" and (plan.folds < 2 or plan.validation == "temporal"):
        why = "so many rows have one fold" if plan.folds < 2 else "of rows divided by time the latest would be left out"
        raise RequestError(f"`ensemble: bagging` keeps the models of the folds; {why}.")


def equal_weights(learners: Sequence[str], losses: Sequence[float]) -> Floats:
    """The same weight for the best model of each family."""
    order = np.argsort(losses, kind="stable")
    best = {learners[place]: place for place in reversed(order.tolist())}
    weights = np.zeros(len(learners))
    weights[list(best.values())] = 1.0 / len(best)
    return weights


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
