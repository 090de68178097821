"""The service sees drift, slow requests and the names of requests, and says whether it is ready."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from automl_runtime.monitoring.reference import sketch
from automl_runtime.monitoring.watching import DriftPolicy
from automl_runtime.project.logs import _JsonLines
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving import observing
from automl_runtime.serving.app import create_app
from automl_runtime.serving.guard import Guard
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from automl_runtime.serving.observing import ObservedRows, Observer
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import SCHEMA, DoseModel, make_bundle
from tests.runtime.serving.test_live import Source

ROW = {"dose mg": 1500, "ward": "A", "admitted": "31.12.2021", "smokes?": "yes"}
POLICY = DriftPolicy(rows=200, seconds=0)
ENDLESS = 1e9


def rows(count: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "dose mg": draw.normal(900 + 150 * shift, 150, count),
            "ward": draw.choice(["A", "B"], count),
            "admitted": pd.Timestamp("2021-01-01") + pd.to_timedelta(draw.integers(0, 300, count), unit="D"),
            "smokes?": pd.array(draw.random(count) < 0.5, dtype="boolean"),
        }
    )


def sketched(**changes: Any) -> Bundle:
    before = rows(3000, 0)
    predictions = DoseModel().predict_proba(before)["yes"]
    return replace(make_bundle(**changes), reference=sketch(before, SCHEMA, predictions).model_dump(mode="json"))


def body(frame: pd.DataFrame) -> dict[str, Any]:
    return {"rows": json.loads(frame.to_json(orient="records", date_format="iso"))}


def settled(client: TestClient, path: str, wanted: int) -> dict[str, Any]:
    """What `/drift` tells once so many rows are counted."""
    end = time.monotonic() + 30
    while (report := client.get(path).json())["rows"] + report["skipped"] < wanted:
        assert time.monotonic() < end
        time.sleep(0.02)
    return report


@pytest.fixture
def enter() -> Iterator[Callable[..., TestClient]]:
    clients: list[TestClient] = []

    def entered(app: Any) -> TestClient:
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client

    yield entered
    for client in clients:
        client.__exit__(None, None, None)


def replay(client: TestClient, path: str, drift: str, batches: list[pd.DataFrame]) -> dict[str, Any]:
    report = client.get(drift).json()
    wanted = report.get("rows", 0)
    for batch in batches:
        assert client.post(path, json=body(batch)).status_code == 200
        wanted += len(batch)
        report = settled(client, drift, wanted)
    return report


def test_a_shift_raises_one_alert_and_none_raises_none(enter, caplog):
    client = enter(create_app(sketched(), observer=Observer(POLICY, every=0.02)))
    calm = replay(client, "/predict", "/drift", [rows(200, seed) for seed in range(1, 13)])
    assert (calm["alert"]["active"], calm["alert"]["number"], calm["windows"]) == (False, 0, 12)
    with caplog.at_level(logging.WARNING, logger="automl_runtime.serving"):
        moved = replay(client, "/predict", "/drift", [rows(200, seed, shift=1.0) for seed in range(20, 23)])
    assert moved["alert"]["number"] == 1
    assert set(moved["alert"]["columns"]) == {"dose mg", "prediction"}
    assert [record.message for record in caplog.records].count(caplog.records[0].message) == 1
    assert "moved away from training" in caplog.text
    assert moved["columns"][0]["column"] == "dose mg"
    assert moved["columns"][0]["wasserstein"] == pytest.approx(1.0, abs=0.2)
    assert moved["prediction"]["alert"]
    text = client.get("/metrics").text
    assert 'automl_drift_alert{model=""} 1.0' in text
    assert float(text.split('automl_drift_psi_max{model=""} ')[1].split()[0]) > 0.5


def test_a_service_of_many_models_watches_each(enter):
    client = enter(
        create_host_app(
            ModelHost({"a": Source(sketched()), "b": Source(sketched()), "bare": Source(make_bundle())}),
            observer=Observer(POLICY, every=0.02),
        )
    )
    assert client.get("/models/a/drift").status_code == 404
    assert client.get("/models/none/drift").status_code == 404
    for name in ("a", "b", "bare"):
        client.post(f"/models/{name}/load")
    batches = [rows(200, seed, shift=2.0) for seed in range(2)]
    assert replay(client, "/models/a/predict", "/models/a/drift", batches)["alert"]["active"]
    assert client.get("/models/b/drift").json()["rows"] == 0
    assert client.get("/models/bare/drift").status_code == 404
    text = client.get("/metrics").text
    assert ('automl_drift_alert{model="a"} 1.0' in text, 'automl_drift_alert{model="b"} 0.0' in text) == (True, True)


def test_a_new_version_is_watched_from_its_first_row(enter):
    source = Source(sketched())
    client = enter(create_app(sketched(), source=source, observer=Observer(POLICY, every=0.02)))
    replay(client, "/predict", "/drift", [rows(50, 1)])
    source.bundle = sketched(model_version="v008")
    end = time.monotonic() + 20
    while client.get("/drift").json()["model_version"] != "v008":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert replay(client, "/predict", "/drift", [rows(30, 1)])["rows"] == 30


def test_rows_beyond_what_may_wait_are_numbered_and_not_kept():
    bundle = sketched()
    app = create_app(bundle, observer=(observer := Observer(POLICY, every=0.02)))
    del app
    observed: ObservedRows = observer._rows[""]
    values = dict(zip(rows(1, 1), [1.0, "A", None, True], strict=True))
    answer = b'{"label":"yes","probabilities":{"no":0.1,"yes":0.9}}'
    for _ in range(5000):
        observed.row(values, answer)
    large = rows(7000, 1)
    answers = [{"label": "yes", "probabilities": {"no": 0.1, "yes": 0.9}}] * 7000
    for _ in range(40):
        observed.frame(large, answers)
    observed.fold()
    report = observer.report()
    assert report["rows"] + report["skipped"] == 5000 + 40 * 7000
    assert report["rows"] == 256 + 32 * 1000
    assert report["prediction"]["mean"][1] == pytest.approx(0.9)


def test_rows_that_come_while_others_are_counted_wait_for_the_next_time(monkeypatch):
    observer = Observer(POLICY)
    create_app(sketched(), observer=observer)
    observed: ObservedRows = observer._rows[""]
    values = dict(zip(rows(1, 1), [1.0, "A", None, True], strict=True))
    answer = b'{"label":"yes","probabilities":{"no":0.1,"yes":0.9}}'

    def busy(seconds):
        # A service under load answers another one for each that is counted.
        assert seconds < 1
        observed.row(values, answer)
        observed.frame(rows(1, 1), [{"label": "yes", "probabilities": {"no": 0.1, "yes": 0.9}}])

    monkeypatch.setattr(observing.time, "sleep", busy)
    observed.row(values, answer)
    observed.fold()
    # The row, and the frame that came with it.
    assert observer.report()["rows"] == 2
    observed.fold()
    assert observer.report()["rows"] > 2


@pytest.mark.parametrize("given", ["abc-123", "x" * 128])
def test_a_request_keeps_the_name_that_its_client_gave(client: TestClient, given: str) -> None:
    for answer in (
        client.post("/predict", json=ROW, headers={"X-Request-Id": given}),
        client.get("/health", headers={"X-Request-Id": given}),
        client.get("/nowhere", headers={"X-Request-Id": given}),
    ):
        assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "two words", "tab\there"])
def test_other_requests_get_a_name_of_their_own(client: TestClient, given: str | None) -> None:
    headers = {} if given is None else {"X-Request-Id": given}
    names = [client.post("/predict", json=ROW, headers=headers).headers["X-Request-Id"] for _ in range(3)]
    assert len(set(names)) == 3
    assert given not in names


def test_the_refusal_of_a_stranger_has_a_name_too(enter):
    client = enter(create_app(make_bundle(), guard=Guard(token_key="x" * 40)))
    refused = client.post("/predict", json=ROW, headers={"X-Request-Id": "mine"})
    assert (refused.status_code, refused.headers["X-Request-Id"]) == (401, "mine")
    assert [client.get(f"/health{path}").status_code for path in ("", "/live", "/ready")] == [200, 200, 200]
    assert client.get("/drift").status_code == 401


@pytest.mark.parametrize(("slow_seconds", "lines"), [(0.0, 1), (ENDLESS, 0)])
def test_slow_requests_are_lines_of_the_log(enter, caplog, slow_seconds, lines):
    client = enter(create_app(make_bundle(), observer=Observer(slow_seconds=slow_seconds)))
    formatter = _JsonLines()
    told: list[dict[str, Any]] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(json.loads(formatter.format(record)))  # type: ignore[method-assign]
    logging.getLogger("automl_runtime.serving").addHandler(handler)
    try:
        client.post("/predict", json=ROW, headers={"X-Request-Id": "mine"})
    finally:
        logging.getLogger("automl_runtime.serving").removeHandler(handler)
    assert len(told) == lines
    for line in told:
        assert (line["level"], line["request_id"], line["event"]["status"]) == ("WARNING", "mine", 200)
        assert (line["event"]["method"], line["event"]["path"]) == ("POST", "/predict")
        assert line["event"]["milliseconds"] > 0


def test_a_service_without_a_model_that_answers_is_not_ready(enter):
    assert enter(create_host_app(ModelHost({}))).get("/health/ready").status_code == 503
    client = enter(create_host_app(ModelHost({"a": Source(make_bundle())})))
    assert (client.get("/health/live").json(), client.get("/health/ready").json()) == (
        {"status": "alive"},
        {"status": "ready"},
    )


def test_openapi_tells_of_drift_and_health(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert set(paths) >= {"/drift", "/health/live", "/health/ready"}
    assert set(paths["/health/ready"]["get"]["responses"]) == {"200", "503"}
    assert client.get("/drift").json()["detail"][0]["message"].startswith("The model has no sketch")


SERVICE = """
import importlib.util, sys
from automl_runtime.serving.app import create_app
from automl_runtime.serving.server import serve
spec = importlib.util.spec_from_file_location("fixtures", sys.argv[1])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
serve(create_app(fixtures.make_bundle()), port=0, log_level="warning", drain_seconds=float(sys.argv[2]),
      on_ready=lambda url: print(url, flush=True))
"""


def status_of(url: str, content: bytes | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=content), timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_load_balancers_see_that_a_service_will_stop_before_its_port_is_closed() -> None:
    command = [sys.executable, "-c", SERVICE, str(Path(__file__).with_name("conftest.py")), "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        try:
            assert [status_of(f"{url}{version}/health/ready") for version in ("", "/v2")] == [200, 200]
            os.kill(child.pid, signal.SIGTERM)
            end = time.monotonic() + 20
            while status_of(f"{url}/health/ready") != 503:
                assert time.monotonic() < end
            assert status_of(f"{url}/v2/health/ready") == 503
            assert status_of(f"{url}/health/live") == 200
            assert status_of(f"{url}/predict", json.dumps(ROW).encode()) == 200
            os.kill(child.pid, signal.SIGTERM)
            assert child.wait(30) == -signal.SIGTERM
        finally:
            child.kill()
