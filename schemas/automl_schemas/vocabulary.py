"""The closed sets of words that the contracts share."""

from __future__ import annotations

from typing import Final, Literal

__all__ = [
    "COST_METRICS",
    "ColumnRole",
    "ColumnType",
    "FileKind",
    "KeySpelling",
    "MetricName",
    "Operator",
    "PersonalData",
    "PlotName",
    "TaskType",
    "default_metric",
    "higher_is_better",
]

TaskType = Literal["binary", "multiclass", "multilabel", "regression", "forecast", "clustering", "anomaly"]

MetricName = Literal[
    "roc_auc",
    "average_precision",
    "log_loss",
    "f1",
    "accuracy",
    "balanced_accuracy",
    "rmse",
    "mae",
    "mape",
    "r2",
    "pinball",
    "silhouette",
]

PlotName = Literal[
    "roc",
    "precision_recall",
    "calibration",
    "confusion",
    "threshold",
    "predicted_actual",
    "residuals",
    "cdf",
    "loglog",
    "error_cdf",
    "error_loglog",
    "error_by_step",
    "forecast",
    "clusters",
    "scores",
    "stretches",
    "importance",
    "contributions",
    "dependence",
    "search",
]
"""The pictures of a model, by file name; `cdf` and `loglog` are those of the errors. Of some there are several."""

Operator = Literal[">", ">=", "<", "<="]

ColumnType = Literal["boolean", "integer", "number", "date", "datetime", "time", "category", "text", "image", "empty"]
"""What the cells of a column are once they are clean.

`time` is a time of day in minutes since midnight; `image` names a file of a picture, by its path below the source, or
holds one as a `data:image/...;base64,` address; `empty` holds nothing but missing markers.
"""

ColumnRole = Literal[
    "id", "key", "time", "text", "image", "category", "number", "target_candidate", "constant", "empty"
]

KeySpelling = Literal["text", "squeezed", "digits"]
"""How two keys are compared.

`text`: white space around, case, leading zeros of numbers and a trailing `.0` do not count. `squeezed`: signs between
letters and digits and zeros after letters do not count either (`P-007` is `p7`). `digits`: only digits count.
"""

PersonalData = Literal["name", "email", "phone", "card", "address"]

FileKind = Literal[
    "delimited",
    "fixed_width",
    "json",
    "json_lines",
    "excel",
    "parquet",
    "arrow",
    "sqlite",
    "duckdb",
    "xml",
    "html",
    "image",
    "log",
    "text",
    "names",
    "archive",
    "empty",
    "binary",
]

COST_METRICS: Final = frozenset({"log_loss", "rmse", "mae", "mape", "pinball"})
"""Metrics of which less is better."""

_DEFAULT_METRIC: Final[dict[TaskType, MetricName]] = {
    "binary": "roc_auc",
    "multiclass": "log_loss",
    "multilabel": "f1",
    "regression": "rmse",
    "forecast": "rmse",
    "clustering": "silhouette",
    "anomaly": "roc_auc",
}


def higher_is_better(metric: MetricName) -> bool:
    """Whether more of `metric` is better.

    >>> higher_is_better("roc_auc"), higher_is_better("rmse")
    (True, False)
    """
    return metric not in COST_METRICS


def default_metric(task: TaskType) -> MetricName:
    """The metric of a task for which none was asked.

    >>> default_metric("binary"), default_metric("regression")
    ('roc_auc', 'rmse')
    """
    return _DEFAULT_METRIC[task]
