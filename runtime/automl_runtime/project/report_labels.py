"""The part of the report on several labels a row: each label for itself."""

from __future__ import annotations

from collections.abc import Mapping

from automl_runtime.engine.evaluation import Curve
from automl_runtime.engine.multilabel.evaluation import LabelScore
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_html import Cell, card, numeric, section, table
from automl_runtime.project.report_svg import Frame, Svg
from automl_runtime.project.report_text import METRIC_NAMES, clip, count, escape, number, percent, short_names

__all__ = ["label_charts", "label_lines", "labels_in_practice", "labels_section", "weakest_label"]

_NOT_LEARNED = "not learned"
_MOST_DRAWN = 12
_WIDTH, _HEIGHT, _TOP = 250, 236, 42
_UNIT = (0.0, 1.0)
_NAME = 28
_ROC, _PR = "roc_label_", "precision_recall_label_"


def label_charts(data: ReportData) -> dict[str, str]:
    """ROC and precision-recall curves of the most frequent labels, small ones of one scale, by `roc_label_1`, ..."""
    drawn = [label for label in _by_rows(data) if label.roc is not None and label.pr is not None][:_MOST_DRAWN]
    names, rows = short_names([label.label for label in drawn], _NAME), data.evaluation.rows
    named = list(zip(range(1, len(drawn) + 1), drawn, names, strict=True))
    rocs = {f"{_ROC}{place}": _roc(label, name, rows) for place, label, name in named}
    return rocs | {f"{_PR}{place}": _pr(label, name, rows) for place, label, name in named}


def _roc(label: LabelScore, name: str, rows: int) -> str:
    false = label.found - label.recall * label.rows
    point = (false / (rows - label.rows), label.recall)
    return _small(label, label.roc, name, "ROC", ("false positive rate", "recall"), (0.0, 1.0), point)


def _pr(label: LabelScore, name: str, rows: int) -> str:
    base = label.rows / rows
    point = (label.recall, label.precision) if label.found else None
    return _small(label, label.pr, name, "precision and recall", ("recall", "precision"), (base, base), point)


def _small(
    label: LabelScore,
    curve: Curve | None,
    name: str,
    what: str,
    axes: tuple[str, str],
    guess: tuple[float, float],
    point: tuple[float, float] | None,
) -> str:
    """One curve; `guess` is the height of the line of guessing at both ends, `point` where the threshold is."""
    area = f"area {number(None if curve is None else curve.area, 3)}"
    svg = Svg(_WIDTH, _HEIGHT, f"{clip(label.label, 60)}: {what}", f"{area}, {count(label.rows)} rows have it")
    frame = Frame.draw(svg, _UNIT, _UNIT, axes, top=_TOP, left=40)
    svg.label(frame.x(0), 15, name, "item")
    svg.label(frame.x(0), 31, f"{area} · {count(label.rows)} rows")
    svg.line(frame.x(0), frame.y(guess[0]), frame.x(1), frame.y(guess[1]), "reference")
    if curve is not None:
        svg.path(frame.points(curve.x, curve.y), "curve s0")
    if point is not None:
        svg.dot(frame.x(point[0]), frame.y(point[1]), 5, "mark", hint=f"{number(point[0], 3)}, {number(point[1], 3)}")
    return svg.render()


def labels_section(data: ReportData, pictures: Mapping[str, str]) -> str:
    """A table of the labels, the most frequent first, and the curves of those; empty for other tasks."""
    if not data.labels:
        return ""
    shown = _by_rows(data)
    most = max(label.rows for label in shown) or 1
    rows = [_row(label, data.evaluation.rows, most) for label in shown]
    name = METRIC_NAMES[data.evaluation.metric]
    header = ["", "", "rows that have it", "rows that get it", name, "in cross-validation", "precision", "recall"]
    about = (
        "A label is given where its probability reaches the threshold, which was chosen on training rows. Precision: "
        "how many of the rows that get it have it. Recall: how many of the rows that have it get it."
    )
    listing = table([*header, "ROC AUC", "threshold"], rows)
    lead = f"A row may have none, one or several of {len(shown)} labels; the score is the mean over them."
    html = card("Labels", about, listing) + _curves_card(data, pictures, "ROC curve of each label", _ROC)
    html += _curves_card(data, pictures, "Precision and recall of each label", _PR)
    return section("labels", "Label by label", lead, html)


def _curves_card(data: ReportData, pictures: Mapping[str, str], title: str, prefix: str) -> str:
    drawn = [picture for name, picture in pictures.items() if name.startswith(prefix)]
    if not drawn:
        return ""
    which = f"The {len(drawn)} most frequent of {len(data.labels)} labels. " if len(drawn) < len(data.labels) else ""
    about = f"{which}The circle is the threshold of the label; the dashed line is what guessing would reach."
    return card(title, about, f'<div class="quad">{"".join(drawn)}</div>')


def _by_rows(data: ReportData) -> list[LabelScore]:
    """The labels, the most frequent first."""
    return sorted(data.labels, key=lambda label: (-label.rows, label.label))


def _row(label: LabelScore, rows: int, most: int) -> list[Cell]:
    threshold = Cell(_NOT_LEARNED) if label.threshold is None else numeric(label.threshold, 3)
    return [
        Cell(escape(label.label, 60), "name"),
        Cell(f'<span class="bar" style="width:{100 * label.rows / most:.1f}%"></span>', "wide"),
        Cell(f"{count(label.rows)} ({percent(label.rows / rows)})", "n"),
        Cell(f"{count(label.found)} ({percent(label.found / rows)})", "n"),
        numeric(label.score),
        numeric(label.cv),
        Cell(percent(label.precision), "n"),
        Cell(percent(label.recall), "n"),
        numeric(label.roc_auc),
        threshold,
    ]


def label_lines(data: ReportData) -> tuple[list[str], list[tuple[str, ...]]]:
    """The same for the model card: header and rows, names as they stand."""
    rows = data.evaluation.rows
    header = ["label", "rows that have it", METRIC_NAMES[data.evaluation.metric], "precision", "recall", "threshold"]
    lines: list[tuple[str, ...]] = [
        (
            label.label,
            f"{count(label.rows)} ({percent(label.rows / rows)})",
            number(label.score),
            percent(label.precision),
            percent(label.recall),
            _NOT_LEARNED if label.threshold is None else number(label.threshold, 3),
        )
        for label in _by_rows(data)
    ]
    return header, lines


def labels_in_practice(data: ReportData) -> str:
    """How often labels are right, over all of them together; HTML."""
    given, there = (sum(getattr(label, part) for label in data.labels) for part in ("found", "rows"))
    right = sum(round(label.recall * label.rows) for label in data.labels)
    if not given or not there:
        return ""
    exact = data.evaluation.scores.get("subset_accuracy", 0.0)
    return (
        f"Of the labels that it gives, <b>{percent(right / given)}</b> are right; of those that rows have, it finds "
        f"{percent(right / there)}. {percent(exact)} of the rows get exactly the labels that they have."
    )


def weakest_label(data: ReportData) -> str:
    """The label that is told worst, in HTML."""
    learned = [label for label in data.labels if label.threshold is not None and label.rows]
    if not learned:
        return ""
    better = data.evaluation.higher_is_better
    worst = min(learned, key=lambda label: label.score if better else -label.score)
    return (
        f"The label <b>{escape(worst.label, 80)}</b> ({count(worst.rows)} rows): "
        f"{METRIC_NAMES[data.evaluation.metric]} {number(worst.score)} instead of {number(data.evaluation.score)}."
    )
