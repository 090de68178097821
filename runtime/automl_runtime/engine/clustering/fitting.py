"""Searches for the clustering of a table that separates its rows best."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.trials import Trial

from automl_runtime.engine.clustering.assignment import NOISE, Assignment
from automl_runtime.engine.clustering.candidates import Candidate, Maker, Sample, candidates, silhouette, without_small
from automl_runtime.engine.clustering.embedding import Embedding, fit_embedding
from automl_runtime.engine.clustering.model import ClusterModel
from automl_runtime.engine.clustering.profiles import ClusterProfile, describe
from automl_runtime.engine.options import Options
from automl_runtime.engine.spaces import fit_encoder
from automl_runtime.engine.watch import Watch
from automl_runtime.errors import RequestError, TrainingError, shorten
from automl_runtime.events import TrialFinished, Warned
from automl_runtime.inference.encoding import Encoder
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["fit_clusters"]

_DESIGN_ROWS = 20_000
_DESCRIBED_ROWS = 5_000
_PROFILE_SECONDS = 0.1
_JUDGED_ROWS = 2_000
_SMALLEST = 0.01
_WEAK = 0.25
"""Less is no substantial structure (Kaufman and Rousseeuw, Finding Groups in Data, 1990, p. 88)."""


@dataclass(frozen=True, slots=True)
class _Tried:
    candidate: Candidate
    assignment: Assignment
    score: float
    """NaN when it is not what was asked, or no clustering."""
    seconds: float
    predict_us: float
    """Microseconds to label a row."""

    @property
    def name(self) -> str:
        return self.candidate.name

    @property
    def valid(self) -> bool:
        return not np.isnan(self.score)

    def trial(self, *, refined: bool) -> dict[str, Any]:
        """What makes it again; `refined` says that its centers were moved to where all rows are."""
        return Trial(
            model=self.name,
            learner=self.candidate.algorithm,
            params=self.candidate.params,
            status="complete" if self.valid else "failed",
            score=self.score if self.valid else None,
            final_rounds=1 if refined else None,
        ).model_dump(mode="json")

    def row(self) -> LeaderboardRow:
        return LeaderboardRow(
            model=self.name, cv=self.score, fit_seconds=self.seconds, predict_us_per_row=self.predict_us
        )


def fit_clusters(table: pd.DataFrame, options: Options, *, clusters: int | None = None) -> ClusterModel:
    """See `fit`. Clusterings are made of, and judged on, 2,000 rows; then all rows are labelled.

    The silhouette decides, where a row that is noise counts 0. A cluster of less than one percent of the rows is
    noise too, unless `clusters` fixes how many there are. `options.trials` counts clusterings; which of them the time
    sufficed for, and whether for moving the centers to where all rows are, is recorded.

    Raises:
        RequestError: if `clusters` is less than 1, or more than there are different rows.
        TrainingError: if the rows are too few, or all alike.
        Cancelled: after `options.cancel` said so.
    """
    from threadpoolctl import threadpool_limits

    if clusters is not None and clusters < 1:
        raise RequestError(f"`clusters` must be 1 or more, not {clusters}.")
    watch = Watch(options.clock(), options.on_event, options.cancel)
    encoder = fit_encoder(table, options.kinds)
    # One thread: sums in another order would change the last digits.
    with threadpool_limits(limits=1):
        return _fit(table, encoder, watch, options, clusters)


def _fit(table: pd.DataFrame, encoder: Encoder, watch: Watch, options: Options, clusters: int | None) -> ClusterModel:
    drawn = np.sort(np.random.default_rng(options.seed).permutation(len(table))[:_DESIGN_ROWS])
    embedding = fit_embedding(encoder, encoder.encode(table.iloc[drawn]), options.seed)
    alone = sorted({column.name for column in encoder.columns} - set(embedding.counted))
    if alone:
        named = ", ".join(shorten(name) for name in alone[:5])
        watch.say(f"{len(alone)} columns go with no other and do not count: {named}")
    started = watch.clock.elapsed()
    points = embedding.points(table.iloc[drawn])
    # The labels of all rows cost for each row what the points of the sample did, and a little for the profiles.
    pass_seconds = 1.2 * (watch.clock.elapsed() - started) * len(table) / len(drawn) + _PROFILE_SECONDS
    watch.say("measuring distances")
    tried = _search(_sample(points, options.seed, clusters), watch, options, clusters, len(table), pass_seconds)
    best = max((one for one in tried if one.valid), key=lambda one: one.score)
    if best.score < _WEAK and clusters != 1:
        text = f"The groups overlap (silhouette {best.score:.2f}, below {_WEAK}): take them with caution."
        options.on_event(Warned(text))
    watch.say(f"labelling {len(table)} rows by {best.name}")
    final, refined = best.assignment, False
    if best.candidate.algorithm == "kmeans":
        refined = len(drawn) == len(table) or _refines(best, watch, options, 2.0 * pass_seconds)
    if refined:
        final = _refine(final, embedding, points, table, watch, options.seed)
    trials = [one.trial(refined=refined and one is best) for one in tried]
    return _label(table, embedding, final, tried, trials, watch)


def _refines(best: _Tried, watch: Watch, options: Options, seconds: float) -> bool:
    """Whether there is time for a pass over all rows, which takes so many `seconds`; of a replay, whether there was."""
    if options.replay is None:
        return not watch.over(seconds)
    return any(trial["model"] == best.name and trial["final_rounds"] for trial in options.replay)


def _sample(points: Floats, seed: int, clusters: int | None) -> Sample:
    from scipy.spatial.distance import pdist, squareform

    drawn = np.sort(np.random.default_rng(seed).permutation(len(points))[:_JUDGED_ROWS])
    rows = points[drawn]
    distinct = len(np.unique(rows, axis=0))
    if clusters is not None and clusters > distinct:
        raise RequestError(f"`clusters` is {clusters}, but of {len(rows)} rows only {distinct} differ.")
    least = max(2, min(5, len(rows) // 20), round(_SMALLEST * len(rows)))
    return Sample(rows, squareform(pdist(rows)), distinct, least, seed)


def _search(
    sample: Sample, watch: Watch, options: Options, clusters: int | None, rows: int, reserve: float
) -> list[_Tried]:
    """Tries candidates until labelling `rows` rows, and `reserve` seconds, are all that the time suffices for."""
    tried: list[_Tried] = []
    maker = Maker(sample)
    queue = candidates(sample, clusters)
    if options.replay is not None:
        queue = iter([Candidate.recorded(trial["learner"], trial["params"]) for trial in options.replay])
    for number, candidate in enumerate(queue):
        labelling = max((one.predict_us for one in tried), default=0.0) * rows / 1e6
        known = any(one.valid for one in tried)
        if number == options.trials or (known and watch.over(reserve + labelling)):
            break
        watch.check()
        found = _judge(candidate, maker, clusters)
        tried.append(found)
        best = max((one.score for one in tried if one.valid), default=None)
        score = found.score if found.valid else None
        options.on_event(TrialFinished(number, found.name, score, best, found.seconds))
    if not any(one.valid for one in tried):
        raise TrainingError(
            f"No two groups of at least {sample.least} rows were found among {len(sample.points)} rows.",
            hint="Fix how many there shall be with `clusters`, or add rows.",
        )
    return tried


def _judge(candidate: Candidate, maker: Maker, clusters: int | None) -> _Tried:
    """The candidate and its silhouette."""
    started, sample = time.monotonic(), maker.sample
    assignment = maker.make(candidate)
    if clusters is None:
        assignment = without_small(assignment, assignment.predict(sample.points), sample.least)
    made = time.monotonic()
    labels = assignment.predict(sample.points)
    predict_us = 1e6 * (time.monotonic() - made) / len(labels)
    fits = clusters is None or len(np.unique(labels[labels != NOISE])) == clusters
    # One cluster has no silhouette.
    score = 0.0 if clusters == 1 else silhouette(sample.distances, labels) if fits else float("nan")
    return _Tried(candidate, assignment, score, round(time.monotonic() - started, 4), round(predict_us, 3))


def _refine(
    assignment: Assignment, embedding: Embedding, points: Floats, table: pd.DataFrame, watch: Watch, seed: int
) -> Assignment:
    """Centers moved to where all rows are: by Lloyd's steps, or one pass of mini-batches (Sculley 2010) over many."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    count = len(assignment.points)
    if len(points) == len(table):
        centers = KMeans(count, init=assignment.points, n_init=1, random_state=seed).fit(points).cluster_centers_
        return Assignment(centers, assignment.labels, assignment.reach)
    model = MiniBatchKMeans(count, init=assignment.points, n_init=1, reassignment_ratio=0.0, random_state=seed)
    # The sample comes first: rows may lie in the order of something.
    model.partial_fit(points)
    for _, batch in embedding.chunks(table):
        watch.check()
        model.partial_fit(batch)
    return Assignment(model.cluster_centers_.astype(np.float64), assignment.labels, assignment.reach)


