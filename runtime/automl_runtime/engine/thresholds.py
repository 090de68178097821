"""From probabilities to decisions: the threshold of a binary classifier, the multipliers of a multiclass one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from automl_schemas.vocabulary import MetricName

from automl_runtime.engine.metrics import score_classes
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["Decision", "ThresholdPolicy", "choose_multipliers", "choose_threshold", "default_policy"]

Criterion = Literal["f1", "cost", "top_k", "accuracy", "balanced_accuracy"]

_EXPONENTS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class ThresholdPolicy:
    """What a good decision is.

    `top_k`: as many rows as this, of those that validate, are predicted to be positive.
    """

    by: Criterion = "f1"
    cost_false_positive: float = 1.0
    cost_false_negative: float = 1.0
    top_k: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A threshold, and how it was chosen, in words."""

    threshold: float
    by: str


def default_policy(metric: MetricName) -> ThresholdPolicy:
    """The metric itself when it judges labels, else F1."""
    if metric == "accuracy":
        return ThresholdPolicy("accuracy")
    if metric == "balanced_accuracy":
        return ThresholdPolicy("balanced_accuracy")
    return ThresholdPolicy("f1")


def choose_threshold(policy: ThresholdPolicy, truth: Bools, proba: Floats) -> Decision:
    """The threshold that is best for `policy` on these rows, half-way to the next smaller probability.

    Args:
        policy: what to optimise.
        truth: whether each row is positive.
        proba: the probability of the positive class.
    """
    order = np.argsort(-proba, kind="stable")
    falling = proba[order]
    hits = np.concatenate([[0], np.cumsum(truth[order])])
    flagged = np.arange(len(proba) + 1)
    # A cut is possible between different probabilities only; cut i flags the i rows with the largest ones.
    cuts = np.flatnonzero(np.concatenate([[True], falling[1:] < falling[:-1], [True]]))
    hits, flagged = hits[cuts], flagged[cuts]
    positives = int(truth.sum())
    if policy.by == "top_k":
        wanted = policy.top_k if policy.top_k is not None else positives
        place = int(np.argmin(np.abs(flagged - wanted)))
        words = f"top_k: {wanted} of {len(proba)} rows"
    else:
        place = int(np.argmax(_worth(policy, hits, flagged, positives, len(proba))))
        words = policy.by
        if policy.by == "cost":
            words += f": false positive {policy.cost_false_positive:g}, false negative {policy.cost_false_negative:g}"
    return Decision(_between(falling, int(flagged[place])), words)


def _worth(policy: ThresholdPolicy, hits: Ints, flagged: Ints, positives: int, rows: int) -> Floats:
    wrong, missed = flagged - hits, positives - hits
    if policy.by == "f1":
        return 2 * hits / np.maximum(flagged + positives, 1)
    if policy.by == "cost":
        return -(wrong * policy.cost_false_positive + missed * policy.cost_false_negative)
    if policy.by == "accuracy":
        return -(wrong + missed).astype(np.float64)
    return hits / max(positives, 1) - wrong / max(rows - positives, 1)


def _between(falling: Floats, flagged: int) -> float:
    """A threshold that flags the first `flagged` rows and no other."""
    if flagged == 0:
        return float(np.nextafter(falling[0], np.inf))
    upper = float(falling[flagged - 1])
    middle = 0.5 * (upper + (float(falling[flagged]) if flagged < len(falling) else 0.0))
    return middle if flagged == len(falling) or middle > falling[flagged] else upper


def choose_multipliers(metric: MetricName, codes: Ints, proba: Floats) -> tuple[float, ...]:
    """Multipliers prior**-e with the best score of labels for `balanced_accuracy` and `f1`; none for other metrics."""
    if metric not in ("balanced_accuracy", "f1"):
        return ()
    classes = proba.shape[1]
    prior = (np.bincount(codes, minlength=classes) + 1.0) / (len(codes) + classes)
    scores = [
        score_classes(metric, codes, None, np.argmax(proba * prior**-power, axis=1), classes, 1) for power in _EXPONENTS
    ]
    chosen = _EXPONENTS[int(np.argmax(scores))]
    return () if chosen == 0 else tuple(float(value) for value in prior**-chosen)
