"""Words and numbers as the report and the model card write them."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Final

from automl_schemas.metrics import Metrics
from automl_schemas.spec import ProjectSpec
from automl_schemas.vocabulary import MetricName, TaskType

__all__ = [
    "METRIC_NAMES",
    "TASK_NAMES",
    "clip",
    "count",
    "escape",
    "goal_sentence",
    "number",
    "percent",
    "round_number",
    "row_name",
    "score_name",
    "score_sentence",
    "share",
    "short_names",
    "target_name",
    "threshold_reason",
]

METRIC_NAMES: Final[dict[MetricName, str]] = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss",
    "f1": "F1",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE",
    "r2": "R²",
    "pinball": "pinball loss",
    "silhouette": "silhouette",
}

_SCORE_NAMES: Final[dict[str, str]] = {
    **{str(metric): name for metric, name in METRIC_NAMES.items()},
    "f1_micro": "F1, all labels together",
    "subset_accuracy": "rows without a wrong label",
}

TASK_NAMES: Final[dict[TaskType, str]] = {
    "binary": "yes/no classification",
    "multiclass": "classification into several classes",
    "multilabel": "classification with several labels at once",
    "regression": "prediction of a number",
    "forecast": "forecast",
    "clustering": "clustering",
    "anomaly": "search for anomalies",
}


def escape(value: object, limit: int = 200) -> str:
    """`value` as text that means nothing to HTML, SVG or a terminal: escaped, one line, at most `limit` characters.

    >>> escape('<img src=x onerror="alert(1)">')
    '&lt;img src=x onerror=&quot;alert(1)&quot;&gt;'
    """
    return html.escape(clip(value, limit), quote=True)


def clip(value: object, limit: int = 200) -> str:
    """`value` on one line, without control and formatting characters, at most `limit` characters long."""
    text = " ".join("".join(char if _harmless(char) else " " for char in str(value)).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def row_name(spec: ProjectSpec) -> str:
    """What one row of the training table is: a customer, a day of each shop."""
    if not spec.task.of_series:
        return spec.task.entity or "row"
    each = f" of each {' and '.join(spec.task.series)}" if spec.task.series else ""
    return f"{spec.task.frequency or 'moment'}{each}"


def short_names(names: Sequence[str], limit: int) -> list[str]:
    """Names of at most `limit` characters that still tell each other apart, as far as that can be.

    Long names lose what they all begin and end with, then their middle.

    >>> short_names(["sensor_in_hall_1_of_the_plant", "sensor_in_hall_27_of_the_plant", "age"], 12)
    ['…1…', '…27…', 'age']
    """
    plain = [clip(name) for name in names]
    long = [name for name in plain if len(name) > limit]
    head, tail = ("", "") if len(long) < 2 else _common(long)
    return [name if len(name) <= limit else _middle(name, head, tail, limit) for name in plain]


def number(value: float | None, digits: int = 4) -> str:
    """A score or a quantity with about `digits` significant digits.

    >>> number(0.98612), number(12345.678), number(0.00001234), number(None)
    ('0.9861', '12,346', '1.23e-05', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    if size >= 1e-3:
        decimals = digits if size < 1 else digits - 1 - int(math.log10(size))
        return f"{value:,.{max(decimals, 0)}f}"
    return f"{value:.2e}"


def round_number(value: float) -> str:
    """A number that somebody chose, without zeros that say nothing: `0.85`, `30`.

    >>> round_number(30.0), round_number(0.85), round_number(1500000)
    ('30', '0.85', '1,500,000')
    """
    return f"{value:,.10g}"


def count(value: int) -> str:
    """A number of things: `5,630`."""
    return f"{value:,}"


def share(part: float, whole: float) -> str:
    """`part` of `whole` in percent; a part that is not nothing is never written as 0 %.

    >>> share(1, 8), share(0, 5), share(1, 90_000), share(89_999, 90_000)
    ('12.5 %', '0 %', '< 0.1 %', '> 99.9 %')
    """
    return percent(part / whole) if whole else "–"


def percent(value: float | None) -> str:
    """A share of 1 as percent."""
    if value is None or not math.isfinite(value):
        return "–"
    if value in (0.0, 1.0):
        return f"{value:.0%}".replace("%", " %")
    if value < 0.0005:
        return "< 0.1 %"
    if value > 0.9995:
        return "> 99.9 %"
    return f"{100 * value:.1f} %"


def score_name(name: str) -> str:
    """What a score is called: a metric, or what several labels are judged by besides.

    >>> score_name("f1"), score_name("subset_accuracy")
    ('F1', 'rows without a wrong label')
    """
    return _SCORE_NAMES.get(name, name)


def target_name(spec: ProjectSpec) -> str:
    """What is predicted, by its name in the source."""
    return "" if spec.target is None else f"{spec.target.table}.{spec.target.column}"


def score_sentence(metrics: Metrics) -> str:
    """The score, its interval and what it was measured on, in one sentence."""
    low, high = metrics.holdout_ci
    if math.isnan(metrics.holdout):
        found = "" if metrics.flagged is None else f"{percent(metrics.flagged)} of "
        seen = f"{found}{count(metrics.rows_holdout)} rows that no model had seen"
        return f"No score is claimed; {seen} {'were looked at' if metrics.flagged is None else 'count as strange'}."
    return (
        f"{METRIC_NAMES[metrics.metric]} {number(metrics.holdout)} on {count(metrics.rows_holdout)} rows that no model "
        f"had seen (95 % interval {number(low)} to {number(high)})."
    )


def goal_sentence(metrics: Metrics) -> str:
    """Whether the goal was met, plainly, and how sure that is."""
    goal = metrics.goal
    if goal is None:
        return "No goal was asked for."
    name, low, high = METRIC_NAMES[metrics.metric], *metrics.holdout_ci
    wanted = f"{goal.op} {round_number(goal.value)}"
    if low <= goal.value <= high:
        doubt = " The goal lies inside the interval, so other rows may well tell otherwise."
    else:
        doubt = " The whole interval lies on that side of the goal."
    if goal.met:
        return f"Goal met: {name} {number(metrics.holdout)} is {wanted}.{doubt}"
    return f"Goal not met: {name} {number(metrics.holdout)} is not {wanted}.{doubt}"


def threshold_reason(by: str | None) -> str:
    """What a threshold was chosen for, from the words that the engine keeps (`threshold_by`).

    >>> threshold_reason("f1"), threshold_reason("cost: false positive 1, false negative 5")
    ('the best F1', 'the least cost (false positive 1, false negative 5)')
    """
    kind, _, details = (by or "").partition(":")
    if kind in ("f1", "accuracy", "balanced_accuracy"):
        return f"the best {METRIC_NAMES[kind]}"  # type: ignore[index]
    names = {"cost": "the least cost", "top_k": "as many rows as can be handled", "": "no reason that was kept"}
    name = names.get(kind, clip(kind, 60))
    return f"{name} ({clip(details, 80)})" if details else name


def _common(names: Sequence[str]) -> tuple[str, str]:
    """What all names begin with and what they end with, up to the last separator; nothing that would empty a name."""
    head = _beginning(names)
    head = head[: 1 + max(map(head.rfind, "_. -"))]
    tail = _beginning([name[len(head) :][::-1] for name in names])[::-1]
    tail = tail[min((place for place in map(tail.find, "_. -") if place >= 0), default=len(tail)) :]
    return head, tail


def _beginning(names: Sequence[str]) -> str:
    """The characters that all names begin with: the first and the last in order differ soonest."""
    first, last = min(names), max(names)
    same = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return first[:same]


def _middle(name: str, head: str, tail: str, limit: int) -> str:
    inner = name[len(head) : len(name) - len(tail)]
    text = f"{'…' if head else ''}{inner}{'…' if tail else ''}"
    if len(text) <= limit:
        return text
    front = (limit - 1) // 2
    return f"{text[:front]}…{text[len(text) - (limit - 1 - front) :]}"


def _harmless(char: str) -> bool:
    return char.isprintable() or char in "\u200d"
