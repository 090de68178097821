"""A paused model refuses every way of asking, and answers again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from automl_runtime.registry.pausing import pause, read_pause, resume
from automl_runtime.serving.app import create_app
from automl_runtime.serving.guard import Guard
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from automl_runtime.serving.keys import add_key
from starlette.testclient import TestClient

from tests.runtime.serving.test_live import ROW, Source, version

INFER = {"inputs": [{"name": "x", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
WAYS: dict[str, dict[str, Any]] = {
    "json": {"json": ROW},
    "many": {"json": {"rows": [ROW]}},
    "csv": {"content": "x\n1\n", "headers": {"content-type": "text/csv"}},
    "lines": {"content": "{}\n", "headers": {"content-type": "application/x-ndjson"}},
}


class Stored(Source):
    """A source with a folder."""

    def __init__(self, models: Path) -> None:
        super().__init__(version(1))
        self.models = models

    def folder(self) -> Path:  # type: ignore[override]
        return self.models


@pytest.fixture
def source(tmp_path: Path) -> Stored:
    return Stored(tmp_path)


@pytest.fixture(params=["/", "/models/one/"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(source: Stored, prefix: str) -> Iterator[TestClient]:
    alone = prefix == "/"
    app = create_app(version(1), source=source, name="one") if alone else create_host_app(ModelHost({"one": source}))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def await_status(ask: Callable[[], Any], wanted: int) -> None:
    end = time.monotonic() + 20
    while ask().status_code != wanted:
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("way", WAYS)
def test_a_paused_model_refuses_with_503_and_says_why(client: TestClient, prefix: str, way: str) -> None:
    assert client.post(f"{prefix}predict", json=ROW).status_code == 200
    told = client.post(f"{prefix}pause", params={"reason": "prices are wrong"}).json()
    assert (told["paused"], told["reason"]) == (True, "prices are wrong")
    answer = client.post(f"{prefix}predict", **WAYS[way])
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert answer.json()["detail"][0]["message"].endswith("prices are wrong")
    assert client.post(f"{prefix}resume").json() == {"paused": False}
    assert client.post(f"{prefix}predict", json=ROW).status_code == 200


def test_the_open_inference_protocol_is_paused_too(client: TestClient, prefix: str) -> None:
    assert client.get("/v2/models/one/ready").status_code == 200
    client.post(f"{prefix}pause")
    assert client.post("/v2/models/one/infer", json=INFER).status_code == 503
    assert client.get("/v2/models/one/ready").status_code == 503
    assert client.get("/v2/models/one").status_code == 200


def test_what_another_process_pauses_and_resumes_is_followed(client: TestClient, prefix: str, source: Stored) -> None:
    def ask() -> Any:
        return client.post(f"{prefix}predict", json=ROW)

    assert ask().status_code == 200
    pause(source.models)
    await_status(ask, 503)
    assert 'automl_errors_total{kind="unavailable"}' in client.get("/metrics").text
    resume(source.models)
    await_status(ask, 200)


def test_a_service_that_starts_later_is_paused(source: Stored) -> None:
    pause(source.models, reason="repairs")
    with TestClient(create_app(version(1), source=source)) as client:
        assert client.post("/predict", json=ROW).status_code == 503
        ready = client.get("/health/ready")
        assert (ready.status_code, "repairs" in ready.text) == (503, True)
        assert client.get("/health/live").status_code == 200
    with TestClient(create_host_app(ModelHost({"one": source}))) as client:
        assert client.post("/models/one/predict", json=ROW).status_code == 503
        assert "repairs" in client.get("/models/one").json()["paused"]


def test_a_model_of_no_project_cannot_be_paused() -> None:
    with TestClient(create_host_app(ModelHost({"one": Source(version(1))}))) as client:
        assert client.post("/models/one/pause").status_code == 404
        assert client.post("/models/two/pause").status_code == 404
        assert client.get("/models/one").json()["paused"] is None


def test_the_reason_has_a_bound(client: TestClient, prefix: str) -> None:
    assert client.post(f"{prefix}pause", params={"reason": "x" * 501}).status_code == 422
    assert client.post(f"{prefix}predict", json=ROW).status_code == 200


def test_only_who_may_manage_pauses_and_the_history_names_him(source: Stored, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    _, reader = add_key(keys, "reader")
    _, keeper = add_key(keys, "keeper", scopes=("predict", "manage"))
    with TestClient(create_app(version(1), source=source, guard=Guard(keys))) as client:
        assert client.post("/pause", headers={"x-api-key": reader}).status_code == 403
        assert read_pause(source.models) is None
        assert client.post("/pause", headers={"x-api-key": keeper}).json()["by"] == "keeper"
        assert client.post("/resume", headers={"x-api-key": reader}).status_code == 403
        assert read_pause(source.models) is not None
