"""What a model is worth on rows it has not seen: scores with intervals, and the points of the plots in the report."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from automl_schemas.vocabulary import MetricName, TaskType, higher_is_better

from automl_runtime.engine.curves import calibration_points, confusion_counts, pr_points, reports, roc_points
from automl_runtime.engine.metrics import (
    CLASS_METRICS,
    LABEL_METRICS,
    VALUE_METRICS,
    bootstrap_interval,
    score_classes,
    score_values,
)
from automl_runtime.engine.model import Model, problem_of
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.slices import worst_slices
from automl_runtime.errors import TrainingError
from automl_runtime.inference.encoding import spell
from automl_runtime.inference.intervals import Interval
from automl_runtime.inference.model import FittedModel, Label, decide
from automl_runtime.kernels.arrays import Bools, Floats

__all__ = [
    "ClassReport",
    "Confusion",
    "Coverage",
    "Curve",
    "Evaluation",
    "Histogram",
    "Scatter",
    "Slice",
    "evaluate",
    "known_rows",
]

_MOST_CLASSES: Final = 10
_SAMPLE: Final = 500
_BINS: Final = 40


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of rows by actual class (rows of `counts`) and predicted class (columns), at the model's threshold."""

    labels: list[Label]
    counts: list[list[int]]


@dataclass(frozen=True, slots=True)
class Curve:
    """At most 200 points of a curve for the class `label`; `area` is the area under it, where that says something.

    ROC: x false positive rate, y true positive rate. PR: x recall, y precision. Calibration: x mean predicted
    probability of a bin, y share of the class in it, `weight` the rows of the bin.
    """

    label: Label
    x: list[float]
    y: list[float]
    area: float | None = None
    weight: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ClassReport:
    """Precision, recall and F1 of one class, and its rows."""

    label: Label
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """`counts[i]` values lie in [`edges[i]`, `edges[i + 1]`)."""

    edges: list[float]
    counts: list[int]


@dataclass(frozen=True, slots=True)
class Scatter:
    """A sample of at most 500 rows: what was predicted, and what was true."""

    predicted: list[float]
    actual: list[float]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The interval around predictions, and the share of these rows that fell inside; `width` is its mean width."""

    interval: Interval
    share: float
    width: float


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows on which the model does worse than on all: `rows` with `condition`, scored by `metric`."""

    condition: str
    rows: int
    score: float
    column: str = ""
    """The one that `condition` is about."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that the report draws; lists are empty and fields None where they do not apply to the task.

    For binary tasks the curves hold one entry, for the positive class; for multiclass one for each class
    (the 10 most frequent).
    """

    task: TaskType
    metric: MetricName
    higher_is_better: bool
    rows: int
    score: float
    ci: tuple[float, float]
    """95 % bootstrap interval of `score`."""
    scores: dict[str, float]
    """Every metric that can be computed for the task, by its name."""
    classes: list[Label] = field(default_factory=list)
    positive: Label | None = None
    threshold: float | None = None
    threshold_by: str | None = None
    confusion: Confusion | None = None
    roc: list[Curve] = field(default_factory=list)
    pr: list[Curve] = field(default_factory=list)
    calibration: list[Curve] = field(default_factory=list)
    per_class: list[ClassReport] = field(default_factory=list)
    residuals: Histogram | None = None
    """Of actual minus predicted."""
    error_quantiles: list[float] = field(default_factory=list)
    """The 0, 1, ..., 100 % quantiles of the absolute error of a regression."""
    coverage: Coverage | None = None
    predicted_vs_actual: Scatter | None = None
    worst_slices: list[Slice] = field(default_factory=list)
    predict_us_per_row: float = 0.0
    """Measured while predicting these rows at once; a measured speed, left out of comparisons."""

    def to_json(self) -> dict[str, Any]:
        """The evaluation as a JSON object (finite numbers, lists, strings)."""
        return asdict(self)


