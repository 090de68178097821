from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest
from automl_runtime.errors import RequestError
from automl_runtime.serving.server import serve
from fastapi import FastAPI

CHILD = """
import importlib.util, sys
from automl_runtime.serving.app import create_app
from automl_runtime.serving.server import serve
spec = importlib.util.spec_from_file_location("fixtures", sys.argv[1])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
serve(create_app(fixtures.make_bundle()), port=0, log_level="warning", on_ready=lambda url: print(url, flush=True))
print("stopped in good order", flush=True)
"""


def call(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=20) as answer:
        return json.load(answer)


def test_the_service_answers_over_http_and_stops_on_ctrl_c() -> None:
    command = [sys.executable, "-c", CHILD, str(Path(__file__).with_name("conftest.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        try:
            assert url.startswith("http://127.0.0.1:")
            assert call(f"{url}/health")["status"] == "ok"
            assert call(f"{url}/predict", {"dose mg": "$1,500", "smokes?": "yes"})["label"] == "yes"
        finally:
            os.kill(child.pid, signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert (out.strip(), err, child.returncode) == ("stopped in good order", "", 0)


def test_the_service_stops_in_good_order_in_this_process_too() -> None:
    answers: list[Any] = []
    app = FastAPI()
    app.add_api_route("/health", lambda: {"status": "ok", "frozen": gc.get_freeze_count() > 10_000})

    def ask_and_stop(url: str) -> None:
        try:
            answers.append(call(f"{url}/health"))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    serve(app, port=0, log_level="error", on_ready=lambda url: Thread(target=ask_and_stop, args=[url]).start())
    assert answers == [{"status": "ok", "frozen": True}]
    assert gc.get_freeze_count() == 0


WORKERS = """
import importlib.util, os, sys
from automl_runtime.serving.app import create_app
from automl_runtime.serving.server import serve
spec = importlib.util.spec_from_file_location("fixtures", sys.argv[1])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)

def make():
    app = create_app(fixtures.make_bundle())
    app.add_api_route("/pid", lambda: os.getpid())
    return app

serve(make, port=0, workers=3, log_level="warning", on_ready=lambda url: print(url, flush=True))
"""


def await_workers(url: str, wanted: int, without: int | None = None) -> set[int]:
    """The processes that answer, once there are so many."""
    found: set[int] = set()
    end = time.monotonic() + 60
    while len(found) < wanted:
        assert time.monotonic() < end, found
        try:
            found.add(call(f"{url}/pid"))
        except (urllib.error.URLError, ConnectionError):
            # That of a worker that was just killed.
            time.sleep(0.01)
        found.discard(without)  # type: ignore[arg-type]
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="workers inherit a socket")
def test_workers_share_a_port_count_together_and_are_replaced_when_killed() -> None:
    command = [sys.executable, "-c", WORKERS, str(Path(__file__).with_name("conftest.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        try:
            workers = await_workers(url, 3)
            killed = min(workers)
            for _ in range(40):
                assert call(f"{url}/predict", {"dose mg": 1500, "smokes?": "yes"})["label"] == "yes"
            os.kill(killed, signal.SIGKILL)
            assert len(await_workers(url, 3, without=killed)) == 3
            with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
                text = answer.read().decode()
            assert 'automl_requests_total{path="/predict",status="200"} 40.0' in text
            assert 'automl_model_info{task="binary",version="v007"} 1.0' in text
        finally:
            parent.terminate()
        _, err = parent.communicate(timeout=60)
    assert parent.returncode == 0
    assert "another takes its place" in err
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        call(f"{url}/health")


@pytest.mark.skipif(sys.platform == "win32", reason="workers inherit a socket")
def test_workers_come_with_the_load_and_go_when_it_is_calm() -> None:
    eager = "Scaling(1, 3, busy=0.05, calm_seconds=2, warm_seconds=2)"
    code = "from automl_runtime.serving.scaling import Scaling\n" + WORKERS.replace("workers=3", f"workers={eager}")
    command = [sys.executable, "-c", code, str(Path(__file__).with_name("conftest.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url, service = parent.stdout.readline().strip(), psutil.Process(parent.pid)
        try:
            assert len(service.children()) == 1
            end = time.monotonic() + 120
            while len(service.children()) < 3:
                assert time.monotonic() < end
                assert call(f"{url}/predict", {"dose mg": 1500, "smokes?": "yes"})["label"] == "yes"
            assert len(await_workers(url, 3)) == 3
            while len(service.children()) > 1:
                assert time.monotonic() < end
                time.sleep(0.1)
            assert call(f"{url}/predict", {"dose mg": 1500, "smokes?": "yes"})["label"] == "yes"
        finally:
            parent.terminate()
        _, err = parent.communicate(timeout=60)
    assert parent.returncode == 0
    assert "another takes its place" not in err
    assert [line.split() for line in err.splitlines()][-1][:2] == ["1", "workers"]


@pytest.mark.skipif(sys.platform == "win32", reason="workers inherit a socket")
def test_workers_that_cannot_start_are_given_up() -> None:
    code = "from automl_runtime.serving.server import serve\nserve(lambda: 1 / 0, port=0, workers=2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert "Workers end again and again" in done.stderr


def test_a_port_in_use_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(
            RequestError, match=rf"Port {port} on 127.0.0.1 is in use(.|\n)*--port {port + 1}"
        ) as caught:
            serve(FastAPI(), port=port)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("127.0.0.1", 70000, "70000 is no port"),
        ("127.0.0.1", -1, "-1 is no port"),
        ("nowhere.invalid", 8000, "no address of this machine"),
        ("a" * 300, 8000, "no address of this machine"),
        ("203.0.113.7", 8000, "cannot be listened on"),
    ],
)
def test_an_address_that_cannot_be_used_is_said(host: str, port: int, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        serve(FastAPI(), host, port)


def test_a_port_that_needs_rights_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(listener: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse, raising=False)
    with pytest.raises(RequestError, match="Port 80 needs more rights"):
        serve(FastAPI(), port=80)


def test_the_url_of_an_ipv6_address_has_brackets() -> None:
    from automl_runtime.serving.server import _listen, _url

    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = _listen("::1", 0)
    except RequestError:
        pytest.skip("no IPv6 here")
    with listener:
        assert _url("::1", listener).startswith("http://[::1]:")