def _label(
    table: pd.DataFrame,
    embedding: Embedding,
    assignment: Assignment,
    tried: list[_Tried],
    trials: list[dict[str, Any]],
    watch: Watch,
) -> ClusterModel:
    """Labels every row, numbers the clusters by size, and describes them."""
    labels, sums = _assign(table, embedding, assignment, watch)
    found, sizes = np.unique(labels[labels != NOISE], return_counts=True)
    order = found[np.argsort(-sizes, kind="stable")]
    # A center without rows is left out; so a label always has rows.
    numbers = np.full(int(assignment.labels.max()) + 2, NOISE - 1)
    numbers[NOISE], numbers[order] = NOISE, np.arange(len(order))
    kept = numbers[assignment.labels] >= NOISE
    labels = numbers[labels]
    board = sorted((one for one in tried if one.valid), key=lambda one: -one.score)
    best = board[0]
    model = ClusterModel(
        embedding,
        Assignment(assignment.points[kept], numbers[assignment.labels[kept]], assignment.reach[kept]),
        labels=pd.Series(labels, index=table.index, name="cluster"),
        centers=sums[order] / np.sort(sizes)[::-1][:, None],
        profiles=_profiles(table, embedding.encoder, labels),
        cv=best.score,
        best_model=best.name,
        rows=[one.row() for one in board],
        trials=trials,
        seconds=watch.clock.elapsed(),
    )
    watch.say(f"{best.name}: silhouette {best.score:.3f}, {model.n_clusters} clusters")
    return model


def _profiles(table: pd.DataFrame, encoder: Encoder, labels: Ints) -> list[ClusterProfile]:
    sizes = {int(label): int(count) for label, count in zip(*np.unique(labels, return_counts=True), strict=True)}
    drawn = np.linspace(0, len(table) - 1, min(len(table), _DESCRIBED_ROWS)).astype(np.int64)
    part = table.iloc[drawn]
    return describe(part.set_axis(part.columns.astype("str"), axis=1), encoder.columns, labels[drawn], sizes)


def _assign(table: pd.DataFrame, embedding: Embedding, assignment: Assignment, watch: Watch) -> tuple[Ints, Floats]:
    """The label of every row, and the sums of the coordinates of each label's rows."""
    labels = []
    sums = np.zeros((int(assignment.labels.max()) + 1, len(embedding.space.owners)))
    for coordinates, points in embedding.chunks(table):
        watch.check()
        found = assignment.predict(points)
        for label in np.unique(found[found != NOISE]):
            sums[label] += coordinates[found == label].sum(axis=0)
        labels.append(found)
    return np.concatenate(labels), sums
