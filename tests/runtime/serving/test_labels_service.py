"""The service of several labels a row, with a model that was fitted."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.monitoring.reference import sketch
from automl_runtime.monitoring.watching import DriftPolicy
from automl_runtime.registry.bundle import Bundle
from automl_runtime.registry.traffic import TrafficRule
from automl_runtime.serving.app import create_app
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.outcomes import losses_of, measure_of, read_outcomes
from automl_runtime.serving.requests import BadRequest
from automl_runtime.serving.scorer import Limits, Scorer
from automl_runtime.serving.tables import ARROW, NPY
from automl_schemas.bundle import BundleManifest, InputSchema
from fastapi.testclient import TestClient
from runtime.serving.conftest import column

SCHEMA = InputSchema(columns=[column("heat", "number", 1.0), column("damp", "number", 1.0)])
LABELS = ["hot", "wet, cold", "rare"]


def weather(rows=160):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"heat": rng.normal(size=rows), "damp": rng.normal(size=rows)})


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    rows = weather()
    truth = pd.DataFrame({"hot": rows["heat"] > 0, "wet, cold": rows["damp"] > 0.3, "rare": rows.index == 3})
    model = fit(rows, truth.astype("int8"), task="multilabel", models=["linear"], trials=1)
    manifest = BundleManifest(
        model_version="v004", created="", task=model.task, metric=model.metric, target="labels", classes=model.classes,
        features=model.features, runtime_version="0", files=[],
    )  # fmt: skip
    return Bundle(tmp_path_factory.mktemp("b"), manifest, SCHEMA, {}, model)


@pytest.fixture
def client(bundle):
    with TestClient(create_app(bundle), raise_server_exceptions=False) as opened:
        yield opened


def test_a_row_gets_its_labels_and_the_chance_of_each(client, bundle):
    rows = weather().tail(30)
    found = client.post("/predict", json={"rows": rows.to_dict(orient="records")}).json()["predictions"]
    shares, flags = bundle.model.predict_proba(rows), bundle.model.predict(rows)
    for answer, share, flag in zip(found, shares.to_dict("records"), flags.to_dict("records"), strict=True):
        assert answer["probabilities"] == pytest.approx(share)
        assert answer["labels"] == [name for name in LABELS if flag[name]]
    assert {len(answer["labels"]) for answer in found} >= {0, 1, 2}
    assert Scorer(bundle, None, Limits()).record is not None
    one = client.post("/predict", json=rows.iloc[0].to_dict()).json()
    assert list(one) == list(found[0]) and one["labels"] == found[0]["labels"]
    assert one["probabilities"] == pytest.approx(found[0]["probabilities"], abs=1e-9)


def test_drift_tells_of_the_chance_of_each_label(bundle):
    calm = weather(2000)
    reference = sketch(calm, SCHEMA, bundle.model.predict_proba(calm)[["hot", "wet, cold"]]).model_dump(mode="json")
    watched = Bundle(bundle.folder, bundle.manifest, SCHEMA, reference, bundle.model)
    observer = Observer(DriftPolicy(rows=150, seconds=0), every=0.02)
    with TestClient(create_app(watched, observer=observer)) as client:
        for count in (150, 300):
            rows = weather(150).assign(heat=lambda table: table["heat"] + 1)
            asked = [*rows.to_dict("records")]
            assert client.post("/predict", json={"rows": asked[8:]}).status_code == 200
            for row in asked[:8]:
                assert client.post("/predict", json=row).status_code == 200
            end = time.monotonic() + 30
            while (report := client.get("/drift").json())["rows"] < count:
                assert time.monotonic() < end
                time.sleep(0.02)
    assert report["prediction"] is None
    assert [(label["column"], label["alert"]) for label in report["labels"]] == [("hot", True), ("wet, cold", False)]
    assert set(report["alert"]["columns"]) == {"heat", "prediction of hot"}


def test_reasons_speak_for_the_likeliest_label(client):
    answer = client.post("/predict?explain=true", json={"heat": 3.0, "damp": -3.0}).json()
    assert answer["labels"] == ["hot"]
    assert answer["reasons"][0]["column"] == "heat"
    assert "the probability of hot" in answer["reasons"][0]["words"]


def test_tables_hold_the_set_and_a_column_of_chances_each(client):
    rows = {"rows": [{"heat": 3.0, "damp": 3.0}, {"heat": -3.0, "damp": -3.0}]}
    names = ["labels", *(f"probability_{label}" for label in LABELS)]
    text = client.post("/predict", json=rows, headers={"Accept": "text/csv"}).text
    found = pd.read_csv(io.StringIO(text), keep_default_na=False)
    assert list(found.columns) == names
    assert found["labels"].tolist() == ["hot|wet, cold", ""]
    stream = client.post("/predict", json=rows, headers={"Accept": ARROW}).content
    assert pa.ipc.open_stream(stream).read_all().column_names == names
    matrix = np.load(io.BytesIO(client.post("/predict", json=rows, headers={"Accept": NPY}).content))
    assert matrix.shape == (2, 3)
    np.testing.assert_allclose(matrix, found[names[1:]].to_numpy())


def test_openapi_describes_what_is_answered(client):
    answer = json.loads(client.get("/openapi.json").text)["components"]["schemas"]["Answer"]
    got = client.post("/predict?explain=true", json={"heat": 1.0, "damp": 1.0}).json()
    assert set(got) <= set(answer["properties"])
    assert set(answer["required"]) <= set(got)
    assert answer["properties"]["labels"]["type"] == "array"


def test_outcomes_are_lists_of_labels(bundle):
    manifest = bundle.manifest
    rule = TrafficRule("r", "shadow", "v004", None, 1.0, None, "", "")
    said = json.dumps({"prediction_id": "p", "outcome": ["hot"]}).encode()
    assert [outcome.outcome for outcome in read_outcomes(said, rule, manifest)] == [["hot"]]
    for wrong in ("hot", ["cool"], None):
        with pytest.raises(BadRequest) as refused:
            read_outcomes(json.dumps({"prediction_id": "p", "outcome": wrong}).encode(), rule, manifest)
        assert "no list of labels; labels: hot, wet, cold, rare" in refused.value.problems[0].message
    assert measure_of(manifest) == "brier"
    loss = losses_of(manifest)({"probabilities": {"hot": 0.8, "wet, cold": 0.4, "rare": 0.0}}, ["hot"])
    assert loss == pytest.approx((0.04 + 0.16) / 3)
