"""The service of clusters and of anomalies, with models that were fitted."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.app import create_app
from automl_schemas.bundle import BundleManifest, InputSchema
from fastapi.testclient import TestClient
from runtime.serving.conftest import column

SCHEMA = InputSchema(columns=[column("width", "number", 1.0), column("shade", "category", "red")])


def leaves(rows=200):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, rows)
    return pd.DataFrame({"width": kind * 20.0 + rng.normal(size=rows), "shade": np.array(["red", "blue"])[kind]})


@pytest.fixture(scope="module", params=["clustering", "anomaly"])
def client(request, tmp_path_factory):
    wishes = {"contamination": 0.05} if request.param == "anomaly" else {}
    model = fit(leaves(), task=request.param, trials=3, **wishes)
    manifest = BundleManifest(
        model_version="v003", created="", task=model.task, metric=model.metric, target="", features=model.features,
        runtime_version="0", files=[],
    )  # fmt: skip
    bundle = Bundle(tmp_path_factory.mktemp("b"), manifest, SCHEMA, {}, model)
    with TestClient(create_app(bundle), raise_server_exceptions=False) as opened:
        opened.task, opened.model = request.param, model
        yield opened


def test_rows_are_answered_as_the_model_does(client):
    rows = leaves().tail(20)
    found = client.post("/predict", json={"rows": rows.to_dict(orient="records")}).json()["predictions"]
    if client.task == "clustering":
        assert [answer["cluster"] for answer in found] == client.model.predict(rows).tolist()
    else:
        assert [answer["anomaly"] for answer in found] == client.model.predict(rows).tolist()
        assert [answer["score"] for answer in found] == client.model.score_samples(rows).tolist()


def test_reasons_come_when_asked_and_of_strange_rows_always(client):
    row = {"width": 900.0, "shade": "blue"}
    usual = client.post("/predict", json=row).json()
    asked = client.post("/predict?explain=true", json=row).json()
    assert ("reasons" in usual) == (client.task == "anomaly")
    assert asked["reasons"][0]["column"] == "width"
    assert 1 <= len(asked["reasons"]) <= 3


def test_a_bad_cell_is_refused(client):
    answer = client.post("/predict", json={"width": "wide", "shade": "red"})
    assert (answer.status_code, answer.json()["detail"][0]["column"]) == (422, "width")


def test_openapi_describes_what_is_answered(client):
    document = json.loads(client.get("/openapi.json").text)
    answer = document["components"]["schemas"]["Answer"]
    got = client.post("/predict?explain=true", json={"width": 900.0, "shade": "red"}).json()
    assert set(got) <= set(answer["properties"])
    assert set(answer["required"]) <= set(got)
    assert "None" not in document["info"]["title"]
