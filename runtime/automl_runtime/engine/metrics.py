"""Scores, equal to scikit-learn's, and their bootstrap intervals.

Every metric is computed for many weightings of the rows at once: weights of 1 give the score, resampled counts
the bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from automl_schemas.vocabulary import MetricName, TaskType, higher_is_better

from automl_runtime.errors import RequestError
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = [
    "CLASS_METRICS",
    "LABEL_METRICS",
    "VALUE_METRICS",
    "bootstrap_interval",
    "check_metric",
    "error_of",
    "interval_of",
    "loss_of",
    "score",
    "score_classes",
    "score_values",
]

LABEL_METRICS: Final = frozenset({"f1", "accuracy", "balanced_accuracy"})
"""Metrics of labels, not of probabilities."""
CLASS_METRICS: Final[tuple[MetricName, ...]] = (
    "roc_auc",
    "average_precision",
    "log_loss",
    "f1",
    "accuracy",
    "balanced_accuracy",
)
VALUE_METRICS: Final[tuple[MetricName, ...]] = ("rmse", "mae", "mape", "r2", "pinball")

_SMALLEST = np.finfo(np.float64).eps
_CELLS_AT_ONCE = 2_000_000

Scorer = Callable[[Floats], Floats]
"""Weights (samples x rows) to scores (samples)."""


def check_metric(metric: str, task: TaskType) -> None:
    """Refuses a metric that the task does not have.

    Raises:
        RequestError: naming those it has.
    """
    allowed = VALUE_METRICS if task == "regression" else CLASS_METRICS
    if metric not in allowed:
        raise RequestError(f"The metric {metric!r} does not fit a {task} task; possible: {', '.join(allowed)}.")


def loss_of(metric: MetricName, value: float) -> float:
    """`value` turned so that less is better."""
    return -value if higher_is_better(metric) else value


def error_of(metric: MetricName, value: float) -> float:
    """What is missing to a perfect score: `value` itself, or 1 - `value` where more is better."""
    return 1.0 - value if higher_is_better(metric) else value


def score(
    metric: MetricName, y: Sequence[Any], prediction: Any, classes: Sequence[Any] = (), *, positive: Any = None
) -> float:
    """The score of predictions.

    Args:
        metric: one of `CLASS_METRICS` or `VALUE_METRICS`.
        y: the true labels or values.
        prediction: values of a regression; labels for `f1`, `accuracy` and `balanced_accuracy`; else probabilities
            (rows x classes; for two classes also only those of `positive`).
        classes: as `np.unique` sorts them; empty for a regression.
        positive: the class of interest of two; the last of `classes` when None.
    """
    if metric in VALUE_METRICS:
        return score_values(metric, np.asarray(y, dtype=np.float64), np.asarray(prediction, dtype=np.float64).ravel())
    places = {label: place for place, label in enumerate(classes)}
    codes = np.array([places[label] for label in y])
    chosen = len(classes) - 1 if positive is None else places[positive]
    if metric in LABEL_METRICS:
        labels = np.array([places[label] for label in prediction])
        return score_classes(metric, codes, None, labels, len(classes), chosen)
    proba = np.asarray(prediction, dtype=np.float64)
    if proba.ndim == 1:
        proba = np.column_stack([1 - proba, proba] if chosen == 1 else [proba, 1 - proba])
    return score_classes(metric, codes, proba, None, len(classes), chosen)


def score_values(metric: MetricName, y: Floats, predicted: Floats) -> float:
    """The score of the predicted values of a regression."""
    return float(_values(metric, y, predicted)(np.ones((1, len(y))))[0])


def score_classes(
    metric: MetricName, codes: Ints, proba: Floats | None, labels: Ints | None, classes: int, positive: int
) -> float:
    """The score of probabilities or, for `LABEL_METRICS`, of labels; classes are given by their place."""
    return float(_classes(metric, codes, proba, labels, classes, positive)(np.ones((1, len(codes))))[0])


def bootstrap_interval(
    metric: MetricName,
    y: Floats | Ints,
    proba: Floats | None = None,
    labels: Floats | Ints | None = None,
    *,
    classes: int = 0,
    positive: int = 1,
    blocks: Ints | None = None,
    seed: int = 0,
    resamples: int = 1000,
) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of the score over resampled rows, drawn within each class.

    `y` holds places of classes, or values when `classes` is 0; `labels` places of classes or predicted values. With
    `blocks`, numbers from 0 for the block of each row, whole blocks of a table of values are drawn instead of rows.
    """
    if classes:
        scorer = _classes(metric, np.asarray(y), proba, labels, classes, positive)
        strata = [np.flatnonzero(y == code) for code in range(classes)]
    else:
        scorer = _values(metric, np.asarray(y), np.asarray(labels, dtype=np.float64))
        strata = [np.arange(len(y))]
    return interval_of(scorer, strata, blocks=blocks, seed=seed, resamples=resamples)


