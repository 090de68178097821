"""What `fit` returns: the fitted model, and the record of the search that found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.vocabulary import MetricName, TaskType

from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.metrics import CLASS_METRICS, VALUE_METRICS, error_of, loss_of, score_classes, score_values
from automl_runtime.engine.problem import Problem
from automl_runtime.errors import RequestError, SchemaMismatchError, shorten
from automl_runtime.inference.model import FittedModel, Label, decide

if TYPE_CHECKING:
    from automl_runtime.engine.outlook import Outlook

__all__ = ["Model", "problem_of", "truth_of"]

_COMPARED = 1_000


class Model:
    """Predicts like the `FittedModel` it holds; knows its scores out of fold and how it came to be."""

    def __init__(
        self,
        fitted: FittedModel,
        *,
        cv: float,
        best_model: str,
        rows: list[LeaderboardRow],
        oof: pd.DataFrame,
        trials: list[dict[str, Any]],
        seconds: float,
        weights: dict[str, float],
        path: Sequence[tuple[float, float]] = (),
    ) -> None:
        self.fitted = fitted
        self.cv = cv
        """The score of the final model out of fold, in the metric's own unit."""
        self.best_model = best_model
        """`ensemble`, or the name of the only model in it."""
        self.oof = oof
        """Out-of-fold probabilities (a column for each class) or values (one column) of the rows that validated."""
        self.trials = trials
        """The configurations that were executed, as JSON; `fit(replay=...)` executes them again."""
        self.seconds = seconds
        """Wall clock of `fit`."""
        self.weights = weights
        """The share of each model in the ensemble."""
        self.path = list(path)
        """Seconds since the beginning and score of each complete trial."""
        self._rows = rows

    @property
    def task(self) -> TaskType:
        """The task."""
        return self.fitted.task

    @property
    def metric(self) -> MetricName:
        """The metric that the search optimised."""
        return self.fitted.metric

    @property
    def classes(self) -> list[Label]:
        """Sorted as `np.unique` does; empty for a regression."""
        return self.fitted.classes

    @property
    def positive(self) -> Label | None:
        """The class of interest of a binary task."""
        return self.fitted.positive

    @property
    def threshold(self) -> float | None:
        """The least probability of `positive` for which it is predicted."""
        return self.fitted.threshold

    @property
    def threshold_by(self) -> str | None:
        """How the threshold was chosen."""
        return self.fitted.threshold_by

    @property
    def features(self) -> list[str]:
        """The input columns."""
        return self.fitted.features

    @property
    def target(self) -> str:
        """The name of what is predicted."""
        return self.fitted.target

    def predict(self, frame: Any) -> pd.Series:
        """A label or value for each row of a pandas, Polars or Arrow table; see `FittedModel.predict`."""
        return self.fitted.predict(as_frame(frame))

    def predict_interval(self, frame: Any) -> pd.DataFrame:
        """Bounds that 90 % of the values of a regression fall between; see `FittedModel.predict_interval`."""
        return self.fitted.predict_interval(as_frame(frame))

    def predict_proba(self, frame: Any) -> pd.DataFrame:
        """The probability of each class; see `FittedModel.predict_proba`."""
        return self.fitted.predict_proba(as_frame(frame))

    def predict_record(self, record: Mapping[str, Any]) -> dict[Label, float] | float:
        """The probability of each class, or the value, for one raw record; see `FittedModel.predict_record`."""
        return self.fitted.predict_record(record)

    def evaluate(self, frame: Any, target: str | pd.Series | None = None) -> dict[MetricName, float]:
        """The score of every metric of the task, in the metric's own unit, on rows whose target is known.

        Args:
            frame: the rows, a pandas, Polars or Arrow table.
            target: the true labels or values, or their column in `frame`; None: the column that was trained on.

        Raises:
            SchemaMismatchError: if a column is missing, or the target holds a label that was not trained on.
        """
        rows = as_frame(frame)
        if not isinstance(target, pd.Series):
            name = target or self.target
            if name not in rows.columns:
                raise SchemaMismatchError(f"The table has no column {shorten(name)} with the true values.")
            target = rows[name]
        outputs = self.fitted.outputs(self.fitted.encoder.encode(rows))
        truth = truth_of(self.fitted, target)
        if not self.classes:
            return {metric: score_values(metric, truth, outputs[:, 0]) for metric in VALUE_METRICS}
        labels = decide(outputs, self.fitted.info)
        positive = self.classes.index(self.positive) if self.positive is not None else 1
        return {
            metric: score_classes(metric, truth.astype(np.int64), outputs, labels, len(self.classes), positive)
            for metric in CLASS_METRICS
        }

    def leaderboard(self) -> list[LeaderboardRow]:
        """All models that were fitted on every fold, and the ensemble; best first."""
        return list(self._rows)

    def pareto_front(self) -> list[LeaderboardRow]:
        """The models that no other beats in both score and speed of prediction; best score first."""
        loss = {row.model: loss_of(self.metric, row.cv) for row in self._rows}
        front, fastest = [], float("inf")
        for row in sorted(self._rows, key=lambda row: (loss[row.model], row.predict_us_per_row)):
            if row.predict_us_per_row < fastest:
                front.append(row)
                fastest = row.predict_us_per_row
        return front

    def outlook(self) -> Outlook:
        """How the best single model came to be, and how much twice and five times the seconds would bring."""
        from automl_runtime.engine.outlook import forecast_gains

        return forecast_gains(
            [seconds for seconds, _ in self.path], [error_of(self.metric, score) for _, score in self.path]
        )

    def importance(
        self, frame: pd.DataFrame, target: str | pd.Series, *, seconds: float = 20.0, seed: int = 0
    ) -> dict[str, float]:
        """Permutation importance of each feature on these rows, scaled to sum 1, largest first.

        Stops after `seconds`; features that it did not come to count 0.
        """
        from automl_runtime.engine.importance import permutation_importance

        values = frame[target] if isinstance(target, str) else target
        problem = problem_of(self.fitted, values)
        data = self.fitted.encoder.encode(frame)
        return permutation_importance(self.fitted, data, problem, seconds=seconds, seed=seed)

    def explain(self, frame: Any, *, background: Any = None, **options: Any) -> pd.DataFrame:
        """What each input column adds to the prediction of each row; see `FittedModel.explain`."""
        compared = None if background is None else as_frame(background)
        return self.fitted.explain(as_frame(frame), background=compared, **options)

    def with_backends(self, *, inexact: bool = False) -> Model:
        """The same model with the backends of its members measured and chosen; see `inference.choosing`."""
        from automl_runtime.inference.choosing import with_backends

        made = copy(self)
        made.fitted = with_backends(self.fitted, inexact=inexact)
        return made

    def save(self, path: Path | str) -> list[Path]:
        """Writes the fitted model into the folder `path`; returns the files, sorted. No file needs code to be read."""
        return self.fitted.save(path)

    def export(self, path: Path | str, *, format: Literal["onnx"] = "onnx", rows: Any = None) -> Path:
        """Writes the model for other runtimes, compared with itself before it is kept; returns the path.

        Args:
            path: the file; its folder is made.
            format: `onnx`. Inputs are the columns, each rows x 1: numbers and booleans as double (NaN where missing),
                categories and texts as text (empty where missing), dates as their parts (`when.year` ...). Outputs are
                `probabilities` (rows x classes) and `label`, of a regression `value`. All operators are of the
                standard but for one, in models that read texts: `Tokenizer`, which every ONNX Runtime has; it pads
                the texts of a call to the longest, so give long ones in small batches.
            rows: a table that both are compared on (its first 1,000 rows); None: the few rows that the model keeps,
                with made texts.

        Raises:
            RequestError: if there is no such format, or the model holds what it cannot say; names it.
            MissingExtraError: if `onnx` or `onnxruntime` is not installed.
            TrainingError: if the outputs differ by more than 1e-5 of their size; nothing is written then.
        """
        from automl_runtime.inference.exporting.model import export_onnx
        from automl_runtime.inference.exporting.samples import made_texts, sample_of

        if format != "onnx":
            raise RequestError(f"There is no format {shorten(format)} to export to; possible: onnx.")
        if rows is not None:
            sample = sample_of(self.fitted.encoder, as_frame(rows).iloc[:_COMPARED])
        elif self.fitted.background is not None:
            sample = made_texts(self.fitted.encoder, self.fitted.background)
        else:
            raise RequestError("The model keeps no rows to compare with: pass `rows`, a table of its columns.")
        return export_onnx(self.fitted, Path(path), sample)


