"""What is strange among rows that were not seen, and how well that fits what is known, for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from automl_runtime.engine.anomaly.model import AnomalyModel, judged, known_anomalies
from automl_runtime.engine.anomaly.stretches import Stretch, WatchedSeries, stretches_of, watched_series
from automl_runtime.engine.evaluation import Evaluation, Histogram
from automl_runtime.engine.metrics import bootstrap_interval
from automl_runtime.engine.reasons import anomaly_reasons
from automl_runtime.inference.explaining import Reason
from automl_runtime.inference.model import Label
from automl_runtime.kernels.arrays import Floats

__all__ = ["AnomalyView", "StrangeRow", "evaluate_anomalies"]

_BINS = 40
_MOST_ROWS = 20
_REASONS = 3
_FEWEST_KNOWN = 2
_NOTHING = float("nan")


@dataclass(frozen=True, slots=True)
class StrangeRow:
    """One of the strangest rows: its place in the table that was evaluated, its score and the reasons."""

    place: int
    score: float
    reasons: Sequence[Reason]
    name: str = ""
    """What a person knows the row by."""


@dataclass(frozen=True, slots=True)
class AnomalyView:
    """What a report shows of anomalies."""

    threshold: float
    expected: float
    """Share of the training rows above it."""
    flagged: float
    """Share of the evaluated rows above it."""
    histogram: Histogram
    """Of the scores."""
    strangest: Sequence[StrangeRow]
    """At most 20, the strangest first."""
    stretches: Sequence[Stretch] = ()
    """Of rows of series: at most 20 stretches of strange rows, the strangest first."""
    series: Sequence[WatchedSeries] = ()
    """Those with most strange rows."""


def evaluate_anomalies(
    model: AnomalyModel,
    frame: pd.DataFrame,
    labels: pd.Series | None = None,
    *,
    positive: Label | None = None,
    seed: int = 0,
) -> tuple[Evaluation, AnomalyView]:
    """The strangest rows, and the scores of `model` against known `labels`.

    Rows whose label is missing are not scored. No score is claimed (NaN) without labels, and where fewer than two rows
    of either kind are known.

    Raises:
        RequestError: if `positive` does not occur.
        SchemaMismatchError: if a column is missing.
        TrainingError: if there are more than two different labels.
    """
    strange = model.score_samples(frame).to_numpy()
    flagged = strange > model.threshold
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    counts, _ = np.histogram(strange, edges)
    order = np.argsort(-strange, kind="stable")[:_MOST_ROWS]
    why = anomaly_reasons(model, frame, order, most=_REASONS)
    stretches: list[Stretch] = []
    series: list[WatchedSeries] = []
    if model.windows is not None:
        telling = [(int(place), reason.column) for place, found in zip(order, why, strict=True) for reason in found]
        stretches = stretches_of(model.windows, frame, strange, flagged)
        series = watched_series(model.windows, frame, flagged, telling)
    view = AnomalyView(
        threshold=model.threshold,
        expected=model.contamination,
        flagged=float(flagged.mean()),
        histogram=Histogram([float(edge) for edge in edges], [int(count) for count in counts]),
        strangest=[
            StrangeRow(int(place), float(strange[place]), found) for place, found in zip(order, why, strict=True)
        ],
        stretches=stretches[:_MOST_ROWS],
        series=series,
    )
    scores, interval = _judged(model, strange, labels, positive, seed)
    evaluation = Evaluation(
        task=model.task,
        metric=model.metric,
        higher_is_better=True,
        rows=len(frame),
        score=scores.get(model.metric, _NOTHING),
        ci=interval,
        scores=scores,
    )
    return evaluation, view


def _judged(
    model: AnomalyModel,
    strange: Floats,
    labels: pd.Series | None,
    positive: Label | None,
    seed: int,
) -> tuple[dict[str, float], tuple[float, float]]:
    counts = pd.Series(dtype="int64") if labels is None else labels.value_counts()
    if labels is None or len(counts) < 2 or counts.min() < _FEWEST_KNOWN:
        return {}, (_NOTHING, _NOTHING)
    known = labels.notna().to_numpy()
    truth = known_anomalies(labels[known], positive)
    found = judged(truth, strange[known])
    chances = np.column_stack([1.0 - strange[known], strange[known]])
    interval = bootstrap_interval(model.metric, truth.astype(np.int64), chances, classes=2, positive=1, seed=seed)
    return {str(name): value for name, value in found.items()}, interval
