"""Pictures of how the model uses its columns: contributions, and partial dependence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from automl_runtime.engine.effects import Dependence, Effect, Effects
from automl_runtime.project.report_svg import (
    PALETTE,
    Frame,
    Marks,
    Scale,
    Svg,
    legend,
    legend_height,
    percent_marks,
    plain_marks,
    text_width,
)
from automl_runtime.project.report_text import clip, count, number, percent, short_names

__all__ = ["MOST_EFFECTS", "dependence_charts", "effects_chart"]

MOST_EFFECTS: Final = 15
_ROW: Final = 24
_NAME: Final = 24
_TITLE: Final = 42
_SHADES: Final = 5


def effects_chart(effects: Effects, *, what: str, named: bool = True) -> str:
    """Contributions of the columns with the largest effect: a dot for each row, or a bar parted by class.

    `what` is that which they are added to, as "the probability of yes"; `named`: classes are named in the picture.
    """
    top = [effect for effect in effects.columns if effect.total > 0][:MOST_EFFECTS]
    shown = short_names([effect.feature for effect in top], _NAME)
    left = 20 + max(map(text_width, shown), default=0.0)
    spoken = "; ".join(f"{clip(effect.feature, 40)} {number(effect.total, 3)}" for effect in top[:10])
    names = _names(effects) if named else []
    head = legend_height(names, 8, 480)
    svg = Svg(480, _ROW * len(top) + 66 + head, "Contributions of the columns", spoken)
    legend(svg, names, 8, 4)
    if not top:
        return svg.render()
    if top[0].contributions:
        _swarms(svg, top, shown, left, what, shares=bool(effects.labels))
    else:
        _stacks(svg, top, shown, left, head, effects, what)
    return svg.render()


def dependence_charts(effects: Effects, *, what: str, named: bool = True) -> dict[str, str]:
    """A picture for each partial dependence, all on one scale, by `dependence_1`, `dependence_2`, ...

    `named`: classes are named in each picture.
    """
    shares = bool(effects.labels)
    values = [
        value
        for each in effects.dependences
        for line in (each.low, each.high, *each.mean)
        for value in line
    ]  # fmt: skip
    if not values:
        return {}
    low, high = min(values), max(values)
    room = 0.04 * (high - low) or 0.01
    span = (max(low - room, 0.0) if shares else low - room, min(high + room, 1.0) if shares else high + room)
    titles = short_names([each.feature for each in effects.dependences], _TITLE)
    titled = [replace(each, feature=title) for each, title in zip(effects.dependences, titles, strict=True)]
    names = _names(effects) if named else []
    return {
        f"dependence_{place}": _dependence(each, span, what, shares, names)
        for place, each in enumerate(titled, start=1)
    }


def _swarms(svg: Svg, top: Sequence[Effect], shown: Sequence[str], left: float, what: str, *, shares: bool) -> None:
    values = [value for effect in top for value in effect.contributions]
    low, high = min(*values, 0.0), max(*values, 0.0)
    scale, bottom = Scale(low, high, left + 8, svg.width - 14), 26 + _ROW * len(top)
    for value, text in _point_marks(low, high) if shares else plain_marks(low, high, most=4):
        svg.line(scale(value), 24, scale(value), bottom, "grid")
        svg.label(scale(value), bottom + 16, text, anchor="middle")
    svg.line(scale(0), 24, scale(0), bottom, "reference")
    svg.label(
        (left + svg.width) / 2,
        bottom + 35,
        f"{'points ' if shares else ''}added to {clip(what, 40)}",
        "name",
        anchor="middle",
    )
    for index, effect in enumerate(top):
        middle = 26 + _ROW * (index + 0.5)
        svg.label(left - 10, middle + 4, shown[index], "item", anchor="end")
        _swarm(svg, effect, scale, middle)
    x = svg.width - 14 - 11.0 * _SHADES - 76
    svg.label(x - 8, 14, "low value", anchor="end")
    for shade in range(_SHADES):
        svg.dots([(x + 11 * shade, 10)], f"swarm b{shade}")
    svg.label(x + 11 * _SHADES, 14, "high value")
    svg.dots([(x - 128, 10)], "swarm bn")
    svg.label(x - 121, 14, "other", anchor="start")


def _swarm(svg: Svg, effect: Effect, scale: Scale, middle: float) -> None:
    """Dots that would lie on one another are put above and below in turn."""
    seen: dict[int, int] = {}
    places: dict[str, list[tuple[float, float]]] = {}
    for value, level in zip(effect.contributions, effect.levels, strict=True):
        x = scale(value)
        bucket = round(x / 3.5)
        nth = seen[bucket] = seen.get(bucket, -1) + 1
        offset = min((nth + 1) // 2 * 2.2, _ROW / 2 - 3) * (1 if nth % 2 else -1)
        shade = "bn" if level is None else f"b{min(int(level * _SHADES), _SHADES - 1)}"
        places.setdefault(shade, []).append((x, round(middle + offset, 1)))
    for shade in sorted(places):
        svg.dots(places[shade], f"swarm {shade}")


def _stacks(
    svg: Svg, top: Sequence[Effect], shown: Sequence[str], left: float, head: float, effects: Effects, what: str
) -> None:
    scale = Scale(0, max(effect.total for effect in top), left, svg.width - 16)
    bottom = head + 26 + _ROW * len(top)
    for value, text in _point_marks(0, scale.high):
        svg.line(scale(value), head + 24, scale(value), bottom, "grid")
        svg.label(scale(value), bottom + 16, text, anchor="middle")
    svg.label((left + svg.width) / 2, bottom + 35, f"moves {clip(what, 40)} by so many points", "name", anchor="middle")
    for index, effect in enumerate(top):
        y, start = head + 26 + _ROW * index, 0.0
        svg.label(left - 10, y + 16, shown[index], "item", anchor="end")
        for place, size in enumerate(effect.size):
            label = clip(effects.labels[place], 40)
            hint = f"{clip(effect.feature, 80)}, {label}: {100 * size:.3g} points"
            width = scale(start + size) - scale(start)
            svg.rect(scale(start), y + 4, width, _ROW - 9, f"fill{place % PALETTE}", hint=hint, radius=1)
            start += size


def _dependence(each: Dependence, span: tuple[float, float], what: str, shares: bool, names: list[str]) -> str:
    title = f"{each.feature}: {what}"
    draw = _of_words if each.kind == "category" else _of_numbers
    return draw(each, span, title, shares, names)


def _of_numbers(each: Dependence, span: tuple[float, float], title: str, shares: bool, names: list[str]) -> str:
    points = [float(point) for point in each.points]
    top = 26 + legend_height(names, 8, 340)
    svg = Svg(340, 210 + top, title, f"From {number(points[0])} to {number(points[-1])}.")
    marks = percent_marks(*span) if shares else None
    frame = Frame.draw(svg, (points[0], points[-1]), span, ("", ""), top=top, left=40, marks=(None, marks))
    svg.label(svg.width / 2, 14, each.feature, "item", anchor="middle")
    legend(svg, names, 8, 20)
    if each.low:
        svg.area(frame.points(points, each.high), frame.points(points, each.low), "band")
    for index, line in enumerate(each.mean[:PALETTE]):
        svg.path(frame.points(points, line), f"curve s{index}")
    most = max(each.counts, default=0) or 1
    for point, amount in zip(points, each.counts, strict=True):
        height = 3 + 9 * amount / most if amount else 0
        hint = f"{count(amount)} rows near {number(point)}"
        svg.rect(frame.x(point) - 2, frame.y(span[0]) - height, 4, height, "rug", hint=hint)
    return svg.render()


def _of_words(each: Dependence, span: tuple[float, float], title: str, shares: bool, names: list[str]) -> str:
    order = list(range(len(each.points)))
    if len(each.mean) == 1:
        order.sort(key=lambda place: -each.mean[0][place])
    words = [clip(each.points[place], 18) for place in order]
    left = 18 + max(map(text_width, words))
    top = 26 + legend_height(names, 8, 340)
    height = top + max(210, 24 * len(words) + 42)
    svg = Svg(340, height, title, ", ".join(words))
    svg.label(svg.width / 2, 14, each.feature, "item", anchor="middle")
    legend(svg, names, 8, 20)
    scale, bottom = Scale(*span, left, svg.width - 18), svg.height - 42
    for value, text in percent_marks(*span, most=4) if shares else plain_marks(*span, most=3):
        svg.line(scale(value), top, scale(value), bottom, "grid")
        svg.label(scale(value), bottom + 16, text, anchor="middle")
    step = (bottom - top) / len(words)
    for row, place in enumerate(order):
        y = top + step * (row + 0.5)
        svg.label(left - 8, y + 4, words[row], "item", anchor="end")
        if each.low:
            svg.line(scale(each.low[place]), y, scale(each.high[place]), y, "whisker-band")
        for index, line in enumerate(each.mean[:PALETTE]):
            shown = percent(line[place]) if shares else number(line[place])
            hint = f"{clip(each.points[place], 60)}: {shown}, {count(each.counts[place])} rows"
            svg.dot(scale(line[place]), y, 5, f"dot s{index}", hint=hint)
    return svg.render()


def _names(effects: Effects) -> list[str]:
    """The classes, where there are several; equal ones are numbered."""
    if len(effects.labels) < 2:
        return []
    names = [clip(label, 24) for label in effects.labels]
    return [name if names.count(name) == 1 else f"{name} {place + 1}" for place, name in enumerate(names)]


def _point_marks(low: float, high: float) -> Marks:
    """Percentage points, signed where there are two sides."""
    return [
        (value, f"{100 * value:+.4g}" if low < 0 < high and value else f"{100 * value:.4g}")
        for value, _ in plain_marks(low, high, most=4)
    ]
