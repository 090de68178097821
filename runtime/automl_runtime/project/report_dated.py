"""Pictures whose lower axis is time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from automl_runtime.project.report_svg import Frame, Scale, Svg, plain_marks

__all__ = ["dated", "places", "seconds"]

_MOST_DATES = 8
_FORMS = ((2, "%H:%M"), (8, "%d %b %H:%M"), (300, "%d %b"), (math.inf, "%b %Y"))
"""How moments are written on an axis of fewer than so many days."""
_ZONE = UTC
"""Moments carry no zone; any that has no clock change will do to place them."""


def dated(svg: Svg, times: tuple[float, float], values: tuple[float, float]) -> Frame:
    """Axes whose lower one carries dates; `times` are what `seconds` gives."""
    left, top, right, bottom = 64.0, 30.0, svg.width - 14, svg.height - 30
    across, up = Scale(*times, left, right), Scale(*values, bottom, top)
    frame = Frame(svg, across, up)
    frame.levels(plain_marks(*values, most=5), left=left, right=right)
    span = times[1] - times[0]
    for index in range(_MOST_DATES + 1):
        at = times[0] + span * index / _MOST_DATES
        moment = datetime.fromtimestamp(at, tz=_ZONE)
        text = next(f"{moment:{form}}" for days, form in _FORMS if span < days * 86_400)
        anchor = "start" if index == 0 else "end" if index == _MOST_DATES else "middle"
        svg.label(across(at), bottom + 18, text, anchor=anchor)
    svg.line(left, bottom, right, bottom, "axis")
    return frame


def places(frame: Frame, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where points lie whose value is a number."""
    return [(frame.x(at), frame.y(value)) for at, value in points if math.isfinite(value)]


def seconds(moment: str) -> float:
    """The place of a moment (ISO 8601) on the axis."""
    return datetime.fromisoformat(moment).replace(tzinfo=_ZONE).timestamp()
