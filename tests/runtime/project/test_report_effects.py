"""What the report says of drivers, drift, leaks, and in its opening."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from automl_runtime.engine.effects import Dependence, Effect, Effects
from automl_runtime.project.report import ReportData, render_report
from automl_runtime.project.report_effects import dependence_charts, effects_chart

MakeReport = Callable[..., ReportData]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def part(html: str, name: str) -> str:
    return text_of(html[html.index(f'<section id="{name}"') :].split("</section>")[0])


def test_the_opening_tells_what_a_reader_must_know(make_report: MakeReport) -> None:
    short = part(render_report(make_report()), "short")
    assert "Of the rows that it calls yes , " in short
    assert "Yes: cross-validation on the training rows had promised ROC AUC" in short
    assert "Mostly age_years , site and load , of 3 columns that it uses." in short
    assert "Where site is Gdańsk (181 rows): ROC AUC 0.7100 instead of" in short
    assert "1 taken out, for they are known only with the outcome: machines.stop_code ." in short
    assert "2 of 3 columns look different in the holdout: load , age_years ." in short


def test_the_opening_of_a_regression_speaks_of_errors(make_report: MakeReport) -> None:
    short = part(render_report(make_report("regression")), "short")
    assert re.search(r"Half of the predictions are off by less than 0\.\d+ , nine of ten by less than 1\.\d+", short)
    assert "The 90 % interval held for 91.0 % of the rows." in short


def test_the_opening_of_classes_compares_with_the_most_frequent(make_report: MakeReport) -> None:
    short = part(render_report(make_report("multiclass")), "short")
    assert "of the rows get the right class; always saying running well would be right for 37.9 %." in short


def test_a_holdout_that_falls_short_of_cross_validation_is_called_worse(make_report: MakeReport) -> None:
    data = make_report()
    short = part(render_report(replace(data, metrics=data.metrics.model_copy(update={"cv": 0.95}))), "short")
    assert "No , it is worse : cross-validation" in short.replace(" :", " :").replace("worse:", "worse :")


def test_drift_and_leaks_stand_with_their_evidence(make_report: MakeReport) -> None:
    html = render_report(make_report())
    assert "load far off 0.31 0.05 7.0 % → 20.0 %" in part(html, "data")
    assert "Columns that have not moved 1" in part(html, "data")
    court = part(html, "dropped")
    assert "Leak court" in court
    assert "machines.stop_code leak filled only when broke is yes (alone AUC 1.00)" in court
    innocent = render_report(make_report(dropped=make_report().dropped[:1]))
    assert "No column was found guilty." in part(innocent, "dropped")


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_the_same_data_give_the_same_page(make_report: MakeReport, task: str) -> None:
    assert render_report(make_report(task)) == render_report(make_report(task))


LONG = "orders.amount.the_mean_of_the_last_thirty_days_before_the_moment_of_prediction"
ODD = [
    Effects(0, [], [], []),
    Effects(1, ["yes"], [Effect(LONG, [0.2], [0.2], [None])], []),
    Effects(2, [], [Effect("a", [1e9], [1e9, -1e9], [0.0, 1.0])], [Dependence("a", "number", [0.0, 1e9], [[5, 5]], [5, 5], [5, 5], [0, 0])]),
    Effects(9, list("abcdefghi"), [Effect("a", [0.1] * 9)], [Dependence(LONG, "category", [LONG, "<b>"], [[0, 1]] * 9, [], [], [1, 0])]),
]  # fmt: skip


@pytest.mark.parametrize("effects", ODD)
def test_odd_effects_still_make_sound_pictures(effects: Effects) -> None:
    for svg in [effects_chart(effects, what=LONG), *dependence_charts(effects, what=LONG).values()]:
        ElementTree.fromstring(svg)
        assert not any(word in svg for word in ('="nan', '="inf', "<b>", "Mnan"))


def test_a_long_name_does_not_push_the_picture_away() -> None:
    svg = effects_chart(ODD[1], what="the probability of yes")
    assert "orders.amou…f_prediction" in svg
    assert LONG not in re.sub(r'aria-label="[^"]*"', "", svg)
