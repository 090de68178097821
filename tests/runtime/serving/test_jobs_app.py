"""Jobs over HTTP: uploaded in pieces, seen by their owner alone, followed as they go."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from automl_runtime.serving import uploads
from automl_runtime.serving.app import create_app
from automl_runtime.serving.guard import Guard
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from automl_runtime.serving.jobs import JobStore
from automl_runtime.serving.jobs_app import add_jobs
from automl_runtime.serving.keys import add_key
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.runtime.serving.conftest import make_bundle
from tests.runtime.serving.job_fixtures import command, make_rows, write_rows
from tests.runtime.serving.test_live import Source

MakeClient = Callable[..., TestClient]
CSV = {"content-type": "text/csv"}
ROWS = make_rows(46)


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[MakeClient]:
    clients: list[TestClient] = []

    def make(pause: float = 0.0, guard: Guard | None = None, models: tuple[str, ...] = (), **more: Any) -> TestClient:
        worker = command(tmp_path / "seen", pause)
        if models:
            app = create_host_app(ModelHost({name: Source(make_bundle()) for name in models}), guard)
        else:
            app = create_app(make_bundle(), guard=guard)
        store = JobStore(tmp_path / "jobs", dict.fromkeys(models or ("dose",), worker), **more)
        add_jobs(app, store, prefix="/models/{name}" if models else "")
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)


def await_end(client: TestClient, job: str, **more: Any) -> dict[str, Any]:
    end = time.monotonic() + 240
    while (view := client.get(f"/jobs/{job}", **more).json())["status"] in ("queued", "running"):
        assert time.monotonic() < end, view
        time.sleep(0.05)
    return dict(view)


def csv_rows() -> bytes:
    return ROWS.to_csv(index=False).encode()


def test_rows_go_up_and_their_predictions_come_down(make_service: MakeClient) -> None:
    client = make_service()
    content = csv_rows()
    pieces = (content[place : place + 100] for place in range(0, len(content), 100))
    told = client.post("/jobs", content=pieces, headers=CSV)
    assert (told.status_code, told.headers["retry-after"]) == (202, "1")
    job = told.json()["id"]
    assert told.headers["location"] == told.json()["links"]["self"] == f"/jobs/{job}"
    view = await_end(client, job)
    assert (view["status"], view["rows"], view["errors"], view["error"]) == ("completed", 46, 0, None)
    whole = client.get(f"/jobs/{job}/result")
    assert whole.headers["content-type"].startswith("text/csv")
    lines = whole.text.splitlines()
    assert lines[0] == "dose mg,ward,admitted,smokes?,prediction,probability_no,probability_yes,error"
    assert [line.split(",")[0] for line in lines[1:]] == [str(dose) for dose in range(46)]
    part = client.get(f"/jobs/{job}/result", headers={"range": "bytes=10-29"})
    assert (part.status_code, part.content) == (206, whole.content[10:30])


@pytest.mark.parametrize(
    ("query", "headers", "pack"),
    [
        ("?format=csv.gz", {}, gzip.compress),
        ("", {**CSV, "content-encoding": "zstd"}, zstandard.compress),
        ("?format=jsonl", {}, lambda rows: ROWS.to_json(orient="records", lines=True).encode()),
        ("?result=jsonl", CSV, bytes),
        ("", {"content-type": "application/vnd.apache.parquet"}, lambda rows: ROWS.to_parquet()),
    ],
)
def test_rows_come_in_many_forms(make_service: MakeClient, query: str, headers: dict[str, str], pack: Any) -> None:
    client = make_service()
    told = client.post(f"/jobs{query}", content=pack(csv_rows()), headers=headers)
    assert told.status_code == 202, told.text
    view = await_end(client, told.json()["id"])
    assert (view["status"], view["rows"]) == ("completed", 46), view


@pytest.mark.parametrize(
    ("query", "headers", "body", "status", "says"),
    [
        ("", {}, b"x", 422, "Content-Type"),
        ("", {"content-type": "text/plain"}, b"x", 422, "Content-Type"),
        ("", {**CSV, "content-encoding": "br"}, b"x", 422, "Content-Encoding"),
        ("?format=xlsx", {}, b"x", 422, "format"),
        ("?result=xlsx", CSV, b"x", 422, "result"),
        ("?most_errors=-1", CSV, b"x", 422, "most_errors"),
        ("?model=nope", CSV, b"x", 404, "no model 'nope'"),
        ("?format=parquet", {"idempotency-key": "k" * 300}, b"x", 422, "idempotency key"),
        ("", {"content-type": "application/json"}, b"[]", 422, "body is a list"),
        ("", {"content-type": "application/json"}, b"{}", 422, "`source` is missing"),
        ("", {"content-type": "application/json"}, b'{"source": "file:///a.csv", "x": 1}', 422, "'x' is not known"),
        ("", {"content-type": "application/json"}, b'{"source": "file:///a.csv"}', 403, "not allowed"),
        ("", {"content-type": "application/json"}, b'{"source": "file:///a.csv", "explain": 1}', 422, "no bool"),
        ("", {"content-type": "application/json"}, b'{"source": "' + b"a" * 70_000 + b'"}', 422, "fewer bytes"),
    ],
)
def test_what_cannot_become_a_job_is_refused_in_one_shape(
    make_service: MakeClient, query: str, headers: dict[str, str], body: bytes, status: int, says: str
) -> None:
    client = make_service()
    refused = client.post(f"/jobs{query}", content=body, headers=headers)
    assert (refused.status_code, says in refused.json()["detail"][0]["message"]) == (status, True), refused.text
    assert client.get("/jobs").json() == []


def test_files_of_the_machine_below_allowed_folders(make_service: MakeClient, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.parquet", ROWS)
    client = make_service(allowed=[tmp_path])
    asked = {"source": f"file://{tmp_path}/rows.parquet", "output": f"file://{tmp_path}/out.jsonl", "most_errors": 0}
    told = client.post("/jobs", json=asked)
    assert told.status_code == 202, told.text
    assert await_end(client, told.json()["id"])["rows_total"] == 46
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["dose mg"] for line in lines] == list(range(46))


def test_a_repeated_request_starts_no_second_job(make_service: MakeClient) -> None:
    client = make_service()
    headers = {**CSV, "idempotency-key": "monday"}
    first, again = (client.post("/jobs", content=csv_rows(), headers=headers) for _ in range(2))
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert client.post("/jobs?explain=true", content=csv_rows(), headers=headers).status_code == 422
    assert len(client.get("/jobs").json()) == 1


def test_a_job_is_cancelled_tried_again_and_forgotten(make_service: MakeClient) -> None:
    client = make_service(pause=0.3)
    job = client.post("/jobs", content=csv_rows(), headers=CSV).json()["id"]
    assert client.get(f"/jobs/{job}/result").status_code == 409
    assert client.post(f"/jobs/{job}/retry").status_code == 409
    assert client.delete(f"/jobs/{job}").json()["status"] == "cancelled"
    assert client.post(f"/jobs/{job}/retry").status_code == 202
    assert await_end(client, job)["status"] == "completed"
    assert client.delete(f"/jobs/{job}").status_code == 204
    assert client.get(f"/jobs/{job}").status_code == 404
    assert client.delete(f"/jobs/{job}").status_code == 404


def test_jobs_of_others_are_not_seen(make_service: MakeClient, tmp_path: Path) -> None:
    secrets = {name: add_key(tmp_path / "keys.json", name)[1] for name in ("ann", "bob")}
    _, manager = add_key(tmp_path / "keys.json", "boss", scopes=["manage"])
    client = make_service(guard=Guard(tmp_path / "keys.json"))
    ann, bob = ({"x-api-key": secrets[name]} for name in ("ann", "bob"))
    job = client.post("/jobs", content=csv_rows(), headers={**CSV, **ann}).json()["id"]
    assert client.post("/jobs", content=csv_rows(), headers=CSV).status_code == 401
    assert client.get("/jobs", headers={"x-api-key": manager}).status_code == 403
    assert client.get("/jobs", headers=bob).json() == []
    for method, path in [("GET", ""), ("GET", "/result"), ("GET", "/events"), ("POST", "/retry"), ("DELETE", "")]:
        assert client.request(method, f"/jobs/{job}{path}", headers=bob).status_code == 404
    assert [found["id"] for found in client.get("/jobs", headers=ann).json()] == [job]
    for headers in ({}, {"x-api-key": "aml_wrong"}, bob):
        with client.websocket_connect(f"/jobs/{job}/ws", headers=headers) as socket:
            with pytest.raises(WebSocketDisconnect) as caught:
                socket.receive_json()
            assert caught.value.code == 1008
    with client.websocket_connect(f"/jobs/{job}/ws", headers=ann) as socket:
        assert socket.receive_json()["id"] == job


def test_a_model_of_many_is_named_in_the_path_or_beside(make_service: MakeClient) -> None:
    client = make_service(models=("a", "b"))
    assert "a, b" in client.post("/jobs", content=csv_rows(), headers=CSV).json()["detail"][0]["allowed"]
    first = client.post("/models/b/jobs", content=csv_rows(), headers=CSV)
    second = client.post("/jobs?model=a", content=csv_rows(), headers=CSV)
    assert (first.json()["model"], second.json()["model"]) == ("b", "a")
    both = client.post("/models/a/jobs", json={"source": "file:///rows.csv", "model": "b"})
    assert (both.status_code, "another one in the body" in both.text) == (422, True)
    assert client.post("/models/nope/jobs", content=csv_rows(), headers=CSV).status_code == 404
    assert await_end(client, second.json()["id"])["status"] == "completed"


def rises(values: list[Any]) -> bool:
    return values == sorted(values)


def test_a_socket_tells_progress_that_rises_and_one_end(make_service: MakeClient) -> None:
    client = make_service(pause=0.4)
    job = client.post("/jobs", content=csv_rows(), headers=CSV).json()["id"]
    said = []
    with client.websocket_connect(f"/jobs/{job}/ws") as socket, pytest.raises(WebSocketDisconnect) as caught:
        while True:
            said.append(socket.receive_json())
    assert caught.value.code == 1000
    assert [event["event"] for event in said[-2:]] == ["progress", "completed"]
    assert sum(event["event"] != "progress" for event in said) == 1
    assert rises([event["rows"] for event in said]) and len({event["rows"] for event in said}) > 2
    assert rises([event["share"] for event in said])


def test_a_stream_of_events_tells_the_same(make_service: MakeClient) -> None:
    client = make_service(pause=0.4)
    job = client.post("/jobs", content=csv_rows(), headers=CSV).json()["id"]
    threading.Timer(1.5, lambda: client.delete(f"/jobs/{job}")).start()
    told = client.get(f"/jobs/{job}/events")
    assert told.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in told.text.strip().split("\n\n")]
    names = [lines[0].removeprefix("event: ") for lines in events]
    assert names == ["progress"] * (len(names) - 1) + ["cancelled"]
    assert rises([json.loads(lines[1].removeprefix("data: "))["rows"] for lines in events])


def test_a_disk_without_space_is_said(make_service: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_SPARED", 1 << 60)
    client = make_service()
    refused = client.post("/jobs", content=csv_rows(), headers=CSV)
    assert (refused.status_code, "disk would be full" in refused.text) == (507, True)
    assert client.get("/jobs").json() == []


@pytest.mark.skipif(sys.platform == "win32", reason="a file in place of a folder")
def test_a_folder_that_cannot_be_made_is_said(make_service: MakeClient, tmp_path: Path) -> None:
    client = make_service()
    (tmp_path / "jobs").write_text("no folder")
    refused = client.post("/jobs", content=csv_rows(), headers=CSV)
    assert (refused.status_code, "cannot be made" in refused.text) == (507, True)


def test_jobs_are_documented(make_service: MakeClient) -> None:
    paths = make_service(models=("a",)).get("/openapi.json").json()["paths"]
    assert {path for path in paths if "/jobs" in path} == {
        "/jobs",
        "/jobs/{job_id}",
        "/jobs/{job_id}/events",
        "/jobs/{job_id}/result",
        "/jobs/{job_id}/retry",
        "/models/{name}/jobs",
    }
    content = paths["/jobs"]["post"]["requestBody"]["content"]
    assert {"text/csv", "application/x-ndjson", "application/vnd.apache.parquet", "application/json"} == set(content)
    assert {"202", "403", "404", "422", "507"} <= set(paths["/jobs"]["post"]["responses"])


CHILD = """
import importlib.util, sys
from pathlib import Path
from automl_runtime.serving.app import create_app
from automl_runtime.serving.jobs import JobStore
from automl_runtime.serving.jobs_app import add_jobs
from automl_runtime.serving.server import serve
spec = importlib.util.spec_from_file_location("fixtures", sys.argv[1])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
app = create_app(fixtures.make_bundle())
add_jobs(app, JobStore(Path(sys.argv[2]), {"dose": sys.argv[3:]}))
serve(app, port=0, log_level="warning", on_ready=lambda url: print(url, flush=True))
"""


def test_over_real_sockets_events_come_and_end_with_the_service(tmp_path: Path) -> None:
    from websockets.sync.client import connect

    fixtures = str(Path(__file__).with_name("conftest.py"))
    service = [sys.executable, "-c", CHILD, fixtures, str(tmp_path / "jobs"), *command(tmp_path / "seen", 0.5)]
    with subprocess.Popen(service, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            url = child.stdout.readline().strip()
            posted = urllib.request.Request(f"{url}/jobs", data=csv_rows() * 20, headers=CSV)
            with urllib.request.urlopen(posted, timeout=60) as answer:
                job = json.load(answer)["id"]
            with connect(f"ws{url.removeprefix('http')}/jobs/{job}/ws") as socket:
                assert json.loads(socket.recv(timeout=60))["event"] == "progress"
            with urllib.request.urlopen(f"{url}/jobs/{job}/events", timeout=60) as events:
                assert events.readline() == b"event: progress\n"
                child.send_signal(signal.SIGINT)
                # It ends with the service, which does not wait for the job.
                events.read()
            _, error = child.communicate(timeout=60)
        finally:
            child.kill()
    assert (child.returncode, error) == (0, "")
