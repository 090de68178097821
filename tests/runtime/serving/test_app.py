from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from automl_runtime.serving.scorer import Limits
from automl_schemas.metrics import Metrics
from fastapi import FastAPI
from starlette.testclient import TestClient

MakeClient = Callable[..., TestClient]
ROW = {"dose mg": 1500, "ward": "A", "admitted": "31.12.2021", "smokes?": "yes"}


def test_one_row_is_answered_by_one_prediction(client: TestClient) -> None:
    answer = client.post("/predict", json=ROW)
    assert answer.status_code == 200
    assert answer.json() == {
        "label": "yes",
        "probabilities": {"no": pytest.approx(0.15), "yes": pytest.approx(0.85)},
        "threshold": 0.5,
        "model_version": "v007",
    }


def test_many_rows_are_answered_in_order(client: TestClient) -> None:
    rows = [ROW, {**ROW, "dose mg": 10}, {**ROW, "dose mg": 900, "smokes?": "n"}]
    answer = client.post("/predict", json={"rows": rows}).json()
    assert [item["label"] for item in answer["predictions"]] == ["yes", "no", "no"]
    assert answer["model_version"] == "v007"
    assert client.post("/predict", json={"rows": []}).json()["predictions"] == []


@pytest.mark.parametrize(
    "row",
    [
        {"dose mg": "$1,500.00", "ward": " A ", "admitted": " 31.12.2021", "smokes?": " Yes "},
        {"dose mg": "1500", "ward": "A", "admitted": "2021-12-31", "smokes?": True},
        {"dose mg": 1500.0, "smokes?": "y"},
    ],
)
def test_values_as_in_the_source_predict_the_same(client: TestClient, row: dict[str, Any]) -> None:
    assert client.post("/predict", json=row).json() == client.post("/predict", json=ROW).json()


def test_null_is_missing_and_nan_is_no_json(client: TestClient) -> None:
    expected = client.post("/predict", json={"smokes?": "no"}).json()
    assert client.post("/predict", json={"smokes?": "no", "dose mg": None}).json() == expected
    refused = client.post("/predict", content=b'{"smokes?": "no", "dose mg": NaN}')
    assert refused.status_code == 422
    assert "Write null for what is not known" in refused.json()["detail"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"ward": "A", "smokes?": "no", "ward": "B"}',
        b'{"ward": "A", "smokes?": "no", "w\\u0061rd": "B"}',
        b'{"rows": [{"smokes?": "no"}, {"ward": "A", "smokes?": "no", "ward": "A"}]}',
        b'{"rows": [], "rows": [{"smokes?": "no"}]}',
    ],
)
def test_a_key_that_stands_twice_is_refused(client: TestClient, body: bytes) -> None:
    refused = client.post("/predict", content=body)
    assert refused.status_code == 422
    assert "stands twice" in refused.json()["detail"][0]["message"]


def test_colons_in_texts_are_no_keys(client: TestClient) -> None:
    assert client.post("/predict", json={**ROW, "ward": "A: left wing"}).status_code == 200


def test_requests_that_wait_are_scored_together_and_a_bad_one_harms_itself(make_client: MakeClient) -> None:
    batches: list[int] = []
    gate = threading.Event()

    def features(rows: pd.DataFrame) -> pd.DataFrame:
        gate.wait(5)
        batches.append(len(rows))
        return rows

    client = make_client(features)
    bodies = [ROW, {**ROW, "dose mg": 10}, {**ROW, "dose mg": "plenty"}, {"rows": [ROW, ROW]}, ROW]
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(client.post, "/predict", json=ROW)
        answers = [pool.submit(client.post, "/predict", json=body) for body in bodies]
        time.sleep(0.3)
        gate.set()
        assert first.result().status_code == 200
        told = [answer.result() for answer in answers]
    assert [answer.status_code for answer in told] == [200, 200, 422, 200, 200]
    assert told[1].json()["label"] == "no"
    assert len(told[3].json()["predictions"]) == 2
    assert told[2].json()["detail"][0]["row"] == 0


def test_a_request_says_how_long_it_waits_and_how_urgent_it_is(make_client: MakeClient) -> None:
    def slow(rows: pd.DataFrame) -> pd.DataFrame:
        time.sleep(0.3)
        return rows

    client = make_client(slow)
    late = client.post("/predict", json=ROW, headers={"X-Timeout-Ms": "50", "X-Priority": "High"})
    assert (late.status_code, late.json()["detail"][0]["message"]) == (
        504,
        "The request was not answered within 0.05 s.",
    )
    assert client.post("/predict", json=ROW).status_code == 200
    hopeless = client.post("/predict", json=ROW, headers={"X-Timeout-Ms": "60"})
    assert hopeless.status_code == 503
    assert int(hopeless.headers["Retry-After"]) >= 1
    for headers in ({"X-Priority": "asap"}, {"X-Timeout-Ms": "soon"}, {"X-Timeout-Ms": "0"}):
        refused = client.post("/predict", json=ROW, headers=headers)
        assert refused.status_code == 422
        assert "allowed" in refused.json()["detail"][0]["message"]
    text = client.get("/metrics").text
    assert 'automl_errors_total{kind="timeout"} 1.0' in text
    assert 'automl_errors_total{kind="overloaded"} 1.0' in text


