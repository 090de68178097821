"""Rows a second and peak memory of a prediction job, and what `/predict` and `/health` notice of it.

    python -m benchmarks.serving.jobs --rows 1000000

A service is started with a LightGBM model of 16 columns; the rows are made as Parquet and predicted by `POST /jobs`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

_NUMBERS = [f"x{number}" for number in range(14)]
_WORDS = ["w0", "w1"]
_PIECE = 100_000
_REST = 5.0
_UPLOADS = 100


def made(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({name: random.normal(size=rows).round(4) for name in _NUMBERS})
    for name in _WORDS:
        frame[name] = random.choice([f"level {level}" for level in range(12)], rows)
    return frame


def train(folder: Path) -> None:
    from automl_runtime.engine.fit import fit
    from automl_runtime.registry.bundle import write_bundle

    rows = made(5_000, 0)
    rows["y"] = np.where(rows["x0"] + rows["x1"] * rows["x2"] > 0, "yes", "no")
    model = fit(rows, "y", models=["lightgbm"], trials=1, seed=0)
    kinds: dict[str, Any] = {**dict.fromkeys(_NUMBERS, "number"), **dict.fromkeys(_WORDS, "category")}
    columns = [
        InputColumn(name=name, type=kind, plan=ColumnPlan(column=name, type=kind)) for name, kind in kinds.items()
    ]
    write_bundle(
        model, InputSchema(columns=columns), folder, version="v001", target="y", created="2025-01-01T00:00:00+00:00"
    )


def write_source(path: Path, rows: int) -> None:
    with pq.ParquetWriter(path, pa.Table.from_pandas(made(1, 0), preserve_index=False).schema) as writer:
        for place in range(0, rows, _PIECE):
            piece = made(min(_PIECE, rows - place), place + 1)
            writer.write_table(pa.Table.from_pandas(piece, preserve_index=False))


def run_worker(model: Path, folder: Path) -> None:
    from automl_runtime.project.job_worker import give_way, work
    from automl_runtime.registry.bundle import open_bundle
    from automl_runtime.serving.job_folder import JobFolder

    give_way()
    work(JobFolder(folder), lambda _: (open_bundle(model), lambda rows: rows))
    used = resource.getrusage(resource.RUSAGE_SELF)
    # Linux counts kilobytes.
    (folder / "used.json").write_text(json.dumps([used.ru_maxrss / 1024, used.ru_utime + used.ru_stime]))


def run_service(place: Path) -> None:
    from automl_runtime.registry.bundle import open_bundle
    from automl_runtime.serving.app import create_app
    from automl_runtime.serving.jobs import JobStore
    from automl_runtime.serving.jobs_app import add_jobs
    from automl_runtime.serving.server import serve

    app = create_app(open_bundle(place / "model"))
    command = [sys.executable, "-m", "benchmarks.serving.jobs", "--worker", str(place / "model")]
    add_jobs(app, JobStore(place / "jobs", {"made": command}, allowed=[place]))
    serve(app, port=0, log_level="error", on_ready=lambda url: print(url, flush=True))


class Client:
    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, {"content-type": "application/json"})
        return json.loads(self._connection.getresponse().read())

    def p99(self, method: str, path: str, body: Any = None) -> float:
        """Milliseconds, over some seconds at a hundred requests a second."""
        taken = []
        end = time.monotonic() + _REST
        while time.monotonic() < end:
            started = time.perf_counter()
            self.ask(method, path, body)
            taken.append(time.perf_counter() - started)
            time.sleep(0.01)
        return float(np.quantile(taken, 0.99) * 1e3)


class SlowUploads:
    """Clients that send rows to `/jobs` a few bytes at a time, in the block."""

    def __init__(self, url: str, count: int) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._sockets = [socket.create_connection((host, int(port))) for _ in range(count)]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> None:
        head = b"POST /jobs HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ncontent-length: 1000000000\r\n\r\n"
        for connection in self._sockets:
            connection.sendall(head)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._sockets:
            connection.close()

    def _send(self) -> None:
        while not self._over.wait(0.1):
            for connection in self._sockets:
                connection.sendall(b"1" * 2_000 + b"\n")


def measure(place: Path, rows: int, output: str) -> None:
    train(place / "model")
    write_source(place / "rows.parquet", rows)
    row = json.loads(made(1, 7).to_json(orient="records"))[0]
    command = [sys.executable, "-m", "benchmarks.serving.jobs", "--serve", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            url = service.stdout.readline().strip()
            client = Client(url)
            client.p99("POST", "/predict", row)
            before = client.p99("POST", "/predict", row), client.p99("GET", "/health")
            with SlowUploads(url, _UPLOADS):
                uploading = client.p99("POST", "/predict", row), client.p99("GET", "/health")
            asked = {"source": f"file://{place}/rows.parquet", "output": f"file://{place}/scored.{output}"}
            job = client.ask("POST", "/jobs", asked)["id"]
            while client.ask("GET", f"/jobs/{job}")["rows"] == 0:
                time.sleep(0.1)
            beside = client.p99("POST", "/predict", row), client.p99("GET", "/health")
            while (view := client.ask("GET", f"/jobs/{job}"))["status"] in ("queued", "running"):
                time.sleep(0.5)
        finally:
            service.terminate()
    assert view["status"] == "completed", view
    peak, processor = json.loads((place / "jobs" / job / "used.json").read_text())
    source = (place / "rows.parquet").stat().st_size / 1e6
    print(f"{view['rows']:,} rows ({source:,.0f} MB of Parquet) -> {output}")
    seconds = view["finished"] - view["started"]
    print(f"  {view['rows_per_second']:,.0f} rows/s; {seconds:.1f} s in all; peak {peak:,.0f} MB RSS")
    print(f"  {view['rows'] / processor:,.0f} rows for each second of a processor")
    for name, alone, slow, meanwhile in zip(("/predict", "/health"), before, uploading, beside, strict=True):
        beside_uploads = f"{slow:.2f} ms beside {_UPLOADS} slow uploads"
        print(f"  p99 of {name}: {alone:.2f} ms alone, {beside_uploads}, {meanwhile:.2f} ms beside the job")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--output", choices=["parquet", "csv", "jsonl"], default="parquet")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--worker", type=Path, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        run_worker(*arguments.worker)
    elif arguments.serve:
        run_service(arguments.serve)
    else:
        with tempfile.TemporaryDirectory() as place:
            measure(Path(place).resolve(), arguments.rows, arguments.output)


if __name__ == "__main__":
    main()
