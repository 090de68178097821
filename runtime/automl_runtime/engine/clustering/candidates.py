"""Ways to group some thousand rows, cheap ones first.

K-means (Lloyd 1982, k-means++ seeding); the hierarchy of Ward (1963), cut at every number of clusters; HDBSCAN
(Campello et al., Density-based clustering based on hierarchical density estimates, 2013) and the DBSCAN* cuts of its
hierarchy (there, section 3). Average linkage is not among them: it peels off the outermost rows, which the silhouette
rewards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from automl_runtime.engine.clustering.assignment import NOISE, Assignment
from automl_runtime.errors import RequestError, shorten
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["Candidate", "Maker", "Sample", "candidates", "silhouette", "without_small"]

Algorithm: TypeAlias = Literal["kmeans", "ward", "hdbscan", "dbscan"]

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
    """A way to group rows: an algorithm, and its number of clusters, least rows of a cluster, or distance."""

    algorithm: Algorithm
    setting: float

    @property
    def name(self) -> str:
        """For people, as `kmeans(4)`."""
        return f"{self.algorithm}({self.setting:.3g})"

    @property
    def params(self) -> dict[str, float]:
        """The setting by its name, for the list of trials."""
        return {_SETTINGS[self.algorithm]: self.setting}

    @classmethod
    def recorded(cls, algorithm: Any, params: dict[str, Any]) -> Candidate:
        """The candidate that these were recorded of.

        Raises:
            RequestError: if there is no such algorithm, or its setting is missing or no number.
        """
        setting = params.get(_SETTINGS.get(algorithm, ""))
        if algorithm not in get_args(Algorithm) or not isinstance(setting, int | float) or not setting > 0:
            raise RequestError(f"The recorded trial {shorten(algorithm)} {shorten(params)} is no clustering.")
        return cls(algorithm, setting)


_SETTINGS: dict[str, str] = {"kmeans": "clusters", "ward": "clusters", "hdbscan": "least", "dbscan": "eps"}


def candidates(sample: Sample, clusters: int | None) -> Iterator[Candidate]:
    """All that are worth a try, in this order; `clusters` fixes their number where an algorithm allows it."""
    if clusters == 1:
        yield Candidate("kmeans", 1)
        return
    most = min(_MOST_CLUSTERS, sample.distinct, len(sample.points) // sample.least)
    counts = range(2, most + 1) if clusters is None else range(clusters, clusters + 1)
    for wanted in ([k for k in counts if k <= _FEW], [k for k in counts if k > _FEW]):
        yield from (Candidate("kmeans", k) for k in wanted)
        yield from (Candidate("ward", k) for k in wanted)
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


def _core(sample: Sample) -> Floats:
    """How far the fifth neighbour of each row is (itself the first)."""
    return np.partition(sample.distances, _NEIGHBOURS - 1, axis=1)[:, _NEIGHBOURS - 1]


def _densities(sample: Sample) -> Iterator[Candidate]:
    rows = len(sample.points)
    if rows <= 2 * _NEIGHBOURS:
        return
    for least in sorted({max(_NEIGHBOURS, sample.least, round(share * rows)) for share in _SHARES}):
        yield Candidate("hdbscan", least)
    for eps in np.unique(np.quantile(_core(sample), _EPS_QUANTILES)):
        if eps > 0:
            yield Candidate("dbscan", float(eps))


class Maker:
    """Makes candidates of a sample; what several of them share is computed once, when it is first needed.

    Every row of the sample is a reference, but of k-means.
    """

    def __init__(self, sample: Sample) -> None:
        self.sample = sample

    def make(self, candidate: Candidate) -> Assignment:
        """The reference points, and to which group each belongs."""
        if candidate.algorithm == "dbscan":
            return self._dbscan(candidate.setting)
        whole = int(candidate.setting)
        if candidate.algorithm == "kmeans":
            return _kmeans(self.sample, whole)
        return self._ward(whole) if candidate.algorithm == "ward" else self._hdbscan(whole)

    @cached_property
    def _merges(self) -> Floats:
        from scipy.cluster.hierarchy import ward
        from scipy.spatial.distance import squareform

        return np.asarray(ward(squareform(self.sample.distances, checks=False)))

    def _ward(self, clusters: int) -> Assignment:
        from scipy.cluster.hierarchy import fcluster

        labels = fcluster(self._merges, clusters, "maxclust").astype(np.int64) - 1
        return Assignment(self.sample.points, labels, np.full(len(labels), np.inf))

    def _hdbscan(self, least: int) -> Assignment:
        """A row within reach of a cluster is as near to one of its rows as these are to their neighbours."""
        labels, core = self._fit(least).labels_.astype(np.int64), _core(self.sample)
        reach = np.full(len(labels), np.inf)
        for label in range(labels.max(initial=NOISE) + 1):
            reach[labels == label] = core[labels == label].max()
        return Assignment(self.sample.points, labels, reach)

    def _dbscan(self, eps: float) -> Assignment:
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
