"""The part of the report on drift: whether the holdout looks like the rows that the model was trained on."""

from __future__ import annotations

from automl_runtime.monitoring.drift import Drift, Verdict
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_html import Cell, card, fold, table, tag
from automl_runtime.project.report_text import count, escape, number, percent

__all__ = ["drift_card"]

_WORDS: dict[Verdict, str] = {"same": "as in training", "shifted": "shifted", "far": "far off"}
_MOST = 300


def drift_card(data: ReportData) -> str:
    """A sentence and the columns that have moved; all others folded away."""
    if not data.drift:
        return ""
    moved = [drift for drift in data.drift if drift.verdict != "same"]
    about = (
        "Population stability index of each column, training rows against holdout: above 0.1 it has shifted, above "
        "0.25 it is far off, unless so few rows differ as much by chance."
    )
    if moved:
        head = card("Drift", about, _listing(moved))
    else:
        text = f"None of {count(len(data.drift))} columns has moved: the holdout looks like the training rows."
        head = card("Drift", "", f'<p class="soft">{escape(text)}</p>')
    still = [drift for drift in data.drift if drift.verdict == "same"]
    title = "Columns that have not moved" if moved else "The index of each column"
    return head + (fold(title, count(len(still)), _listing(still[:_MOST]), opened=False) if still else "")


def _listing(drifts: list[Drift]) -> str:
    rows = [
        [
            Cell(escape(drift.column, 120), "name"),
            Cell(tag(_WORDS[drift.verdict], drift.verdict)),
            Cell(escape(number(drift.psi, 2)), "n"),
            Cell(escape(number(drift.chance, 2)), "n"),
            Cell(escape(f"{percent(drift.missing[0])} → {percent(drift.missing[1])}"), "n"),
        ]
        for drift in drifts
    ]
    return table(["column", "verdict", "index", "chance alone", "missing"], rows)
