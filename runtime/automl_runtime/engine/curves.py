"""The points of ROC, precision-recall and calibration curves, and the tables beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.metrics import score_classes
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["calibration_points", "confusion_counts", "pr_points", "reports", "roc_points"]

_MOST_POINTS = 200
_BINS = 10

Points = tuple[list[float], list[float]]


def roc_points(truth: Bools, proba: Floats) -> Points:
    """False positive rates and true positive rates, from (0, 0) to (1, 1)."""
    hits, flagged = _cumulated(truth, proba)
    misses = flagged - hits
    return _thinned(misses / max(misses[-1], 1), hits / max(hits[-1], 1))


def pr_points(truth: Bools, proba: Floats) -> Points:
    """Recall and precision, from recall 0 on."""
    hits, flagged = _cumulated(truth, proba)
    precision = hits[1:] / np.maximum(flagged[1:], 1)
    return _thinned(np.append(0.0, hits[1:] / max(hits[-1], 1)), np.append(precision[0], precision))


def calibration_points(truth: Bools, proba: Floats) -> tuple[list[float], list[float], list[int]]:
    """Mean probability, share of the class and rows of ten bins with equally many rows each (fewer when values tie)."""
    edges = np.unique(np.quantile(proba, np.linspace(0, 1, _BINS + 1)))
    bins = np.clip(np.searchsorted(edges, proba, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = np.bincount(bins)
    kept = rows > 0
    means = np.bincount(bins, proba)[kept] / rows[kept]
    shares = np.bincount(bins, truth.astype(np.float64))[kept] / rows[kept]
    return means.tolist(), shares.tolist(), rows[kept].tolist()


def confusion_counts(codes: Ints, labels: Ints, classes: int) -> list[list[int]]:
    """Rows by actual class, then by predicted class."""
    counts: list[list[int]] = np.bincount(codes * classes + labels, minlength=classes**2).reshape(classes, -1).tolist()
    return counts


def reports(codes: Ints, labels: Ints, classes: int) -> list[tuple[float, float, float, int]]:
    """Precision, recall, F1 and rows of each class."""
    result = []
    for code in range(classes):
        actual, guessed = codes == code, labels == code
        hits = int((actual & guessed).sum())
        precision, recall = hits / max(int(guessed.sum()), 1), hits / max(int(actual.sum()), 1)
        f1 = score_classes("f1", actual.astype(np.int64), None, guessed.astype(np.int64), 2, 1)
        result.append((precision, recall, f1, int(actual.sum())))
    return result


def _cumulated(truth: Bools, proba: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positive rows and all rows above each threshold, at the ends of runs of equal probabilities; starts at 0."""
    order = np.argsort(-proba, kind="stable")
    falling = proba[order]
    ends = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    return np.append(0, np.cumsum(truth[order])[ends]), np.append(0, ends + 1)


def _thinned(x: Floats, y: Floats) -> Points:
    kept = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).round().astype(int))
    return x[kept].tolist(), y[kept].tolist()
