"""What Prometheus is told is exact, whoever counts."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.dispatching import BatchPolicy, Dispatcher
from prometheus_client.parser import text_string_to_metric_families

THREADS = 16


def told(counters: Counters, name: str, **labels: str) -> float:
    text = counters.exposition().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    [value] = [sample.value for sample in samples if sample.name == name and sample.labels == labels]
    return value


def test_batches_of_a_dispatcher_are_counted_with_what_waits() -> None:
    async def scenario(counters: Counters) -> None:
        gate = threading.Event()

        def score(items: list[int]) -> list[int]:
            gate.wait(10)
            return items

        dispatcher = Dispatcher(score, BatchPolicy(most_rows=8), on_batch=counters.batched)
        futures = [dispatcher.submit(number, rows) for number, rows in enumerate((1, 5, 3, 20))]
        gate.set()
        await asyncio.gather(*futures)
        await dispatcher.close()

    counters = Counters()
    asyncio.run(scenario(counters))
    # Batches of 1, of 5 + 3 and of 20 rows; 28, 20 and none waited behind them.
    assert [told(counters, f"automl_batch_{name}_sum") for name in ("rows", "waiting_rows")] == [29, 48]
    assert [told(counters, "automl_batch_rows_bucket", le=edge) for edge in ("1.0", "4.0", "16.0", "64.0")] == [
        *(1, 1, 2, 3),
    ]
    assert told(counters, "automl_batch_seconds_count") == 3


def test_many_threads_count_exactly() -> None:
    counters = Counters()
    taken = np.random.default_rng(0).exponential(0.02, 10_000).tolist()

    def work(_: int) -> None:
        for number, seconds in enumerate(taken):
            counters.answered("/predict", 422 if number % 10 == 0 else 200, seconds)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert told(counters, "automl_requests_total", path="/predict", status="200") == THREADS * 9_000
    assert told(counters, "automl_requests_total", path="/predict", status="422") == THREADS * 1_000
    assert told(counters, "automl_request_seconds_sum", path="/predict") == pytest.approx(THREADS * sum(taken))
    for edge in ("0.001", "0.01", "0.05", "+Inf"):
        below = THREADS * int((np.array(taken) <= float(edge)).sum())
        assert told(counters, "automl_request_seconds_bucket", path="/predict", le=edge) == below
