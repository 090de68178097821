"""The fitted model: predicts from a frame, is saved in safe formats, and loads without scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from automl_schemas.vocabulary import MetricName, TaskType

from automl_runtime.events import EventSink, ignore
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.inference.intervals import Interval
from automl_runtime.inference.parts import Design, Member, blend
from automl_runtime.kernels.arrays import Floats, Ints

if TYPE_CHECKING:
    from automl_runtime.inference.compiled import CompiledModel

__all__ = ["FittedModel", "Label", "ModelInfo", "decide", "decide_one", "load"]

Label = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the model predicts and how it decides."""

    task: TaskType
    metric: MetricName
    target: str
    features: tuple[str, ...]
    """Input columns, in the order of the training frame."""
    classes: tuple[Label, ...] = ()
    """As `np.unique` sorts them; empty for a regression."""
    positive: Label | None = None
    threshold: float | None = None
    """Rows whose probability of `positive` is at least this are predicted to be it; binary tasks only."""
    threshold_by: str | None = None
    multipliers: tuple[float, ...] = ()
    """Multiclass: the class with the largest probability x multiplier is predicted; empty for 1."""
    interval: Interval | None = None
    """Of a regression: how far off predictions were out of fold."""
    shifts: tuple[float, ...] = ()
    """Of each class, when the members' log chances are pooled (`engine.stacking`); empty for their weighted mean."""


