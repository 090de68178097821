"""How good the labels of several rows are, taken together."""

from __future__ import annotations

from typing import Final

import numpy as np
from automl_schemas.vocabulary import MetricName

from automl_runtime.engine.metrics import interval_of, score_classes
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["label_interval", "mean_scores", "score_labels", "two_columns"]

_SMALLEST: Final = np.finfo(np.float64).eps


def mean_scores(truth: Ints, shares: Floats, found: Ints) -> dict[MetricName, float]:
    """The metrics that several labels are judged by, rows x labels each: the mean over the labels of their own."""
    weights = np.ones((1, len(truth)))
    return {
        metric: float(_mean_over_labels(metric, weights, truth, shares, found)[0])
        for metric in ("f1", "log_loss", "accuracy")
    }


def label_interval(
    metric: MetricName, truth: Ints, shares: Floats, found: Ints, *, seed: int = 0
) -> tuple[float, float]:
    """The 2.5 % and 97.5 % quantiles of one of `mean_scores` over resampled rows."""

    def scorer(weights: Floats) -> Floats:
        return _mean_over_labels(metric, weights, truth, shares, found)

    return interval_of(scorer, [np.arange(len(truth))], seed=seed)


def _mean_over_labels(metric: MetricName, weights: Floats, truth: Ints, shares: Floats, found: Ints) -> Floats:
    """Of each sample of `weights` (samples x rows)."""
    if metric == "f1":
        hits, wrong = weights @ (truth & found), weights @ (truth ^ found)
        return np.asarray((2 * hits / np.maximum(2 * hits + wrong, 1)).mean(axis=1))
    if metric == "accuracy":
        cells = (truth == found).mean(axis=1)
    else:
        safe = np.clip(shares, _SMALLEST, 1 - _SMALLEST)
        cells = -np.where(truth == 1, np.log(safe), np.log1p(-safe)).mean(axis=1)
    return np.asarray(weights @ cells / weights.sum(axis=1))


def score_labels(truth: Ints, shares: Floats, found: Ints) -> dict[str, float]:
    """Scores as scikit-learn defines them, rows x labels each.

    `f1_micro` (of all cells together), `f1_macro` (mean over labels; 0 where a label is neither there nor predicted),
    `subset_accuracy` (rows without a mistake), `hamming_loss` (share of wrong cells), `roc_auc` (mean over the labels
    that some of these rows have and some have not; left out when there is none).
    """
    hits, wrong = (truth & found).sum(axis=0), (truth ^ found).sum(axis=0)
    sizes = 2 * hits + wrong
    scores = {
        "f1_micro": float(2 * hits.sum() / max(sizes.sum(), 1)),
        "f1_macro": float((2 * hits / np.maximum(sizes, 1)).mean()),
        "subset_accuracy": float((truth == found).all(axis=1).mean()),
        "hamming_loss": float((truth != found).mean()),
    }
    varying = np.flatnonzero((truth.min(axis=0) == 0) & (truth.max(axis=0) == 1))
    if len(varying):
        areas = [
            score_classes("roc_auc", truth[:, place].astype(np.int64), two_columns(shares[:, place]), None, 2, 1)
            for place in varying
        ]
        scores["roc_auc"] = float(np.mean(areas))
    return scores


def two_columns(shares: Floats) -> Floats:
    """The probabilities of 0 and of 1."""
    return np.column_stack([1.0 - shares, shares])
