"""What a feature gains: short boosting with and without it, on repeated folds of the training rows.

Folds of one table share rows, so that their scores hang together; the variance of the mean difference is corrected for
that (the corrected resampled t-test: Nadeau and Bengio, Inference for the generalization error, 2003). The chances of
the features of one round are corrected for their number (Holm, 1979).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np
import pandas as pd
from automl_runtime.engine.folds import Fold, choose_validation, make_folds
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.metrics import LABEL_METRICS
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import selection_loss
from automl_runtime.engine.short_boosting import short_boosting
from automl_runtime.errors import TrainingError
from automl_runtime.events import EventSink, Progress, ignore
from automl_runtime.inference.encoding import Encoder, FeatureKind
from automl_runtime.kernels.arrays import Floats, Ints
from automl_runtime.kernels.threads import available_cores
from automl_schemas.spec import Validation
from numpy.typing import NDArray

__all__ = ["SIGNIFICANT", "Gain", "gains_of", "judged_rows", "matrix_of", "metric_of"]

SIGNIFICANT: Final = 0.05
"""A feature stays when it gains, and its chance to gain nothing, corrected for the number tried, is below this."""

_REPEATS: Final = 4
_FEWEST_FOLDS: Final = 5
_STRETCHES: Final = 6
_LATE_SHARE: Final = 0.5
_ROUNDS: Final = (25, 50, 100)
_MOST_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Gain:
    """The mean gain over the folds with its 95 % interval, and the chance `p` of so much where nothing is gained."""

    mean: float
    interval: tuple[float, float]
    p: float


def metric_of(problem: Problem) -> str:
    """What gains are counted in: the metric, or log loss where that judges labels, as the search compares models."""
    return "log_loss" if problem.metric in LABEL_METRICS else problem.metric


def judged_rows(rows: int, seed: int) -> Ints:
    """The places of the rows that are judged on: all, or 10,000 drawn at random, in their order."""
    if rows <= _MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:_MOST_ROWS])


def matrix_of(features: pd.DataFrame, kinds: Mapping[str, FeatureKind]) -> tuple[Floats, tuple[str, ...]]:
    """The numbers and the codes of categories of `features` (rows x columns), and the column that each comes from.

    Texts and pictures are left out.
    """
    known = {name: kind for name, kind in kinds.items() if name in features.columns}
    columns = tuple(column for column in make_columns(features, known) if column.kind not in ("text", "image"))
    encoder = Encoder(columns)
    data = encoder.encode(features)
    return np.hstack([data.numbers, data.codes]), (*encoder.number_owners, *encoder.code_owners)


def gains_of(
    problem: Problem,
    base: Floats,
    added: Mapping[str, Floats],
    *,
    validation: Validation,
    folds: int,
    seed: int,
    tried: int = 1,
    on_event: EventSink = ignore,
) -> dict[str, Gain]:
    """What each of `added` gains.

    Folds are those of a training: of classes or ranks, of whole groups, or of time, then up to six stretches of the
    later half, each judged by what came before it. All but those of time are drawn anew four times. All models get the
    number of trees that is best without a new feature.

    Args:
        problem: of the rows.
        base: the present features (rows x columns).
        added: what each feature adds to them (rows x columns).
        validation: what the project asks for.
        folds: how many it trains with; at least five are used.
        seed: of the folds.
        tried: from how many features these were chosen by a look at the same rows.
        on_event: gets the progress.

    Raises:
        TrainingError: if the rows cannot be divided into two folds.
    """
    parts = _folds(problem, validation, folds, seed)
    absent = {name for name, matrix in added.items() if not np.isfinite(matrix).any()}
    wanted = [name for name in added if name not in absent]
    with ThreadPoolExecutor(available_cores()) as pool:
        try:
            plain = np.array(list(pool.map(lambda fold: _losses(problem, base, fold, seed), parts)))
            best = int(np.argmin(plain.mean(axis=0)))
            found = {}
            for done, name in enumerate(wanted):
                on_event(Progress("judging", done, len(wanted), name))
                matrix = np.hstack([base, added[name]])
                known = [_ROUNDS[best]]
                losses = pool.map(lambda fold, m=matrix, r=known: _losses(problem, m, fold, seed, r)[0], parts)
                found[name] = _gain(plain[:, best] - np.array(list(losses)), parts)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return _corrected(found, max(tried, len(found)))


def _folds(problem: Problem, validation: Validation, folds: int, seed: int) -> list[Fold]:
    chosen = choose_validation(problem, validation)
    if chosen == "temporal" and problem.time is not None:
        if problem.windows is None:
            problem = replace(problem, windows=_stretches(problem.time))
        parts = make_folds(problem, "temporal", _STRETCHES, seed)
    else:
        number = max(folds, _FEWEST_FOLDS)
        parts = [fold for turn in range(_REPEATS) for fold in make_folds(problem, chosen, number, seed + turn)]
    judged = [fold for fold in parts if len(np.unique(problem.y[fold.valid])) > 1]
    if len(judged) < 2:
        raise TrainingError("There are too few training rows to judge a feature: no two folds can be made of them.")
    return judged


def _stretches(time: Floats) -> NDArray[np.int64]:
    """The stretch of the later half of time that each row lies in; -1 before."""
    order = np.sort(time)
    places = (len(time) * np.linspace(1 - _LATE_SHARE, 1, _STRETCHES + 1)[:-1]).astype(int)
    return (np.searchsorted(np.unique(order[places]), time, side="right") - 1).astype(np.int64)


def _losses(problem: Problem, matrix: Floats, fold: Fold, seed: int, rounds: Sequence[int] = _ROUNDS) -> list[float]:
    """The loss on the rows that validate, for each number of trees."""
    classes = len(problem.classes)
    booster = short_boosting(
        matrix[fold.train],
        problem.y[fold.train],
        classes,
        seed,
        rounds[-1],
        weights=None if problem.weights is None else problem.weights[fold.train],
        absolute=problem.metric in ("mae", "mape", "pinball"),
        share=1.0,
    )
    loss = selection_loss(problem, fold.valid)
    found = []
    for number in rounds:
        outputs = np.asarray(booster.predict(matrix[fold.valid], num_iteration=number, num_threads=1), dtype=np.float64)
        if classes == 2:
            outputs = np.column_stack([1.0 - outputs, outputs])
        found.append(loss(outputs.reshape(len(fold.valid), -1)))
    return found


def _gain(saved: Floats, folds: Sequence[Fold]) -> Gain:
    from scipy.stats import t

    count = len(saved)
    mean = float(saved.mean())
    overlap = float(np.mean([len(fold.valid) / len(fold.train) for fold in folds]))
    error = sqrt((1 / count + overlap) * float(saved.var(ddof=1)))
    if error == 0:
        return Gain(mean, (mean, mean), 0.0 if mean > 0 else 1.0)
    reach = float(t.ppf(0.975, count - 1)) * error
    return Gain(mean, (mean - reach, mean + reach), float(t.sf(mean / error, count - 1)))


def _corrected(found: dict[str, Gain], tried: int) -> dict[str, Gain]:
    """The same with each `p` times the number of those that are not smaller, and never below a smaller one.

    Those that were tried and not judged count as larger.
    """
    least, corrected = 0.0, {}
    for place, name in enumerate(sorted(found, key=lambda name: found[name].p)):
        least = max(least, min(1.0, found[name].p * (tried - place)))
        corrected[name] = replace(found[name], p=least)
    return {name: corrected[name] for name in found}