def interval_of(
    scorer: Scorer, strata: Sequence[Ints], *, blocks: Ints | None = None, seed: int = 0, resamples: int = 1000
) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of what `scorer` says of resampled rows.

    Args:
        scorer: from weights (samples x rows) to scores (samples).
        strata: the places of the rows, in the parts within which they are drawn.
        blocks: as `bootstrap_interval` takes them, in place of `strata`.
        seed: of the draws.
        resamples: how many.
    """
    count = sum(map(len, strata))
    rng = np.random.default_rng(seed)
    scores: list[Floats] = []
    step = max(1, min(resamples, _CELLS_AT_ONCE // count))
    for start in range(0, resamples, step):
        weights = np.zeros((min(step, resamples - start), count))
        if blocks is not None:
            weights = _resample(rng, len(weights), int(blocks.max()) + 1)[:, blocks].astype(np.float64)
        for rows in strata if blocks is None else ():
            if len(rows):
                weights[:, rows] = _resample(rng, len(weights), len(rows))
        scores.append(scorer(weights))
    low, high = np.nanquantile(np.concatenate(scores), [0.025, 0.975])
    return float(low), float(high)


def _resample(rng: np.random.Generator, samples: int, rows: int) -> Ints:
    """How often each of `rows` rows is drawn, in each of `samples` samples."""
    drawn = rng.integers(0, rows, size=(samples, rows))
    drawn += np.arange(samples)[:, None] * rows
    return np.bincount(drawn.ravel(), minlength=samples * rows).reshape(samples, rows)


def _values(metric: MetricName, y: Floats, predicted: Floats) -> Scorer:
    error = y - predicted
    if metric == "rmse":
        return lambda weights: np.sqrt(_mean(weights, error**2))
    if metric == "mae":
        return lambda weights: _mean(weights, np.abs(error))
    if metric == "mape":
        relative = np.abs(error) / np.maximum(np.abs(y), _SMALLEST)
        return lambda weights: _mean(weights, relative)
    if metric == "pinball":
        return lambda weights: _mean(weights, 0.5 * np.abs(error))
    centered = y - y.mean()

    def r2(weights: Floats) -> Floats:
        spread = _mean(weights, centered**2) - _mean(weights, centered) ** 2
        missed = _mean(weights, error**2)
        # A constant target has no variance to explain: 1 when it is met exactly, else 0.
        return np.where(spread > 0, 1.0 - missed / np.where(spread > 0, spread, 1.0), missed == 0)

    return r2


def _mean(weights: Floats, cells: Floats) -> Floats:
    return np.asarray(weights @ cells / weights.sum(axis=1))


def _classes(metric: MetricName, codes: Ints, proba: Floats | None, labels: Any, classes: int, positive: int) -> Scorer:
    if metric in LABEL_METRICS:
        return _labels(metric, codes, np.asarray(labels), classes, positive)
    assert proba is not None
    if metric == "log_loss":
        clipped = np.clip(proba, _SMALLEST, 1 - _SMALLEST)
        chosen = clipped[np.arange(len(codes)), codes] / clipped.sum(axis=1)
        return lambda weights: _mean(weights, -np.log(chosen))
    ranking = _auc if metric == "roc_auc" else _precision
    if classes == 2:
        return ranking(codes == positive, proba[:, positive])
    each = [ranking(codes == code, proba[:, code]) for code in range(classes) if (codes == code).any()]
    return lambda weights: np.asarray(np.mean([scorer(weights) for scorer in each], axis=0))


def _labels(metric: MetricName, codes: Ints, labels: Ints, classes: int, positive: int) -> Scorer:
    if metric == "accuracy":
        return lambda weights: _mean(weights, (codes == labels).astype(np.float64))
    actual = (codes[:, None] == np.arange(classes)).astype(np.float64)
    hit = actual * (labels == codes)[:, None]
    if metric == "balanced_accuracy":
        present = actual.any(axis=0)

        def recall(weights: Floats) -> Floats:
            support = weights @ actual[:, present]
            return np.asarray(np.nanmean(np.divide(weights @ hit[:, present], support), axis=1))

        return recall
    guessed = (labels[:, None] == np.arange(classes)).astype(np.float64)
    # As scikit-learn: two classes give the F1 of the positive one, more give the mean over classes that occur.
    kept = np.array([positive]) if classes == 2 else np.flatnonzero(actual.any(axis=0) | guessed.any(axis=0))

    def f1(weights: Floats) -> Floats:
        total = weights @ (actual + guessed)[:, kept]
        return np.asarray(np.mean(2 * (weights @ hit[:, kept]) / np.where(total > 0, total, 1.0), axis=1))

    return f1


def _sorted(truth: Any, ranks: Floats) -> tuple[Ints, Floats, Ints]:
    """The order by falling score, the truth in that order, and where runs of equal scores begin."""
    order = np.argsort(-ranks, kind="stable")
    falling = ranks[order]
    starts = np.flatnonzero(np.r_[True, falling[1:] != falling[:-1]])
    return order, truth[order].astype(np.float64), starts


def _auc(truth: Any, ranks: Floats) -> Scorer:
    order, truths, starts = _sorted(truth, ranks)

    def scorer(weights: Floats) -> Floats:
        ordered = weights[:, order]
        hits = np.add.reduceat(ordered * truths, starts, axis=1)
        misses = np.add.reduceat(ordered, starts, axis=1) - hits
        behind = misses.sum(axis=1, keepdims=True) - np.cumsum(misses, axis=1)
        pairs = hits.sum(axis=1) * misses.sum(axis=1)
        return np.asarray((hits * (behind + 0.5 * misses)).sum(axis=1) / np.where(pairs > 0, pairs, 1.0))

    return scorer


def _precision(truth: Any, ranks: Floats) -> Scorer:
    order, truths, starts = _sorted(truth, ranks)

    def scorer(weights: Floats) -> Floats:
        ordered = weights[:, order]
        hits = np.add.reduceat(ordered * truths, starts, axis=1)
        seen = np.cumsum(np.add.reduceat(ordered, starts, axis=1), axis=1)
        precision = np.cumsum(hits, axis=1) / np.where(seen > 0, seen, 1.0)
        return np.asarray((hits * precision).sum(axis=1) / np.maximum(hits.sum(axis=1), 1.0))

    return scorer
