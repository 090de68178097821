from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from automl_runtime.engine.evaluation import Curve, Histogram, Scatter
from automl_runtime.project import report_charts as charts
from automl_runtime.project.report_data import TrialPoint, threshold_table
from automl_runtime.project.report_svg import Scale, ticks
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
        charts.scatter_chart(Scatter([], [])),
        charts.scatter_chart(Scatter([1.0], [1.0])),
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


def test_the_threshold_table_counts_as_the_model_decides() -> None:
    actual = np.array([True, True, False, False])
    rows = threshold_table(actual, np.array([0.9, 0.35, 0.35, 0.1]), 0.35)
    assert [row.threshold for row in rows] == [0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    [chosen] = [row for row in rows if row.chosen]
    assert (chosen.flagged, chosen.precision, chosen.recall, chosen.f1) == (3, 2 / 3, 1.0, 0.8)


def test_the_threshold_table_does_not_divide_by_zero() -> None:
    [row] = threshold_table(np.array([False]), np.array([0.2]), None, steps=[0.5])
    assert (row.flagged, row.precision, row.recall, row.f1) == (0, None, None, 0.0)
