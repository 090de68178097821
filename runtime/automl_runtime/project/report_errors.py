"""Pictures of the errors of predicted numbers: how many are how large, for which values, and inside which interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from automl_runtime.engine.evaluation import Coverage, Scatter
from automl_runtime.project.report_svg import Frame, Svg, log_marks, percent_marks
from automl_runtime.project.report_text import number, percent

__all__ = ["error_cdf_chart", "error_loglog_chart", "scatter_chart"]

_WIDTH, _HEIGHT = 480, 330


def error_cdf_chart(quantiles: Sequence[float]) -> str:
    """Share of the rows (0, 1, ..., 100 %) whose absolute error is at most so large; the last hundredth is cut off."""
    named = {50: "half", 90: "nine of ten"}
    spoken = "; ".join(f"{name} of the rows: at most {number(quantiles[place], 3)}" for place, name in named.items())
    svg = Svg(_WIDTH, _HEIGHT, "Distribution of the absolute error", spoken)
    end = quantiles[99] if quantiles[99] > 0 else max(quantiles[100], 1e-12)
    names = ("absolute error", "share of the rows")
    frame = Frame.draw(svg, (0.0, end), (0.0, 1.0), names, marks=(None, percent_marks(0.0, 1.0)))
    shares = [place / 100 for place in range(100)]
    svg.path([(frame.x(0), frame.y(0)), *frame.points(list(quantiles[:100]), shares)], "curve s0")
    for place, name in named.items():
        x, y = frame.x(quantiles[place]), frame.y(place / 100)
        svg.line(frame.x(0), y, x, y, "reference")
        svg.line(x, y, x, frame.y(0), "reference")
        svg.dot(x, y, 5, "mark", hint=f"{name}: {number(quantiles[place], 4)}")
        right = x > 0.6 * svg.width
        svg.label(x + (-10 if right else 10), y + 16, f"{name}: {number(quantiles[place], 3)}", "mark-name",
                  anchor="end" if right else "start")  # fmt: skip
    return svg.render()


def error_loglog_chart(scatter: Scatter) -> str | None:
    """Absolute error over the size of the true value, both on logarithmic scales, with lines of equal percentage.

    None where fewer than ten rows have both.
    """
    pairs = [
        (math.log10(abs(actual)), math.log10(abs(actual - predicted)))
        for predicted, actual in zip(scatter.predicted, scatter.actual, strict=True)
        if actual and abs(actual - predicted) > 1e-12 * abs(actual)
    ]
    if len(pairs) < 10:
        return None
    sizes, errors = sorted(x for x, _ in pairs), sorted(y for _, y in pairs)
    # The smallest errors are smaller than anybody cares for, and would stretch the picture.
    x, y = (sizes[0], sizes[-1]), (errors[len(errors) // 50], errors[-1])
    x, y = ((low - 0.05, high + 0.05) for low, high in (x, y))
    svg = Svg(
        _WIDTH, _HEIGHT, "Error and size", "Absolute error over the size of the true value, on logarithmic scales."
    )
    names = ("size of the true value", "absolute error")
    frame = Frame.draw(svg, x, y, names, marks=(log_marks(*x), log_marks(*y)))
    ends: list[tuple[float, float, str]] = []
    for power, text in ((-2, "1 %"), (-1, "10 %"), (0, "100 %")):
        start, end = max(x[0], y[0] - power), min(x[1], y[1] - power)
        if start < end:
            svg.line(frame.x(start), frame.y(start + power), frame.x(end), frame.y(end + power), "reference")
            ends.append((frame.x(end) - 4, frame.y(end + power) + 14, text))
    svg.dots([(frame.x(a), frame.y(max(b, y[0]))) for a, b in pairs], "cloud-dots s0")
    for place_x, place_y, text in ends:
        svg.label(place_x, place_y, text, "mark-name", anchor="end")
    return svg.render()


def scatter_chart(scatter: Scatter, coverage: Coverage | None = None) -> str:
    """Actual over predicted values of a sample of rows; on the diagonal they agree, most lie inside the band."""
    inside = "" if coverage is None else f" {percent(coverage.share)} of all rows lie inside the band."
    svg = Svg(_WIDTH, _HEIGHT, "Predicted and actual", f"{len(scatter.actual)} rows of the holdout.{inside}")
    values = [value for value in (*scatter.predicted, *scatter.actual) if math.isfinite(value)]
    if not values:
        return svg.render()
    span = (min(values), max(values))
    frame = Frame.draw(svg, span, span, ("predicted", "actual"))
    if coverage is not None:
        _band(frame, coverage, span)
    svg.line(frame.x(span[0]), frame.y(span[0]), frame.x(span[1]), frame.y(span[1]), "reference")
    svg.dots(frame.points(scatter.predicted, scatter.actual), "cloud-dots s0")
    return svg.render()


def _band(frame: Frame, coverage: Coverage, span: tuple[float, float]) -> None:
    """The interval as a band that widens in steps, cut off at the edges of the picture."""
    interval = coverage.interval
    edges = [span[0], *(edge for edge in interval.edges if span[0] < edge < span[1]), span[1]]
    below = sum(edge <= span[0] for edge in interval.edges)
    upper, lower = [], []
    for place, (start, end) in enumerate(pairwise(edges)):
        for x in (start, end):
            upper.append((frame.x(x), frame.y(min(max(x + interval.high[below + place], span[0]), span[1]))))
            lower.append((frame.x(x), frame.y(min(max(x + interval.low[below + place], span[0]), span[1]))))
    frame.svg.area(upper, lower, "band")
