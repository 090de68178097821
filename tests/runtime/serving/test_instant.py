"""Plain requests of one row are answered at once, exactly as all others are."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.app import create_app
from automl_runtime.serving.front import FrontApp
from automl_runtime.serving.guard import Guard
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from automl_runtime.serving.instant import LONGEST_BODY
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.prediction_log import PredictionLog
from automl_runtime.serving.protocol import PatientProtocol
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import running, talk
from tests.runtime.serving.test_live import Source

ROW = {"a": 0.25, "b": -1.5, "kind": "y"}
PLAIN = (b"content-type", b"application/json")


@pytest.fixture(scope="module")
def bundle(fitted_bundle: Bundle) -> Bundle:
    return fitted_bundle


def made(bundle: Bundle, **wishes: Any) -> FrontApp:
    app = create_app(bundle, **wishes)
    assert isinstance(app, FrontApp)
    return app


def at_once(app: FrontApp, body: bytes, *headers: tuple[bytes, bytes], path: str = "/predict") -> Any:
    return app.at_once(path, list(headers), ("127.0.0.1", 1), body)


BODIES = [
    json.dumps(ROW).encode(),
    b'{"a": 1, "b": 2}',
    b'{"a": "1.5", "b": null, "kind": "12:30"}',
    b'{"kind": "new", "b": 1e20, "a": -0.0}',
]


@pytest.mark.parametrize("accept", [None, b"*/*", b"application/json", b"text/html, */*;q=0.1"])
@pytest.mark.parametrize("body", BODIES)
def test_what_is_answered_at_once_is_what_all_others_are_told(
    bundle: Bundle, body: bytes, accept: bytes | None
) -> None:
    app = made(bundle)
    headers = [PLAIN, (b"x-request-id", b"mine"), *([] if accept is None else [(b"accept", accept)])]
    found = at_once(app, body, *headers)
    with TestClient(app, headers={"accept-encoding": "identity"}) as client:
        told = client.post("/predict", content=body, headers=dict(headers))  # type: ignore[arg-type]
    assert (told.status_code, told.content) == (200, found.body)
    assert told.headers.raw == found.headers


NOT_PLAIN = [
    (b'{"a": "much", "b": 1, "kind": "x"}', []),
    (b'{"a": 1, "a": 2, "b": 1, "kind": "x"}', []),
    (b'{"a": 1, "b": 1, "kind": "x", "c": 1}', []),
    (b'{"rows": [{"a": 1, "b": 1, "kind": "x"}]}', []),
    (b'{"columns": {"a": [1]}}', []),
    (b'{"a": NaN, "b": 1, "kind": "x"}', []),
    (b"[1]", []),
    (b"\xff", []),
    (b"", []),
    (b"[" * 100_000, []),
    (json.dumps(ROW).encode(), [(b"x-priority", b"low")]),
    (json.dumps(ROW).encode(), [(b"x-timeout-ms", b"5")]),
    (json.dumps(ROW).encode(), [(b"x-forwarded-for", b"10.0.0.1")]),
    (json.dumps(ROW).encode(), [(b"accept", b"text/csv")]),
    (json.dumps(ROW).encode(), [(b"accept", b"image/png")]),
    (json.dumps(ROW).encode(), [(b"content-type", b"text/csv")]),
    (json.dumps(ROW).encode(), [(b"content-type", b"no/such")]),
    (gzip.compress(json.dumps(ROW).encode(), mtime=0), [(b"content-encoding", b"gzip")]),
]


@pytest.mark.parametrize(("body", "headers"), NOT_PLAIN)
def test_what_is_not_plain_has_to_be_asked_and_nothing_has_happened(
    bundle: Bundle, body: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    app = made(bundle, guard=Guard(token_key="x" * 40))
    before = app.counters.exposition()
    assert at_once(app, body, *(headers or [PLAIN])) is None
    assert app.counters.exposition() == before


def test_other_paths_are_none_of_its(bundle: Bundle) -> None:
    assert at_once(made(bundle), BODIES[0], path="/predict/") is None


def test_who_is_not_admitted_is_not_answered_and_a_rate_is_spent_once(bundle: Bundle) -> None:
    strangers = made(bundle, guard=Guard(token_key="x" * 40))
    assert at_once(strangers, BODIES[0], PLAIN) is None
    limited = made(bundle, guard=Guard(per_minute=3))
    assert [at_once(limited, BODIES[0]) is not None for _ in range(4)] == [True, True, True, False]
    # A request that is read and refused has spent nothing yet.
    patient = made(bundle, guard=Guard(per_minute=1))
    assert at_once(patient, NOT_PLAIN[0][0]) is None
    assert at_once(patient, BODIES[0]) is not None


def test_answers_are_counted_observed_and_logged(bundle: Bundle, tmp_path: Path) -> None:
    app = made(bundle, observer=Observer(predictions=PredictionLog(tmp_path, 1.0)))
    for _ in range(3):
        assert at_once(app, BODIES[0], (b"x-request-id", b"mine"))
    text = app.counters.exposition().decode()
    assert 'automl_requests_total{path="/predict",status="200"} 3.0' in text
    assert 'automl_request_seconds_count{path="/predict"} 3.0' in text
    assert "automl_rows_total 3.0" in text
    app.observer.start()
    app.observer.close()
    assert app.observer.report()["rows"] == 3
    lines = [json.loads(line) for file in tmp_path.rglob("*.ndjson") for line in file.read_text().splitlines()]
    assert [line["prediction_id"] for line in lines] == ["mine"] * 3
    assert {line["project"] for line in lines} == {bundle.folder.parent.parent.name}


def test_a_service_of_many_answers_for_the_models_that_are_loaded(bundle: Bundle) -> None:
    app = create_host_app(ModelHost({"one": Source(bundle), "two": Source(bundle)}))
    assert isinstance(app, FrontApp)
    path = "/models/one/predict"
    with TestClient(app, headers={"accept-encoding": "identity", "x-request-id": "mine"}) as client:
        assert at_once(app, BODIES[0], path=path) is None
        told = client.post(path, content=BODIES[0])
        found = at_once(app, BODIES[0], (b"x-request-id", b"mine"), path=path)
        for other in ("/models/two/predict", "/models/three/predict", "/models/one/forecast", "/models"):
            assert at_once(app, BODIES[0], path=other) is None
    assert (told.content, told.headers.raw) == (found.body, found.headers)
    assert f'automl_requests_total{{path="{path}",status="200"}} 2.0' in app.counters.exposition().decode()


class Brisk(PatientProtocol):
    header_seconds = 0.6


@pytest.fixture(scope="module")
def port(bundle: Bundle) -> Iterator[int]:
    with running(made(bundle), Brisk, access_log=False, timeout_keep_alive=1) as port:
        yield port


def request(body: bytes = BODIES[0], *more: bytes, target: bytes = b"/predict") -> bytes:
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n" % (target, len(body))
    return head + b"".join(line + b"\r\n" for line in more) + b"\r\n" + body


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


def test_requests_in_one_go_are_answered_in_order_by_whichever_way(port: int) -> None:
    slow, wrong = request(BODIES[0], b"x-priority: low"), request(NOT_PLAIN[0][0])
    sent = [request(), request(), slow, request(), wrong, request(BODIES[0], b"connection: close")]
    assert statuses(talk(port, b"".join(sent))) == [200, 200, 200, 200, 422, 200]


def test_an_answer_comes_before_the_refusal_of_what_follows_it(port: int) -> None:
    assert statuses(talk(port, request() + b"NONSENSE\r\n\r\n")) == [200, 400]


@pytest.mark.parametrize("target", [b"/predict?explain=true", b"/pre%64ict", b"/predict#x"])
def test_targets_with_more_than_a_name_are_read_by_the_router(port: int, target: bytes) -> None:
    assert statuses(talk(port, request(BODIES[0], b"connection: close", target=target)))[0] in (200, 400)


def test_a_body_in_parts_or_of_any_length_is_answered_too(port: int) -> None:
    whole = request(BODIES[0])
    last = request(BODIES[0], b"connection: close")
    assert statuses(talk(port, whole[:40], whole[40:90], whole[90:], last, pause=0.05)) == [200, 200]
    long = json.dumps(ROW).encode() + b" " * (2 * LONGEST_BODY)
    assert statuses(talk(port, request(long), last)) == [200, 200]


def test_a_connection_that_stays_idle_is_closed_without_a_word(port: int) -> None:
    started = time.monotonic()
    assert statuses(talk(port, request())) == [200]
    assert time.monotonic() - started > 0.5


def test_the_next_request_on_a_connection_may_not_come_drop_by_drop_either(port: int) -> None:
    assert statuses(talk(port, request(), b"POST /predict HTTP/1.1\r\nho", pause=0.1)) == [200, 408]
