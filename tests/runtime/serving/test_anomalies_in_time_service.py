"""The service of anomalies in time: what a single row means, and what a request may hold."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.data.inputs import input_schema
from automl_runtime.data.training_columns import TrainingColumn
from automl_runtime.registry.bundle import open_bundle, write_bundle
from automl_runtime.registry.signing import trust
from automl_runtime.serving.app import create_app
from automl_schemas.cleaning import ColumnPlan
from fastapi.testclient import TestClient

STEPS = 400
NEXT = pd.Timestamp("2024-01-01") + pd.Timedelta(hours=STEPS)


def vats(steps=STEPS, seed=0):
    rng = np.random.default_rng(seed)
    at = pd.date_range("2024-01-01", periods=steps, freq="h")
    wave = np.sin(2 * np.pi * np.arange(steps) / 24)
    parts = [
        pd.DataFrame({"noted": at, "vat": vat, "acidity": 5 + height * wave + rng.normal(0, 0.1, steps)})
        for vat, height in (("east", 1), ("west", 3))
    ]
    return pd.concat(parts, ignore_index=True)


def column(name, kind, role):
    plan = ColumnPlan(column=name, type=kind, date_formats=["%Y-%m-%dT%H:%M:%S"] if kind == "datetime" else [])
    return TrainingColumn(name, "vats", name, None, kind, plan, role)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vats")
    rows = vats()
    model = fit(rows, task="anomaly", time="noted", series=["vat"], trials=3)
    columns = [
        column("noted", "datetime", "time"),
        column("vat", "category", "key"),
        column("acidity", "number", "number"),
    ]
    schema = input_schema(columns, rows, "")
    manifest = write_bundle(model, schema, folder / "v001", version="v001", target="", created="2024-01-01T00:00:00")
    trust(folder / "keys", manifest.signature.public_key)
    return open_bundle(folder / "v001", folder / "keys")


@pytest.fixture(scope="module")
def service(bundle):
    with TestClient(create_app(bundle)) as client:
        client.model = bundle.model
        yield client


def row(hours, acidity, vat="east"):
    return {"noted": (NEXT + pd.Timedelta(hours=hours)).isoformat(), "vat": vat, "acidity": acidity}


def test_a_single_row_is_looked_at_beside_the_end_of_its_series(service):
    usual, odd = (
        service.post("/predict", json=row(0, value)).json() for value in (5.0 + np.sin(2 * np.pi * STEPS / 24), 5.8)
    )
    assert (usual["anomaly"], odd["anomaly"]) == (False, True)
    assert usual["past_known"] == odd["past_known"] == 1.0
    assert odd["reasons"][0]["column"].startswith("acidity")
    assert service.post("/predict", json=row(0, 5.8, "west")).json()["score"] != odd["score"]


def test_rows_of_a_request_look_back_at_each_other(service):
    rows = [row(hour, 5.0 + np.sin(2 * np.pi * (STEPS + hour) / 24)) for hour in range(30)]
    together = service.post("/predict", json={"rows": rows}).json()["predictions"]
    alone = service.post("/predict", json=rows[-1]).json()
    assert together[-1]["past_known"] == 1.0 > alone["past_known"] > 0.8
    shuffled = service.post("/predict", json={"rows": rows[::-1]}).json()["predictions"]
    assert [answer["score"] for answer in shuffled[::-1]] == pytest.approx([answer["score"] for answer in together])
    frame = pd.DataFrame(rows).assign(noted=lambda found: pd.to_datetime(found["noted"]))
    assert [answer["score"] for answer in together] == pytest.approx(service.model.score_samples(frame).tolist())


def test_a_row_far_from_what_is_kept_says_that_its_past_is_not_known(service):
    answer = service.post("/predict", json=row(5_000, 5.0)).json()
    assert answer["past_known"] == 0.0


def test_requests_that_are_scored_together_do_not_see_each_other(service):
    scorer = service.app.service.live.current.scorer
    asks = [scorer.ask(json.dumps(row(0, value)).encode()) for value in (5.0, 9.0)]
    together = [json.loads(answer.body) for answer in scorer.answers(asks)]
    assert together == [json.loads(scorer.answers([ask])[0].body) for ask in asks]


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        ({"rows": [row(0, 5.0), row(1, 5.0) | {"noted": None}]}, (1, "noted"), "missing"),
        ({"rows": [row(0, 5.0), row(1, 5.0) | {"vat": None}]}, (1, "vat"), "missing"),
        ({"rows": [row(0, 5.0), row(1, 5.0, "north")]}, (1, "vat"), "the series 'north' was not among"),
        ({"rows": [row(0, 5.0), row(0, 6.0)]}, (None, None), "same 'noted' as another"),
        ({"acidity": 5.0, "vat": "east"}, (0, "noted"), "left out"),
        (row(0, 5.0) | {"noted": "at noon"}, (0, "noted"), "'at noon'"),
    ],
)
def test_rows_without_a_place_in_time_are_refused(service, body, place, words):
    answer = service.post("/predict", json=body)
    assert answer.status_code == 422
    detail = answer.json()["detail"][0]
    assert ((detail["row"], detail["column"]), words in detail["message"]) == (place, True)


def test_each_line_of_a_stream_is_a_request_by_itself(service):
    rows = [row(0, 4.0), row(1, 5.0), row(0, 5.0), row(2, 5.0, "north")]
    lines = "".join(json.dumps(each) + "\n" for each in rows).encode()
    answer = service.post("/predict", content=lines, headers={"Content-Type": "application/x-ndjson"})
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [each["score"] for each in found[:3]] == [
        service.post("/predict", json=one).json()["score"] for one in rows[:3]
    ]
    assert "north" in found[3]["error"]


def test_tables_tell_how_much_of_the_past_is_known(service):
    text = "noted,vat,acidity\n" + f"{NEXT.isoformat()},east,5.0\n"
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    answer = service.post("/predict", content=text.encode(), headers=headers)
    assert answer.text.splitlines()[0].startswith('"score","anomaly","past_known"')


def test_openapi_says_what_a_row_means(service):
    document = service.get("/openapi.json").json()
    said = document["paths"]["/predict"]["post"]["requestBody"]["description"]
    reach = service.model.windows.reach
    assert f"{reach:,} steps of one hour" in said
    assert "up to 2024-01-17 15:00:00" in said
    assert (
        f"{reach:,} steps before the row"
        in document["components"]["schemas"]["Answer"]["properties"]["past_known"]["description"]
    )