class FittedModel:
    """A weighted mean, or a pool, of members over a shared encoder; immutable and thread-safe."""

    def __init__(
        self,
        info: ModelInfo,
        encoder: Encoder,
        designs: tuple[Design, ...],
        members: tuple[Member, ...],
        background: Encoded | None = None,
    ) -> None:
        self.info, self.encoder, self.designs, self.members = info, encoder, designs, members
        self.background = background
        """A few training rows, encoded, that `explain` compares with."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_compiled"}

    @property
    def task(self) -> TaskType:
        """The task."""
        return self.info.task

    @property
    def metric(self) -> MetricName:
        """The metric that the search maximised or minimised."""
        return self.info.metric

    @property
    def classes(self) -> list[Label]:
        """Sorted as `np.unique` does; empty for a regression."""
        return list(self.info.classes)

    @property
    def positive(self) -> Label | None:
        """The class of interest of a binary task."""
        return self.info.positive

    @property
    def threshold(self) -> float | None:
        """The least probability of `positive` for which it is predicted."""
        return self.info.threshold

    @property
    def threshold_by(self) -> str | None:
        """How the threshold was chosen, in words."""
        return self.info.threshold_by

    @property
    def features(self) -> list[str]:
        """The input columns."""
        return list(self.info.features)

    @property
    def target(self) -> str:
        """The name of what is predicted."""
        return self.info.target

    def outputs(self, data: Encoded) -> Floats:
        """Probabilities (rows x classes) or values (rows x 1) for rows encoded by `encoder`."""
        return blend(self.members, self.designs, data, len(self.info.classes), self.info.shifts)

    def decide(self, outputs: Floats) -> np.ndarray[Any, Any]:
        """Labels for probabilities, in the dtype of the classes; values for a regression."""
        if not self.info.classes:
            return outputs[:, 0]
        return np.array(self.info.classes)[decide(outputs, self.info)]

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        """A label or value for each row, under the index of `frame`.

        Raises:
            SchemaMismatchError: if a column is missing.
        """
        values = self.decide(self.outputs(self.encoder.encode(frame)))
        return pd.Series(values, index=frame.index, name=self.info.target)

    def predict_interval(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns `low` and `high`, under the index of `frame`: 90 % of the values fall between them.

        Raises:
            SchemaMismatchError: if a column is missing.
            TypeError: if the model predicts classes, or was fitted on fewer than 20 rows.
        """
        if self.info.interval is None:
            raise TypeError("Intervals are kept by regressions that were fitted on 20 rows or more.")
        low, high = self.info.interval.bounds(self.outputs(self.encoder.encode(frame))[:, 0])
        return pd.DataFrame({"low": low, "high": high}, index=frame.index)

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The probability of each class, under the index of `frame`; the columns are `classes`.

        Raises:
            SchemaMismatchError: if a column is missing.
            TypeError: if the model is a regression.
        """
        if not self.info.classes:
            raise TypeError("A regression has no probabilities; use predict.")
        columns = pd.Index(np.array(self.info.classes))
        return pd.DataFrame(self.outputs(self.encoder.encode(frame)), index=frame.index, columns=columns)

    def predict_record(self, record: Mapping[str, Any]) -> dict[Label, float] | float:
        """As `predict_proba`, of a regression `predict`, of a frame with `record` as its only row; made for speed.

        Args:
            record: maps columns to cells as they may stand in a frame; other keys are left out.

        Returns:
            The probability of each class, or the value. Both differ from those of a frame by rounding only.

        Raises:
            RequestError: if `record` is no mapping.
            SchemaMismatchError: if a column is missing.
            DataError: if a picture cannot be read.
        """
        outputs = self.outputs_of(record)
        return dict(zip(self._labels, outputs, strict=True)) if self.info.classes else outputs[0]

    def outputs_of(self, record: Mapping[str, Any]) -> list[float]:
        """The only row of `outputs`, for a raw record; see `predict_record`."""
        return self._compiled.outputs(record)

    @cached_property
    def _compiled(self) -> CompiledModel:
        from automl_runtime.inference.compiled import CompiledModel

        return CompiledModel(self)

    @cached_property
    def _labels(self) -> list[Label]:
        """The columns of `predict_proba`."""
        labels: list[Label] = np.array(self.info.classes).tolist()
        return labels

    def explain(
        self,
        frame: pd.DataFrame,
        *,
        background: pd.DataFrame | None = None,
        label: Label | None = None,
        rounds: int | None = None,
        seconds: float | None = None,
        seed: int = 0,
        on_event: EventSink = ignore,
    ) -> pd.DataFrame:
        """What each input column adds to the prediction of each row: its Shapley value.

        A row's contributions and its base add up to its probability of the explained class, or to its value.

        Args:
            frame: the rows.
            background: rows to compare with; None: those that the model holds.
            label: the class to explain; None: the positive one of two, of more the one that is predicted for the row.
            rounds: how many background rows to compare with; None: as many as 500 predictions a row allow, 2 at least.
            seconds: no further background row is begun after that; None: all of them.
            seed: of the orders in which columns are exchanged.
            on_event: gets `Progress` of the stage `explaining`.

        Returns:
            A column for each of `features` and, last, `base`: the mean output over the background (named `base_`
            where a feature is called `base`); under the index of `frame`.

        Raises:
            SchemaMismatchError: if a column is missing.
            RequestError: if there is no background row, or no such class.
        """
        from automl_runtime.inference.explaining import explain

        return explain(
            self,
            frame,
            background=background,
            label=label,
            rounds=rounds,
            seconds=seconds,
            seed=seed,
            on_event=on_event,
        )

    def save(self, path: Path | str) -> list[Path]:
        """Writes the model into the folder `path` (made if needed); returns the files, sorted.

        No file needs code to be read: JSON, arrays (npz), LightGBM text (gzip), CatBoost cbm.
        """
        from automl_runtime.inference.storage import write_model

        return write_model(self, Path(path))


def decide(outputs: Floats, info: ModelInfo) -> Ints:
    """The place in `info.classes` of the label that is predicted for each row."""
    if info.threshold is not None:
        positive = _positive_place(info)
        return np.where(outputs[:, positive] >= info.threshold, positive, 1 - positive)
    weights = np.array(info.multipliers) if info.multipliers else 1.0
    return np.asarray(np.argmax(outputs * weights, axis=1))


def decide_one(outputs: Sequence[float], info: ModelInfo) -> int:
    """`decide` of a single row."""
    if info.threshold is not None:
        positive = _positive_place(info)
        return positive if outputs[positive] >= info.threshold else 1 - positive
    return int(decide(np.array([outputs]), info)[0])


def _positive_place(info: ModelInfo) -> int:
    return 1 if info.positive is None else info.classes.index(info.positive)


def load(path: Path | str) -> FittedModel:
    """The model that `FittedModel.save` wrote into `path`.

    Hashes and signatures are the registry's business; what is checked here is that no index leads out of an array.

    Raises:
        BundleError: if a file is missing or not valid.
        MissingExtraError: if the model needs a package that is not installed.
    """
    from automl_runtime.inference.storage import read_model

    return read_model(Path(path))
