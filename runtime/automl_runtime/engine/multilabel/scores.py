"""How good the labels of several rows are, taken together."""

from __future__ import annotations

import numpy as np

from automl_runtime.engine.metrics import score_classes
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["score_labels", "two_columns"]


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
