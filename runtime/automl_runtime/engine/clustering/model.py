"""What `fit(task="clustering")` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.vocabulary import MetricName, TaskType

from automl_runtime.engine.clustering.assignment import NOISE, Assignment
from automl_runtime.engine.clustering.candidates import silhouette
from automl_runtime.engine.clustering.embedding import Embedding
from automl_runtime.engine.clustering.profiles import ClusterProfile
from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.saving import Arrays, read_parts, write_parts
from automl_runtime.errors import BundleError, DataError
from automl_runtime.inference.records import RecordEncoder
from automl_runtime.kernels.arrays import Floats

__all__ = ["RECORD", "ClusterModel"]

RECORD = "clusters.json"
_MOST_COMPARED = 5_000


class ClusterModel:
    """Says to which group of the training rows a row belongs; immutable and thread-safe.

    Clusters are numbered from 0, the largest first; -1 is noise.
    """

    task: TaskType = "clustering"
    metric: MetricName = "silhouette"
    classes: Sequence[Any] = ()
    positive: Any = None
    threshold: float | None = None
    threshold_by: str | None = None

    def __init__(
        self,
        embedding: Embedding,
        assignment: Assignment,
        *,
        labels: pd.Series,
        centers: Floats,
        profiles: Sequence[ClusterProfile],
        cv: float,
        best_model: str,
        rows: Sequence[LeaderboardRow],
        trials: Sequence[dict[str, Any]] = (),
        seconds: float,
    ) -> None:
        self.embedding, self.assignment = embedding, assignment
        self.labels = labels
        """The cluster of each training row: int64, under the index of the training frame (0, 1, ... when loaded)."""
        self.centers = centers
        """Clusters x coordinates: the means of the training rows."""
        self.cv = cv
        """The silhouette on the rows that judged; noise counts 0 (see `evaluate`)."""
        self.best_model = best_model
        """The algorithm that was chosen, for example `kmeans(4)`."""
        self.trials = list(trials)
        """The clusterings that `fit` tried, as JSON; `fit(replay=...)` tries them again. Not saved."""
        self.seconds = seconds
        """Wall clock of `fit`."""
        self._profiles, self._rows = list(profiles), list(rows)

    @property
    def features(self) -> list[str]:
        """The input columns."""
        return [column.name for column in self.embedding.encoder.columns]

    @property
    def counted(self) -> list[str]:
        """The input columns that count: those that go with another one, or all when none does."""
        return self.embedding.counted

    @property
    def n_clusters(self) -> int:
        """Clusters found; noise is none."""
        return len(self.centers)

    def predict(self, frame: Any) -> pd.Series:
        """The cluster of each row of a pandas, Polars or Arrow table: int64, -1 where none is near.

        Raises:
            SchemaMismatchError: if a column is missing.
        """
        rows = as_frame(frame)
        found = [self.assignment.predict(points) for _, points in self.embedding.chunks(rows)]
        return pd.Series(np.concatenate([np.empty(0, np.int64), *found]), index=rows.index, name="cluster")

    def predict_record(self, record: Mapping[str, Any]) -> int:
        """As `predict`, of a frame with `record` (which maps columns to cells) as its only row, without the frame.

        Raises:
            RequestError: if `record` is no mapping.
            SchemaMismatchError: if a column is missing.
        """
        coordinates = self.embedding.space.coordinates(self._records.encoded(self._records.encode(record)))
        return int(self.assignment.predict(self.embedding.project(coordinates))[0])

    @cached_property
    def _records(self) -> RecordEncoder:
        return RecordEncoder(self.embedding.encoder)

    def points(self, frame: Any) -> Floats:
        """The rows in the space in which distances are taken: float64, rows x dimensions."""
        return self.embedding.points(as_frame(frame))

    def evaluate(self, frame: Any, *, seed: int = 0) -> dict[str, float]:
        """How well these rows fall into the clusters that the model gives them.

        Returns:
            `silhouette` (1 is best; noise counts 0, and of more than 5,000 rows as many are drawn by `seed`),
            `davies_bouldin` (0 is best), `calinski_harabasz` (more is better), both of the rows that are not noise,
            `clusters` and the share of `noise`. Without noise they are scikit-learn's.

        Raises:
            DataError: if the rows lie in less than two clusters.
            SchemaMismatchError: if a column is missing.
        """
        from scipy.spatial.distance import pdist, squareform
        from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

        points = self.points(frame)
        labels = self.assignment.predict(points)
        inside = labels != NOISE
        found = len(np.unique(labels[inside]))
        if not 2 <= found < inside.sum():
            raise DataError(f"The {len(labels)} rows lie in {found} clusters; to compare, two or more are needed.")
        drawn = np.sort(np.random.default_rng(seed).permutation(len(points))[:_MOST_COMPARED])
        return {
            "silhouette": silhouette(squareform(pdist(points[drawn])), labels[drawn]),
            "davies_bouldin": float(davies_bouldin_score(points[inside], labels[inside])),
            "calinski_harabasz": float(calinski_harabasz_score(points[inside], labels[inside])),
            "clusters": found,
            "noise": float(1.0 - inside.mean()),
        }

    def leaderboard(self) -> list[LeaderboardRow]:
        """Every clustering that was tried, `cv` is its silhouette (noise counts 0); best first."""
        return list(self._rows)

    def profile(self) -> list[ClusterProfile]:
        """What distinguishes each cluster; printed, a profile reads as sentences."""
        return list(self._profiles)

    def explain(self, frame: Any, *, most: int = 5) -> pd.DataFrame:
        """Why each row lies in its cluster and not in the nearest other one.

        Returns:
            A line for each row and column that counts, the most telling first, at most `most` for each row: `row`
            (the index of `frame`), `cluster`, `other`, `column`, `value` and `weight`: how much nearer (squared
            distance to the mean of the cluster) the row is in this column; negative where it is nearer to the other
            one. Rows that are noise, and all when there is one cluster, have no lines.
        """
        table = as_frame(frame).reset_index(drop=True)
        lines: list[pd.DataFrame] = []
        start = 0
        for coordinates, points in self.embedding.chunks(table):
            labels = self.assignment.predict(points)
            lines += [
                self._reasons(row, table.loc[start + place], int(labels[place]), most).assign(place=start + place)
                for place, row in enumerate(coordinates)
                if labels[place] != NOISE and self.n_clusters > 1
            ]
            start += len(coordinates)
        names = ["row", "cluster", "other", "column", "value", "weight"]
        if not lines:
            return pd.DataFrame(columns=names)
        found = pd.concat(lines, ignore_index=True)
        return found.assign(row=as_frame(frame).index[found["place"]])[names]

    def _reasons(self, row: Floats, cells: pd.Series, label: int, most: int) -> pd.DataFrame:
        squares = (self.centers - row) ** 2
        distances = squares.sum(axis=1)
        distances[label] = np.inf
        other = int(np.argmin(distances))
        owners = np.unique(self.embedding.space.owners[self.embedding.space.scale > 0])
        gains = np.bincount(self.embedding.space.owners, squares[other] - squares[label])[owners]
        order = np.argsort(-gains, kind="stable")[:most]
        names = [self.features[column] for column in owners[order]]
        return pd.DataFrame(
            {
                "cluster": label,
                "other": other,
                "column": names,
                "value": pd.Series([cells[name] for name in names], dtype=object),
                "weight": gains[order],
            }
        )

    def save(self, path: Path | str) -> list[Path]:
        """Writes the model into the folder `path`; returns the files, sorted. No file needs code to be read."""
        arrays: Arrays = {
            "labels": self.labels.to_numpy().astype(np.int32),
            "centers": self.centers,
            "points": self.assignment.points,
            "references": self.assignment.labels,
            "reach": self.assignment.reach,
        }
        record = {
            "embedding": self.embedding.write(arrays),
            "profiles": [profile.to_json() for profile in self._profiles],
            "cv": self.cv,
            "best_model": self.best_model,
            "leaderboard": [row.model_dump(mode="json") for row in self._rows],
            "seconds": self.seconds,
        }
        return write_parts(Path(path), RECORD, record, arrays)

    @classmethod
    def load(cls, path: Path | str) -> ClusterModel:
        """What `save` wrote.

        Raises:
            BundleError: if a file is missing or not valid.
        """
        return read_parts(path, RECORD, cls._of)

    @classmethod
    def _of(cls, record: dict[str, Any], arrays: Arrays) -> ClusterModel:
        embedding, centers = Embedding.read(record["embedding"], arrays), arrays["centers"]
        assignment = Assignment(arrays["points"], arrays["references"], arrays["reach"])
        assignment.check(embedding.dimensions)
        if (
            centers.shape != (int(assignment.labels.max()) + 1, len(embedding.space.owners))
            or centers.dtype != np.float64
        ):
            raise BundleError("The centers of the clusters do not fit the model.")
        return cls(
            embedding,
            assignment,
            labels=pd.Series(arrays["labels"].astype(np.int64), name="cluster"),
            centers=centers,
            profiles=[ClusterProfile.from_json(entry) for entry in record["profiles"]],
            cv=float(record["cv"]),
            best_model=str(record["best_model"]),
            rows=[LeaderboardRow(**row) for row in record["leaderboard"]],
            seconds=float(record["seconds"]),
        )
