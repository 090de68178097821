"""What seeing costs: `python -m benchmarks.serving.overhead` prints requests a second of `/predict` with and without.

One worker for each variant, wrk on the same cores, one model (LightGBM, 30 columns of numbers and words), one row a
request. The variants take turns in one run, and medians are compared: only the ratios mean anything, and where other
work disturbs the machine, those of the processor time of a request more than those of requests a second. `bare` reads,
checks and answers; `counted` has metrics, names of requests and keys besides; `drift` counts rows too; `all` writes 1 %
of the predictions to a log as well.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from automl_runtime.engine.fit import fit
from automl_runtime.monitoring.reference import sketch
from automl_runtime.registry.bundle import Bundle, open_bundle, write_bundle
from automl_runtime.serving.app import create_app
from automl_runtime.serving.guard import Guard
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.prediction_log import PredictionLog
from automl_runtime.serving.server import serve
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan
from fastapi import FastAPI

from benchmarks.serving.wrk import load, write_script

VARIANTS = ("bare", "counted", "drift", "all")
WORDS = [f"word {number}" for number in range(12)]
SECRET = "a secret of the benchmark, longer than 32 letters"


def make_table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({f"number {place}": rng.normal(size=rows) for place in range(25)})
    for place in range(5):
        table[f"word {place}"] = rng.choice(WORDS, rows)
    score = table["number 0"] + np.sin(3 * table["number 1"]) + (table["word 0"] == WORDS[3]) + rng.normal(size=rows)
    return table.assign(y=np.where(score > 0.3, "yes", "no"))


def make_bundle(folder: Path) -> Bundle:
    table = make_table(4_000, 0)
    rows = table.drop(columns="y")
    model = fit(table, "y", trials=1, models=["lightgbm"], budget_seconds=120)
    schema = InputSchema(
        columns=[
            InputColumn(
                name=name,
                type=(kind := "number" if name.startswith("number") else "category"),
                plan=ColumnPlan(column=name, type=kind),
                example=rows[name].iloc[0],
            )
            for name in rows
        ]
    )
    manifest = write_bundle(
        model,
        schema,
        folder / "v001",
        version="v001",
        target="y",
        created="2025-01-01T00:00:00+00:00",
        reference=sketch(rows, schema, model.oof["yes"].astype(float)).model_dump(mode="json"),
    )
    assert manifest.signature is not None
    (folder / "keys").write_text(manifest.signature.public_key + "\n")
    return opened(folder)


def opened(folder: Path) -> Bundle:
    return open_bundle(folder / "v001", folder / "keys")


class Bare(FastAPI):
    """The route of a service and nothing around it."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def at_once(self, path: str, headers: Any, client: Any, body: bytes) -> Any:
        """As `FrontApp.at_once`, of whoever asks, and not counted."""
        del path, client
        return self.inner.service.at_once.answer(headers, body, "bare", lambda: None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self.inner.service.route if scope["type"] == "http" else self.inner)(scope, receive, send)


def app_of(variant: str, folder: Path) -> FastAPI:
    bundle = opened(folder)
    if variant in ("bare", "counted"):
        bundle = replace(bundle, reference={})
    log = PredictionLog(folder / "log", 0.01) if variant == "all" else None
    observer = Observer(predictions=log, slow_seconds=1.0 if variant == "all" else float("inf"))
    app = create_app(bundle, guard=Guard(token_key=SECRET), observer=observer)
    return Bare(app) if variant == "bare" else app


def cpu_seconds(process: int) -> float:
    """Of all its threads, since it began."""
    used = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(used[11]) + int(used[12])) / os.sysconf("SC_CLK_TCK")


def spend(url: str, process: int, script: Path, connections: int, seconds: int) -> tuple[float, float, float]:
    """Requests a second, microseconds of the processor for each, and milliseconds that 99 % of them stay below."""
    before = cpu_seconds(process)
    stood = load(f"{url}/predict", script, connections, seconds)
    if stood.errors:
        raise SystemExit(f"{stood.errors} of {stood.requests} requests failed.")
    return stood.rps, 1e6 * (cpu_seconds(process) - before) / stood.requests, stood.p99_ms


def make_script(path: Path) -> None:
    """Two hundred different requests in turn, with a token."""
    import jwt

    token = jwt.encode({"sub": "bench", "scope": "predict", "exp": 4e9}, SECRET, algorithm="HS256")
    records = make_table(200, 1).drop(columns="y").to_dict("records")
    write_script(path, [msgspec.json.encode(row).decode() for row in records], {"Authorization": f"Bearer {token}"})


def measure(folder: Path, connections: list[int], seconds: int, rounds: int) -> None:
    make_script(folder / "load.lua")
    children = {}
    try:
        for variant in VARIANTS:
            command = [sys.executable, "-m", __spec__.name, "--serve", variant, "--folder", str(folder)]
            children[variant] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        urls = {name: child.stdout.readline().strip() for name, child in children.items() if child.stdout}
        for name in VARIANTS:
            spend(urls[name], children[name].pid, folder / "load.lua", 4, 1)
        for count in connections:
            found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in VARIANTS}
            for _ in range(rounds):
                for name in VARIANTS:
                    found[name].append(spend(urls[name], children[name].pid, folder / "load.lua", count, seconds))
            bare_rps, bare_spent, _ = (median(values) for values in zip(*found["bare"], strict=True))
            print(f"c={count:3}           rps  of bare  us CPU  of bare  p99 ms")
            for name in VARIANTS:
                rps, spent, p99 = (median(values) for values in zip(*found[name], strict=True))
                shares = f"{rps:8.0f}  {rps / bare_rps:7.1%}  {spent:6.1f}  {spent / bare_spent:7.1%}"
                print(f"  {name:10} {shares}  {p99:6.2f}")
    finally:
        for child in children.values():
            child.terminate()
            child.wait()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=VARIANTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.serve:
        app = app_of(options.serve, options.folder)
        serve(app, port=0, log_level="warning", on_ready=lambda url: print(url, flush=True))
        return
    with tempfile.TemporaryDirectory() as folder:
        make_bundle(Path(folder))
        measure(Path(folder), options.connections, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
