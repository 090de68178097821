"""From `fit` to HTTP with nothing faked: the bundle on disk answers as the model in memory does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.model import Model
from automl_runtime.monitoring.reference import Reference, psi_of, sketch
from automl_runtime.registry.bundle import open_bundle, write_bundle
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
def client(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("AUTOML_SIGNING_KEY", str(tmp_path / "signing.key"))
    reference = sketch(sales(), SCHEMA).model_dump(mode="json")
    folder = tmp_path / "models" / "v001"
    write_bundle(model, SCHEMA, folder, version="v001", target="returned", created="2025", reference=reference)
    bundle = open_bundle(folder)
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
