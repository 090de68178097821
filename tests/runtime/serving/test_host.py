"""Many models in one process: loaded once when asked for, let go by use and size, exchanged under load."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from automl_runtime.errors import BundleError
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from automl_runtime.serving.sizes import held_bytes
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import make_bundle
from tests.runtime.serving.test_live import ROW, Constant, Source

MakeHost = Callable[..., TestClient]


class Counted(Source):
    """Counts how often it is opened, and takes its time."""

    def __init__(self, bundle: Bundle, seconds: float = 0.0) -> None:
        super().__init__(bundle)
        self.opened, self.seconds = 0, seconds

    def open(self) -> tuple[Bundle, None, None]:
        self.opened += 1
        time.sleep(self.seconds)
        return super().open()


def sized(number: int, megabytes: float = 0.0) -> Bundle:
    model = Constant(number / 100)
    model.weights = np.zeros(int(megabytes * 1e6 / 8))  # type: ignore[attr-defined]
    return replace(make_bundle(model_version=f"v{number:03d}"), model=model)


@pytest.fixture
def make_host() -> Iterator[MakeHost]:
    clients: list[TestClient] = []

    def make(sources: dict[str, Source], **more: Any) -> TestClient:
        client = TestClient(create_host_app(ModelHost(sources, **more)), raise_server_exceptions=False)
        client.__enter__()
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.__exit__(None, None, None)


def loaded(client: TestClient) -> list[str]:
    return [model["name"] for model in client.get("/models").json() if model["loaded"]]


def test_a_model_is_loaded_when_it_is_asked_for_and_once(make_host: MakeHost) -> None:
    sources = {name: Counted(sized(place), 0.2) for place, name in enumerate(["a", "b"])}
    client = make_host(sources)
    assert loaded(client) == []
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(client.post, "/models/b/predict", json=ROW) for _ in range(8)]
    assert {answer.result().json()["model_version"] for answer in answers} == {"v001"}
    assert (sources["a"].opened, sources["b"].opened) == (0, 1)
    assert loaded(client) == ["b"]
    assert client.get("/health").json()["loaded"] == 1


def test_the_least_used_is_let_go_and_pinned_ones_stay(make_host: MakeHost) -> None:
    sources = {f"m{number}": Counted(sized(number, 2.0)) for number in range(4)}
    client = make_host(sources, memory_bytes=5_000_000)
    assert client.post("/models/m0/load?pin=true").json()["pinned"]
    for name in ("m1", "m2", "m1", "m3", "m0"):
        assert client.post(f"/models/{name}/predict", json=ROW).status_code == 200
    assert loaded(client) == ["m0", "m3"]
    assert client.post("/models/m2/predict", json=ROW).json()["model_version"] == "v002"
    assert sources["m2"].opened == 2
    assert (
        client.post("/models/m0/unload").json() | {"pinned": False, "loaded": False} == client.get("/models/m0").json()
    )


def test_a_model_larger_than_the_bound_still_answers(make_host: MakeHost) -> None:
    client = make_host({"big": Counted(sized(1, 3.0))}, memory_bytes=1_000)
    assert client.post("/models/big/predict", json=ROW).status_code == 200


def test_a_model_that_cannot_be_loaded_is_named_and_tried_again(make_host: MakeHost) -> None:
    source = Counted(sized(1))
    source.bundle = BundleError("model.txt was changed after it was signed.")
    client = make_host({"a": source})
    refused = client.post("/models/a/predict", json=ROW)
    assert refused.status_code == 503
    assert "was changed" in refused.json()["detail"][0]["message"]
    assert "was changed" in client.get("/models/a").json()["error"]
    source.bundle = sized(2)
    assert client.post("/models/a/predict", json=ROW).json()["model_version"] == "v002"
    assert client.get("/models/a").json()["error"] is None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/models/nope/predict", 404),
        ("POST", "/models/a/forecast", 404),
        ("POST", "/models/predict", 404),
        ("GET", "/models/nope", 404),
        ("GET", "/models/nope/versions", 404),
        ("POST", "/models/nope/load", 404),
        ("POST", "/models/a/load?pin=perhaps", 422),
        ("GET", "/models/a/predict", 405),
    ],
)
def test_what_there_is_not_is_refused(make_host: MakeHost, method: str, path: str, status: int) -> None:
    client = make_host({"a": Counted(sized(1))})
    answer = client.request(method, path, json=ROW if method == "POST" else None)
    assert answer.status_code == status


def test_versions_are_listed(make_host: MakeHost) -> None:
    client = make_host({"a": Counted(sized(1))})
    assert client.get("/models/a/versions").json() == {"versions": ["v001"], "aliases": {"production": "v001"}}


def test_models_are_exchanged_each_by_itself(make_host: MakeHost) -> None:
    sources = {"a": Counted(sized(1)), "b": Counted(sized(2))}
    client = make_host(sources)
    for name in sources:
        client.post(f"/models/{name}/predict", json=ROW)
    sources["a"].bundle = sized(7)
    end = time.monotonic() + 20
    while client.get("/models/a").json()["model_version"] != "v007":
        assert time.monotonic() < end
        time.sleep(0.05)
    assert client.post("/models/a/predict", json=ROW).json()["model_version"] == "v007"
    assert client.post("/models/b/predict", json=ROW).json()["model_version"] == "v002"


def test_counters_know_models_and_no_made_up_names(make_host: MakeHost) -> None:
    client = make_host({"a": Counted(sized(1))})
    client.post("/models/a/predict", json=ROW)
    client.post("/models/made-up/predict", json=ROW)
    text = client.get("/metrics").text
    assert 'automl_requests_total{path="/models/a/predict",status="200"} 1.0' in text
    assert "automl_batch_rows_count 1.0" in text
    assert "made-up" not in text


def test_held_bytes_counts_arrays_once() -> None:
    array = np.zeros(100_000)
    alone = held_bytes(array)
    assert alone >= array.nbytes
    assert held_bytes({"a": array, "b": array[10:], "c": [array, {"d": array.T}]}) < 1.1 * alone
    assert held_bytes(["x" * 100_000]) >= 100_000


WARMED = """
import sys, time
from automl_runtime.serving.host import ModelHost
from automl_runtime.serving.host_app import create_host_app
from starlette.testclient import TestClient

with TestClient(create_host_app(ModelHost({}))):
    end = time.monotonic() + 60
    while "numba.core.cpu" not in sys.modules and time.monotonic() < end:
        time.sleep(0.01)
print("numba.core.cpu" in sys.modules)
"""


def test_the_first_model_does_not_wait_for_the_compiler_of_kernels():
    done = subprocess.run([sys.executable, "-c", WARMED], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
