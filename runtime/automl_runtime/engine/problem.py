"""What is to be learned: rows, target, task, metric and how rows hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.vocabulary import MetricName, TaskType, default_metric
from numpy.typing import NDArray

from automl_runtime.engine.metrics import CLASS_METRICS, check_metric
from automl_runtime.errors import RequestError, TrainingError, shorten
from automl_runtime.inference.encoding import spell
from automl_runtime.inference.model import Label
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["FEWEST_ROWS", "SUPPORTED_TASKS", "Problem", "make_problem"]

SUPPORTED_TASKS: tuple[TaskType, ...] = ("binary", "multiclass", "regression")
FEWEST_ROWS = 10
"""Fewer labelled rows than this are refused."""

_MOST_CLASSES = 200
_CLASSES_OF_NUMBERS = 20
_POSITIVE_WORDS = frozenset({"yes", "y", "true", "t", "1", "positive", "pos"})


@dataclass(frozen=True, slots=True)
class Problem:
    """A target ready for learners. `y` holds places in `classes` (as floats), or values of a regression."""

    task: TaskType
    metric: MetricName
    target: str
    y: NDArray[np.float64]
    classes: tuple[Label, ...] = ()
    positive: int = 1
    weights: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None
    time: NDArray[np.float64] | None = None
    windows: NDArray[np.int64] | None = None
    """Of a forecast: the number of the stretch of time in which a row validates, -1 of rows that only train."""

    def __len__(self) -> int:
        return len(self.y)

    @property
    def outputs(self) -> int:
        """Columns of a prediction: the classes, or 1."""
        return max(1, len(self.classes))

    @property
    def codes(self) -> NDArray[np.int64]:
        """The target of a classification as places in `classes`."""
        return self.y.astype(np.int64)

    def take(self, rows: Ints) -> Problem:
        """The problem of these rows alone."""
        roles = ("weights", "groups", "time", "windows")
        parts = {name: values[rows] for name in roles if (values := getattr(self, name)) is not None}
        return replace(self, y=self.y[rows], **parts)

    def baseline(self, rows: Ints) -> Floats:
        """What is predicted without looking at a row: the frequencies of the classes, or the median."""
        if not self.classes:
            return np.array([np.median(self.y[rows])])
        counts = np.bincount(self.codes[rows], minlength=len(self.classes)) + 1.0
        return np.asarray(counts / counts.sum())


def make_problem(
    frame: pd.DataFrame,
    target: str | pd.Series,
    *,
    task: TaskType | None = None,
    metric: MetricName | None = None,
    positive: Label | None = None,
    weights: Sequence[float] | pd.Series | None = None,
    groups: pd.Series | None = None,
    time: pd.Series | None = None,
) -> tuple[pd.DataFrame, Problem]:
    """The input columns and the problem; `target` is a column of `frame` or a series of the same length.

    Raises:
        RequestError: if an argument names something that does not exist.
        TrainingError: if the target cannot be learned: missing values, one class, too few rows.
    """
    frame = _checked_frame(frame)
    if isinstance(target, str):
        if target not in frame.columns:
            raise RequestError(f"The table has no column {shorten(target)} to predict.")
        values, frame = frame[target], frame.drop(columns=target)
    else:
        values = target
    name = str(values.name) if values.name is not None else "target"
    _check_rows(frame, values, name)
    found = _infer_task(values, metric) if task is None else task
    if found not in SUPPORTED_TASKS:
        raise TrainingError(f"The task {found!r} is not supported yet; possible: {', '.join(SUPPORTED_TASKS)}.")
    chosen: MetricName = metric or default_metric(found)
    check_metric(chosen, found)
    common: dict[str, Any] = {
        "task": found,
        "metric": chosen,
        "target": name,
        "weights": _check_weights(weights, len(frame)),
        "groups": None if groups is None else _aligned(groups, "groups", len(frame)),
        "time": None if time is None else _aligned(time, "time", len(frame)),
    }
    if common["groups"] is not None:
        common["groups"] = pd.factorize(common["groups"], use_na_sentinel=False)[0].astype(np.int64)
    if common["time"] is not None:
        common["time"] = _to_order(common["time"])
    if found == "regression":
        return frame, Problem(y=_to_values(values, name), **common)
    classes, codes = _to_classes(values, name, found)
    return frame, Problem(
        y=codes.astype(np.float64), classes=classes, positive=_positive(classes, codes, positive), **common
    )


def _checked_frame(frame: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in frame.columns]
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise TrainingError(f"Column names repeat: {', '.join(shorten(name) for name in repeated[:5])}.")
    return frame.set_axis(names, axis=1)


def _check_rows(frame: pd.DataFrame, values: pd.Series, name: str) -> None:
    if len(values) != len(frame):
        raise RequestError(f"The target has {len(values)} rows, the table {len(frame)}.")
    missing = np.flatnonzero(values.isna().to_numpy())
    if len(missing):
        raise TrainingError(
            f"{len(missing)} of {len(values)} rows have no value of the target {shorten(name)}; "
            f"the first is row {missing[0] + 1}.",
            hint="Leave out the rows without a target.",
        )
    if len(values) < FEWEST_ROWS:
        raise TrainingError(f"There are {len(values)} rows to learn from; at least {FEWEST_ROWS} are needed.")


def _infer_task(values: pd.Series, metric: MetricName | None) -> TaskType:
    distinct = int(values.nunique())
    if metric is None:
        numeric = values.dtype.kind in "iuf"
        whole = numeric and bool((values == values.round()).all())
        continuous = numeric and distinct > 2 and (not whole or distinct > _CLASSES_OF_NUMBERS)
    else:
        continuous = metric not in CLASS_METRICS
    if continuous:
        return "regression"
    return "binary" if distinct <= 2 else "multiclass"


def _to_values(values: pd.Series, name: str) -> NDArray[np.float64]:
    numbers = pd.to_numeric(values.astype("object"), errors="coerce") if values.dtype.kind not in "iuf" else values
    y = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        raise TrainingError(
            f"The target {shorten(name)} must hold finite numbers; "
            f"row {bad[0] + 1} holds {shorten(values.iloc[int(bad[0])])}."
        )
    if y.min() == y.max():
        raise TrainingError(f"The target {shorten(name)} has the same value {y[0]:g} in every row: nothing to learn.")
    return np.asarray(y)


def _to_classes(values: pd.Series, name: str, task: TaskType) -> tuple[tuple[Label, ...], Ints]:
    cells = values.astype("object").to_numpy()
    kinds = {type(cell) for cell in cells}
    if not (kinds <= {bool, np.bool_} or not kinds & {bool, np.bool_}) or (kinds & {str} and kinds != {str}):
        cells = np.array([spell(cell) for cell in cells], dtype=object)
    codes, uniques = pd.factorize(cells, sort=True)
    classes: tuple[Label, ...] = tuple(_plain(label) for label in uniques)
    if len(classes) < 2:
        raise TrainingError(
            f"The target {shorten(name)} has one class, {shorten(classes[0])} in every row: nothing to tell apart."
        )
    if task == "binary" and len(classes) > 2:
        raise TrainingError(f"The target {shorten(name)} has {len(classes)} classes; a binary task has two.")
    rarest = int(np.argmin(np.bincount(codes)))
    if len(classes) == 2 and (codes == rarest).sum() < 2:
        raise TrainingError(
            f"Only one row of the target {shorten(name)} is {shorten(classes[rarest])}; at least two are needed."
        )
    if len(classes) > _MOST_CLASSES:
        raise TrainingError(
            f"The target {shorten(name)} has {len(classes)} classes; at most {_MOST_CLASSES} are possible.",
            hint='For numbers, ask for a regression: task="regression".',
        )
    return classes, codes


def _plain(label: Any) -> Label:
    value = label.item() if isinstance(label, np.generic) else label
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value
    return str(value)


def _positive(classes: tuple[Label, ...], codes: Ints, asked: Label | None) -> int:
    """The place of the class of interest: the one asked for, else the one that says yes, else the rarer."""
    if asked is not None:
        same = [place for place, label in enumerate(classes) if label == asked or spell(label) == spell(asked)]
        if not same:
            raise RequestError(
                f"The positive class {shorten(asked)} does not occur; the classes: "
                f"{', '.join(shorten(label) for label in classes[:10])}."
            )
        return same[0]
    if len(classes) != 2:
        return 1
    words = [place for place, label in enumerate(classes) if spell(label).strip().lower() in _POSITIVE_WORDS]
    if len(words) == 1:
        return words[0]
    if not isinstance(classes[0], str):
        return 1
    return int(np.argmin(np.bincount(codes)[::-1]) == 0)


def _check_weights(weights: Sequence[float] | pd.Series | None, rows: int) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (rows,) or not np.isfinite(values).all() or (values < 0).any() or values.sum() == 0:
        raise RequestError(f"The weights must be {rows} finite numbers, none negative, one of them positive.")
    return np.asarray(values * (rows / values.sum()))


def _aligned(values: pd.Series, what: str, rows: int) -> pd.Series:
    if len(values) != rows:
        raise RequestError(f"`{what}` has {len(values)} rows, the table {rows}.")
    return values


def _to_order(values: pd.Series) -> NDArray[np.float64]:
    """Times as numbers that order the rows; rows without a time come first."""
    if values.dtype.kind not in "iufM":
        values = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
    if values.dtype.kind == "M":
        values = values.astype("datetime64[us]")
        values = values.astype("int64").where(values.notna())
    order = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(order), -np.inf, order)
