"""What the report and the model card are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from automl_schemas.bundle import BundleManifest
from automl_schemas.catalog import DataCatalog
from automl_schemas.features import TriedFeature
from automl_schemas.metrics import Metrics
from automl_schemas.question import Question
from automl_schemas.spec import DroppedColumn, ProjectSpec

from automl_runtime.engine.anomaly.evaluation import AnomalyView
from automl_runtime.engine.clustering.evaluation import ClusterView
from automl_runtime.engine.effects import Effects
from automl_runtime.engine.evaluation import Evaluation
from automl_runtime.engine.forecasting.evaluation import ForecastView
from automl_runtime.engine.multilabel.evaluation import LabelScore
from automl_runtime.events import TrialFinished
from automl_runtime.inference.parts import Member
from automl_runtime.inference.speeds import Speed
from automl_runtime.monitoring.drift import Drift
from automl_runtime.monitoring.reference import Reference
from automl_runtime.project.report_mistakes import Mistake
from automl_runtime.tracking.runs import read_events

__all__ = ["ReportData", "ThresholdRow", "TrialPoint", "threshold_table", "trials_of"]


@dataclass(frozen=True, slots=True)
class TrialPoint:
    """A finished trial: when (seconds after the start of the run), what, and how good; `score` None when it failed."""

    at: float
    model: str
    score: float | None


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """What happens on the holdout when `threshold` decides: `flagged` rows get the positive class."""

    threshold: float
    flagged: int
    precision: float | None
    recall: float | None
    f1: float
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything that a report shows; nothing is read from disk or clock while it is written."""

    spec: ProjectSpec
    catalog: DataCatalog
    metrics: Metrics
    evaluation: Evaluation
    importance: Mapping[str, float] = field(default_factory=dict)
    """Feature -> loss of score when its values are shuffled (or another measure, larger is more important)."""
    effects: Effects | None = None
    """Contributions and partial dependence on a sample of the holdout."""
    drift: Sequence[Drift] = ()
    """Of the holdout against the training rows, the largest first."""
    dropped: Sequence[DroppedColumn] = ()
    questions: Sequence[Question] = ()
    trials: Sequence[TrialPoint] = ()
    tried: Sequence[TriedFeature] = ()
    """Features that were proposed, with their fates."""
    thresholds: Sequence[ThresholdRow] = ()
    """For binary tasks: `threshold_table` of the holdout."""
    reference: Reference | None = None
    """Sketch of the training inputs, for the small histograms."""
    manifest: BundleManifest | None = None
    """Of the model that was evaluated."""
    run_id: str | None = None
    forecast: ForecastView | None = None
    """Of a forecast: series, intervals, errors by step."""
    clusters: ClusterView | None = None
    """Of a clustering: sizes, traits and the picture."""
    mistakes: Sequence[Mistake] = ()
    """Pictures of the holdout that the model got wrong, the worst first."""
    speeds: Sequence[Speed] = ()
    """What the model takes for a row, by each way that it can be run."""
    members: Sequence[Member] = ()
    """Of the model, with what was measured of their backends."""
    anomalies: AnomalyView | None = None
    """Of a search for anomalies: the distribution of the scores and the strangest rows."""
    labels: Sequence[LabelScore] = ()
    """Of several labels a row: each for itself, in the order of the model."""


def trials_of(run: Path) -> list[TrialPoint]:
    """The trials that the run in the folder `run` recorded, in the order in which they ended."""
    return [
        TrialPoint(at=logged.at, model=logged.event.model, score=logged.event.score)
        for logged in read_events(run)
        if isinstance(logged.event, TrialFinished)
    ]


def threshold_table(
    actual: np.ndarray, probability: np.ndarray, chosen: float | None, *, steps: Sequence[float] = ()
) -> list[ThresholdRow]:
    """What each threshold of `steps` (default 0.1 to 0.9) and the `chosen` one would do.

    Args:
        actual: bool, shape (rows,): whether the row is of the positive class.
        probability: float, shape (rows,): the predicted probability of that class.
        chosen: the threshold of the model.
        steps: thresholds to compare with.
    """
    grid = set(steps or [step / 10 for step in range(1, 10)])
    if chosen is not None:
        grid = {step for step in grid if abs(step - chosen) > 1e-3} | {chosen}
    positives = int(actual.sum())
    rows = []
    for threshold in sorted(grid):
        reached = probability >= threshold
        flagged, hits = int(reached.sum()), int((reached & actual).sum())
        rows.append(
            ThresholdRow(
                threshold=threshold,
                flagged=flagged,
                precision=hits / flagged if flagged else None,
                recall=hits / positives if positives else None,
                f1=2 * hits / (flagged + positives) if flagged + positives else 0.0,
                chosen=threshold == chosen,
            )
        )
    return rows