def test_the_service_answers_where_it_is_mounted(make_client: MakeClient) -> None:
    outer = FastAPI()
    outer.mount("/models/dose", make_client().app)
    with TestClient(outer) as client:
        assert client.post("/models/dose/predict", json=ROW).json()["label"] == "yes"
        assert client.post("/models/dose/predict", json={"no": 1}).status_code == 422


@pytest.mark.parametrize(
    ("body", "row", "column", "words"),
    [
        ({**ROW, "dose mg": "plenty"}, 0, "dose mg", "plenty"),
        ({"rows": [ROW, ROW, {**ROW, "admitted": "the 31st"}]}, 2, "admitted", "the 31st"),
        ({**ROW, "Dose_mg": 3}, 0, "Dose_mg", "'dose mg'"),
        ({**ROW, "zzzzzz": 3}, 0, "zzzzzz", "GET /model"),
        ({**ROW, "ward": ["A"]}, 0, "ward", "['A'] is not one of A, B"),
        ({"rows": [{**ROW, "ward": {"is": "A"}}]}, 0, "ward", "{'is': 'A'} is not"),
        ({"rows": [ROW, 7, None]}, 1, None, "a number"),
        ([ROW], None, None, "a list"),
        ("rows", None, None, "a text"),
        (None, None, None, "null"),
        ({"rows": ROW}, 0, "rows", "not a column"),
    ],
)
def test_a_bad_request_says_where_and_what(
    client: TestClient, body: Any, row: int | None, column: str | None, words: str
) -> None:
    answer = client.post("/predict", content=json.dumps(body))
    assert answer.status_code == 422
    problem = answer.json()["detail"][0]
    assert set(problem) == {"row", "column", "value", "allowed", "message"}
    assert (problem["row"], problem["column"]) == (row, column)
    assert words in problem["message"]
    assert client.post("/predict", json=ROW).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"dose mg": 1e999}',
        b'{"dose mg": -Infinity}',
        b'{"ward": "\\ud800"}',
        b'{"dose mg": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"dose=3&ward=A",
    ],
)
def test_a_broken_body_is_refused_in_the_same_shape(client: TestClient, body: bytes) -> None:
    answer = client.post("/predict", content=body)
    assert answer.status_code == 422
    assert set(answer.json()["detail"][0]) == {"row", "column", "value", "allowed", "message"}


@pytest.mark.parametrize(
    "cell", [10**30, -(10**400), 1e308, 5e-324, "9" * 400, "\x00", "\u202e", "Ⅷ", "", " ", "a" * 100_000, True, False]
)
@pytest.mark.parametrize("column", ["dose mg", "ward", "admitted", "smokes?"])
def test_no_cell_breaks_the_service(client: TestClient, column: str, cell: Any) -> None:
    answer = client.post("/predict", json={**ROW, column: cell})
    assert answer.status_code in (200, 422)
    answer.json()


def test_many_bad_cells_are_counted_not_listed(client: TestClient) -> None:
    detail = client.post("/predict", json={"rows": [{**ROW, "dose mg": "x"}] * 250}).json()["detail"]
    assert len(detail) == 101
    assert detail[-1]["message"] == "150 more problems are not listed."


def test_thousands_of_wrong_keys_are_answered_quickly(client: TestClient) -> None:
    answer = client.post("/predict", json={f"wrong {number}" * 50: 1 for number in range(3000)})
    assert answer.status_code == 422
    assert max(len(problem["column"] or "") for problem in answer.json()["detail"]) <= 100


def test_a_body_over_the_limit_is_refused(make_client: MakeClient) -> None:
    small = make_client(limits=Limits(body_bytes=200, rows=2))

    def chunks() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * 100

    for content in (b" " * 1000, chunks()):
        answer = small.post("/predict", content=content)
        assert answer.status_code == 413
        assert "larger than 200 bytes" in answer.json()["detail"][0]["message"]
    many = small.post("/predict", json={"rows": [{}, {}, {}]})
    assert (many.status_code, many.json()["detail"][0]["allowed"]) == (413, "at most 2 rows")
    assert 'automl_errors_total{kind="too_large"} 3.0' in small.get("/metrics").text


