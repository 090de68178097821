"""The parts of the report on clusters and strange rows; names and cells that want to be markup."""

from __future__ import annotations

from dataclasses import replace

import pytest
from automl_runtime.engine.anomaly.evaluation import AnomalyView, StrangeRow
from automl_runtime.engine.clustering.evaluation import ClusterView
from automl_runtime.engine.clustering.profiles import ClusterProfile, Trait
from automl_runtime.engine.evaluation import Histogram
from automl_runtime.inference.explaining import Reason
from automl_runtime.project.model_card import render_model_card
from automl_runtime.project.report import render_report
from automl_runtime.project.unlabelled import without_personal_traits

HOSTILE = '<img src=x onerror="alert(1)">'
NOTHING = float("nan")


def clusters():
    traits = (Trait("load", 0.9, f"'load' is {HOSTILE}: 90%"), Trait("age_years", 0.5, "'age_years' high"))
    profiles = [ClusterProfile(0, 60, 0.6, traits), ClusterProfile(1, 30, 0.3, ()), ClusterProfile(-1, 10, 0.1, ())]
    places = [(0.0, 1.0), (1.0, -1.0), (0.5, 0.2), (2.0, 2.0)]
    return ClusterView(profiles, {0: 0.5, 1: 0.5}, places, [0, 0, 1, -1], 0.8)


def anomalies():
    reason = Reason("load", HOSTILE, 0.7, f"load = {HOSTILE}; usual: 1 to 2")
    strange = [StrangeRow(3, 0.99, [reason], f"machine = {HOSTILE}"), StrangeRow(1, 0.5, [], "machine = 1")]
    return AnomalyView(0.9, 0.02, 0.04, Histogram([0.0, 0.5, 1.0], [7, 3]), strange)


@pytest.fixture
def of_clusters(make_report):
    return replace(make_report("regression"), clusters=clusters())


@pytest.fixture
def of_anomalies(make_report):
    data = make_report("regression")
    metrics = data.metrics.model_copy(update={"holdout": NOTHING, "holdout_ci": (NOTHING, NOTHING), "flagged": 0.04})
    return replace(data, metrics=metrics, anomalies=anomalies(), evaluation=replace(data.evaluation, scores={}))


def test_every_row_is_drawn_in_the_colour_of_its_cluster(of_clusters):
    page = render_report(of_clusters)
    assert [page.count(f'class="dot cloud s{index}"') for index in range(3)] == [2, 1, 1]
    assert "in no cluster" in page


def test_cells_of_the_data_are_escaped(of_clusters, of_anomalies):
    for page in (render_report(of_clusters), render_report(of_anomalies)):
        assert "<img" not in page
        assert "&lt;img" in page
    assert "<img" not in render_model_card(of_clusters)


def test_traits_of_personal_columns_are_left_out():
    shown = without_personal_traits(clusters(), {"load"})
    assert [trait.column for trait in shown.profiles[0].traits] == ["age_years"]


def test_where_no_score_is_claimed_none_is_shown(of_anomalies):
    page, card = render_report(of_anomalies), render_model_card(of_anomalies)
    assert "strange among" in page
    assert "nan" not in page.casefold().replace("nano", "").split("<main>")[0].rpartition("</style>")[2]
    assert "No score is claimed; 4.0 % of" in card
    assert "Scores above 0.9000 count as strange: 2.0 % of the training rows, 4.0 % of the holdout." in card


def test_the_strange_rows_are_told_from_the_others(of_anomalies):
    page = render_report(of_anomalies)
    assert page.count("<td>yes</td>") == 1
    assert page.count("<td>no</td>") == 1
