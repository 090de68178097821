"""The part of the report on what drives the model: importance, contributions, partial dependence."""

from __future__ import annotations

from automl_runtime.engine.effects import Effects
from automl_runtime.project.report_charts import MOST_BARS, importance_chart
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_effects import dependence_charts, effects_chart
from automl_runtime.project.report_html import Cell, card, fold, numeric, section, table
from automl_runtime.project.report_svg import PALETTE
from automl_runtime.project.report_text import clip, count, escape, number

__all__ = ["driver_charts", "drivers_section", "ranked_columns"]

_MOST_LISTED = 300


def driver_charts(data: ReportData, *, named: bool) -> dict[str, str]:
    """The pictures of this part, by file name without suffix; `named`: classes are named in each, not only beside."""
    found = {"importance": importance_chart(data.importance)} if data.importance else {}
    if data.effects is not None and ranked_columns(data):
        found["contributions"] = effects_chart(data.effects, what=_what(data), named=named)
        found |= dependence_charts(data.effects, what=_what(data), named=named)
    return found


def ranked_columns(data: ReportData) -> list[str]:
    """The columns that the model uses, the most important first: by contributions where they are known."""
    if data.effects is not None:
        return [effect.feature for effect in data.effects.columns if effect.total > 0]
    return [name for name, value in sorted(data.importance.items(), key=lambda item: -item[1]) if value > 0]


def drivers_section(data: ReportData, pictures: dict[str, str]) -> str:
    """Importance, contributions and dependence, pictures first; all columns in a folded table."""
    parts = []
    if "importance" in pictures:
        shown, total = min(MOST_BARS, len(data.importance)), len(data.importance)
        about = f"The {shown} most important of {total} columns: " if total > shown else ""
        about += "how much the score suffers when the values of a column are shuffled, as shares of the whole."
        about = about[0].upper() + about[1:]
        parts.append(card("Importance", about, pictures["importance"]))
    if data.effects is not None and "contributions" in pictures:
        parts.append(
            card("Contributions", _about(data, data.effects), _legend(data.effects) + pictures["contributions"])
        )
    if not parts:
        return ""
    html = f'<div class="pair">{"".join(parts)}</div>' if len(parts) > 1 else parts[0]
    if data.effects is not None:
        html += _dependences(data, data.effects, pictures) + _all_columns(data, data.effects)
    lead = "This says what the model relies on, not what causes the outcome."
    return section("drivers", "What drives it", lead, html)


def _about(data: ReportData, effects: Effects) -> str:
    rows = f"{count(effects.rows)} rows of the holdout"
    if len(effects.labels) > 1:
        return f"By how much a column moves the probability of each class on average, over {rows} (Shapley values)."
    return (
        f"Each dot is one of {rows}: how far the column moved {clip(_what(data), 60)}, compared with typical rows "
        "(Shapley values). Orange dots are rows with a high value, blue ones with a low value of the column."
    )


def _dependences(data: ReportData, effects: Effects, pictures: dict[str, str]) -> str:
    names = [name for name in pictures if name.startswith("dependence_")]
    if not names:
        return ""
    band = "" if len(effects.labels) > 1 else " the band holds 80 % of the rows, each with the column changed alone;"
    about = (
        f"What the model says on average ({clip(_what(data), 60)}) when a column takes this value in every row;{band} "
        "grey marks show where rows lie. All pictures have one scale."
    )
    drawn = "".join(pictures[name] for name in names)
    return card("Partial dependence", about, f'{_legend(effects)}<div class="trio">{drawn}</div>')


def _legend(effects: Effects) -> str:
    if len(effects.labels) < 2:
        return ""
    items = "".join(
        f'<li><i class="s{place % PALETTE}"></i>{escape(label, 40)}</li>' for place, label in enumerate(effects.labels)
    )
    return f'<ul class="legend">{items}</ul>'


def _all_columns(data: ReportData, effects: Effects) -> str:
    shares = bool(effects.labels)
    rows = [
        [
            Cell(escape(effect.feature, 120), "name"),
            Cell(f"{100 * effect.total:.3g} points" if shares else escape(number(effect.total)), "n"),
            numeric(data.importance.get(effect.feature), 3),
        ]
        for effect in effects.columns[:_MOST_LISTED]
    ]
    left_out = len(effects.columns) - len(rows)
    about = f"{len(effects.columns)}" + (f", the first {len(rows)} are shown" if left_out > 0 else "")
    header = ["column", "mean contribution, either way", "importance"]
    return fold("All columns", about, table(header, rows), opened=False)


def _what(data: ReportData) -> str:
    """What contributions are added to."""
    labels = data.effects.labels if data.effects is not None else []
    if not labels:
        return data.spec.target.column if data.spec.target else "the prediction"
    return f"the probability of {labels[0]}" if len(labels) == 1 else "the probabilities"
