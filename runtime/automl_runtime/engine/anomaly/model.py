"""What `fit(task="anomaly")` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.vocabulary import MetricName, TaskType

from automl_runtime.engine.anomaly.isolation import isolation
from automl_runtime.engine.anomaly.ranks import Ranks
from automl_runtime.engine.anomaly.residuals import Residuals
from automl_runtime.engine.anomaly.tails import Tails
from automl_runtime.engine.anomaly.windows import Windows, read_windows, write_windows
from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.metrics import score
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.saving import Arrays, read_parts, write_parts
from automl_runtime.engine.spaces import Space, encoded_chunks, read_space, write_space
from automl_runtime.errors import RequestError, SchemaMismatchError, shorten
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.model import Label
from automl_runtime.inference.records import RecordEncoder
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["RECORD", "AnomalyModel", "Detectors", "judged", "known_anomalies"]

RECORD = "anomalies.json"
_ALMOST = 1.0 - 1e-12


@dataclass(frozen=True, slots=True)
class Detectors:
    """Three ways to be strange, each with its ranks; the time may have sufficed for the first only, or for two."""

    rarity: Space
    likeness: Space
    tails: Tails
    residuals: Residuals | None
    forest: Forest | None
    ranks: tuple[Ranks, ...]

    def scores(self, data: Encoded) -> Floats:
        """The raw score of each detector there is: rows x detectors; more is stranger."""
        parts = [part.sum(axis=1) for part in self.by_column(data)]
        if self.forest is not None:
            parts.append(isolation(self.forest, self.rarity.coordinates(data)))
        return np.column_stack(parts)

    def by_column(self, data: Encoded) -> list[Floats]:
        """What each input column adds to the score of the tails, and of the residuals (if there are): rows x columns.

        A column counts once, however many coordinates are made from it: of tail probabilities the smallest, as such
        among so many (Sidak 1967), of squares the mean.
        """
        surprise = self.tails.surprise(self.rarity.coordinates(data))
        parts = [_smallest(surprise, self.rarity.owners)]
        if self.residuals is not None:
            squares = self.residuals.squares(self.likeness.coordinates(data))
            parts.append(_means(squares, self.likeness.owners))
        return parts

    def combined(self, scores: Floats) -> Floats:
        """The mean of the detectors' log ranks, Fisher's way to combine tail probabilities (1925): a row that one
        of them finds very strange counts more than one that all find a little so."""
        parts = [ranks.surprise(column) for ranks, column in zip(self.ranks, scores.T, strict=True)]
        return np.asarray(np.mean(parts, axis=0))


def _smallest(surprise: Floats, owners: Ints) -> Floats:
    order = np.argsort(owners, kind="stable")
    _, starts, counts = np.unique(owners[order], return_index=True, return_counts=True)
    largest = np.maximum.reduceat(surprise[:, order], starts, axis=1)
    # -log(1 - (1 - p)^n) of the smallest probability p of n.
    return -np.log(-np.expm1(counts * np.log1p(-np.minimum(np.exp(-largest), _ALMOST))))


def _means(squares: Floats, owners: Ints) -> Floats:
    order = np.argsort(owners, kind="stable")
    _, starts, counts = np.unique(owners[order], return_index=True, return_counts=True)
    return np.asarray(np.add.reduceat(squares[:, order], starts, axis=1) / counts)


def known_anomalies(labels: pd.Series, positive: Label | None = None) -> Bools:
    """Which rows the labels call anomalies; see `AnomalyModel.evaluate`.

    Raises:
        RequestError: if `positive` does not occur.
        TrainingError: if there are not two different labels.
    """
    if positive is None and set(labels.dropna().unique()) == {-1, 1}:
        positive = -1
    _, problem = make_problem(labels.to_frame("label"), labels, task="binary", positive=positive)
    return np.asarray(problem.codes == problem.positive)


def judged(truth: Any, strange: Floats) -> dict[MetricName, float]:
    """How well scores tell the rows of `truth` (bool) from the others: `roc_auc` and `average_precision`."""
    metrics: tuple[MetricName, ...] = ("roc_auc", "average_precision")
    return {metric: score(metric, truth, strange, [False, True], positive=True) for metric in metrics}


class AnomalyModel:
    """Says how strange a row is among the training rows; immutable and thread-safe."""

    task: TaskType = "anomaly"
    classes: Sequence[Any] = ()
    positive: Any = None
    threshold_by: str | None = "contamination"
    cv = float("nan")
    """Nothing says how good it is on the rows that it learned from."""

    def __init__(
        self,
        encoder: Encoder,
        detectors: Detectors,
        final: Ranks,
        *,
        threshold: float,
        contamination: float,
        typical: dict[str, str],
        metric: MetricName,
        trials: Sequence[dict[str, Any]] = (),
        seconds: float,
        windows: Windows | None = None,
    ) -> None:
        self.encoder, self.detectors, self.final = encoder, detectors, final
        self.windows = windows
        """Of rows of a series: what is made of them before anything else looks at them."""
        self.threshold = threshold
        """Rows whose score is larger are strange."""
        self.contamination = contamination
        """The share of the training rows that are."""
        self.typical = typical
        """What each column usually holds, in words."""
        self.metric = metric
        """By which labels, where there are any, are to judge the scores."""
        self.trials = list(trials)
        """The detectors that `fit` had time for, as JSON; `fit(replay=...)` makes them again. Not saved."""
        self.seconds = seconds
        """Wall clock of `fit`."""

    @property
    def best_model(self) -> str:
        """The detectors whose ranks are combined, for example `tails + residuals + isolation_forest`."""
        found = {"residuals": self.detectors.residuals, "isolation_forest": self.detectors.forest}
        return " + ".join(["tails", *(name for name, part in found.items() if part is not None)])

    def leaderboard(self) -> list[LeaderboardRow]:
        """Empty: the detectors are combined and not compared."""
        return []

    @property
    def features(self) -> list[str]:
        """The input columns."""
        columns = [column.name for column in self.encoder.columns]
        return columns if self.windows is None else self.windows.inputs(columns)

    def table(self, frame: Any) -> pd.DataFrame:
        """The rows as they are looked at: as they are, or, of a series, with what their past says of them.

        Raises:
            SchemaMismatchError: if a column is missing, or a series is unknown.
            DataError: if moments repeat or lie too far from each other.
        """
        return as_frame(frame) if self.windows is None else self.windows.table(_named(frame))

    def continued(self, frame: Any) -> AnomalyModel:
        """The same model, which looks back from the end of `frame`, as of what happened since it was fitted.

        Raises:
            RequestError: if its rows are no series.
            SchemaMismatchError: if a column is missing, or a series is unknown.
            DataError: if moments repeat or lie too far from each other.
        """
        if self.windows is None:
            raise RequestError("The rows of this model are no series: there is no past that could go on.")
        later = copy(self)
        later.windows = self.windows.continued(_named(frame))
        return later

    def past_known(self, frame: Any) -> pd.Series | None:
        """Of rows of a series: the share of the steps that each looks back on of which something is known, 0 to 1.

        A row whose past is not known is compared by its own values alone. None where rows are no series.
        """
        if self.windows is None:
            return None
        rows = _named(frame)
        return pd.Series(self.windows.past_known(rows), index=rows.index, name="past_known")

    def score_samples(self, frame: Any) -> pd.Series:
        """The share of the training rows that are less strange than each row: 0 to 1, float64.

        Rows of a series look back at each other, and at the end of the training rows; see `table` for what is raised.
        """
        rows = self.table(frame)
        detectors = self.detectors
        found = [
            self.final.share(detectors.combined(detectors.scores(data))) for data in encoded_chunks(self.encoder, rows)
        ]
        return pd.Series(np.concatenate([np.empty(0), *found]), index=rows.index, name="strangeness")

    def predict_record(self, record: Mapping[str, Any]) -> float:
        """As `score_samples`, of a frame with `record` (which maps columns to cells) as its only row.

        Raises:
            RequestError: if `record` is no mapping.
            SchemaMismatchError: if a column is missing.
        """
        if self.windows is not None:
            record = self._looked_at(record)
        data = self._records.encoded(self._records.encode(record))
        return float(self.final.share(self.detectors.combined(self.detectors.scores(data)))[0])

    def _looked_at(self, record: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(record, Mapping):
            raise RequestError(f"A record must map columns to values, not be {shorten(record)}.")
        made: dict[str, Any] = self.table(pd.DataFrame([dict(record)])).iloc[0].to_dict()
        return made

    @cached_property
    def _records(self) -> RecordEncoder:
        return RecordEncoder(self.encoder)

    def predict(self, frame: Any) -> pd.Series:
        """True for each row that is strange: bool; see `score_samples`."""
        return (self.score_samples(frame) > self.threshold).rename("anomaly")

    def evaluate(
        self, frame: Any, labels: str | pd.Series, *, positive: Label | None = None
    ) -> dict[MetricName, float]:
        """How well the scores tell known anomalies from other rows: `roc_auc` and `average_precision`.

        Args:
            frame: the rows, a pandas, Polars or Arrow table.
            labels: which are anomalies: a series, or its column in `frame`; two different values.
            positive: the value of an anomaly; None: the one that says yes (True, 1, "yes"), of -1 and 1 the first as
                scikit-learn has it, else the rarer.

        Raises:
            RequestError: if `positive` does not occur.
            SchemaMismatchError: if a column is missing.
            TrainingError: if there are not two different labels.
        """
        rows = as_frame(frame)
        if isinstance(labels, str):
            if labels not in rows.columns:
                raise SchemaMismatchError(f"The table has no column {shorten(labels)} with the labels.")
            labels = rows[labels]
        if len(labels) != len(rows):
            raise RequestError(f"There are {len(labels)} labels for {len(rows)} rows.")
        scores = self.score_samples(rows)
        return judged(known_anomalies(labels, positive), scores.to_numpy())

    def explain(self, frame: Any, *, most: int = 5, places: Ints | None = None) -> pd.DataFrame:
        """The columns that make each row strange.

        Args:
            frame: the rows.
            most: so many columns of each row.
            places: the rows that are explained; None: all. Those of a series look back at the others.

        Returns:
            A line for each row and column, the most telling first, `most` for each row: `row` (the index of
            `frame`), `column`, `value`, `typical` (what the column usually holds) and `share` of the strangeness of
            the row, by its place in the columns' distributions and by how far its columns do not go together.
        """
        table = self.table(frame)
        table = table if places is None else table.iloc[places]
        plain = table.reset_index(drop=True)
        parts = [self._shares(data) for data in encoded_chunks(self.encoder, plain)]
        read = [column.name for column in self.encoder.columns]
        shares = np.vstack([np.empty((0, len(read))), *parts])
        order = np.argsort(-shares, axis=1, kind="stable")[:, :most]
        owners = np.repeat(np.arange(len(shares)), order.shape[1])
        columns = order.ravel()
        names = [read[column] for column in columns]
        cells = plain.set_axis(plain.columns.astype("str"), axis=1)
        return pd.DataFrame(
            {
                "row": table.index[owners],
                "column": pd.Series(names, dtype="str"),
                "value": pd.Series([cells[name].iloc[p] for name, p in zip(names, owners, strict=True)], dtype=object),
                "typical": pd.Series([self.typical[name] for name in names], dtype="str"),
                "share": shares[owners, columns],
            }
        )

    def _shares(self, data: Encoded) -> Floats:
        """Of the strangeness of each row, by tails and residuals as far as each finds it strange: rows x columns."""
        detectors = self.detectors
        owners = [np.unique(detectors.rarity.owners), np.unique(detectors.likeness.owners)]
        total = np.zeros((len(data), len(self.encoder.columns)))
        for part, ranks, columns in zip(detectors.by_column(data), detectors.ranks, owners, strict=False):
            sums = part.sum(axis=1)
            total[:, columns] += part * (ranks.surprise(sums) / np.where(sums > 0, sums, 1.0))[:, None]
        sums = total.sum(axis=1, keepdims=True)
        return np.asarray(total / np.where(sums > 0, sums, 1.0))

    def save(self, path: Path | str) -> list[Path]:
        """Writes the model into the folder `path`; returns the files, sorted. No file needs code to be read."""
        arrays: Arrays = {}
        detectors = self.detectors
        record = {
            "columns": self.encoder.to_json(),
            "rarity": write_space(detectors.rarity, "rarity", arrays),
            "likeness": write_space(detectors.likeness, "likeness", arrays),
            "tails": _write(detectors.tails, "tails", arrays),
            "residuals": None if detectors.residuals is None else _write(detectors.residuals, "residuals", arrays),
            "forest": None if detectors.forest is None else _write(detectors.forest, "forest", arrays),
            "ranks": [_write(ranks, f"ranks{place}", arrays) for place, ranks in enumerate(detectors.ranks)],
            "final": _write(self.final, "final", arrays),
            "threshold": self.threshold,
            "contamination": self.contamination,
            "typical": self.typical,
            "metric": self.metric,
            "seconds": self.seconds,
            "windows": None if self.windows is None else write_windows(self.windows, arrays),
        }
        return write_parts(Path(path), RECORD, record, arrays)

    @classmethod
    def load(cls, path: Path | str) -> AnomalyModel:
        """What `save` wrote.

        Raises:
            BundleError: if a file is missing or not valid.
        """
        return read_parts(path, RECORD, cls._of)

    @classmethod
    def _of(cls, record: dict[str, Any], arrays: Arrays) -> AnomalyModel:
        encoder = Encoder.from_json(record["columns"])
        model = cls(
            encoder,
            _read_detectors(record, arrays, encoder),
            _read(Ranks, record["final"], "final", arrays),
            threshold=float(record["threshold"]),
            contamination=float(record["contamination"]),
            typical={column.name: str(record["typical"][column.name]) for column in encoder.columns},
            metric=record["metric"],
            seconds=float(record["seconds"]),
            # Models of before there were windows do not speak of them.
            windows=None if record.get("windows") is None else read_windows(record["windows"], arrays),
        )
        model.final.check()
        return model


def _named(frame: Any) -> pd.DataFrame:
    rows = as_frame(frame)
    return rows.set_axis(rows.columns.astype("str"), axis=1)


def _read_detectors(record: dict[str, Any], arrays: Arrays, encoder: Encoder) -> Detectors:
    rarity = read_space(record["rarity"], "rarity", arrays, encoder)
    likeness = read_space(record["likeness"], "likeness", arrays, encoder)
    tails = _read(Tails, record["tails"], "tails", arrays)
    tails.check(len(rarity.owners))
    residuals = forest = None
    if record["residuals"] is not None:
        residuals = _read(Residuals, record["residuals"], "residuals", arrays)
        residuals.check(len(likeness.owners))
    if record["forest"] is not None:
        forest = _read(Forest, record["forest"], "forest", arrays)
        forest.check(len(rarity.owners))
    ranks = tuple(_read(Ranks, entry, f"ranks{place}", arrays) for place, entry in enumerate(record["ranks"]))
    for one in ranks:
        one.check()
    detectors = Detectors(rarity, likeness, tails, residuals, forest, ranks)
    # What does not fit together shows now, not at the first row.
    detectors.combined(np.zeros((1, 1 + (residuals is not None) + (forest is not None))))
    return detectors


def _write(part: Any, prefix: str, arrays: Arrays) -> dict[str, Any]:
    """Puts the arrays among the fields of `part` into `arrays`; returns the rest as JSON."""
    record = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}.{field.name}"] = value
        else:
            record[field.name] = value
    return record


def _read(cls: type[Any], record: dict[str, Any], prefix: str, arrays: Arrays) -> Any:
    return cls(
        **{
            field.name: arrays[f"{prefix}.{field.name}"] if field.name not in record else int(record[field.name])
            for field in fields(cls)
        }
    )
