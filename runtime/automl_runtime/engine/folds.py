"""Which rows validate which model: stratified, grouped or ordered by time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from automl_schemas.spec import Validation
from numpy.typing import NDArray

from automl_runtime.engine.problem import Problem

__all__ = ["Fold", "choose_validation", "make_folds"]

_TIME_BLOCKS = 3
_TIME_SHARE = 0.3
_HOLDOUT_PARTS = 5
_LEAST_PAST = 0.2


@dataclass(frozen=True, slots=True)
class Fold:
    """Places of the rows that train and of those that validate."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]


def choose_validation(problem: Problem, asked: Validation) -> Validation:
    """What is done: groups are never divided when rows repeat them; time rules when it was asked for and is known."""
    if asked == "temporal" and problem.time is not None and problem.time.min() < problem.time.max():
        return "temporal"
    if problem.groups is not None and 1 < len(np.unique(problem.groups)) < len(problem):
        return "grouped"
    return "random" if asked == "random" else "stratified"


def make_folds(problem: Problem, validation: Validation, folds: int, seed: int) -> list[Fold]:
    """`folds` folds; 1 gives a single one that validates on a fifth of the rows.

    Stratified: by class, or by the rank of a regression's target. Grouped: whole groups, balanced in rows and in class.
    Temporal: at most three blocks at the end, each trained on everything that is strictly earlier; stratified when so
    many rows share a time that too few are earlier. Where the problem has windows, the last `folds` of these validate.
    """
    rng = np.random.default_rng(seed)
    if validation == "temporal" and problem.time is not None:
        blocks = (
            _temporal(problem.time, min(folds, _TIME_BLOCKS))
            if problem.windows is None
            else _windows(problem.time, problem.windows)[-folds:]
        )
        if blocks:
            return blocks
    parts = folds if folds > 1 else _HOLDOUT_PARTS
    if validation == "grouped" and problem.groups is not None:
        number = _grouped(problem, problem.groups, min(parts, len(np.unique(problem.groups))), rng)
    elif validation == "random":
        number = rng.permutation(len(problem)) % parts
    else:
        number = _dealt(problem.y, parts, rng)
    kept = [part for part in range(parts) if (number == part).any()]
    return [Fold(np.flatnonzero(number != part), np.flatnonzero(number == part)) for part in kept[:folds]]


def _dealt(keys: NDArray[np.float64], parts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows sorted by key (ties shuffled) are dealt to the parts in hands of `parts`, each hand shuffled."""
    order = np.lexsort((rng.random(len(keys)), keys))
    hands = -(-len(keys) // parts)
    dealt = rng.permuted(np.tile(np.arange(parts), (hands, 1)), axis=1).ravel()[: len(keys)]
    number = np.empty(len(keys), dtype=np.int64)
    number[order] = dealt
    return number


def _grouped(problem: Problem, groups: NDArray[np.int64], parts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    sizes = np.bincount(groups)
    means = np.bincount(groups, problem.y) / np.maximum(sizes, 1)
    large = np.flatnonzero(sizes > len(problem) / (parts * 20))
    number = np.full(len(sizes), -1, dtype=np.int64)
    filled = np.zeros(parts)
    # Large groups one by one to the emptiest part, all others dealt by the mean of their target.
    for group in large[np.argsort(-sizes[large], kind="stable")]:
        number[group] = int(np.argmin(filled))
        filled[number[group]] += sizes[group]
    small = np.flatnonzero(number < 0)
    number[small] = _dealt(means[small], parts, rng)
    return number[groups]


def _temporal(time: NDArray[np.float64], blocks: int) -> list[Fold]:
    order = np.argsort(time, kind="stable")
    first = int(len(time) * (1 - _TIME_SHARE))
    bounds = np.linspace(first, len(time), blocks + 1).astype(int)
    cuts = [time[order[bound]] for bound in bounds[:-1]] + [np.inf]
    folds = []
    for begin, end in pairwise(cuts):
        train = np.flatnonzero(time < begin)
        valid = np.flatnonzero((time >= begin) & (time < end))
        if len(train) >= _LEAST_PAST * len(time) and len(valid):
            folds.append(Fold(train, valid))
    return folds


def _windows(time: NDArray[np.float64], windows: NDArray[np.int64]) -> list[Fold]:
    folds = []
    for number in range(int(windows.max(initial=-1)) + 1):
        valid = np.flatnonzero(windows == number)
        train = np.flatnonzero(time < time[valid].min(initial=np.inf))
        if len(train) and len(valid):
            folds.append(Fold(train, valid))
    return folds
