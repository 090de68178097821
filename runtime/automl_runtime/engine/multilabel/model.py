"""The fitted model of several labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.vocabulary import MetricName, TaskType
from numpy.typing import NDArray

from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.multilabel.labels import read_labels
from automl_runtime.engine.multilabel.mixing import apply_mixing, one_row
from automl_runtime.engine.multilabel.scores import score_labels
from automl_runtime.engine.saving import Arrays, read_parts, write_parts
from automl_runtime.errors import BundleError, RequestError, SchemaMismatchError, shorten
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.inference.model import FittedModel, load
from automl_runtime.kernels.arrays import Floats

__all__ = ["RECORD", "MultilabelModel", "label_sets"]

RECORD = "multilabel.json"
_HEAD = "label{}"


def label_sets(model: MultilabelModel, shares: pd.DataFrame) -> list[list[str]]:
    """The labels that each row has where `model.predict_proba` gave these `shares`, in the order of the model."""
    flags = model.decide(shares).to_numpy(dtype=bool)
    return [[label for label, has in zip(model.labels, row, strict=True) if has] for row in flags]


class MultilabelModel:
    """A model for each label over one encoder, and a second level over them; immutable and thread-safe."""

    task: TaskType = "multilabel"

    def __init__(
        self,
        *,
        labels: Sequence[str],
        features: Sequence[str],
        heads: Mapping[str, FittedModel],
        constants: Mapping[str, float],
        mixing: NDArray[np.float64],
        thresholds: Mapping[str, float],
        metric: MetricName,
        scores: Mapping[str, float],
        rows: Sequence[LeaderboardRow],
        best: Mapping[str, str],
        seconds: float,
        trials: Sequence[dict[str, Any]] = (),
        oof: pd.DataFrame | None = None,
    ) -> None:
        self.labels = list(labels)
        """In the order in which they were given; sorted when one column listed them."""
        self.features = list(features)
        """The input columns."""
        self.heads = dict(heads)
        """The model of each label that could be learned."""
        self.constants = dict(constants)
        """The share of the rows that have a label, of those that could not be learned."""
        self.thresholds = dict(thresholds)
        """A label is predicted where its probability is at least this; chosen out of fold."""
        self.metric = metric
        """What the search of each label optimised."""
        self.scores = dict(scores)
        """`metric` of each label, out of fold."""
        self.trials = list(trials)
        """The configurations that were executed, as JSON; `fit(replay=...)` executes them again. Not saved."""
        self.oof = oof
        """Probabilities out of fold, a column for each label that could be learned, under the numbers of the training
        rows; missing where a label has none. Not saved."""
        self.seconds = seconds
        """Wall clock of `fit`."""
        self.best = dict(best)
        """What predicts each label that could be learned: `ensemble`, or the name of the only model in it."""
        self.mixing = mixing
        self._rows = list(rows)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_one_row"}

    @property
    def encoder(self) -> Encoder:
        """What reads the rows for the models of all labels."""
        return next(iter(self.heads.values())).encoder

    @property
    def classes(self) -> list[str]:
        """The labels, as the columns of `predict_proba`."""
        return self.labels

    @property
    def positive(self) -> None:
        """None: a row may have any number of labels."""
        return None

    @property
    def threshold(self) -> None:
        """None: each label has one of its own, see `thresholds`."""
        return None

    @property
    def threshold_by(self) -> None:
        """None, as `threshold`."""
        return None

    @property
    def best_model(self) -> str:
        """What predicts the labels, and how many of them: `ensemble (3 labels), linear (1 label)`."""
        counts = sorted(Counter(self.best.values()).items(), key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{name} ({count} label{'s' if count > 1 else ''})" for name, count in counts)

    @property
    def cv(self) -> float:
        """The mean of `scores`."""
        return float(np.mean(list(self.scores.values())))

    def predict_proba(self, frame: Any) -> pd.DataFrame:
        """The probability of each label, a column each, under the index of `frame`.

        Raises:
            SchemaMismatchError: if a column is missing.
        """
        rows = as_frame(frame)
        shares = self.outputs(self.encoder.encode(rows))
        return pd.DataFrame(shares, index=rows.index, columns=pd.Index(self.labels, dtype=object))

    def outputs(self, data: Encoded) -> Floats:
        """The probability of each label (rows x labels) for rows encoded by `encoder`."""
        alone = np.column_stack([head.outputs(data)[:, 1] for head in self.heads.values()])
        shares = np.tile(self._constant_shares, (len(data), 1))
        shares[:, self._learned_places] = apply_mixing(alone, self.mixing)
        return shares

    def predict_record(self, record: Mapping[str, Any]) -> dict[str, float]:
        """As `predict_proba`, of a frame with `record` as its only row; see `FittedModel.predict_record`."""
        return dict(zip(self.labels, self.outputs_of(record), strict=True))

    def outputs_of(self, record: Mapping[str, Any]) -> list[float]:
        """The only row of `outputs`, for a raw record; see `predict_record`."""
        return self._one_row(record)

    @cached_property
    def _one_row(self) -> Callable[[Mapping[str, Any]], list[float]]:
        from automl_runtime.inference.compiled import CompiledHeads

        compiled, mix = CompiledHeads(list(self.heads.values())), one_row(self.mixing)
        constants, places = self._constant_shares, self._learned_places

        def shares(record: Mapping[str, Any]) -> list[float]:
            found = constants.copy()
            found[places] = mix(compiled.chances(record))
            listed: list[float] = found.tolist()
            return listed

        return shares

    @property
    def _constant_shares(self) -> NDArray[np.float64]:
        """Of each label what is predicted for every row; 0 where it has a model."""
        return np.array([self.constants.get(name, 0.0) for name in self.labels])

    @property
    def _learned_places(self) -> NDArray[np.intp]:
        """Where the labels that have a model are among all."""
        return np.array([self.labels.index(name) for name in self.heads], dtype=np.intp)

    def predict(self, frame: Any) -> pd.DataFrame:
        """0 or 1 for each label, a column each, under the index of `frame`.

        Raises:
            SchemaMismatchError: if a column is missing.
        """
        return self.decide(self.predict_proba(frame))

    def decide(self, shares: pd.DataFrame) -> pd.DataFrame:
        """0 or 1 (int8) where `predict_proba` gave these `shares`: whether they reach the threshold of the label."""
        return (shares >= np.array(self.limits)).astype(np.int8)

    @property
    def limits(self) -> list[float]:
        """The threshold of each label in turn; 0.5 where it could not be learned."""
        return [self.thresholds.get(name, 0.5) for name in self.labels]

    def evaluate(
        self, frame: Any, target: str | Sequence[str] | pd.Series | None = None, *, label_separator: str | None = None
    ) -> dict[str, float]:
        """`f1_micro`, `f1_macro`, `subset_accuracy`, `hamming_loss` and mean `roc_auc`; see `scores.score_labels`.

        Args:
            frame: the rows, a pandas, Polars or Arrow table.
            target: as `fit` takes it; None: a column for each label.
            label_separator: as `fit` takes it. Listed labels that the model does not know are an error.

        Raises:
            SchemaMismatchError: if a column is missing, or a label is not known.
        """
        rows = as_frame(frame)
        names = self.labels if target is None else target
        if not isinstance(names, str | pd.Series):
            missing = [name for name in names if name not in rows.columns]
            if missing:
                raise SchemaMismatchError(f"The table has no column {shorten(missing[0])} with the true labels.")
        _, truth = read_labels(rows, names, label_separator)
        unknown = [name for name in truth.columns if name not in self.labels]
        if unknown:
            raise SchemaMismatchError(
                f"The model does not know the label {shorten(unknown[0])}; its labels: "
                f"{', '.join(map(shorten, self.labels[:10]))}."
            )
        cells = truth.reindex(columns=self.labels, fill_value=0).to_numpy(dtype=np.int64)
        shares = self.predict_proba(rows)
        return score_labels(cells, shares.to_numpy(), self.decide(shares).to_numpy(dtype=np.int64))

    def explain(self, frame: Any, label: str, **options: Any) -> pd.DataFrame:
        """What each input column adds to the probability that the label's own model gives; see `FittedModel.explain`.

        Raises:
            RequestError: if the label is not known, or could not be learned.
        """
        if label not in self.heads:
            raise RequestError(
                f"There is no model of the label {shorten(label)}; there are some of: "
                f"{', '.join(map(shorten, list(self.heads)[:10]))}."
            )
        return self.heads[label].explain(as_frame(frame), **options)

    def leaderboard(self) -> list[LeaderboardRow]:
        """The models of each label, called `label: model`, best first within a label."""
        return list(self._rows)

    def with_heads(self, change: Callable[[FittedModel], FittedModel]) -> MultilabelModel:
        """The same with each model of a label as `change` makes it; it must keep the encoder."""
        made = copy(self)
        made.__dict__.pop("_one_row", None)
        made.heads = {name: change(head) for name, head in self.heads.items()}
        return made

    def save(self, path: Path | str) -> list[Path]:
        """Writes the model into the folder `path`, one folder for each label; returns the files, sorted.

        No file needs code to be read.
        """
        folder = Path(path)
        record = {
            "labels": self.labels,
            "features": self.features,
            "learned": list(self.heads),
            "constants": self.constants,
            "thresholds": self.thresholds,
            "metric": self.metric,
            "scores": self.scores,
            "best": self.best,
            "leaderboard": [row.model_dump(mode="json") for row in self._rows],
            "seconds": self.seconds,
        }
        files = write_parts(folder, RECORD, record, {"mixing": self.mixing})
        for place, head in enumerate(self.heads.values()):
            files += head.save(folder / _HEAD.format(place))
        return sorted(files)

    @classmethod
    def load(cls, path: Path | str) -> MultilabelModel:
        """What `save` wrote.

        Raises:
            BundleError: if a file is missing or not valid.
        """
        folder = Path(path)

        def build(record: dict[str, Any], arrays: Arrays) -> MultilabelModel:
            heads = {str(name): load(folder / _HEAD.format(place)) for place, name in enumerate(record["learned"])}
            return cls._of(record, heads, arrays["mixing"])

        return read_parts(folder, RECORD, build)

    @classmethod
    def _of(cls, record: dict[str, Any], heads: dict[str, FittedModel], mixing: NDArray[np.float64]) -> MultilabelModel:
        labels = [str(name) for name in record["labels"]]
        encoders = {json.dumps(head.encoder.to_json(), sort_keys=True) for head in heads.values()}
        named = set(heads) | set(record["constants"]) == set(labels) and set(record["thresholds"]) == set(heads)
        fits = mixing.shape == (len(heads), len(heads) + 1) and mixing.dtype == np.float64
        if len(encoders) != 1 or not named or not fits:
            raise BundleError("The parts of the model of several labels do not fit together.")
        return cls(
            labels=labels,
            features=[str(name) for name in record["features"]],
            heads=heads,
            constants={name: float(share) for name, share in record["constants"].items()},
            mixing=mixing,
            thresholds={name: float(value) for name, value in record["thresholds"].items()},
            metric=record["metric"],
            scores={name: float(value) for name, value in record["scores"].items()},
            rows=[LeaderboardRow(**row) for row in record["leaderboard"]],
            best={str(name): str(value) for name, value in record["best"].items()},
            seconds=float(record["seconds"]),
        )
