from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from automl_runtime.engine.evaluation import Coverage, Curve, Histogram, Scatter
from automl_runtime.inference.intervals import Interval
from automl_runtime.project import report_charts as charts
from automl_runtime.project import report_errors as errors
from automl_runtime.project.report_data import TrialPoint, threshold_table
from automl_runtime.project.report_svg import Scale, log_marks, ticks
from automl_schemas.metrics import GoalResult


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3, 22, [0, 5, 10, 15, 20]),
        (0.812, 0.819, [0.812, 0.814, 0.816, 0.818]),
        (5, 5, [5]),
        (0, math.inf, [0]),
    ],
)
def test_ticks_are_round_numbers_within_the_range(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_a_scale_without_width_maps_to_the_middle() -> None:
    assert Scale(2, 2, 0, 100)(2) == 50
    assert Scale(0, 10, 100, 0)(2.5) == 75


@pytest.mark.parametrize(
    "svg",
    [
        charts.roc_chart([], None),
        charts.roc_chart([Curve("a", [0, math.nan, 1], [0, 0.5, 1], None)], (0.9, 0.9)),
        charts.calibration_chart([Curve("a", [0.5], [0.5])]),
        charts.residual_chart(Histogram([], [])),
        charts.residual_chart(Histogram([1.0, 2.0], [0])),
        errors.scatter_chart(Scatter([], [])),
        errors.scatter_chart(Scatter([1.0], [1.0])),
        errors.scatter_chart(Scatter([1.0, 3.0], [1.0, 2.0]), Coverage(Interval(0.9, (2.0,), (-9, -1), (1, 9)), 1, 6)),
        errors.scatter_chart(Scatter([5.0, 5.0], [5.0, 5.0]), Coverage(Interval(0.9, (), (-1,), (1,)), 1, 2)),
        errors.error_cdf_chart([0.0] * 101),
        errors.error_cdf_chart(np.linspace(0, 1e12, 101).tolist()),
        errors.error_loglog_chart(Scatter([1e-9 * 2**k for k in range(60)], [3.0**k for k in range(60)])) or "",
        charts.importance_chart({}),
        charts.importance_chart({"a": -0.1, "b": 0.0}),
        charts.search_chart([], higher_is_better=True, name="F1"),
        charts.search_chart([TrialPoint(0.0, "m", 0.5)], higher_is_better=False, name="RMSE"),
        charts.search_chart(
            [TrialPoint(1.0, "m", None), TrialPoint(2.0, "m", math.nan)], higher_is_better=True, name="F1"
        ),
        charts.interval_chart(math.nan, (math.nan, math.nan), None),
        charts.interval_chart(0.5, (0.5, 0.5), GoalResult(op="<", value=0.5, met=False)),
        charts.interval_chart(1.0, (0.99, 1.0), GoalResult(op=">", value=0.1, met=True)),
        charts.sparkline([], "nothing"),
        charts.sparkline([0, 0], "zeros"),
    ],
)
def test_odd_numbers_still_make_a_sound_picture(svg: str) -> None:
    ElementTree.fromstring(svg)
    assert not any(word in svg for word in ('="nan', '="inf', '="-inf'))


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-1, 1, ["0.1", "0.2", "0.5", "1", "2", "5", "10"]),
        (2, 6, ["100", "1,000", "10,000", "100,000", "1e+06"]),
        (-9, 12, ["1e-09", "1e-05", "0.1", "1,000", "1e+07", "1e+11"]),
    ],
)
def test_logarithmic_axes_have_few_round_labels(low: float, high: float, labels: list[str]) -> None:
    assert [text for _, text in log_marks(low, high)] == labels


def test_errors_without_a_size_are_not_drawn_on_logarithmic_scales() -> None:
    assert errors.error_loglog_chart(Scatter([1.0] * 50, [0.0] * 50)) is None
    assert errors.error_loglog_chart(Scatter([2.0] * 50, [2.0] * 50)) is None


def test_the_distribution_of_errors_names_half_and_nine_of_ten() -> None:
    svg = errors.error_cdf_chart(np.linspace(0, 200, 101).tolist())
    assert "half: 100" in svg
    assert "nine of ten: 180" in svg


def test_the_threshold_table_counts_as_the_model_decides() -> None:
    actual = np.array([True, True, False, False])
    rows = threshold_table(actual, np.array([0.9, 0.35, 0.35, 0.1]), 0.35)
    assert [row.threshold for row in rows] == [0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    [chosen] = [row for row in rows if row.chosen]
    assert (chosen.flagged, chosen.precision, chosen.recall, chosen.f1) == (3, 2 / 3, 1.0, 0.8)


def test_the_threshold_table_does_not_divide_by_zero() -> None:
    [row] = threshold_table(np.array([False]), np.array([0.2]), None, steps=[0.5])
    assert (row.flagged, row.precision, row.recall, row.f1) == (0, None, None, 0.0)
