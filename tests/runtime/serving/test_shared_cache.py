"""Answers kept on Redis: shared by services, never stale, and in nobody's way when the server is slow or gone."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from automl_runtime.errors import MissingExtraError, RequestError
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.app import create_app
from automl_runtime.serving.cache_levels import CacheLevels, row_key
from automl_runtime.serving.caching import ResultCache
from automl_runtime.serving.scorer import Limits
from automl_runtime.serving.shared_cache import SharedCache
from starlette.testclient import TestClient

from tests.runtime.serving.conftest import make_bundle
from tests.runtime.serving.test_live import ROW, Constant, Source

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


class Server:
    """A Redis server on a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder / 'redis.sock'}"
        self._command = ["redis-server", "--port", "0", "--unixsocket", str(folder / "redis.sock"), "--save", ""]
        self._command += ["--dir", str(folder)]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        wait_for(lambda: self.client().ping())

    def client(self) -> Any:
        import redis

        try:
            client = redis.Redis.from_url(self.url)
            client.ping()
        except redis.RedisError:
            return Unreachable()
        return client

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Unreachable:
    def ping(self) -> bool:
        return False


def wait_for(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A short path: that of a socket may have some hundred letters only.
    started = Server(tmp_path_factory.mktemp("r"))
    yield started
    started.stop()


@pytest.fixture
def caches() -> Iterator[Callable[..., SharedCache]]:
    made: list[SharedCache] = []

    def make(*arguments: Any, **more: Any) -> SharedCache:
        made.append(SharedCache(*arguments, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Counted(Constant):
    """Counts the rows that it scores, and takes its time."""

    def __init__(self, yes: float, seconds: float = 0.02) -> None:
        super().__init__(yes)
        self.rows, self.seconds = 0, seconds

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        self.rows += len(frame)
        time.sleep(self.seconds)
        return super().predict_proba(frame)


def bundle_of(model: Constant, version: str = "v001") -> Bundle:
    return replace(make_bundle(model_version=version), model=model)


def service(bundle: Bundle, shared: SharedCache | None, megabytes: float = 0.0, **more: Any) -> TestClient:
    limits = Limits(cache_bytes=int(megabytes * 1e6), shared_cache=shared)
    return TestClient(create_app(bundle, limits=limits, **more), raise_server_exceptions=False)


def metric(client: TestClient, name: str) -> float:
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].rsplit(" ", 1)[1]) if lines else 0.0


def looked_up(client: TestClient, level: str, outcome: str) -> float:
    return metric(client, f'automl_cache_lookups_total{{level="{level}",outcome="{outcome}"}}')


@needs_redis
def test_services_share_what_one_of_them_has_scored(server: Server, caches: Callable[..., SharedCache]) -> None:
    one, other = Counted(0.9), Counted(0.9)
    with service(bundle_of(one), caches(server.url)) as first, service(bundle_of(other), caches(server.url)) as second:
        answers = [client.post("/predict", json=ROW).json() for client in (first, second, first)]
        assert answers[0] == answers[1] == answers[2]
        assert answers[0]["probabilities"]["yes"] == 0.9
        assert (one.rows, other.rows) == (1, 0)
        assert looked_up(second, "shared", "hit") == 1
        assert looked_up(first, "shared", "miss") == 1
        rows = [ROW, {**ROW, "dose mg": 7}, ROW]
        assert len(second.post("/predict", json={"rows": rows}).json()["predictions"]) == 3
        assert other.rows == 1


@needs_redis
def test_this_process_is_asked_first(server: Server, caches: Callable[..., SharedCache]) -> None:
    model = Counted(0.9)
    with service(bundle_of(model), caches(server.url), 1.0) as client:
        for _ in range(3):
            client.post("/predict", json=ROW)
        assert model.rows == 1
        assert (looked_up(client, "local", "hit"), looked_up(client, "local", "miss")) == (2, 1)
        assert (looked_up(client, "shared", "hit"), looked_up(client, "shared", "miss")) == (0, 1)


@needs_redis
def test_no_answer_is_stale_after_a_promotion(server: Server, caches: Callable[..., SharedCache]) -> None:
    shared = caches(server.url)
    source = Source(bundle_of(Counted(0.1), "v001"))
    with service(source.bundle, shared, 1.0, source=source) as client:
        for _ in range(2):
            assert client.post("/predict", json=ROW).json()["probabilities"]["yes"] == 0.1
        source.bundle = bundle_of(Counted(0.9), "v002")
        wait_for(lambda: client.post("/predict", json=ROW).json()["model_version"] == "v002")
        assert client.post("/predict", json=ROW).json()["probabilities"]["yes"] == 0.9
        # The same number, another model: as after a training elsewhere.
        other = Counted(0.5)
        told = bundle_of(other, "v001")
        trained = replace(told, manifest=told.manifest.model_copy(update={"created": "2020-01-01T00:00:00+00:00"}))
        with service(trained, shared) as elsewhere:
            assert elsewhere.post("/predict", json=ROW).json()["probabilities"]["yes"] == 0.5


@needs_redis
def test_other_code_has_other_keys_and_foreign_values_are_left_alone(
    server: Server, caches: Callable[..., SharedCache]
) -> None:
    models = [Counted(0.9), Counted(0.9)]
    for model, salt in zip(models, ("one", "two"), strict=True):
        with service(bundle_of(model), caches(server.url, salt=salt)) as client:
            client.post("/predict", json=ROW)
    assert [model.rows for model in models] == [1, 1]
    redis = server.client()
    keys = redis.keys("automl:v001:*")
    assert len(keys) == 2
    assert all(0 < redis.ttl(key) <= 300 for key in keys)
    for wrong in (b"no json", b"[1]", b'{"model_version": "v009", "label": "no"}'):
        for key in keys:
            redis.set(key, wrong)
        with service(bundle_of(Counted(0.9)), caches(server.url, salt="one")) as client:
            assert client.post("/predict", json=ROW).json()["probabilities"]["yes"] == 0.9


@needs_redis
def test_a_server_that_dies_is_left_alone_and_found_again(
    server: Server, caches: Callable[..., SharedCache], caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    shared = caches(server.url, clock=lambda: now[0])
    model = Counted(0.9)
    with service(bundle_of(model), shared) as client, caplog.at_level(logging.WARNING):
        assert client.post("/predict", json=ROW).status_code == 200
        server.stop()
        for _ in range(10):
            assert client.post("/predict", json=ROW).json()["probabilities"]["yes"] == 0.9
        assert shared.rests
        failures = metric(client, "automl_cache_failures_total")
        assert failures == 3
        server.start()
        assert client.post("/predict", json=ROW).status_code == 200
        assert metric(client, "automl_cache_failures_total") == failures
        now[0] += 6.0
        scored = model.rows
        for _ in range(3):
            assert client.post("/predict", json=ROW).status_code == 200
        assert model.rows == scored + 1
        assert not shared.rests
    told = [record.message for record in caplog.records if "shared cache" in record.message]
    assert len(told) == 2
    assert "fails" in told[0]
    assert "answers again" in told[1]


def test_a_server_that_hangs_costs_three_waits_and_no_request(
    caches: Callable[..., SharedCache], caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging, caplog.at_level(logging.WARNING):
        now = [0.0]
        port = hanging.getsockname()[1]
        shared = caches(f"redis://:secret@127.0.0.1:{port}/0", patience=0.02, clock=lambda: now[0])
        with service(bundle_of(Counted(0.9)), shared) as client:
            for _ in range(6):
                assert client.post("/predict", json=ROW).json()["probabilities"]["yes"] == 0.9
            assert metric(client, "automl_cache_failures_total") == 3
            for pause in (6.0, 11.0, 21.0):
                # One try, then a longer rest.
                before = metric(client, "automl_cache_failures_total")
                now[0] += pause
                for _ in range(3):
                    client.post("/predict", json=ROW)
                assert metric(client, "automl_cache_failures_total") == before + 1
    told = [record.message for record in caplog.records if "shared cache" in record.message]
    assert len(told) == 1
    assert "secret" not in told[0]


class Slow(SharedCache):
    """Knows nothing, and says how long asking takes."""

    def __init__(self, seconds: float) -> None:
        self.asked, self.written, self.salt, self.seconds = 0, 0, "", seconds
        self.lookup_seconds = seconds

    def get(self, keys: Any) -> list[bytes | None]:
        self.asked += 1
        self.lookup_seconds = self.seconds
        return [None] * len(keys)

    def put(self, values: Any) -> None:
        self.written += 1


@pytest.mark.parametrize(("asking", "worth"), [(0.001, True), (0.5, False)])
def test_it_is_asked_only_while_that_is_faster_than_scoring(asking: float, worth: bool) -> None:
    now = [0.0]
    shared = Slow(asking)
    levels = CacheLevels(None, shared, make_bundle().manifest, clock=lambda: now[0])
    levels.put({b"a": b"1"}, 0.01)
    levels.get([b"a"])
    for _ in range(5):
        levels.get([b"a"])
    assert shared.asked == (6 if worth else 1)
    assert shared.written == int(worth)
    now[0] += 31.0
    levels.get([b"a"])
    assert shared.asked == (7 if worth else 2)


def test_kept_answers_serve_models_that_are_slow_without_a_server_too() -> None:
    model = Counted(0.9)
    with service(bundle_of(model), None, 1.0) as client:
        rows = [{**ROW, "dose mg": place} for place in range(5)]
        first = client.post("/predict", json={"rows": rows}).json()
        assert client.post("/predict", json={"rows": rows[::-1]}).json()["predictions"] == first["predictions"][::-1]
        assert model.rows == 5
        assert client.post("/predict", json={**ROW, "dose mg": " 3 "}).json() == first["predictions"][3]
        assert model.rows == 5
        wrong = client.post("/predict", json={**ROW, "dose mg": "many"})
        assert wrong.status_code == 422
        client.post("/predict", json={"rows": [{**ROW, "dose mg": place} for place in range(300)]})
        assert model.rows == 305


@needs_redis
def test_connecting_does_not_count_as_a_lookup(server: Server, caches: Callable[..., SharedCache]) -> None:
    shared = caches(server.url)
    assert shared.get([b"a"]) == [None]
    assert shared.lookup_seconds is None
    shared.put({b"a": b"1"})
    assert shared.get([b"a", b"b"]) == [b"1", None]
    assert shared.lookup_seconds is not None
    server.stop()
    assert shared.get([b"a"]) is None
    server.start()
    shared.forget_times()
    assert shared.get([b"a"]) == [None]
    assert shared.lookup_seconds is None


def test_rows_have_one_key_however_they_are_written() -> None:
    assert row_key(("a", 1.5, None)) == row_key(["a", 1.5, None])
    moment = pd.Timestamp("2024-02-03")
    assert (
        row_key((moment,))
        == row_key((pd.Timestamp("2024-02-03 00:00"),))
        != row_key((moment.normalize() + pd.Timedelta(1),))
    )
    keys = [
        row_key(values)
        for values in ((1.0,), ("1.0",), (True,), (None,), (float("nan"),), ("a", "b"), ("ab",), (pd.NaT,))
    ]
    assert len(set(keys)) == len(keys)
    assert row_key((np.float64(2.5),)) == row_key((2.5,))


def test_wrong_urls_and_a_missing_package_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="none of Redis"):
        SharedCache("http://user:secret@host/")
    monkeypatch.setitem(__import__("sys").modules, "redis", None)
    with pytest.raises(MissingExtraError, match="redis"):
        SharedCache("redis://localhost")


def test_each_lookup_is_told() -> None:
    seen: list[bool] = []
    cache = ResultCache[bytes](1_000)
    cache.on_lookup = seen.append
    cache.get("a")
    cache.put("a", b"1", 1)
    cache.get("a")
    assert seen == [False, True]
