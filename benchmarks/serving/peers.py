"""One model behind HTTP, ours and others': `python -m benchmarks.serving.peers [PEER ...]` prints a table.

The model is that of `kernels` (LightGBM, two classes, 500 trees x 31 leaves, 30 numbers). Each service has one worker
and runs alone, one after the other, in an environment of its own below `.bench/`; the load comes from wrk on the same
cores. Ours runs complete: it validates, counts, asks for a token, watches drift and logs 1 % of the predictions. Every
answer format is checked against `Booster.predict` before the load begins. Only the ratios of one run mean anything.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np

from benchmarks.environments import ROOT, python_of
from benchmarks.serving import kernels
from benchmarks.serving.model import NAMES, app_of, make_bundle, token
from benchmarks.serving.wrk import Load, load, write_script

CONNECTIONS = (1, 16, 64)
_LIGHTGBM = "lightgbm==4.7.0"
_READY_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Peer:
    """A service that answers one row."""

    title: str
    packages: tuple[str, ...]
    path: str
    body: Callable[[list[float]], Any]
    read: Callable[[Any], float]
    """The probability in an answer."""


def _record(row: list[float]) -> Any:
    return dict(zip(NAMES, row, strict=True))


def _tensor(row: list[float]) -> Any:
    return {"inputs": [{"name": "rows", "shape": [1, len(row)], "datatype": "FP64", "data": row}]}


PEERS = {
    "automl": Peer("automl, complete", (), "/predict", _record, lambda found: found["probabilities"]["yes"]),
    "fastapi": Peer(
        "FastAPI, pandas, Booster.predict",
        (_LIGHTGBM, "fastapi==0.140.0", "uvicorn[standard]", "pandas"),
        "/predict",
        _record,
        lambda found: found["probability"],
    ),
    "mlserver": Peer(
        "MLServer 1.7.1 (adaptive batching)",
        (_LIGHTGBM, "mlserver==1.7.1", "mlserver-lightgbm==1.7.1"),
        "/v2/models/model/infer",
        _tensor,
        lambda found: found["outputs"][0]["data"][0],
    ),
    "litserve": Peer(
        "LitServe 0.2.19 (batching)",
        (_LIGHTGBM, "litserve==0.2.19"),
        "/predict",
        lambda row: {"row": row},
        lambda found: found["probability"],
    ),
    "bentoml": Peer(
        "BentoML 1.4.40 (adaptive batching)",
        (_LIGHTGBM, "bentoml==1.4.40"),
        "/predict",
        lambda row: {"rows": [row]},
        lambda found: found[0],
    ),
    "mlflow": Peer(
        "MLflow 3.17.2 models serve",
        (_LIGHTGBM, "mlflow==3.17.2"),
        "/invocations",
        lambda row: {"inputs": [row]},
        lambda found: found["predictions"][0],
    ),
    "ray": Peer(
        "Ray Serve 2.60 (serve.batch)",
        (_LIGHTGBM, "ray[serve]==2.60.0"),
        "/predict",
        lambda row: {"row": row},
        lambda found: found["probability"],
    ),
}


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[str]:
    """The URL that a peer answers at; it and all that it started are killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if name == "automl":
        command = [sys.executable, "-m", __spec__.name, "--serve", str(port), "--folder", str(folder)]
    else:
        script = Path(__file__).with_name("peer_servers.py")
        command = [python_of(f"serving-{name}", PEERS[name].packages), str(script), name, str(folder), str(port)]
    with (folder / f"{name}.log").open("w") as log:
        child = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=ROOT if name == "automl" else folder,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        try:
            yield f"http://127.0.0.1:{port}{PEERS[name].path}"
        finally:
            # Some peers start processes in sessions of their own.
            for process in [*descendants(child.pid), child.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            child.wait()


def descendants(process: int) -> list[int]:
    """The processes that `process` has started, and those that they have."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(place.parent.name)] = int(place.read_text().rsplit(")", 1)[1].split()[1])
    found = [process]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def ask(url: str, body: Any, headers: dict[str, str]) -> Any:
    """The answer to a request, read from JSON."""
    sent = headers | {"Content-Type": "application/json"}
    with urlopen(Request(url, json.dumps(body).encode(), sent), timeout=30) as answer:
        return json.load(answer)


def check(name: str, url: str, rows: Any, truth: Any, headers: dict[str, str]) -> None:
    """Waits for the first answer, and compares some with the truth.

    Raises:
        SystemExit: if none comes, or a wrong one.
    """
    peer, until = PEERS[name], time.monotonic() + _READY_SECONDS
    while True:
        # Until it is ready it refuses connections, or answers 4xx and 5xx.
        with contextlib.suppress(OSError):
            ask(url, peer.body(rows[0].tolist()), headers)
            break
        if time.monotonic() > until:
            raise SystemExit(f"{name} gives no answer.")
        time.sleep(0.2)
    for row, chance in zip(rows[:20], truth, strict=False):
        found = peer.read(ask(url, peer.body(row.tolist()), headers))
        if abs(found - chance) > 1e-9:
            raise SystemExit(f"{name} answers {found}, the booster {chance}.")


def measure(name: str, folder: Path, rows: Any, truth: Any, seconds: float) -> list[Load]:
    """What a service stands, for each number of connections, warm."""
    headers = {"Authorization": f"Bearer {token()}"} if name == "automl" else {}
    script = folder / f"{name}.lua"
    write_script(script, [json.dumps(PEERS[name].body(row.tolist())) for row in rows], headers)
    with running(name, folder) as url:
        check(name, url, rows, truth, headers)
        load(url, script, 16, 2)
        return [load(url, script, count, seconds) for count in CONNECTIONS]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peers", nargs="*", help=f"of {', '.join(PEERS)}; default: all")
    parser.add_argument("--seconds", type=float, default=8, help="of load, for each number of connections")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        from automl_runtime.serving.server import serve

        serve(app_of(options.folder), port=options.serve, log_level="warning")
        return
    unknown = sorted(set(options.peers) - set(PEERS))
    if unknown:
        parser.error(f"{unknown[0]} is not known; there are {', '.join(PEERS)}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cells, target = kernels.make_rows(20_000)
        booster = kernels.make_booster(cells, target)
        booster.save_model(folder / "model.txt")
        rows = np.round(cells[:200], 4)
        truth = booster.predict(rows)
        make_bundle(folder, booster, cells, target)
        print("| system | " + " | ".join(f"c={count} rps / p99 ms / errors" for count in CONNECTIONS) + " |")
        print("|---" * (1 + len(CONNECTIONS)) + "|", flush=True)
        for name in options.peers or PEERS:
            found = measure(name, folder, rows, truth, options.seconds)
            cells_of = [f"{each.rps:,.0f} / {each.p99_ms:.1f} / {each.errors}" for each in found]
            print(f"| {PEERS[name].title} | " + " | ".join(cells_of) + " |", flush=True)


if __name__ == "__main__":
    main()
