"""What a model is worth on rows it has not seen: scores with intervals, and the points of the plots in the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from automl_schemas.vocabulary import MetricName, TaskType

__all__ = [
    "ClassReport",
    "Confusion",
    "Curve",
    "Evaluation",
    "Histogram",
    "Scatter",
    "Slice",
]

Label = str | int | float | bool


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
