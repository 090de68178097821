"""The report of a project: one HTML file that needs no network and no script, and its pictures as SVG files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from automl_runtime.errors import DataError, MissingExtraError
from automl_runtime.events import EventSink, Warned, ignore
from automl_runtime.files import replace_file, write_text
from automl_runtime.project.features_tried import features_section
from automl_runtime.project.report_charts import interval_chart
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_drivers import driver_charts, drivers_section
from automl_runtime.project.report_forecast import forecast_section
from automl_runtime.project.report_groups import anomalies_section, clusters_section
from automl_runtime.project.report_html import code, section
from automl_runtime.project.report_labels import labels_section
from automl_runtime.project.report_mistakes import mistakes_section
from automl_runtime.project.report_png import to_png
from automl_runtime.project.report_results import charts, quality_section, search_section
from automl_runtime.project.report_short import short_section
from automl_runtime.project.report_svg import standalone, style_sheet
from automl_runtime.project.report_tables import assumptions_section, data_section, dropped_section
from automl_runtime.project.report_text import (
    METRIC_NAMES,
    TASK_NAMES,
    clip,
    count,
    escape,
    goal_sentence,
    number,
    percent,
    round_number,
    row_name,
    score_sentence,
    target_name,
)

__all__ = ["ReportData", "render_report", "write_plots", "write_report"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PARTS = {
    "short": "In short",
    "forecast": "Forecast",
    "clusters": "Groups",
    "anomalies": "Strange rows",
    "quality": "Quality",
    "labels": "Labels",
    "mistakes": "Mistakes",
    "drivers": "Drivers",
    "features": "Features",
    "search": "Search",
    "data": "Data",
    "dropped": "Left out",
    "assumed": "Assumed",
    "made": "How it was made",
}


def write_report(path: Path, data: ReportData) -> None:
    """Writes the report to `path`, whole or not at all; the same data give the same bytes.

    Raises:
        DataError: if it cannot be written.
    """
    write_text(path, render_report(data))


def write_plots(folder: Path, data: ReportData, *, on_event: EventSink = ignore) -> list[Path]:
    """Writes each picture of the report as an SVG file of its own into `folder`, and as PNG where that can be drawn.

    Where `evaluation.plots` of the spec names some, only these; those that there are not are named by a `Warned`. Where
    PNG cannot be drawn (the extra `plots` or a font is missing), one `Warned` says why and what to do.
    """
    paths, drawn = [], True
    for name, svg in _wanted(_pictures(data, alone=True), data.spec.evaluation.plots, on_event).items():
        write_text(folder / f"{name}.svg", standalone(svg))
        paths.append(folder / f"{name}.svg")
        if drawn:
            drawn = _write_png(folder / f"{name}.png", svg, on_event)
            paths += [folder / f"{name}.png"] if drawn else []
    return paths


def _wanted(pictures: dict[str, str], asked: Sequence[str] | None, on_event: EventSink) -> dict[str, str]:
    if asked is None:
        return pictures
    found = {plot: [name for name in pictures if f"_{plot}_" in f"_{name}_"] for plot in asked}
    absent = [plot for plot, names in found.items() if not names]
    if absent:
        on_event(Warned(f"There is no plot {', '.join(absent)} of this model; possible: {', '.join(pictures)}."))
    chosen = {name for names in found.values() for name in names}
    return {name: svg for name, svg in pictures.items() if name in chosen}


def _write_png(path: Path, svg: str, on_event: EventSink) -> bool:
    try:
        content = to_png(svg)
    except (MissingExtraError, DataError) as error:
        on_event(Warned(f"The plots are written as SVG only, not as PNG. {error.message} {error.hint}"))
        return False
    replace_file(path, lambda temporary: temporary.write_bytes(content))
    return True


def render_report(data: ReportData) -> str:
    """The report as HTML."""
    pictures = _pictures(data, alone=False)
    sections = {
        "short": short_section(data),
        "forecast": forecast_section(data, pictures),
        "clusters": clusters_section(data, pictures),
        "anomalies": anomalies_section(data, pictures),
        "quality": quality_section(data, pictures),
        "labels": labels_section(data, pictures),
        "mistakes": mistakes_section(data.mistakes),
        "drivers": drivers_section(data, pictures),
        "features": features_section(data.tried),
        "search": search_section(data, pictures),
        "data": data_section(data),
        "dropped": dropped_section(data),
        "assumed": assumptions_section(data),
        "made": _made_section(data),
    }
    links = "".join(f'<li><a href="#{name}">{_PARTS[name]}</a></li>' for name, html in sections.items() if html)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(data.spec.name)} · report</title>\n<style>\n{style_sheet()}</style>\n</head>\n<body>\n"
        f'<a class="skip" href="#quality">Skip to the results</a>\n{_headline(data)}\n'
        f'<nav aria-label="Parts of the report"><ul>{links}</ul></nav>\n<main>\n'
        + "\n".join(html for html in sections.values() if html)
        + f"\n</main>\n{_footer(data)}\n</body>\n</html>\n"
    )


def _pictures(data: ReportData, *, alone: bool) -> dict[str, str]:
    return charts(data) | driver_charts(data, named=alone)


def _headline(data: ReportData) -> str:
    spec, metrics = data.spec, data.metrics
    facts = [
        ("one row is one", row_name(spec)),
        *([("target", target_name(spec) or "none")] if data.clusters is None and data.anomalies is None else []),
        *([("yes means", spec.target.positive)] if spec.target and spec.target.positive is not None else []),
        *([("days ahead", round_number(spec.task.horizon_days))] if spec.task.horizon_days else []),
        ("trained on", f"{count(metrics.rows_train)} rows"),
    ]
    listed = "".join(f"<li>{escape(name)} <b>{escape(value, 80)}</b></li>" for name, value in facts)
    version = f" · {data.manifest.model_version}" if data.manifest else ""
    score = _claimed(data)
    verdict = "" if metrics.goal is None else "met" if metrics.goal.met else "missed"
    opening, _, rest = goal_sentence(metrics).partition(":")
    words = f"<b>{escape(opening)}</b>" + (f": {escape(rest, 400)}" if rest else "")
    return (
        f'<header><div><p class="kicker">{escape(spec.name)}{escape(version)}</p>'
        f"<h1>{escape(_first_upper(spec.request), 180)}</h1>"
        f'<p class="soft">{escape(_first_upper(TASK_NAMES[spec.task.type]))}, by {escape(metrics.best_model, 60)}.</p>'
        f'<ul class="facts">{listed}</ul></div>'
        f"{score}"
        f'<p class="verdict {verdict}">{words}</p></div></header>'
    )


def _claimed(data: ReportData) -> str:
    """The score with its interval; where none is claimed, what there is instead."""
    metrics = data.metrics
    seen = f"{count(metrics.rows_holdout)} rows that no model had seen"
    if math.isnan(metrics.holdout) and data.anomalies is not None:
        value = percent(data.anomalies.flagged)
        return f'<div class="score"><p class="what">strange among {seen}</p><p class="value">{value}</p>'
    return (
        f'<div class="score"><p class="what">{METRIC_NAMES[metrics.metric]} on {count(metrics.rows_holdout)} rows that '
        f'no model had seen</p><p class="value">{number(metrics.holdout)}</p>'
        f"{interval_chart(metrics.holdout, metrics.holdout_ci, metrics.goal)}"
    )


def _made_section(data: ReportData) -> str:
    spec, metrics = data.spec, data.metrics
    lines = [
        ("task", TASK_NAMES[spec.task.type]),
        ("score", score_sentence(metrics)),
        ("validation", _validation(data)),
        ("seed", str(metrics.seed)),
        ("trials", f"{len(data.trials)} recorded" if data.trials else "see the run"),
        ("fingerprint of the data", metrics.data_sha256),
    ]
    if data.run_id:
        lines.append(("run", f"experiments/{data.run_id}"))
    if data.manifest:
        lines += [
            ("model", f"models/{data.manifest.model_version}, made {data.manifest.created}"),
            ("runtime", f"automl-runtime {data.manifest.runtime_version}"),
        ]
    listed = "".join(
        f'<tr><td class="name">{escape(name)}</td><td>{escape(text, 400)}</td></tr>' for name, text in lines
    )
    html = (
        f'<div class="card"><div class="scroll"><table><tbody>{listed}</tbody></table></div></div>'
        '<div class="card"><h3>Make it again</h3><p>The list of trials lies in the bundle of the model; '
        f"executed again on the same data, it gives the same metrics.</p><pre>{code('automl replay .')}</pre></div>"
    )
    return section("made", "How it was made", "", html)


def _validation(data: ReportData) -> str:
    if data.clusters is not None or data.anomalies is not None:
        return "on rows of a holdout that was sealed before"
    training = data.spec.training
    return f"{training.folds} folds, {training.validation}; the holdout was sealed before"


def _footer(data: ReportData) -> str:
    return (
        f"<footer>{escape(data.spec.name)}: numbers computed by automl-runtime from the data alone; values of columns "
        "marked as personal are not shown.</footer>"
    )


def _first_upper(text: str) -> str:
    return clip(text[:1].upper() + text[1:], 400)
