"""Prometheus counters of one service, and the ASGI layer that fills them."""

from __future__ import annotations

import os
import time
from typing import Any

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.asgi import Asgi, Message, Receive, Send
from automl_runtime.serving.cache_levels import CacheLevels
from automl_runtime.serving.caching import ResultCache

try:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
    from prometheus_client.registry import Collector
except ImportError as error:
    raise MissingExtraError(package="prometheus-client", extra="serve") from error

__all__ = ["CountedApp", "Counters"]

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ROWS = (0, 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144)


class Counters:
    """What a service counts, in a registry of its own, so that two services in one process stay apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("automl_requests", "Requests answered.", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "automl_request_seconds",
            "Time to answer a request, in seconds.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batches = [
            Histogram(f"automl_batch_{name}", about, buckets=buckets, registry=self.registry)
            for name, about, buckets in (
                ("rows", "Rows that were scored together.", _ROWS),
                ("seconds", "Time to score a batch, in seconds.", _SECONDS),
                ("waiting_rows", "Rows that waited when a batch ended.", _ROWS),
            )
        ]
        self.rows = Counter("automl_rows", "Rows predicted.", registry=self.registry)
        self.errors = Counter("automl_errors", "Requests refused or failed.", ["kind"], registry=self.registry)
        for kind in ("invalid", "too_large", "overloaded", "timeout", "unavailable", "denied", "internal"):
            self.errors.labels(kind)
        self.lookups = Counter(
            "automl_cache_lookups",
            "Rows that were looked up among kept answers: of this process (local), of all services (shared).",
            ["level", "outcome"],
            registry=self.registry,
        )
        self.cache_failures = Counter(
            "automl_cache_failures", "Times that the shared cache could not be asked.", registry=self.registry
        )
        self._info = Gauge(
            "automl_model_info",
            "1 for the model that answers.",
            ["version", "task"],
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._collectors: list[Collector] = []
        self._bound: dict[tuple[str, int], Any] = {}
        self._answers: tuple[str, str] | None = None

    def add(self, collector: Collector) -> None:
        """Lets the exposition hold what `collector` knows of all workers."""
        self._collectors.append(collector)
        self.registry.register(collector)

    def exchanged(self, model_version: str, task: str) -> None:
        """Another model answers."""
        if self._answers is not None:
            self._info.labels(*self._answers).set(0)
        self._answers = model_version, task
        self._info.labels(model_version, task).set(1)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Counts an answer."""
        key = path, status
        bound = self._bound.get(key)
        if bound is None:
            # Looking up a label costs more than counting.
            bound = self._bound[key] = self.requests.labels(path, str(status)), self.seconds.labels(path)
        bound[0].inc()
        bound[1].observe(seconds)

    def watch(self, cache: ResultCache[bytes] | None, levels: CacheLevels | None) -> None:
        """Counts what is looked up there from now on."""
        if cache is not None:
            hit, miss = (self.lookups.labels("local", outcome) for outcome in ("hit", "miss"))
            cache.on_lookup = lambda found: (hit if found else miss).inc()
        if levels is not None and levels.shared is not None:
            hits, misses = (self.lookups.labels("shared", outcome) for outcome in ("hit", "miss"))

            def told(known: int, unknown: int) -> None:
                hits.inc(known)
                misses.inc(unknown)

            levels.on_shared = told
            levels.shared.on_failure = self.cache_failures.inc

    def batched(self, rows: int, seconds: float, waiting_rows: int) -> None:
        """Counts a batch that was scored."""
        for histogram, value in zip(self._batches, (rows, seconds, waiting_rows), strict=True):
            histogram.observe(value)

    def refused(self, kind: str) -> None:
        """Counts a request that was refused or failed, by its kind."""
        self.errors.labels(kind).inc()

    def exposition(self) -> bytes:
        """All counters in Prometheus' text format; of several workers their sums."""
        registry = self.registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            for collector in self._collectors:
                registry.register(collector)
        return bytes(generate_latest(registry))


class CountedApp:
    """An ASGI application that counts the requests of another and how long they took.

    A plain ASGI layer, for Starlette's `BaseHTTPMiddleware` costs a third of the throughput (FastAPI issue 2241).
    """

    def __init__(self, app: Asgi, counters: Counters, paths: frozenset[str]) -> None:
        """Counts requests for other paths than `paths` as `other`, so that callers cannot make up labels."""
        self._app = app
        self._counters = counters
        self._paths = paths

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Passes the request on and counts its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self._paths else "other"
        status = 500
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._counters.answered(path, status, time.perf_counter() - started)
