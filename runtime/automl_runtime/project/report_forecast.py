"""The part of the report on a forecast: the series with what was forecast of them, and how the error grows."""

from __future__ import annotations

from automl_runtime.engine.forecasting.evaluation import ForecastView, SeriesView
from automl_runtime.project.report_data import ReportData
from automl_runtime.project.report_dated import dated, places, seconds
from automl_runtime.project.report_html import Cell, card, numeric, section, table
from automl_runtime.project.report_svg import Frame, Svg
from automl_runtime.project.report_text import METRIC_NAMES, clip, count, escape, number, percent

__all__ = ["error_chart", "forecast_charts", "forecast_section", "series_chart"]

_WIDE, _HIGH = 1020, 300


def forecast_charts(view: ForecastView) -> dict[str, str]:
    """The pictures of a forecast, by file name without suffix."""
    found = {f"forecast_{number}": series_chart(series) for number, series in enumerate(view.series, start=1)}
    if len(view.by_step) > 1:
        found["error_by_step"] = error_chart(view)
    return found


def forecast_section(data: ReportData, pictures: dict[str, str]) -> str:
    """The series, the error by step ahead, and what naive forecasts would have reached; empty for other tasks."""
    view = data.forecast
    if view is None:
        return ""
    about = (
        "The last history, then what was forecast of the holdout (line with its interval) and what happened (dots). "
        f"Of the values, {percent(view.coverage)} lie in the interval, which is made to hold {percent(view.level)}."
    )
    parts = [
        card(clip(series.name, 80), about if number == 1 else "", pictures[f"forecast_{number}"])
        for number, series in enumerate(view.series, start=1)
    ]
    steps = ""
    if "error_by_step" in pictures:
        why = "Mean absolute error of the steps ahead: of the model, and of the best of the naive forecasts (dashed)."
        steps = card("Error by step ahead", why, pictures["error_by_step"])
    lead = f"One forecast of the last {count(view.horizon)} steps of one {view.step}, made from what was known before."
    if len(view.series) > 1:
        lead += " The series with the largest values are shown."
    pair = f'<div class="pair">{steps}{_naive_card(data, view)}</div>'
    return section("forecast", "The forecast", lead, "".join(parts) + pair)


def _naive_card(data: ReportData, view: ForecastView) -> str:
    name = METRIC_NAMES[data.metrics.metric]
    scores = {clip(data.metrics.best_model, 60): data.metrics.holdout} | view.naive
    ordered = sorted(scores.items(), key=lambda item: item[1], reverse=data.metrics.higher_is_better)
    rows = [[Cell(escape(_spoken(model, view.step)), "name"), numeric(score)] for model, score in ordered]
    chosen = [model == clip(data.metrics.best_model, 60) for model, _ in ordered]
    about = "A naive forecast repeats the value of so many steps before; a model must beat it to be worth anything."
    return card("Against naive forecasts", about, table(["forecast", f"{name}, holdout"], rows, chosen=chosen))


def _spoken(model: str, step: str) -> str:
    period = model.removeprefix("naive_")
    if period == model:
        return model
    return f"naive: the last {step}" if period == "1" else f"naive: {period} steps before"


def series_chart(series: SeriesView) -> str:
    """History as a thin line, the forecast with its interval, and the actual values as dots."""
    svg = Svg(_WIDE, _HIGH, f"Forecast of {clip(series.name, 80)}", _summary(series))
    past = [(seconds(moment), value) for moment, value in series.past]
    ahead = [seconds(moment) for moment in series.moments]
    actual = [(at, value) for at, value in zip(ahead, series.actual, strict=True) if value is not None]
    values = [value for _, value in (*past, *actual)] + [*series.predicted, *series.low, *series.high]
    times = [at for at, _ in past] + ahead
    low, high = min(values), max(values)
    room = 0.05 * (high - low) or abs(high) * 0.05 or 1.0
    frame = dated(svg, (min(times), max(times)), (low - room, high + room))
    border = frame.x(ahead[0])
    svg.line(border, frame.y(high + room), border, frame.y(low - room), "chosen")
    upper, lower = (list(zip(ahead, ends, strict=True)) for ends in (series.high, series.low))
    svg.area(places(frame, upper), places(frame, lower), "band")
    svg.path(places(frame, past), "past")
    svg.path(places(frame, list(zip(ahead, series.predicted, strict=True))), "curve s0")
    radius = 3.0 if len(actual) <= 120 else 1.8
    for moment, value in zip(series.moments, series.actual, strict=True):
        if value is not None:
            hint = f"{moment}: {number(value)}"
            svg.dot(frame.x(seconds(moment)), frame.y(value), radius, "dot s1", hint=hint)
    _legend(svg)
    return svg.render()


def error_chart(view: ForecastView) -> str:
    """The mean absolute error over the steps ahead."""
    svg = Svg(
        480, 330, "Error by step ahead", f"From {number(view.by_step[0].error)} to {number(view.by_step[-1].error)}."
    )
    most = max(max(step.error, step.naive) for step in view.by_step) or 1.0
    names = (f"steps ahead, of one {clip(view.step, 20)}", "mean absolute error")
    frame = Frame.draw(svg, (1.0, float(view.horizon)), (0.0, 1.08 * most), names, left=64)
    middle = [(step.first + step.last) / 2 for step in view.by_step]
    svg.path(frame.points(middle, [step.naive for step in view.by_step]), "reference thin")
    svg.path(frame.points(middle, [step.error for step in view.by_step]), "curve s0")
    for at, step in zip(middle, view.by_step, strict=True):
        hint = f"steps {step.first} to {step.last}: {number(step.error)} (naive {number(step.naive)})"
        svg.dot(frame.x(at), frame.y(step.error), 3.5, "dot s0", hint=hint)
    return svg.render()


def _legend(svg: Svg) -> None:
    x = 64.0
    for style, text in (("past", "history"), ("curve s0", "forecast"), ("", "interval"), ("dot s1", "what happened")):
        if style == "":
            svg.rect(x, 7, 18, 10, "band")
        elif style.startswith("dot"):
            svg.dot(x + 9, 12, 4, style)
        else:
            svg.path([(x, 12.0), (x + 18, 12.0)], style)
        svg.label(x + 24, 16, text)
        x += 44 + 6.7 * len(text)


def _summary(series: SeriesView) -> str:
    return f"{len(series.moments)} steps from {series.moments[0]} to {series.moments[-1]}."
