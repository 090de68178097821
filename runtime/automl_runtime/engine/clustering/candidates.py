"""Ways to group some thousand rows, cheap ones first.

K-means (Lloyd 1982, k-means++ seeding); the hierarchy of Ward (1963), cut at every number of clusters; HDBSCAN
(Campello et al., Density-based clustering based on hierarchical density estimates, 2013) and the DBSCAN* cuts of its
hierarchy (there, section 3). Average linkage is not among them: it peels off the outermost rows, which the silhouette
rewards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from automl_runtime.engine.clustering.assignment import NOISE, Assignment
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["Candidate", "Sample", "candidates", "silhouette", "without_small"]

_MOST_CLUSTERS = 20
_FEW = 8
_NEIGHBOURS = 5
_SHARES = (0.01, 0.03, 0.1)
_EPS_QUANTILES = (0.5, 0.8, 0.95)
_STARTS = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows that candidates are made of and judged on, and the distances between them (rows x rows)."""

    points: Floats
    distances: Floats
    distinct: int
    """Different rows among them."""
    least: int
    """The fewest rows of a cluster."""
    seed: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to group rows; `make` does it."""

    name: str
    make: Callable[[], Assignment]


def candidates(sample: Sample, clusters: int | None) -> Iterator[Candidate]:
    """All that are worth a try, in this order; `clusters` fixes their number where an algorithm allows it."""
    if clusters == 1:
        yield Candidate("kmeans(1)", partial(_kmeans, sample, 1))
        return
    hierarchy = _Hierarchy(sample)
    most = min(_MOST_CLUSTERS, sample.distinct, len(sample.points) // sample.least)
    counts = range(2, most + 1) if clusters is None else range(clusters, clusters + 1)
    for wanted in ([k for k in counts if k <= _FEW], [k for k in counts if k > _FEW]):
        yield from (Candidate(f"kmeans({k})", partial(_kmeans, sample, k)) for k in wanted)
        yield from (Candidate(f"ward({k})", partial(hierarchy.cut, k)) for k in wanted)
        if wanted and wanted[0] == counts[0]:
            yield from _densities(sample)


def silhouette(distances: Floats, labels: Ints) -> float:
    """The mean silhouette (Rousseeuw 1987) of rows in clusters, where a row that is noise counts 0.

    So a clustering that calls most rows noise cannot win, however well the rest is separated. NaN if there are less
    than two clusters.
    """
    found = silhouettes(distances, labels)
    return float(found[labels != NOISE].sum() / len(labels)) if len(found) else float("nan")


def silhouettes(distances: Floats, labels: Ints) -> Floats:
    """The silhouette of each row, 0 of noise; empty if there are less than two clusters."""
    from sklearn.metrics import silhouette_samples

    inside = labels != NOISE
    kept = labels[inside]
    if len(np.unique(kept)) < 2 or len(np.unique(kept)) >= len(kept):
        return np.empty(0)
    found = np.zeros(len(labels))
    part = distances if inside.all() else distances[np.ix_(inside, inside)]
    found[inside] = silhouette_samples(part, kept, metric="precomputed")
    return found


def without_small(assignment: Assignment, labels: Ints, least: int) -> Assignment:
    """The same with the clusters of fewer than `least` of these rows as noise: a few strange rows are no group."""
    found, sizes = np.unique(labels, return_counts=True)
    small = found[sizes < least]
    kept = np.where(np.isin(assignment.labels, small), NOISE, assignment.labels)
    return Assignment(assignment.points, kept, assignment.reach)


def _kmeans(sample: Sample, clusters: int) -> Assignment:
    from sklearn.cluster import KMeans

    found = KMeans(clusters, n_init=_STARTS, random_state=sample.seed).fit(sample.points)
    return Assignment(
        found.cluster_centers_.astype(np.float64), np.arange(clusters, dtype=np.int64), np.full(clusters, np.inf)
    )


class _Hierarchy:
    """A dendrogram, computed when it is first cut; every row of the sample is a reference."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    @cached_property
    def _merges(self) -> Floats:
        from scipy.cluster.hierarchy import ward
        from scipy.spatial.distance import squareform

        return np.asarray(ward(squareform(self.sample.distances, checks=False)))

    def cut(self, clusters: int) -> Assignment:
        from scipy.cluster.hierarchy import fcluster

        labels = fcluster(self._merges, clusters, "maxclust").astype(np.int64) - 1
        return Assignment(self.sample.points, labels, np.full(len(labels), np.inf))


def _densities(sample: Sample) -> Iterator[Candidate]:
    rows = len(sample.points)
    if rows <= 2 * _NEIGHBOURS:
        return
    core = np.partition(sample.distances, _NEIGHBOURS - 1, axis=1)[:, _NEIGHBOURS - 1]
    trees = _DensityTree(sample, core)
    for least in sorted({max(_NEIGHBOURS, sample.least, round(share * rows)) for share in _SHARES}):
        yield Candidate(f"hdbscan({least})", partial(trees.hdbscan, least))
    for eps in np.unique(np.quantile(core, _EPS_QUANTILES)):
        if eps > 0:
            yield Candidate(f"dbscan({eps:.3g})", partial(trees.dbscan, float(eps)))


class _DensityTree:
    """The hierarchy of densities, where `core` is how far the fifth neighbour of each row is (itself the first)."""

    def __init__(self, sample: Sample, core: Floats) -> None:
        self.sample, self.core = sample, core

    def hdbscan(self, least: int) -> Assignment:
        """A row within reach of a cluster is as near to one of its rows as these are to their neighbours."""
        labels = self._fit(least).labels_.astype(np.int64)
        reach = np.full(len(labels), np.inf)
        for label in range(labels.max(initial=NOISE) + 1):
            reach[labels == label] = self.core[labels == label].max()
        return Assignment(self.sample.points, labels, reach)

    def dbscan(self, eps: float) -> Assignment:
        """A row within reach of a cluster has one of its rows within `eps`."""
        labels = self._finest.dbscan_clustering(eps, min_cluster_size=_NEIGHBOURS).astype(np.int64)
        return Assignment(self.sample.points, labels, np.where(labels == NOISE, np.inf, eps))

    @cached_property
    def _finest(self) -> Any:
        return self._fit(_NEIGHBOURS)

    def _fit(self, least: int) -> Any:
        from sklearn.cluster import HDBSCAN

        return HDBSCAN(min_cluster_size=least, min_samples=_NEIGHBOURS, metric="precomputed", copy=True).fit(
            self.sample.distances
        )
