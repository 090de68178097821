"""The part of the report on anomalies in time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from automl_runtime.engine.anomaly.evaluation import AnomalyView
from automl_runtime.engine.anomaly.stretches import Stretch, WatchedSeries
from automl_runtime.engine.evaluation import Histogram
from automl_runtime.project.report import render_report
from automl_runtime.project.report_stretches import stretch_charts, watched_chart

HOSTILE = '<img src=x onerror="alert(1)">'


def hours(strange, values=None, key=("hall = A",)):
    moments = [f"2024-01-01 {hour:02d}:00:00" for hour in range(len(strange))]
    return WatchedSeries(key, "load", moments, values or [float(hour) for hour in range(len(strange))], strange)


@pytest.mark.parametrize(
    ("strange", "shaded"),
    [
        ([False] * 10, 0),
        ([False, True, True, False, True] + [False] * 5, 1),
        ([True] + [False] * 8 + [True], 2),
        ([True] * 10, 1),
    ],
)
def test_strange_rows_near_each_other_are_one_shaded_stretch(strange, shaded):
    chart = watched_chart(hours(strange))
    assert (chart.count('class="odd"'), chart.count('class="dot s1"')) == (shaded, sum(strange))


@pytest.mark.parametrize("values", [[float("nan")] * 4, [5.0] * 4, [1.0, float("nan"), 3.0, 2.0]])
def test_numbers_that_are_missing_or_all_alike_are_drawn(values):
    chart = watched_chart(hours([False, True, False, True], values))
    assert "nan" not in chart.lower()
    assert chart.count('class="dot s1"') == sum(value == value for value in (values[1], values[3]))


def test_one_moment_is_a_picture_too():
    assert 'class="odd"' in watched_chart(hours([True]))


def test_series_and_stretches_stand_in_the_report_as_text(make_report):
    stretches = [Stretch((f"hall = {HOSTILE}",), "2024-01-01 02:00:00", "2024-01-01 04:00:00", 3, 0.99)]
    series = [hours([False, True, True, False], key=(f"hall = {HOSTILE}",))]
    view = AnomalyView(0.9, 0.02, 0.04, Histogram([0.0, 1.0], [4]), [], stretches, series)
    page = render_report(replace(make_report("regression"), anomalies=view))
    assert "Strange stretches" in page
    assert "2024-01-01 04:00:00" in page
    assert "<img" not in page
    assert list(stretch_charts(view)) == ["stretches_1"]


def test_rows_that_are_no_series_have_no_such_part(make_report):
    view = AnomalyView(0.9, 0.02, 0.04, Histogram([0.0, 1.0], [4]), [])
    assert "Strange stretches" not in render_report(replace(make_report("regression"), anomalies=view))
