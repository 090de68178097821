"""From `fit` to HTTP with nothing faked: the bundle on disk answers as the model in memory does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.model import Model
from automl_runtime.inference.model import FittedModel
from automl_runtime.monitoring.reference import Reference, psi_of, sketch
from automl_runtime.registry.bundle import Bundle, open_bundle, write_bundle
from automl_runtime.serving.app import create_app
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from starlette.testclient import TestClient

SCHEMA = InputSchema(
    columns=[
        InputColumn(
            name="price",
            type="number",
            plan=ColumnPlan(column="price", type="number", unit="$", thousands=","),
            required=True,
            example=1234.5,
        ),
        InputColumn(name="shop", type="category", plan=ColumnPlan(column="shop", type="category"), example="Bergen"),
        InputColumn(
            name="sold on",
            type="date",
            plan=ColumnPlan(column="sold on", type="date", date_formats=["%d.%m.%Y"]),
            example="2021-12-31",
        ),
    ]
)


def sales() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    price = draw.gamma(2, 400, 300).round(2)
    return pd.DataFrame(
        {
            "price": price,
            "shop": pd.Series(draw.choice(["Bergen", "Lyon"], 300), dtype="str"),
            "sold on": (pd.Timestamp("2021-01-01") + pd.to_timedelta(draw.integers(0, 365, 300), unit="D")).astype(
                "datetime64[us]"
            ),
            "returned": np.where(price + draw.normal(0, 150, 300) > 900, "yes", "no"),
        }
    )


def features(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(month=rows["sold on"].dt.month).drop(columns="sold on")


@pytest.fixture(scope="module")
def model() -> Model:
    rows = sales()
    return fit(features(rows).drop(columns="returned"), rows["returned"], positive="yes", trials=1, folds=2)


@pytest.fixture
def bundle(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.setenv("AUTOML_SIGNING_KEY", str(tmp_path / "signing.key"))
    reference = sketch(sales(), SCHEMA).model_dump(mode="json")
    folder = tmp_path / "models" / "v001"
    write_bundle(model, SCHEMA, folder, version="v001", target="returned", created="2025", reference=reference)
    return open_bundle(folder)


@pytest.fixture
def client(bundle: Bundle) -> Iterator[TestClient]:
    assert not any(psi_of(Reference.model_validate(bundle.reference), sales()).values())
    with TestClient(create_app(bundle, features)) as client:
        yield client


def test_raw_and_clean_values_get_the_answer_of_the_model(client: TestClient, model: Model) -> None:
    raw = {"price": "$1,234.50", "shop": " Bergen ", "sold on": "31.12.2021"}
    clean = {"price": 1234.5, "shop": "Bergen", "sold on": "2021-12-31"}
    answers = client.post("/predict", json={"rows": [raw, clean]}).json()["predictions"]
    assert answers[0] == answers[1]
    rows = pd.DataFrame(
        {"price": [1234.5], "shop": ["Bergen"], "sold on": pd.to_datetime(["2021-12-31"]).astype("datetime64[us]")}
    )
    expected = model.predict_proba(features(rows)).iloc[0].to_dict()
    assert answers[0]["probabilities"] == pytest.approx(expected)
    assert answers[0]["label"] == model.predict(features(rows)).iloc[0]
    assert answers[0]["threshold"] == model.threshold


def test_unseen_and_missing_values_are_answered(client: TestClient) -> None:
    rows = [{"price": 10, "shop": "Narvik"}, {"price": None}, {"price": -1e300, "shop": "", "sold on": None}]
    answers = client.post("/predict", json={"rows": rows}).json()["predictions"]
    assert [sum(answer["probabilities"].values()) for answer in answers] == pytest.approx([1.0] * 3)


def test_a_missing_required_column_is_named(client: TestClient) -> None:
    answer = client.post("/predict", json={"rows": [{"price": 3}, {"shop": "Lyon"}]})
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert (problem["row"], problem["column"]) == (1, "price")


def test_reasons_are_given_when_asked_for(client: TestClient, model: Model) -> None:
    row = {"price": 2500, "shop": "Lyon", "sold on": "2021-12-31"}
    plain, explained = client.post("/predict", json=row), client.post("/predict?explain=true", json=row)
    first = explained.json()["reasons"][0]
    assert plain.json() | {"reasons": explained.json()["reasons"]} == explained.json()
    assert (first["column"], first["value"]) == ("price", "2,500")
    assert first["contribution"] > 0.1
    assert first["words"].startswith("price = 2,500: raises the probability of yes by ")
    [many] = client.post("/predict?explain=true", json={"rows": [row]}).json()["predictions"]
    assert many["reasons"] == explained.json()["reasons"]


def test_reasons_of_too_many_rows_are_refused(client: TestClient) -> None:
    rows = {"rows": [{"price": 1}] * 101}
    assert client.post("/predict", json=rows).status_code == 200
    refused = client.post("/predict?explain=true", json=rows)
    assert refused.status_code == 413
    assert "at most 100 are explained at once. Send it in parts." in refused.json()["detail"][0]["message"]


def test_a_parameter_that_cannot_be_read_is_refused_like_everything_else(client: TestClient) -> None:
    refused = client.post("/predict?explain=perhaps", json={"price": 1})
    [problem] = refused.json()["detail"]
    assert (refused.status_code, problem["value"]) == (422, "perhaps")
    assert "'explain'" in problem["message"]


def test_openapi_tells_of_reasons(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    parameters = document["paths"]["/predict"]["post"]["parameters"]
    assert [(told["name"], told["in"], told["required"]) for told in parameters] == [
        ("explain", "query", False),
        ("x-priority", "header", False),
        ("x-timeout-ms", "header", False),
    ]
    assert set(document["components"]["schemas"]["ReasonModel"]["properties"]) == {
        "column",
        "value",
        "contribution",
        "words",
    }


def test_a_model_without_rows_to_compare_with_says_so(bundle: Bundle) -> None:
    known = bundle.model
    blind = replace(bundle, model=FittedModel(known.info, known.encoder, known.designs, known.members))
    with TestClient(create_app(blind, features)) as client:
        refused = client.post("/predict?explain=1", json={"price": 1, "shop": "Lyon", "sold on": None})
    assert refused.status_code == 422
    assert "holds no rows to compare with" in refused.json()["detail"][0]["message"]
