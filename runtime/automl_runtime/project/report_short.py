"""The opening of the report: in a few plain sentences what a reader must know."""

from __future__ import annotations

import math
import re
from html import unescape
from typing import Final

from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_drivers import ranked_columns
from automl_runtime.project.report_html import code, section
from automl_runtime.project.report_labels import labels_in_practice, weakest_label
from automl_runtime.project.report_text import METRIC_NAMES, clip, count, escape, number, percent

__all__ = ["short_section", "short_texts"]

_TAG: Final = re.compile(r"<[^<>]*>")


def short_section(data: ReportData) -> str:
    """How good, compared with what was promised, by what, where weak, what was taken out and what has moved."""
    items = "".join(f'<li><span class="soft">{name}</span><span>{html}</span></li>' for name, html in _lines(data))
    return section("short", "In short", "", f'<div class="card"><ul class="short">{items}</ul></div>') if items else ""


def short_texts(data: ReportData) -> list[tuple[str, str]]:
    """The same without markup: what each sentence is about, and the sentence."""
    return [(name, unescape(_TAG.sub("", html))) for name, html in _lines(data)]


def _lines(data: ReportData) -> list[tuple[str, str]]:
    if data.anomalies is not None:
        lines = [("Drift", _moved(data))]
    elif data.clusters is not None:
        lines = [("As promised?", _promise(data)), ("Drift", _moved(data))]
    else:
        lines = [
            ("In practice", labels_in_practice(data) if data.labels else _practice(data)),
            ("As promised?", _promise(data)),
            ("Relies on", _relies(data)),
            ("Weakest", weakest_label(data) if data.labels else _weakest(data)),
            ("Leaks", _leaks(data)),
            ("Drift", _moved(data)),
        ]
    return [(name, html) for name, html in lines if html]


def _practice(data: ReportData) -> str:
    evaluation = data.evaluation
    if evaluation.error_quantiles:
        half, most = evaluation.error_quantiles[50], evaluation.error_quantiles[90]
        text = f"Half of the predictions are off by less than <b>{number(half, 3)}</b>, nine of ten by less than "
        text += f"{number(most, 3)}."
        if evaluation.coverage is not None:
            level, part = evaluation.coverage.interval.level, percent(evaluation.coverage.share)
            text += f" The {level:.0%} interval held for {part} of the rows.".replace("%", " %", 1)
        return text
    confusion = evaluation.confusion
    total = sum(map(sum, confusion.counts)) if confusion is not None else 0
    if confusion is None or not total:
        return ""
    chosen = [row.chosen for row in data.thresholds]
    if True in chosen:
        row = data.thresholds[chosen.index(True)]
        label = f"<b>{escape(evaluation.positive, 40)}</b>"
        return (
            f"Of the rows that it calls {label}, {percent(row.precision)} are; of those that are {label}, it finds "
            f"{percent(row.recall)}. It calls {percent(row.flagged / evaluation.rows)} of all rows {label}."
        )
    right = sum(confusion.counts[place][place] for place in range(len(confusion.counts)))
    sizes = [sum(row) for row in confusion.counts]
    largest = max(sizes)
    return (
        f"<b>{percent(right / total)}</b> of the rows get the right class; always saying "
        f"{escape(confusion.labels[sizes.index(largest)], 40)} would be right for {percent(largest / total)}."
    )


def _promise(data: ReportData) -> str:
    metrics = data.metrics
    low, high = metrics.holdout_ci
    if math.isnan(metrics.holdout):
        return "The rows of the holdout lie in one group, so nothing can be compared."
    name = METRIC_NAMES[metrics.metric]
    source = "cross-validation on the training rows" if data.clusters is None else "the training rows"
    promised = f"{source} had promised {name} {number(metrics.cv)}"
    if low <= metrics.cv <= high:
        return f"Yes: {promised}, which lies inside the interval of the holdout."
    better = (metrics.holdout > metrics.cv) == metrics.higher_is_better
    verdict = "Better" if better else "<b>No</b>, it is worse"
    return f"{verdict}: {promised}; the holdout gives {number(metrics.holdout)}."


def _relies(data: ReportData) -> str:
    names = ranked_columns(data)
    if not names:
        return ""
    shown = [f"<b>{escape(name, 90)}</b>" for name in names[:3]]
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"Mostly {listed}, of {count(len(names))} columns that it uses."


def _weakest(data: ReportData) -> str:
    evaluation = data.evaluation
    if not evaluation.worst_slices:
        return "No group of rows stands out as worse than the rest."
    worst = evaluation.worst_slices[0]
    return (
        f"Where <b>{escape(worst.condition, 120)}</b> ({count(worst.rows)} rows): {METRIC_NAMES[evaluation.metric]} "
        f"{number(worst.score)} instead of {number(evaluation.score)}."
    )


def _leaks(data: ReportData) -> str:
    leaks = [item for item in data.dropped if item.reason.startswith("leak")]
    if not leaks:
        return "No column gives the answer away."
    names = ", ".join(code(f"{item.table}.{item.column}", 80) for item in leaks[:3])
    more = f" and {len(leaks) - 3} more" if len(leaks) > 3 else ""
    return f"{len(leaks)} taken out, for they are known only with the outcome: {names}{more}."


def _moved(data: ReportData) -> str:
    if not data.drift:
        return ""
    moved = [drift for drift in data.drift if drift.verdict != "same"]
    if not moved:
        return "The holdout looks like the rows that the model was trained on."
    names = ", ".join(f"<b>{escape(clip(drift.column, 90))}</b>" for drift in moved[:3])
    more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
    return f"{count(len(moved))} of {count(len(data.drift))} columns look different in the holdout: {names}{more}."
