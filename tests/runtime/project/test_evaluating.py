"""What the report is made from shows no value of a personal column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from automl_runtime.engine.evaluation import Slice
from automl_runtime.project.evaluating import without_personal_slices, without_personal_values
from automl_runtime.project.report import ReportData, render_report

MakeReport = Callable[..., ReportData]


def test_values_of_personal_columns_are_not_shown(make_report: MakeReport) -> None:
    data = make_report()
    assert data.effects is not None
    slices = [Slice("site = Gdańsk", 90, 0.6, "site"), Slice("load is missing", 80, 0.7, "load")]
    evaluation = without_personal_slices(replace(data.evaluation, worst_slices=slices), {"site"})
    effects = without_personal_values(data.effects, {"site"})
    assert [each.column for each in evaluation.worst_slices] == ["load"]
    assert [each.feature for each in effects.dependences] == ["age_years"]
    drivers = render_report(replace(data, evaluation=evaluation, effects=effects)).split('id="drivers"')[1]
    assert "Turin" not in drivers.split("</section>")[0]
