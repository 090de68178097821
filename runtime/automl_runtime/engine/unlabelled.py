"""The tasks of `fit` that have no target: groups of rows, and strange rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from automl_schemas.vocabulary import MetricName, TaskType, default_metric

from automl_runtime.engine.options import Options
from automl_runtime.errors import RequestError

if TYPE_CHECKING:
    from automl_runtime.engine.anomaly.model import AnomalyModel
    from automl_runtime.engine.clustering.model import ClusterModel

__all__ = ["UNLABELLED_TASKS", "fit_unlabelled", "refuse_wishes"]

UNLABELLED_TASKS: Final[tuple[TaskType, ...]] = ("clustering", "anomaly")
_METRICS: Final[Mapping[str, tuple[MetricName, ...]]] = {
    "clustering": ("silhouette",),
    "anomaly": ("roc_auc", "average_precision"),
}
_WISHES: Final[Mapping[str, TaskType]] = {"clusters": "clustering", "contamination": "anomaly", "window": "anomaly"}
_OF_SERIES: Final = ("time", "series", "frequency")
"""What a search for strange rows may be told besides: then they are rows of a series."""
_TAKEN: Final = frozenset({"budget_seconds", "trials", "replay", "kinds", "seed", "on_event", "cancel"})
"""The options that such a task has."""


def fit_unlabelled(
    table: pd.DataFrame,
    task: TaskType,
    options: Options,
    *,
    metric: MetricName | None,
    given: Mapping[str, Any],
    **wishes: Any,
) -> ClusterModel | AnomalyModel:
    """See `fit`. `given` are its arguments that such a task does not have; each must be None or empty.

    Raises:
        RequestError: naming an argument that does not fit.
    """
    of_series = {name: given[name] for name in _OF_SERIES} if task == "anomaly" else {}
    _refuse(task, options, {name: value for name, value in given.items() if name not in of_series})
    allowed = _METRICS[task]
    chosen = metric or default_metric(task)
    if chosen not in allowed:
        raise RequestError(f"The metric {metric!r} does not fit {task}; possible: {', '.join(allowed)}.")
    refuse_wishes(wishes, task)
    if task == "clustering":
        from automl_runtime.engine.clustering.fitting import fit_clusters

        return fit_clusters(table, options, clusters=wishes["clusters"])
    from automl_runtime.engine.anomaly.fitting import fit_anomalies

    _check_series(of_series, wishes["window"])
    return fit_anomalies(
        table, options, contamination=wishes["contamination"], metric=chosen, window=wishes["window"], **of_series
    )


def _check_series(of_series: Mapping[str, Any], window: int | None) -> None:
    time = of_series["time"]
    if time is not None and not isinstance(time, str):
        raise RequestError("`time` must be the name of a column here: new rows are to have it too.")
    asked = [name for name in ("series", "frequency") if of_series[name]] + (["window"] if window is not None else [])
    if time is None and asked:
        raise RequestError(f"`{asked[0]}` is for rows of a series: name the column of their moments with `time`.")


def refuse_wishes(wishes: Mapping[str, Any], task: TaskType | None = None) -> None:
    """Refuses a wish that belongs to another task than `task`.

    Raises:
        RequestError: naming it.
    """
    for name, value in wishes.items():
        if value is not None and _WISHES[name] != task:
            raise RequestError(f"`{name}` is only for task={_WISHES[name]!r}.")


def _refuse(task: TaskType, options: Options, given: Mapping[str, Any]) -> None:
    names = [name for name, value in given.items() if value is not None and not _is_empty(value)]
    others = [field.name for field in fields(Options) if field.name not in _TAKEN]
    names += [name for name in others if getattr(options, name) != getattr(Options(), name)]
    if names:
        raise RequestError(
            f"{', '.join(f'`{name}`' for name in names)}: not possible for task={task!r}.",
            hint="Such a task has no target: every column is an input. Leave out columns that shall not count.",
        )


def _is_empty(value: Any) -> bool:
    return isinstance(value, list | tuple) and not value
