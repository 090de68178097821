"""What clusters are worth on rows they have not seen, and what the report shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from automl_runtime.engine.clustering.assignment import NOISE
from automl_runtime.engine.clustering.candidates import silhouettes
from automl_runtime.engine.clustering.model import ClusterModel
from automl_runtime.engine.clustering.profiles import ClusterProfile
from automl_runtime.engine.evaluation import Evaluation
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["ClusterView", "evaluate_clusters"]

_MOST_COMPARED = 5_000
_MOST_DRAWN = 800
_RESAMPLES = 1_000
_ENDS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What a report shows of clusters."""

    profiles: Sequence[ClusterProfile]
    """Of the training rows, the largest first, noise last."""
    shares: dict[int, float]
    """Label -> share of the rows that were evaluated."""
    places: list[tuple[float, float]]
    """At most 800 of these rows in the plane in which they spread most (principal components)."""
    labels: list[int]
    """Their clusters."""
    explained: float
    """Share of the variance of the rows that the plane shows."""


def evaluate_clusters(model: ClusterModel, frame: pd.DataFrame, *, seed: int = 0) -> tuple[Evaluation, ClusterView]:
    """How well rows that were not seen fall into the clusters of `model`, and the picture of them.

    The interval is that of the mean silhouette over resampled rows, the clusters being what they are. NaN where the
    rows lie in less than two clusters; of more than 5,000 rows as many are drawn by `seed`.

    Raises:
        SchemaMismatchError: if a column is missing.
    """
    points = model.points(frame)
    labels = model.assignment.predict(points)
    found, counts = np.unique(labels, return_counts=True)
    scores, rows = _scores(model, frame, points, labels, seed)
    evaluation = Evaluation(
        task=model.task,
        metric=model.metric,
        higher_is_better=True,
        rows=len(frame),
        score=scores.get("silhouette", float("nan")),
        ci=_interval(rows, seed),
        scores=scores,
    )
    places, drawn, explained = _plane(points, seed)
    view = ClusterView(
        profiles=model.profile(),
        shares={int(label): float(count / len(labels)) for label, count in zip(found, counts, strict=True)},
        places=[(float(x), float(y)) for x, y in places],
        labels=[int(label) for label in labels[drawn]],
        explained=explained,
    )
    return evaluation, view


def _scores(
    model: ClusterModel, frame: pd.DataFrame, points: Floats, labels: Ints, seed: int
) -> tuple[dict[str, float], Floats]:
    """The scores by their names, and the silhouette of each row; both empty where there is nothing to compare."""
    from scipy.spatial.distance import pdist, squareform

    inside = labels != NOISE
    if not 2 <= len(np.unique(labels[inside])) < inside.sum():
        return {}, np.empty(0)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(points))[:_MOST_COMPARED])
    measured = model.evaluate(frame, seed=seed)
    names = {"silhouette": "silhouette", "davies_bouldin": "Davies-Bouldin", "calinski_harabasz": "Calinski-Harabasz"}
    scores = {name: measured[key] for key, name in names.items()}
    return scores, silhouettes(squareform(pdist(points[drawn])), labels[drawn])


def _interval(rows: Floats, seed: int) -> tuple[float, float]:
    if not len(rows):
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    means = [rows[rng.integers(0, len(rows), len(rows))].mean() for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, _ENDS)
    return float(low), float(high)


def _plane(points: Floats, seed: int) -> tuple[Floats, Ints, float]:
    """A sample of `points` on their first two principal components, which rows these are, and how much that shows."""
    centered = points - points.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centered, full_matrices=False)
    # The sign of a component is arbitrary: its largest loading points upwards.
    axes = axes[:2] * np.sign(axes[:2, :][np.arange(len(axes[:2])), np.abs(axes[:2]).argmax(axis=1)])[:, None]
    drawn = np.sort(np.random.default_rng(seed).permutation(len(points))[:_MOST_DRAWN])
    places = np.zeros((len(drawn), 2))
    places[:, : len(axes)] = centered[drawn] @ axes.T
    total = float((sizes**2).sum())
    return places, drawn, float((sizes[:2] ** 2).sum() / total) if total else 1.0
