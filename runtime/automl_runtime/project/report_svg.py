"""SVG for the report: scales, axes and marks. Colours come from the style sheet, by class."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from automl_runtime.project.report_text import escape, number

__all__ = [
    "PALETTE",
    "Frame",
    "Marks",
    "Scale",
    "Svg",
    "bars",
    "legend",
    "legend_height",
    "log_marks",
    "percent_marks",
    "plain_marks",
    "standalone",
    "style_sheet",
    "text_width",
    "ticks",
]

Marks: TypeAlias = list[tuple[float, str]]
"""Places on an axis, in its own unit, with what is written there."""

PALETTE = 8
"""Number of series colours in the style sheet: classes `s0` to `s7`."""


def style_sheet() -> str:
    """The style of the report and of its pictures, light and dark."""
    return Path(__file__).with_name("report.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps `low..high` linearly to `start..end`; a range without width maps to the middle."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of `value`, to a tenth of a pixel."""
        if self.high == self.low:
            return round((self.start + self.end) / 2, 1)
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between `low` and `high`, at most about `most`, in steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0, 1, 6)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not high > low or not math.isfinite(high - low):
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999), 10 * power)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


@dataclass
class Svg:
    """A picture that is being drawn; `title` and `text` say what it shows to those who cannot see it."""

    width: float
    height: float
    title: str
    text: str = ""
    parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, style: str) -> None:
        """A straight line."""
        self.parts.append(f'<line class="{style}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>')

    def path(self, points: Sequence[tuple[float, float]], style: str) -> None:
        """A line through `points`."""
        if points:
            steps = "L".join(f"{x:g} {y:g}" for x, y in points)
            self.parts.append(f'<path class="{style}" d="M{steps}"/>')

    def rect(
        self, x: float, y: float, width: float, height: float, style: str, *, hint: str = "", radius: float = 2
    ) -> None:
        """A rectangle; `hint` is shown while the mouse rests on it."""
        size = f'x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{max(height, 0):g}" rx="{radius:g}"'
        self.parts.append(f'<rect class="{style}" {size}{_close("rect", hint)}')

    def dots(self, places: Sequence[tuple[float, float]], style: str) -> None:
        """Many equal dots in one element; their size is the width of the stroke."""
        if places:
            steps = "".join(f"M{x:g} {y:g}h0" for x, y in places)
            self.parts.append(f'<path class="{style}" d="{steps}"/>')

    def area(self, upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]], style: str) -> None:
        """What lies between two lines."""
        if upper and lower:
            steps = "L".join(f"{x:g} {y:g}" for x, y in [*upper, *reversed(lower)])
            self.parts.append(f'<path class="{style}" d="M{steps}Z"/>')

    def dot(self, x: float, y: float, radius: float, style: str, *, hint: str = "") -> None:
        """A filled circle."""
        self.parts.append(f'<circle class="{style}" cx="{x:g}" cy="{y:g}" r="{radius:g}"{_close("circle", hint)}')

    def label(
        self, x: float, y: float, text: object, style: str = "tick", *, anchor: str = "start", turn: float = 0
    ) -> None:
        """Text at a point; `anchor` is `start`, `middle` or `end`."""
        turned = f' transform="rotate({turn:g} {x:g} {y:g})"' if turn else ""
        self.parts.append(
            f'<text class="{style}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"{turned}>{escape(text)}</text>'
        )

    def render(self) -> str:
        """The `<svg>` element; it scales with the page."""
        box = f'viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" height="{self.height:g}"'
        spoken = f"{self.title}. {self.text}" if self.text else self.title
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-label="{escape(spoken, 600)}" '
            f"{box}>{''.join(self.parts)}</svg>"
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes of a picture, with what lies between them."""

    svg: Svg
    x: Scale
    y: Scale

    @classmethod
    def draw(
        cls,
        svg: Svg,
        x: tuple[float, float],
        y: tuple[float, float],
        names: tuple[str, str],
        *,
        left: float = 54,
        top: float = 12,
        marks: tuple[Marks | None, Marks | None] = (None, None),
    ) -> Frame:
        """Draws grid, ticks and the names of both axes, and gives the scales.

        `marks` are places and labels to put at the axes instead of round numbers.
        """
        right, bottom = svg.width - 14, svg.height - 42
        upwards = marks[1] or plain_marks(*y, most=5)
        # Room for the name of the axis beside the widest label.
        left = max(left, (30 if names[1] else 14) + 6.4 * max((len(text) for _, text in upwards), default=0))
        across, up = Scale(*x, left, right), Scale(*y, bottom, top)
        for value, text in marks[0] or plain_marks(*x, most=6 if svg.width > 400 else 4):
            svg.line(across(value), top, across(value), bottom, "grid")
            svg.label(across(value), bottom + 16, text, anchor="middle")
        frame = cls(svg, across, up)
        frame.levels(upwards, left=left, right=right)
        svg.line(left, bottom, right, bottom, "axis")
        svg.label((left + right) / 2, svg.height - 6, names[0], "name", anchor="middle")
        svg.label(13, (top + bottom) / 2, names[1], "name", anchor="middle", turn=-90)
        return frame

    def levels(self, marks: Marks, *, left: float, right: float) -> None:
        """Grid lines across, with their labels at the left."""
        for value, text in marks:
            self.svg.line(left, self.y(value), right, self.y(value), "grid")
            self.svg.label(left - 7, self.y(value) + 4, text, anchor="end")

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
        """Places of the points that are numbers."""
        return [(self.x(a), self.y(b)) for a, b in zip(xs, ys, strict=True) if math.isfinite(a) and math.isfinite(b)]


def plain_marks(low: float, high: float, *, most: int = 6) -> Marks:
    """Round numbers between `low` and `high` with their labels."""
    return [(value, _tick(value)) for value in ticks(low, high, most)]


def percent_marks(low: float, high: float, *, most: int = 5) -> Marks:
    """Round shares between `low` and `high`, labelled in percent.

    >>> percent_marks(0.0, 1.0, most=2)
    [(0.0, '0 %'), (0.5, '50 %'), (1.0, '100 %')]
    """
    return [(value, f"{100 * value:.6g} %") for value in ticks(low, high, most)]


def log_marks(low: float, high: float, *, most: int = 7) -> Marks:
    """Powers of ten between 10**`low` and 10**`high`, their 2 and 5 folds where there is room; places are logarithms.

    >>> log_marks(0, 2)
    [(0.0, '1'), (0.301, '2'), (0.699, '5'), (1.0, '10'), (1.301, '20'), (1.699, '50'), (2.0, '100')]
    """
    powers = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1, 2, 5), (1,)):
        values = [factor * 10.0**power for power in powers for factor in factors]
        found = [(round(math.log10(value), 3), _tick(value)) for value in values]
        found = [mark for mark in found if low - 1e-9 <= mark[0] <= high + 1e-9]
        if len(found) <= most:
            return found
    return found[:: -(-len(found) // most)]


def text_width(text: str) -> float:
    """About how many units wide `text` is drawn; nothing that draws is asked.

    >>> text_width("ill") < text_width("abc") < text_width("ABC")
    True
    """
    return sum(_char_width(char) for char in text)


def legend(svg: Svg, names: Sequence[str], x: float, y: float) -> None:
    """A coloured dot and a name for each series, in as many rows as it takes; see `legend_height`."""
    for name, place, row in _legend_places(names, x, svg.width):
        svg.dot(place + 5, y + 16 * row + 6, 4.5, f"dot s{names.index(name) % PALETTE}")
        svg.label(place + 14, y + 16 * row + 10, name)


def legend_height(names: Sequence[str], x: float, width: float) -> float:
    """Units that `legend` takes from top to bottom."""
    return 16.0 * (1 + max((row for _, _, row in _legend_places(names, x, width)), default=-1))


def bars(svg: Svg, edges: Sequence[float], counts: Sequence[int], x: Scale, y: Scale, style: str = "fill0") -> None:
    """A histogram; the bars keep a hair's breadth apart."""
    for left, right, amount in zip(edges[:-1], edges[1:], counts, strict=True):
        place, width = x(left), max(x(right) - x(left) - 1, 0.6)
        hint = f"{number(left)} to {number(right)}: {amount:,}"
        svg.rect(place, y(amount), width, y(0) - y(amount), style, hint=hint, radius=1)


def standalone(svg: str) -> str:
    """The picture `svg` as a file of its own, with the style sheet in it."""
    head, tail = svg.split(">", 1)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}><style>{style_sheet()}</style>{tail}\n'


def _legend_places(names: Sequence[str], x: float, width: float) -> list[tuple[str, float, int]]:
    places, place, row = [], x, 0
    for name in names:
        room = 28 + 0.95 * text_width(name)
        if place > x and place + room > width:
            place, row = x, row + 1
        places.append((name, place, row))
        place += room
    return places


def _char_width(char: str) -> float:
    if char in "ijlftrI.,:;'|!()[] ":
        return 4.2
    if unicodedata.east_asian_width(char) in "WF":
        return 12.5
    return 8.6 if char.isupper() or char in "mwMW@%&_" else 7.1


def _close(tag: str, hint: str) -> str:
    return f"><title>{escape(hint)}</title></{tag}>" if hint else "/>"


def _tick(value: float) -> str:
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return f"{value:.3g}"
    return f"{value:,.6g}" if abs(value) < 10_000 else f"{value:,.0f}"
