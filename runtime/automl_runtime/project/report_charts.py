"""The pictures of a report, each a function from numbers to one `<svg>` element."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from automl_schemas.metrics import GoalResult

from automl_runtime.engine.evaluation import Confusion, Curve, Histogram
from automl_runtime.project.report_data import ThresholdRow, TrialPoint
from automl_runtime.project.report_svg import PALETTE, Frame, Scale, Svg, bars, text_width
from automl_runtime.project.report_text import clip, count, number, percent, round_number, share, short_names

__all__ = [
    "MOST_BARS",
    "calibration_chart",
    "confusion_chart",
    "importance_chart",
    "interval_chart",
    "pr_chart",
    "residual_chart",
    "roc_chart",
    "search_chart",
    "sparkline",
    "threshold_chart",
]

_WIDTH, _HEIGHT = 480, 330
_UNIT = (0.0, 1.0)
_NAME = 24
MOST_BARS = 15


def roc_chart(curves: Sequence[Curve], threshold: tuple[float, float] | None) -> str:
    """ROC curves; `threshold` is the point (false positive rate, recall) at which the model decides."""
    svg = Svg(_WIDTH, _HEIGHT, "ROC curve", _areas(curves))
    frame = Frame.draw(svg, _UNIT, _UNIT, ("false positive rate", "recall (true positive rate)"))
    svg.line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "reference")
    _curves(frame, curves)
    _legend(frame, curves, bottom=True)
    _mark(frame, threshold, below=True)
    return svg.render()


def pr_chart(curves: Sequence[Curve], threshold: tuple[float, float] | None, base_rate: float | None) -> str:
    """Precision over recall; the dashed line is the share of the class, what guessing would reach."""
    svg = Svg(_WIDTH, _HEIGHT, "Precision and recall", _areas(curves))
    frame = Frame.draw(svg, _UNIT, _UNIT, ("recall", "precision"))
    if base_rate is not None:
        svg.line(frame.x(0), frame.y(base_rate), frame.x(1), frame.y(base_rate), "reference")
    _curves(frame, curves)
    _legend(frame, curves, bottom=True)
    _mark(frame, threshold, below=False)
    return svg.render()


def calibration_chart(curves: Sequence[Curve]) -> str:
    """Share of the class over the predicted probability; the size of a point is the number of rows in its bin."""
    svg = Svg(_WIDTH, _HEIGHT, "Calibration", "On the diagonal, predicted probabilities are what happens.")
    frame = Frame.draw(svg, _UNIT, _UNIT, ("predicted probability", "share that was true"))
    svg.line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "reference")
    _curves(frame, curves)
    for index, curve in enumerate(curves[:PALETTE]):
        most = max(curve.weight, default=0)
        for x, y, weight in zip(curve.x, curve.y, curve.weight or [1] * len(curve.x), strict=False):
            radius = 2.5 + 5 * math.sqrt(weight / most) if most else 3.5
            hint = f"predicted {percent(x)}, true {percent(y)}, {count(weight)} rows"
            svg.dot(frame.x(x), frame.y(y), radius, f"dot s{index}", hint=hint)
    _legend(frame, curves, bottom=False)
    return svg.render()


def confusion_chart(confusion: Confusion) -> str:
    """Actual classes (rows) against predicted ones, shaded by the share of the row."""
    labels = [clip(label, 18) for label in confusion.labels]
    size = len(labels)
    left, top = 34 + max(map(text_width, labels)), 34
    cell = (_WIDTH - left - 14) / size
    low = max(min(cell, 264 / size), 18.0)
    svg = Svg(_WIDTH, top + size * low + 26, "Confusion matrix", _confusion_text(confusion))
    svg.label(left + size * cell / 2, 12, "predicted", "name", anchor="middle")
    for column, label in enumerate(labels):
        svg.label(left + (column + 0.5) * cell, top - 7, clip(label, max(3, int(cell / 6.6))), anchor="middle")
    for row, counts in enumerate(confusion.counts):
        total = sum(counts)
        y = top + row * low
        svg.label(left - 9, y + low / 2 + 4, labels[row], anchor="end")
        for column, amount in enumerate(counts):
            part = amount / total if total else 0.0
            style = f"{'right' if row == column else 'wrong'} h{_shade(part)}"
            hint = f"{labels[row]} predicted as {labels[column]}: {count(amount)} ({share(amount, total)} of the row)"
            svg.rect(left + column * cell + 1, y + 1, cell - 2, low - 2, style, hint=hint, radius=4)
            _cell_text(svg, left + (column + 0.5) * cell, y + low / 2, amount, part, cell=min(cell, low))
    svg.label(13, top + size * low / 2, "actual", "name", anchor="middle", turn=-90)
    return svg.render()


def residual_chart(histogram: Histogram) -> str:
    """How far off predictions are: actual minus predicted."""
    svg = Svg(_WIDTH, _HEIGHT, "Residuals", "Distribution of actual minus predicted.")
    if len(histogram.edges) > 1:
        most = max(histogram.counts, default=0) or 1
        names = ("actual − predicted", "rows")
        frame = Frame.draw(svg, (histogram.edges[0], histogram.edges[-1]), (0, most * 1.05), names)
        bars(svg, histogram.edges, histogram.counts, frame.x, frame.y)
        if histogram.edges[0] < 0 < histogram.edges[-1]:
            svg.line(frame.x(0), frame.y(0), frame.x(0), frame.y(most * 1.05), "reference")
    return svg.render()


def importance_chart(importance: Mapping[str, float], most: int = MOST_BARS) -> str:
    """The most important features, longest bar first."""
    top = sorted(importance.items(), key=lambda item: (-item[1], item[0]))[:most]
    names = short_names([name for name, _ in top], _NAME)
    left, row = 20 + max(map(text_width, names), default=0.0), 24
    svg = Svg(_WIDTH, row * len(top) + 6, "Importance of the features", _ranked(top))
    scale = Scale(0, max([value for _, value in top] + [1e-12]), left, svg.width - 60)
    for index, (name, value) in enumerate(top):
        y = row * index + 4
        svg.label(left - 10, y + 14, names[index], "item", anchor="end")
        svg.rect(left, y + 2, scale(max(value, 0.0)) - left, row - 9, "fill0", hint=f"{name}: {number(value)}")
        svg.label(scale(max(value, 0.0)) + 7, y + 14, number(value, 3))
    return svg.render()


def search_chart(trials: Sequence[TrialPoint], *, higher_is_better: bool, name: str) -> str:
    """Each trial at its time, coloured by model, and the best score so far as a line."""
    done = [(trial, trial.score) for trial in trials if trial.score is not None and math.isfinite(trial.score)]
    svg = Svg(1020, 300, "The search", f"{len(done)} models over time, and the best score so far.")
    if not done:
        return svg.render()
    scores = [score for _, score in done]
    low, high = _focus(scores, higher_is_better=higher_is_better)
    end = max(trial.at for trial, _ in done) or 1.0
    frame = Frame.draw(svg, (0.0, end * 1.02), (low, high), ("seconds", name), left=64, top=30)
    models = list(dict.fromkeys(trial.model for trial, _ in done))
    colours = {model: min(index, PALETTE - 1) for index, model in enumerate(models)}
    best, path = scores[0], []
    for trial, score in done:
        place = (frame.x(trial.at), frame.y(min(max(score, low), high)))
        svg.dot(*place, 4, f"dot s{colours[trial.model]}", hint=f"{trial.model}: {number(score)}, {trial.at:.1f} s")
        path += [(place[0], frame.y(min(max(best, low), high)))]
        best = max(best, score) if higher_is_better else min(best, score)
        path += [(place[0], frame.y(min(max(best, low), high)))]
    svg.path([*path, (frame.x(end * 1.02), path[-1][1])], "best")
    _names(svg, models, colours, x=64)
    return svg.render()


def threshold_chart(rows: Sequence[ThresholdRow]) -> str:
    """Precision, recall and F1 over the threshold, with the one that the model uses."""
    svg = Svg(_WIDTH, _HEIGHT, "Decision threshold", "Precision, recall and F1 for each threshold.")
    frame = Frame.draw(svg, _UNIT, _UNIT, ("threshold", "precision, recall, F1"), top=30)
    for index, measure in enumerate(("precision", "recall", "f1")):
        known = [(row.threshold, value) for row in rows if (value := getattr(row, measure)) is not None]
        svg.path(frame.points([x for x, _ in known], [y for _, y in known]), f"curve s{index}")
    for row in rows:
        if row.chosen:
            svg.line(frame.x(row.threshold), frame.y(0), frame.x(row.threshold), frame.y(1), "chosen")
    _names(svg, ["precision", "recall", "F1"], {"precision": 0, "recall": 1, "F1": 2}, x=54)
    return svg.render()


def interval_chart(score: float, interval: tuple[float, float], goal: GoalResult | None) -> str:
    """The score with its interval on a line, and the goal."""
    svg = Svg(
        420,
        74,
        "Score with its interval",
        f"{number(score)}, 95 % interval {number(interval[0])} to {number(interval[1])}",
    )
    svg.line(10, 38, 410, 38, "track")
    values = [score, *interval, *([goal.value] if goal else [])]
    if not all(map(math.isfinite, values)):
        return svg.render()
    room = (max(values) - min(values)) * 0.14 or abs(values[0]) * 0.05 or 1.0
    scale = Scale(min(values) - room, max(values) + room, 26, 394)
    svg.line(scale(interval[0]), 38, scale(interval[1]), 38, "interval")
    svg.dot(scale(score), 38, 7, "point")
    for value in interval:
        svg.line(scale(value), 31, scale(value), 45, "whisker")
    _ends(svg, scale, interval)
    if goal is not None:
        place = scale(goal.value)
        svg.line(place, 20, place, 50, "goal")
        svg.label(place, 13, f"goal {goal.op} {round_number(goal.value)}", "goal-name", anchor=_anchor(place))
    return svg.render()


def sparkline(counts: Sequence[float], what: str, hints: Sequence[str] = ()) -> str:
    """A histogram the size of a word."""
    svg = Svg(132, 26, what)
    most = max(counts, default=0) or 1
    step = min(svg.width / max(len(counts), 1), 24.0)
    for index, amount in enumerate(counts):
        height = 0 if amount <= 0 else max(24 * amount / most, 1)
        hint = hints[index] if index < len(hints) else ""
        svg.rect(
            round(index * step, 2),
            round(26 - height, 2),
            round(step - 1, 2),
            round(height, 2),
            "fill0",
            hint=hint,
            radius=1,
        )
    return svg.render()


def _curves(frame: Frame, curves: Sequence[Curve]) -> None:
    for index, curve in enumerate(curves[:PALETTE]):
        frame.svg.path(frame.points(curve.x, curve.y), f"curve s{index}")


def _mark(frame: Frame, point: tuple[float, float] | None, *, below: bool) -> None:
    if point is not None:
        x, y = frame.x(point[0]), frame.y(point[1])
        frame.svg.dot(x, y, 6, "mark", hint=f"{number(point[0], 3)}, {number(point[1], 3)}")
        left = x > frame.svg.width * 0.6
        frame.svg.label(
            x + (-11 if left else 11),
            y + (17 if below else -9),
            "threshold",
            "mark-name",
            anchor="end" if left else "start",
        )


def _legend(frame: Frame, curves: Sequence[Curve], *, bottom: bool) -> None:
    """The names of the curves inside the axes, where curves of this kind do not run."""
    shown = list(curves[:PALETTE])
    if len(shown) < 2:
        return
    svg, row = frame.svg, 17
    x = frame.x(0.52) if bottom else frame.x(0.04)
    y = frame.y(0) - 12 - row * (len(shown) - 1) if bottom else frame.y(1) + 16
    svg.rect(x - 8, y - 16, 190 if bottom else 150, row * len(shown) + 8, "ground")
    for index, curve in enumerate(shown):
        area = "" if curve.area is None else f" {number(curve.area, 3)}"
        svg.line(x, y + row * index - 4, x + 16, y + row * index - 4, f"curve s{index}")
        svg.label(x + 22, y + row * index, f"{clip(curve.label, 16)}{area}")


def _names(svg: Svg, names: Sequence[str], colours: Mapping[str, int], *, x: float) -> None:
    for name in names[:PALETTE]:
        svg.dot(x + 5, 12, 5, f"dot s{colours[name]}")
        svg.label(x + 15, 16, clip(name, 24))
        x += 30 + text_width(clip(name, 24))


def _ends(svg: Svg, scale: Scale, interval: tuple[float, float]) -> None:
    low, high = scale(interval[0]), scale(interval[1])
    if high - low < 70:
        text = f"{number(interval[0])} to {number(interval[1])}"
        middle = (low + high) / 2
        svg.label(middle, 66, text, anchor=_anchor(middle))
    else:
        svg.label(low, 66, number(interval[0]), anchor="middle")
        svg.label(high, 66, number(interval[1]), anchor="middle")


def _anchor(place: float) -> str:
    return "start" if place < 70 else "end" if place > 350 else "middle"


def _cell_text(svg: Svg, x: float, y: float, amount: int, part: float, *, cell: float) -> None:
    style = "cell-strong" if _shade(part) > 5 else "cell"
    if cell >= 44:
        svg.label(x, y + 1, count(amount), style, anchor="middle")
        svg.label(x, y + 16, percent(part), f"{style} small", anchor="middle")
    elif cell >= 22:
        svg.label(x, y + 4, count(amount), f"{style} small", anchor="middle")


def _shade(part: float) -> int:
    """One of ten shades; a cell with anything in it is never as pale as an empty one."""
    return 0 if part == 0 else min(9, 1 + int(part * 9))


def _focus(scores: Sequence[float], *, higher_is_better: bool) -> tuple[float, float]:
    """The range to draw: failures far off the rest are drawn at the edge rather than squeezing the others."""
    ordered = sorted(scores, reverse=higher_is_better)
    best, typical = ordered[0], ordered[int(0.8 * (len(ordered) - 1))]
    room = abs(best - typical) * 0.35 or abs(best) * 0.02 or 0.01
    low, high = min(best, typical) - room, max(best, typical) + room
    return low, high


def _areas(curves: Sequence[Curve]) -> str:
    known = [f"{clip(curve.label, 40)}: area {number(curve.area)}" for curve in curves if curve.area is not None]
    return "; ".join(known[:10])


def _ranked(top: Sequence[tuple[str, float]]) -> str:
    return "; ".join(f"{clip(name, 40)} {number(value, 3)}" for name, value in top[:10])


def _confusion_text(confusion: Confusion) -> str:
    total = sum(map(sum, confusion.counts))
    right = sum(confusion.counts[index][index] for index in range(len(confusion.counts)))
    return f"{count(right)} of {count(total)} rows are predicted as they are ({share(right, total)})."