def evaluate(model: Model | FittedModel, frame: pd.DataFrame, y: pd.Series, *, seed: int = 0) -> Evaluation:
    """Scores `model` on rows it has not seen.

    Rows of a class that the model was never shown cannot be scored; they are left out, and `rows` counts the others.

    Args:
        model: what `fit` or `load` returned.
        frame: the inputs.
        y: the true labels or values, one for each row of `frame`.
        seed: of the bootstrap and of the sample of rows.

    Raises:
        SchemaMismatchError: if a column or a true value is missing.
        TrainingError: if no row can be scored.
    """
    fitted = model.fitted if isinstance(model, Model) else model
    known = known_rows(fitted, y)
    if not known.any():
        raise TrainingError("None of the rows to evaluate on has a class that the model knows.")
    frame, y = frame[known], y[known]
    problem = problem_of(fitted, y)
    start = time.perf_counter()
    data = fitted.encoder.encode(frame)
    outputs = fitted.outputs(data)
    seconds = time.perf_counter() - start
    common: dict[str, Any] = {
        "task": problem.task,
        "metric": problem.metric,
        "higher_is_better": higher_is_better(problem.metric),
        "rows": len(frame),
        "worst_slices": [Slice(*found) for found in worst_slices(fitted.encoder, data, problem, outputs)],
        "predict_us_per_row": round(1e6 * seconds / len(frame), 3),
    }
    if problem.classes:
        return Evaluation(**common, **_of_classes(fitted, problem, outputs, seed))
    return Evaluation(**common, **_of_values(fitted, problem, outputs[:, 0], seed))


def known_rows(model: FittedModel, y: pd.Series) -> Bools:
    """Which of the true labels `y` the model knows; missing ones count as known: they are an error of the caller."""
    if not model.classes:
        return np.ones(len(y), dtype=bool)
    spelled = {spell(label) for label in model.classes}
    return np.array([null or spell(value) in spelled for value, null in zip(y, y.isna(), strict=True)], dtype=bool)


def _of_classes(model: FittedModel, problem: Problem, outputs: Floats, seed: int) -> dict[str, Any]:
    codes, classes, positive = problem.codes, len(problem.classes), problem.positive
    labels = decide(outputs, model.info)
    scores = {
        metric: score_classes(metric, codes, outputs, labels if metric in LABEL_METRICS else None, classes, positive)
        for metric in CLASS_METRICS
    }
    interval = bootstrap_interval(problem.metric, codes, outputs, labels, classes=classes, positive=positive, seed=seed)
    return {
        "score": scores[problem.metric],
        "ci": interval,
        "scores": scores,
        "classes": model.classes,
        "positive": model.positive,
        "threshold": model.threshold,
        "threshold_by": model.threshold_by,
        "confusion": Confusion(model.classes, confusion_counts(codes, labels, classes)),
        "per_class": [
            ClassReport(label, *report)
            for label, report in zip(model.classes, reports(codes, labels, classes), strict=True)
        ],
        **_curves(problem, model.classes, outputs),
    }


def _curves(problem: Problem, labels: list[Label], outputs: Floats) -> dict[str, list[Curve]]:
    """For the positive class of two, or for the ten most frequent of more."""
    codes = problem.codes
    counts = np.bincount(codes, minlength=len(labels))
    frequent = np.sort(np.argsort(-counts, kind="stable")[:_MOST_CLASSES])
    drawn = [problem.positive] if problem.task == "binary" else [int(code) for code in frequent]
    curves: dict[str, list[Curve]] = {"roc": [], "pr": [], "calibration": []}
    for code in drawn:
        truth, proba = codes == code, outputs[:, code]
        if not 0 < counts[code] < len(codes):
            continue
        areas = [
            score_classes(metric, truth.astype(np.int64), np.column_stack([1 - proba, proba]), None, 2, 1)
            for metric in ("roc_auc", "average_precision")
        ]
        curves["roc"].append(Curve(labels[code], *roc_points(truth, proba), area=areas[0]))
        curves["pr"].append(Curve(labels[code], *pr_points(truth, proba), area=areas[1]))
        x, y, weight = calibration_points(truth, proba)
        curves["calibration"].append(Curve(labels[code], x, y, weight=weight))
    return curves


def _of_values(model: FittedModel, problem: Problem, predicted: Floats, seed: int) -> dict[str, Any]:
    scores = {metric: score_values(metric, problem.y, predicted) for metric in VALUE_METRICS}
    counts, edges = np.histogram(problem.y - predicted, bins=_BINS)
    rows = np.sort(np.random.default_rng(seed).permutation(len(predicted))[:_SAMPLE])
    return {
        "score": scores[problem.metric],
        "ci": bootstrap_interval(problem.metric, problem.y, labels=predicted, seed=seed),
        "scores": scores,
        "residuals": Histogram(edges.tolist(), counts.tolist()),
        "error_quantiles": np.quantile(np.abs(problem.y - predicted), np.linspace(0, 1, 101)).tolist(),
        "coverage": _coverage(model.info.interval, problem.y, predicted),
        "predicted_vs_actual": Scatter(predicted[rows].tolist(), problem.y[rows].tolist()),
    }


def _coverage(interval: Interval | None, actual: Floats, predicted: Floats) -> Coverage | None:
    if interval is None:
        return None
    low, high = interval.bounds(predicted)
    return Coverage(interval, float(np.mean((low <= actual) & (actual <= high))), float(np.mean(high - low)))