def truth_of(model: FittedModel, values: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """True labels as places in the model's classes, or true values.

    Raises:
        SchemaMismatchError: if a value is missing, not a number, or a class that the model does not know.
    """
    if not model.classes:
        y = pd.to_numeric(values.astype("object"), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        bad = np.flatnonzero(~np.isfinite(y))
    else:
        y = _places(model, values)
        bad = np.flatnonzero(y < 0)
    if len(bad):
        raise SchemaMismatchError(
            f"Row {bad[0] + 1} of the target {shorten(model.target)} holds {shorten(values.iloc[int(bad[0])])}, "
            f"which the model does not know{'' if model.classes else ': a number is needed'}."
        )
    return np.asarray(y, dtype=np.float64)


def _places(model: FittedModel, values: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    from automl_runtime.inference.encoding import spell

    spelled = {spell(label): place for place, label in enumerate(model.classes)}
    nulls = values.isna()
    found = [-1 if null else spelled.get(spell(value), -1) for value, null in zip(values, nulls, strict=True)]
    return np.array(found, dtype=np.float64)


def problem_of(model: FittedModel, values: pd.Series) -> Problem:
    """The problem that `model` solves, with other rows."""
    positive = model.classes.index(model.positive) if model.positive is not None else 1
    return Problem(
        task=model.task,
        metric=model.metric,
        target=model.target,
        y=truth_of(model, values),
        classes=tuple(model.classes),
        positive=positive,
    )
