"""The part of the report on anomalies in time: the series with their strange stretches marked."""

from __future__ import annotations

from automl_runtime.engine.anomaly.evaluation import AnomalyView
from automl_runtime.engine.anomaly.stretches import APART, WatchedSeries
from automl_runtime.project.report_dated import dated, places, seconds
from automl_runtime.project.report_html import Cell, card, numeric, table
from automl_runtime.project.report_svg import Svg
from automl_runtime.project.report_text import clip, count, escape, number

__all__ = ["series_name", "stretch_charts", "stretches_cards", "watched_chart"]

_WIDE, _HIGH = 1020, 260
_LEAST = 4.0
"""Pixels of the narrowest mark."""


def stretch_charts(view: AnomalyView) -> dict[str, str]:
    """A picture of each series that is shown, by file name without suffix."""
    return {f"stretches_{place}": watched_chart(series) for place, series in enumerate(view.series, start=1)}


def stretches_cards(view: AnomalyView, pictures: dict[str, str]) -> str:
    """The pictures, and the stretches as a table; empty where rows are no series."""
    about = (
        "What happened in the time that was set aside; rows that count as strange are dots, and the stretches of time "
        "that they make are shaded. Series with most of them are shown, each by the number in which they show most."
    )
    cards = [
        card(f"{clip(series.column, 60)}{_of(series.key)}", about if place == 1 else "", pictures[f"stretches_{place}"])
        for place, series in enumerate(view.series, start=1)
    ]
    if view.stretches:
        several = any(stretch.key for stretch in view.stretches)
        rows = [
            [
                *([Cell(escape(series_name(stretch.key), 80), "name")] if several else []),
                Cell(escape(stretch.first)),
                Cell(escape(stretch.last)),
                Cell(count(stretch.rows), "n"),
                numeric(stretch.score),
            ]
            for stretch in view.stretches
        ]
        header = [*(["series"] if several else []), "from", "to", "strange rows", "highest score"]
        why = "Strange rows that follow each other, the strangest first."
        cards.append(card("Strange stretches", why, table(header, rows)))
    return "".join(cards)


def series_name(key: tuple[str, ...]) -> str:
    """What a series is called."""
    return ", ".join(key)


def _of(key: tuple[str, ...]) -> str:
    return f" · {clip(series_name(key), 80)}" if key else ""


def watched_chart(series: WatchedSeries) -> str:
    """The number as a line, strange rows as dots on shaded stretches."""
    at = [seconds(moment) for moment in series.moments]
    known = [value for value in series.values if value == value]
    low, high = min(known, default=0.0), max(known, default=1.0)
    room = 0.06 * (high - low) or abs(high) * 0.05 or 1.0
    strange = sum(series.strange)
    text = f"{strange:,} of {len(at):,} rows from {series.moments[0]} to {series.moments[-1]} are strange."
    svg = Svg(_WIDE, _HIGH, f"{clip(series.column, 60)}{_of(series.key)}", text)
    frame = dated(svg, (at[0], at[-1]), (low - room, high + room))
    half = (at[-1] - at[0]) / max(1, len(at) - 1) / 2
    for first, last in _shaded(series):
        left, right = frame.x(max(at[0], at[first] - half)), frame.x(min(at[-1], at[last] + half))
        hint = f"{series.moments[first]} to {series.moments[last]}"
        width = max(_LEAST, right - left)
        svg.rect(left, frame.y(high + room), width, frame.y(low - room) - frame.y(high + room), "odd", hint=hint)
    svg.path(places(frame, list(zip(at, series.values, strict=True))), "past")
    radius = 3.0 if strange <= 120 else 1.8
    for moment, place, value, flag in zip(series.moments, at, series.values, series.strange, strict=True):
        if flag and value == value:
            svg.dot(frame.x(place), frame.y(value), radius, "dot s1", hint=f"{moment}: {number(value)}")
    return svg.render()


def _shaded(series: WatchedSeries) -> list[tuple[int, int]]:
    """The first and the last place of each stretch of strange rows."""
    found: list[tuple[int, int]] = []
    for place in (place for place, flag in enumerate(series.strange) if flag):
        if found and place - found[-1][1] <= APART:
            found[-1] = found[-1][0], place
        else:
            found.append((place, place))
    return found
