"""Numbers that only tell when a row happened: a serial number, the days since an epoch, the month of a single year.

What comes later has values that no row of the training had, so that trees see all of it as the last days that they
know, and until then have learned single days by heart. Where the level of the target drifts, though, "late" is worth
knowing. Which of the two holds is told by rows that are later than those that train.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from automl_schemas.vocabulary import higher_is_better
from numpy.typing import NDArray

from automl_runtime.engine.folds import Fold
from automl_runtime.engine.metrics import LABEL_METRICS, error_of
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import selection_loss
from automl_runtime.engine.short_boosting import short_boosting
from automl_runtime.inference.encoding import Encoded
from automl_runtime.kernels.arrays import Ints

__all__ = ["harmful_stamps", "hide", "stamps"]

_LEAST_RANK_CORRELATION = 0.95
_LEAST_SHARE = 0.002
"""Share of the error that must be saved: less than that is chance."""
_STRETCHES = ((0.4, 0.7), (0.55, 0.85), (0.7, 1.0))
"""Where each stretch of rows that validate begins and ends in the order of time."""
_MOST_ROWS = 10_000
_MOST_CELLS = 1_500_000
_MOST_CLASSES = 10
_ROWS_PER_SECOND = 200
"""Of a budget: the comparison shall take a small share of it."""
_ROUNDS = (25, 50, 100)


def harmful_stamps(problem: Problem, data: Encoded, seed: int, budget: float | None) -> Ints:
    """Places among the numbers of the time stamps, where boosted trees err less on later rows without them.

    Three times, boosters of 40, 55 and 70 % of the rows predict the next 30 %: what was learned by heart does its harm
    far ahead. At most 10,000 rows train and validate each time, fewer of wide tables and for a short `budget`
    (seconds; None: time does not matter).
    """
    found = stamps(problem, data, seed)
    if not len(found) or len(problem.classes) > _MOST_CLASSES:
        return found[:0]
    every = np.arange(data.numbers.shape[1] + data.codes.shape[1])
    others = np.setdiff1d(every, found)
    if not len(others):
        return found[:0]
    most = min(_MOST_ROWS, max(1, _MOST_CELLS // len(every)))
    most = most if budget is None else min(most, int(budget * _ROWS_PER_SECOND))
    folds = _folds(problem, most, seed)
    if not folds:
        return found[:0]
    known, hidden = (_error(problem, data, columns, folds, seed) for columns in (every, others))
    return found if known - hidden >= _LEAST_SHARE * known else found[:0]


def stamps(problem: Problem, data: Encoded, seed: int) -> Ints:
    """Places of the numbers whose order is that of time: a rank correlation of 0.95 or more, either way."""
    from scipy.stats import rankdata

    if problem.time is None:
        return np.empty(0, dtype=np.int64)
    rows = _some(np.flatnonzero(np.isfinite(problem.time)), _MOST_ROWS, np.random.default_rng(seed))
    found = []
    for place in range(data.numbers.shape[1]):
        column = data.numbers[rows, place]
        known = np.isfinite(column)
        values, times = column[known], problem.time[rows][known]
        if len(values) > 1 and np.ptp(values) > 0 and np.ptp(times) > 0:
            correlation = np.corrcoef(rankdata(values), rankdata(times))[0, 1]
            if abs(correlation) >= _LEAST_RANK_CORRELATION:
                found.append(place)
    return np.array(found, dtype=np.int64)


def hide(data: Encoded, places: Ints) -> Encoded:
    """`data` with nothing in these numbers: no model reads a column that is empty in all rows that train."""
    numbers = data.numbers.copy()
    numbers[:, places] = np.nan
    return replace(data, numbers=numbers)


def _folds(problem: Problem, most: int, seed: int) -> list[Fold]:
    """Long stretches of time, each after all rows that train for it."""
    assert problem.time is not None
    rng = np.random.default_rng(seed)
    ordered = np.append(np.sort(problem.time), np.inf)
    folds = []
    for begin, end in _STRETCHES:
        first, last = (ordered[round(share * len(problem))] for share in (begin, end))
        train = np.flatnonzero(problem.time < first)
        valid = np.flatnonzero((problem.time >= first) & (problem.time < last))
        if len(train) and len(valid):
            folds.append(Fold(_some(train, most, rng), _some(valid, most, rng)))
    return folds


def _some(rows: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rows if len(rows) <= most else np.sort(rng.permutation(rows)[:most])


def _error(problem: Problem, data: Encoded, columns: Ints, folds: Sequence[Fold], seed: int) -> float:
    """The mean error over the folds, at the number of rounds that is best for all of them together."""
    errors = np.array([_errors(problem, data, columns, fold, seed) for fold in folds])
    return float(errors.mean(axis=0).min())


def _errors(problem: Problem, data: Encoded, columns: Ints, fold: Fold, seed: int) -> list[float]:
    train, valid = (np.hstack([data.numbers[rows], data.codes[rows]])[:, columns] for rows in (fold.train, fold.valid))
    classes = len(problem.classes)
    booster = short_boosting(
        train,
        problem.y[fold.train],
        classes,
        seed,
        _ROUNDS[-1],
        weights=None if problem.weights is None else problem.weights[fold.train],
        absolute=problem.metric in ("mae", "mape", "pinball"),
    )
    loss = selection_loss(problem, fold.valid)
    metric = "log_loss" if problem.metric in LABEL_METRICS else problem.metric
    found = []
    for rounds in _ROUNDS:
        outputs = np.asarray(booster.predict(valid, num_iteration=rounds), dtype=np.float64)
        if classes == 2:
            outputs = np.column_stack([1.0 - outputs, outputs])
        value = loss(outputs.reshape(len(fold.valid), -1))
        found.append(error_of(metric, -value if higher_is_better(metric) else value))
    return found
