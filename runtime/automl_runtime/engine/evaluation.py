"""What a model is worth on rows it has not seen: scores with intervals, and the points of the plots in the report."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from automl_schemas.vocabulary import MetricName, TaskType, higher_is_better

from automl_runtime.engine.metrics import (
    CLASS_METRICS,
    VALUE_METRICS,
    bootstrap_interval,
    score_classes,
    score_values,
)
from automl_runtime.engine.model import Model, truth_of
from automl_runtime.errors import TrainingError
from automl_runtime.inference.encoding import spell
from automl_runtime.inference.model import FittedModel, Label, decide
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = [
    "ClassReport",
    "Confusion",
    "Curve",
    "Evaluation",
    "Histogram",
    "Scatter",
    "Slice",
    "evaluate",
]

_MOST_POINTS: Final = 200
_MOST_DOTS: Final = 500
_MOST_CURVES: Final = 10
_BINS: Final = 40
_CALIBRATION_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts of rows by actual class (rows of `counts`) and predicted class (columns), at the model's threshold."""

    labels: list[Label]
    counts: list[list[int]]


@dataclass(frozen=True, slots=True)
class Curve:
    """At most 200 points of a curve. `label` is the class it is drawn for; `area` the area under it, where that says something.

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
class Slice:
    """Rows on which the model does worse than on all: `rows` with `condition`, scored by `metric`."""

    condition: str
    rows: int
    score: float


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
    predicted_vs_actual: Scatter | None = None
    worst_slices: list[Slice] = field(default_factory=list)
    predict_us_per_row: float = 0.0
    """Measured while predicting these rows at once; a measured speed, left out of comparisons."""

    def to_json(self) -> dict[str, Any]:
        """The evaluation as a JSON object (finite numbers, lists, strings)."""
        return asdict(self)


def evaluate(model: FittedModel | Model, frame: pd.DataFrame, y: pd.Series, *, seed: int = 0) -> Evaluation:
    """What `model` is worth on the rows of `frame`, whose true labels or values are `y`.

    Rows of a class that the model was never shown cannot be scored; they are left out, and `rows` counts the others.

    Args:
        model: what `fit` returned, or what was loaded from its bundle.
        frame: the features.
        y: the truth, in the order of `frame`.
        seed: of the bootstrap and of the samples that are drawn.

    Raises:
        SchemaMismatchError: if a feature or a true value is missing.
        TrainingError: if no row can be scored.
    """
    fitted = model.fitted if isinstance(model, Model) else model
    known = _known(fitted, y)
    if not known.any():
        raise TrainingError("None of the rows to evaluate on has a class that the model knows.")
    frame, y = frame[known], y[known]
    begun = time.perf_counter()
    outputs = fitted.outputs(fitted.encoder.encode(frame))
    speed = 1e6 * (time.perf_counter() - begun) / len(frame)
    truth = truth_of(fitted, y)
    if not fitted.classes:
        return _of_values(fitted, truth, outputs[:, 0], seed, speed)
    return _of_classes(fitted, truth.astype(np.int64), outputs, seed, speed)


def _known(model: FittedModel, y: pd.Series) -> Any:
    if not model.classes:
        return np.ones(len(y), dtype=bool)
    spelled = {spell(label) for label in model.classes}
    return np.array([bool(pd.isna(value)) or spell(value) in spelled for value in y], dtype=bool)


def _of_values(model: FittedModel, y: Floats, predicted: Floats, seed: int, speed: float) -> Evaluation:
    residuals = y - predicted
    counts, edges = np.histogram(residuals, bins=_BINS)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(y))[:_MOST_DOTS])
    return Evaluation(
        task=model.task,
        metric=model.metric,
        higher_is_better=higher_is_better(model.metric),
        rows=len(y),
        score=score_values(model.metric, y, predicted),
        ci=bootstrap_interval(model.metric, y, None, predicted, seed=seed),
        scores={name: score_values(name, y, predicted) for name in VALUE_METRICS},
        residuals=Histogram([float(edge) for edge in edges], [int(count) for count in counts]),
        predicted_vs_actual=Scatter(predicted[chosen].tolist(), y[chosen].tolist()),
        predict_us_per_row=speed,
    )


def _of_classes(model: FittedModel, codes: Ints, proba: Floats, seed: int, speed: float) -> Evaluation:
    count = len(model.classes)
    positive = model.classes.index(model.positive) if model.positive is not None else count - 1
    labels = decide(proba, model.info)
    names = [name for name in CLASS_METRICS if model.task == "binary" or name != "average_precision"]
    drawn = (
        [positive] if model.task == "binary" else list(np.argsort(-np.bincount(codes, minlength=count))[:_MOST_CURVES])
    )
    drawn = [place for place in drawn if 0 < int((codes == place).sum()) < len(codes)]
    return Evaluation(
        task=model.task,
        metric=model.metric,
        higher_is_better=higher_is_better(model.metric),
        rows=len(codes),
        score=score_classes(model.metric, codes, proba, labels, count, positive),
        ci=bootstrap_interval(model.metric, codes, proba, labels, classes=count, positive=positive, seed=seed),
        scores={name: score_classes(name, codes, proba, labels, count, positive) for name in names},
        classes=list(model.classes),
        positive=model.positive,
        threshold=model.threshold,
        threshold_by=model.threshold_by,
        confusion=_confusion(model, codes, labels),
        roc=[_roc(model.classes[place], codes == place, proba[:, place]) for place in drawn],
        pr=[_pr(model.classes[place], codes == place, proba[:, place]) for place in drawn],
        calibration=[_calibration(model.classes[place], codes == place, proba[:, place]) for place in drawn],
        per_class=_per_class(model, codes, labels),
        predict_us_per_row=speed,
    )


def _confusion(model: FittedModel, codes: Ints, labels: Ints) -> Confusion:
    count = len(model.classes)
    counts = np.bincount(codes * count + labels, minlength=count * count).reshape(count, count)
    return Confusion(list(model.classes), counts.tolist())


def _per_class(model: FittedModel, codes: Ints, labels: Ints) -> list[ClassReport]:
    reports = []
    for place, label in enumerate(model.classes):
        hits = int(((codes == place) & (labels == place)).sum())
        support, flagged = int((codes == place).sum()), int((labels == place).sum())
        precision, recall = hits / flagged if flagged else 0.0, hits / support if support else 0.0
        f1 = 2 * hits / (support + flagged) if support + flagged else 0.0
        reports.append(ClassReport(label, precision, recall, f1, support))
    return reports


def _steps(truth: Any, shares: Floats) -> tuple[Ints, Ints]:
    """True and false positives at each distinct probability, from the largest down, with (0, 0) first."""
    order = np.argsort(-shares, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(shares[order])), len(order) - 1)
    hits = np.cumsum(truth[order])[ends]
    return np.concatenate([[0], hits]), np.concatenate([[0], ends + 1 - hits])


def _roc(label: Label, truth: Any, shares: Floats) -> Curve:
    hits, misses = _steps(truth, shares)
    x, y = misses / misses[-1], hits / hits[-1]
    return Curve(label, *_thinned(x, y), area=float(np.trapezoid(y, x)))


def _pr(label: Label, truth: Any, shares: Floats) -> Curve:
    hits, misses = _steps(truth, shares)
    recall, precision = hits[1:] / hits[-1], hits[1:] / (hits[1:] + misses[1:])
    area = float(np.sum(np.diff(np.concatenate([[0.0], recall])) * precision))
    return Curve(label, *_thinned(recall, precision), area=area)


def _calibration(label: Label, truth: Any, shares: Floats) -> Curve:
    places = np.minimum((shares * _CALIBRATION_BINS).astype(np.int64), _CALIBRATION_BINS - 1)
    weight = np.bincount(places, minlength=_CALIBRATION_BINS)
    filled = np.flatnonzero(weight)
    mean = np.bincount(places, weights=shares, minlength=_CALIBRATION_BINS)[filled] / weight[filled]
    share = np.bincount(places, weights=truth.astype(float), minlength=_CALIBRATION_BINS)[filled] / weight[filled]
    return Curve(label, mean.tolist(), share.tolist(), weight=weight[filled].tolist())


def _thinned(x: Floats, y: Floats) -> tuple[list[float], list[float]]:
    chosen = np.unique(np.linspace(0, len(x) - 1, min(len(x), _MOST_POINTS)).round().astype(np.int64))
    return x[chosen].tolist(), y[chosen].tolist()
