"""The part of the report on several labels a row: each label for itself."""

from __future__ import annotations

from automl_runtime.engine.multilabel.evaluation import LabelScore
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_html import Cell, card, numeric, section, table
from automl_runtime.project.report_text import METRIC_NAMES, count, escape, number, percent

__all__ = ["label_lines", "labels_in_practice", "labels_section", "weakest_label"]

_NOT_LEARNED = "not learned"


def labels_section(data: ReportData) -> str:
    """A table of the labels, the most frequent first; empty for other tasks."""
    if not data.labels:
        return ""
    shown = sorted(data.labels, key=lambda label: (-label.rows, label.label))
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
    return section("labels", "Label by label", lead, card("Labels", about, listing))


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
        for label in sorted(data.labels, key=lambda label: (-label.rows, label.label))
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
