"""Scores of out-of-fold outputs, as the search and the ensemble compare them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from automl_runtime.engine.metrics import LABEL_METRICS, loss_of, score_classes, score_values
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.thresholds import choose_threshold, default_policy
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["selection_loss", "trial_score"]


def trial_score(problem: Problem, rows: Ints, outputs: Floats) -> float:
    """The score in the metric's own unit; metrics of labels are taken at the threshold that is best for them."""
    metric = problem.metric
    if not problem.classes:
        return score_values(metric, problem.y[rows], outputs[:, 0])
    codes, positive, labels = problem.codes[rows], problem.positive, None
    if metric in LABEL_METRICS:
        labels = np.argmax(outputs, axis=1)
        if problem.task == "binary":
            flags = outputs[:, positive]
            cut = choose_threshold(default_policy(metric), codes == positive, flags).threshold
            labels = np.where(flags >= cut, positive, 1 - positive)
    return score_classes(metric, codes, outputs, labels, len(problem.classes), positive)


def selection_loss(problem: Problem, rows: Ints) -> Callable[[Floats], float]:
    """The loss that models are chosen by: the metric, or log loss where the metric judges labels (it is smoother)."""
    if not problem.classes:
        y = problem.y[rows]
        return lambda outputs: loss_of(problem.metric, score_values(problem.metric, y, outputs[:, 0]))
    metric = "log_loss" if problem.metric in LABEL_METRICS else problem.metric
    codes, classes = problem.codes[rows], len(problem.classes)
    return lambda outputs: loss_of(metric, score_classes(metric, codes, outputs, None, classes, problem.positive))