def test_features_are_made_from_clean_rows(make_client: MakeClient) -> None:
    seen: list[pd.DataFrame] = []

    def features(rows: pd.DataFrame) -> pd.DataFrame:
        seen.append(rows)
        return rows.assign(**{"dose mg": rows["dose mg"] / 1000})

    answer = make_client(features).post("/predict", json=ROW).json()
    assert answer["label"] == "no"
    assert list(seen[0].columns) == ["dose mg", "ward", "admitted", "smokes?"]
    assert seen[0]["dose mg"].tolist() == [1500.0]


def test_a_fault_of_ours_is_a_500_in_the_same_shape(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    def broken(rows: pd.DataFrame) -> pd.DataFrame:
        raise ZeroDivisionError("secret of the feature code")

    client = make_client(broken)
    with caplog.at_level(logging.ERROR, logger="automl_runtime.serving"):
        answer = client.post("/predict", json=ROW)
    assert answer.status_code == 500
    assert "log says why" in answer.json()["detail"][0]["message"]
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert client.get("/health").status_code == 200
    assert 'automl_errors_total{kind="internal"} 1.0' in client.get("/metrics").text


def test_a_regression_answers_numbers(make_client: MakeClient) -> None:
    client = make_client(task="regression", metric="rmse", classes=[], positive=None, threshold=None)
    answer = client.post("/predict", json={"rows": [ROW, {"smokes?": "no"}]}).json()
    assert answer["predictions"] == [
        {"prediction": 3000.0, "model_version": "v007"},
        {"prediction": None, "model_version": "v007"},
    ]


def test_health_tells_version_and_time(client: TestClient) -> None:
    answer = client.get("/health").json()
    assert (answer["status"], answer["model_version"]) == ("ok", "v007")
    assert answer["uptime_seconds"] >= 0


def test_model_tells_what_it_is(make_client: MakeClient) -> None:
    metrics = Metrics(
        metric="roc_auc",
        higher_is_better=True,
        holdout=0.9,
        holdout_ci=(0.8, 1.0),
        cv=0.9,
        goal=None,
        rows_train=1,
        rows_holdout=1,
        best_model="m",
        seconds=1,
        seed=0,
        data_sha256="",
        leaderboard=[],
    )
    answer = make_client(metrics=metrics).get("/model").json()
    assert answer["manifest"]["model_version"] == "v007"
    assert answer["metrics"]["holdout"] == 0.9
    assert [column["name"] for column in answer["columns"]] == ["dose mg", "ward", "admitted", "smokes?"]
    assert make_client().get("/model").json()["metrics"] is None


def test_counters_count(client: TestClient) -> None:
    client.post("/predict", json={"rows": [ROW] * 3})
    client.post("/predict", json={"nope": 1})
    client.get("/nowhere/at/all")
    text = client.get("/metrics").text
    assert "automl_rows_total 3.0" in text
    assert "automl_batch_rows_sum 3.0" in text
    assert 'automl_requests_total{path="/predict",status="200"} 1.0' in text
    assert 'automl_requests_total{path="/predict",status="422"} 1.0' in text
    assert 'automl_requests_total{path="other",status="404"} 1.0' in text
    assert 'automl_errors_total{kind="invalid"} 1.0' in text
    assert 'automl_request_seconds_bucket{le="0.001",path="/predict"}' in text
    assert 'automl_model_info{task="binary",version="v007"} 1.0' in text


def test_two_services_count_apart(make_client: MakeClient) -> None:
    first, second = make_client(), make_client()
    first.post("/predict", json=ROW)
    assert "automl_rows_total 0.0" in second.get("/metrics").text


def test_openapi_shows_both_forms_with_real_examples(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    examples = [example["value"] for example in content["examples"].values()]
    assert examples[0] == {"dose mg": 12.5, "ward": "A", "admitted": "31.12.2021", "smokes?": "yes"}
    for example in examples:
        assert client.post("/predict", content=json.dumps(example)).status_code == 200
    row = document["components"]["schemas"]["Row"]
    assert row["additionalProperties"] is False
    assert row["properties"]["dose mg"]["examples"] == [12.5]
    assert row["properties"]["dose mg"]["description"] == "number; in $; 0 to 2000 in training"
    assert row["properties"]["ward"]["x-seen-in-training"] == ["A", "B"]
    assert "written %d.%m.%Y" in row["properties"]["admitted"]["description"]
    assert "true: yes, y; false: no, n; never null" in row["properties"]["smokes?"]["description"]
    answers = document["paths"]["/predict"]["post"]["responses"]
    assert set(answers) == {"200", "406", "413", "415", "422", "429", "503", "504"}
    assert "Answer" in document["components"]["schemas"]
