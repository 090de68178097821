"""The pictures of a forecast in the report: every series, its interval, and names that want to be markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from automl_runtime.engine.forecasting.evaluation import ForecastView, SeriesView, StepError
from automl_runtime.project.model_card import render_model_card
from automl_runtime.project.report import render_report
from automl_runtime.project.report_forecast import error_chart, forecast_charts, series_chart

HOSTILE = 'barn = <img src=x onerror="alert(1)">'


def view_of(name="barn = East", steps=4):
    series = SeriesView(
        name=name,
        past=[("2024-01-01T00:00:00", 3.0), ("2024-01-02T00:00:00", 5.0)],
        moments=[f"2024-01-0{3 + step}T00:00:00" for step in range(steps)],
        actual=[4.0, None, 6.0, 5.0][:steps],
        predicted=[4.5] * steps,
        low=[3.0] * steps,
        high=[6.0] * steps,
    )
    errors = [StepError(first=step, last=step, rows=1, error=float(step), naive=2.0) for step in range(1, steps + 1)]
    return ForecastView(steps, "day", 0.8, 0.75, {"naive_1": 2.5, "naive_7": 3.0}, errors, [series], {"level": 0.4})


@pytest.fixture
def data(make_report):
    return replace(make_report("regression"), forecast=view_of())


def test_what_happened_is_drawn_only_where_it_is_known():
    svg = series_chart(view_of().series[0])
    assert len(re.findall(r'<circle class="dot s1"[^/]*><title>', svg)) == 3
    assert "2024-01-05T00:00:00: 6.000" in svg
    assert svg.count('class="band"') == 2


def test_names_of_series_are_escaped():
    assert "<img" not in series_chart(view_of(HOSTILE).series[0])


def test_the_error_grows_with_the_steps():
    svg = error_chart(view_of())
    assert "From 1.000 to 4.000" in svg
    assert "steps 4 to 4: 4.000 (naive 2.000)" in svg


def test_one_step_has_no_error_over_steps():
    assert set(forecast_charts(view_of(steps=1))) == {"forecast_1"}


def test_the_report_sets_the_model_against_naive_forecasts(data):
    html = render_report(data)
    assert "naive: 7 steps before" in html
    assert "naive: the last day" in html
    assert "75.0 % lie in the interval, which is made to hold 80.0 %" in html
    assert html.index('id="forecast"') < html.index('id="quality"')


def test_the_card_says_what_must_be_known_ahead(data):
    card = render_model_card(data)
    assert "Looks 4 steps ahead; what must be known of them: nothing but the calendar." in card
    assert "75.0 % of its values lie in the interval that shall hold 80.0 %" in card


def test_other_reports_have_no_such_part(make_report):
    assert 'id="forecast"' not in render_report(make_report("regression"))
