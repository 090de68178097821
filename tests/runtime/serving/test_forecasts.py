"""The service of a forecast: steps, series, what is known ahead, what happened since, and bad requests."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.registry.bundle import open_bundle, write_bundle
from automl_runtime.registry.signing import private_key
from automl_runtime.serving.app import create_app
from automl_runtime.serving.forecasts import ForecastScorer
from automl_runtime.serving.scorer import Limits
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from fastapi.testclient import TestClient

SCHEMA = InputSchema(
    columns=[
        InputColumn(name="day", type="date", plan=ColumnPlan(column="day", type="date", date_formats=["%Y-%m-%d", "%d.%m.%Y"]), required=True, example="2024-02-01"),
        InputColumn(name="barn", type="category", plan=ColumnPlan(column="barn", type="category"), required=True, categories=["East", "West"], example="East"),
        InputColumn(name="fair", type="boolean", plan=ColumnPlan(column="fair", type="boolean", true_values=["yes"], false_values=["no"]), required=True, example=False),
        InputColumn(name="milk", type="integer", plan=ColumnPlan(column="milk", type="integer", thousands=","), example=120),
    ]
)  # fmt: skip


def herd(known):
    rng = np.random.default_rng(0)
    day = pd.date_range("2024-01-01", periods=120)
    parts = []
    for barn, litres in (("East", 100), ("West", 300)):
        fair = rng.random(120) < 0.2
        milk = litres * (1 - 0.3 * fair * known) + rng.normal(scale=3, size=120)
        parts.append(pd.DataFrame({"day": day, "barn": barn, "fair": fair, "milk": milk.round()}))
    return pd.concat(parts, ignore_index=True)


def bundle_of(folder, known):
    ahead = ["fair"] if known else []
    model = fit(
        herd(known), "milk", task="forecast", time="day", horizon=7, series=["barn"], known_ahead=ahead, trials=1
    )
    schema = SCHEMA if known else InputSchema(columns=[c for c in SCHEMA.columns if c.name != "fair"])
    write_bundle(model, schema, folder / "v001", version="v001", target="milk", created="2024-05-01T00:00:00+00:00")
    private_key()
    return open_bundle(folder / "v001")


@pytest.fixture(scope="module", params=[True, False], ids=["known ahead", "calendar only"])
def bundle(request, tmp_path_factory):
    return bundle_of(tmp_path_factory.mktemp("models"), request.param)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return bundle_of(tmp_path_factory.mktemp("told"), True)


@pytest.fixture
def ask(told):
    with TestClient(create_app(told), raise_server_exceptions=False) as client:
        yield lambda body, path="/forecast": client.post(path, content=json.dumps(body))


def future(*days, barn="East", fair="no"):
    return [{"day": day, "barn": barn, "fair": fair} for day in days]


def test_the_example_of_the_service_is_answered(bundle):
    scorer = ForecastScorer(bundle, None, Limits())
    request = scorer.example(steps=3)
    answer = scorer.forecast(request)
    assert [step["day"] for step in answer["forecast"]] == ["2024-04-30", "2024-05-01", "2024-05-02"]
    assert {step["barn"] for step in answer["forecast"]} == {"East"}
    assert all(step["low"] <= step["milk"] <= step["high"] for step in answer["forecast"])
    assert (answer["interval"], answer["model_version"]) == (0.8, "v001")


def test_an_empty_body_asks_for_everything_when_nothing_must_be_told(bundle):
    with TestClient(create_app(bundle)) as client:
        answer = client.post("/forecast")
    if "fair" in bundle.model.features:
        assert answer.status_code == 422
        assert "known ahead of the next steps: fair" in answer.json()["detail"][0]["message"]
    else:
        assert len(answer.json()["forecast"]) == 14


def test_rows_ahead_say_how_far_and_which_series(ask):
    answer = ask({"future": future("2024-04-30", "01.05.2024", barn="west")}).json()["forecast"]
    assert [(step["barn"], step["day"]) for step in answer] == [("West", "2024-04-30"), ("West", "2024-05-01")]
    fair = ask({"future": future("2024-04-30", barn="West", fair="yes")}).json()["forecast"][0]
    assert fair["milk"] < 0.85 * answer[0]["milk"]


def test_the_forecast_starts_after_what_happened_since(ask):
    happened = [
        {"day": "2024-04-30", "barn": "East", "milk": "1,101"},
        {"day": "2024-05-01", "barn": "East", "milk": 99.5},
    ]
    answer = ask({"history": happened, "future": future("2024-05-02")})
    assert [step["day"] for step in answer.json()["forecast"]] == ["2024-05-02"]


def test_one_request_does_not_change_the_next(ask):
    plain = {"future": future("2024-04-30")}
    first = ask(plain).json()
    ask({"history": [{"day": "2024-04-30", "barn": "East", "milk": 9}], "future": future("2024-05-01")})
    assert ask(plain).json() == first


@pytest.mark.parametrize(
    ("body", "column", "words"),
    [
        ({"horizon": 8}, None, "1 to 7 steps"),
        ({"horizon": 0}, None, "1 to 7 steps"),
        ({"horizon": True}, "horizon", "whole number"),
        ({"horizon": 2.5}, "horizon", "whole number"),
        ({"horizons": 2}, "horizons", "Did you mean 'horizon'"),
        ({"series": [{"barn": "North"}]}, None, "North"),
        ({"series": "East"}, "series", "list of objects"),
        ({"future": []}, "future", "list of objects"),
        ({"future": [{"day": "soon", "barn": "East", "fair": "no"}]}, "day", "'soon' is not a date"),
        ({"future": [{"barn": "East", "fair": "no"}]}, "day", "left out"),
        ({"future": [{"day": None, "barn": "East", "fair": "no"}]}, "day", "null"),
        ({"future": future("2024-05-01")}, None, "no row for 2024-04-30"),
        ({"future": [{"day": "2024-04-30", "barn": "East", "fiar": "no"}]}, "fiar", "Did you mean 'fair'"),
        ({"history": [{"day": "2024-04-30", "barn": "East", "milk": "much"}]}, "milk", "much"),
        ({"history": [{"day": "2999-01-01", "barn": "East", "milk": 1}]}, None, "2999"),
        ([1], None, "list"),
    ],
)
def test_a_bad_request_is_refused_with_its_place(ask, body, column, words):
    answer = ask(body)
    assert answer.status_code == 422
    problem = answer.json()["detail"][0]
    assert problem["column"] == column
    assert words in problem["message"]


def test_too_many_rows_are_refused(told):
    with TestClient(create_app(told, limits=Limits(rows=2))) as client:
        answer = client.post("/forecast", json={"future": future("2024-04-30", "2024-05-01", "2024-05-02")})
    assert answer.status_code == 413


def test_single_rows_are_pointed_to_the_forecast(ask):
    answer = ask({"barn": "East"}, path="/predict")
    assert answer.status_code == 404
    assert answer.json()["detail"][0]["allowed"] == "POST /forecast"


def test_the_document_describes_what_is_taken_and_given(bundle):
    document = create_app(bundle).openapi()
    body = document["paths"]["/forecast"]["post"]["requestBody"]["content"]["application/json"]
    assert set(body["schema"]["properties"]) == {"horizon", "series", "future", "history"}
    schemas = document["components"]["schemas"]
    assert set(schemas["Step"]["properties"]) == {"barn", "day", "milk", "low", "high"}
    assert ("fair" in schemas["FutureRow"]["properties"]) == ("fair" in bundle.model.features)
    assert set(schemas["HistoryRow"]["required"]) == {"day", "barn", "milk"}
    example = body["examples"]["next steps"]["value"]
    assert ForecastScorer(bundle, None, Limits()).forecast(example)["forecast"]


def test_steps_and_refusals_are_counted(ask, told):
    with TestClient(create_app(told)) as client:
        client.post("/forecast", json={"future": future("2024-04-30", "2024-05-01")})
        client.post("/predict", json={})
        text = client.get("/metrics").text
    assert 'automl_requests_total{path="/forecast",status="200"} 1.0' in text
    assert 'automl_requests_total{path="/predict",status="404"} 1.0' in text


def test_own_features_make_what_is_told_of_the_moments(tmp_path):
    rows = herd(known=False)
    payday = rows.assign(payday=rows["day"].dt.day == 28)
    model = fit(
        payday, "milk", task="forecast", time="day", horizon=7, series=["barn"], known_ahead=["payday"], trials=1
    )
    schema = InputSchema(columns=[column for column in SCHEMA.columns if column.name != "fair"])
    write_bundle(model, schema, tmp_path / "v1", version="v1", target="milk", created="2024-05-01T00:00:00+00:00")
    scorer = ForecastScorer(
        open_bundle(tmp_path / "v1"), lambda rows: rows.assign(payday=rows["day"].dt.day == 28), Limits()
    )
    assert len(scorer.forecast({"horizon": 2})["forecast"]) == 4
