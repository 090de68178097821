"""Many models in one process: `python -m benchmarks.serving.models` prints memory, cold answers and a long, even load.

So many copies of the model of `kernels` (500 trees) lie in bundles of their own. Each is asked once, which loads it;
then requests come evenly (116 a second are ten million a day) for models in random order. A request is late when it was
not sent in time, and counted from when it should have been sent. Memory, files and threads are those of the service.

    python -m benchmarks.serving.models --models 50 --clients 100 --rate 167 --workers 4 --kill

A hundred users: of four workers one is killed (SIGKILL) in the middle of the second line of the table; which share of
the requests each worker answered is told at the end. As clients with pools of connections do (urllib3, httpx), these
look whether theirs was closed before they send; where it breaks while they wait, the request counts as failed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import queue
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving import kernels
from benchmarks.serving.model import NAMES, make_bundle, opened

_STARTED = 2.0


class Copy:
    """A bundle that does not change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self) -> int:
        """Always the same."""
        return 0

    def open(self) -> tuple[Any, None, None]:
        """The bundle, verified."""
        return opened(self._folder), None, None

    def versions(self) -> dict[str, Any]:
        """Only one."""
        return {"versions": ["v001"], "aliases": {"production": "v001"}}

    def folder(self) -> None:
        """It is never paused."""


def serve_models(folder: Path, workers: int) -> None:
    """The service; prints its URL."""
    from automl_runtime.serving.host import ModelHost
    from automl_runtime.serving.host_app import create_host_app
    from automl_runtime.serving.server import serve

    def make() -> Any:
        return create_host_app(ModelHost({place.name: Copy(place) for place in sorted(folder.iterdir())}))

    serve(make, port=0, workers=workers, log_level="warning", on_ready=lambda url: print(url, flush=True))


def workers_of(process: int) -> list[int]:
    """Those that answer: the children of the service, or itself."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children] or [process]


def state_of(process: int) -> tuple[float, int, int]:
    """Megabytes of memory, open files and threads, of all workers together."""
    found = []
    for worker in workers_of(process):
        status = Path(f"/proc/{worker}/status").read_text()
        read = {line.partition(":")[0]: line.split()[1] for line in status.splitlines() if len(line.split()) > 1}
        files = len(list(Path(f"/proc/{worker}/fd").iterdir()))
        found.append((int(read["VmRSS"]) / 1024, files, int(read["Threads"])))
    memory, files, threads = np.sum(found, axis=0)
    return float(memory), int(files), int(threads)


def answered_by(process: int) -> dict[int, float]:
    """The requests that each worker has answered; those of a killed one are there too."""
    from prometheus_client.mmap_dict import MmapedDict

    environment = Path(f"/proc/{workers_of(process)[0]}/environ").read_bytes().decode().split("\0")
    folder = dict(each.split("=", 1) for each in environment if "=" in each)["PROMETHEUS_MULTIPROC_DIR"]
    found = {}
    for path in Path(folder).glob("counter_*.db"):
        values = MmapedDict.read_all_values_from_file(str(path))
        found[int(path.stem.rpartition("_")[2])] = sum(each[1] for each in values if '"automl_requests"' in each[0])
    return found


def ask(connection: http.client.HTTPConnection, name: str, body: bytes) -> bool:
    """Whether the answer is one."""
    connection.request("POST", f"/models/{name}/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return b'"probabilities"' in answer.read() and answer.status == 200


def load(
    port: int, names: list[str], bodies: list[bytes], rate: float, seconds: float, clients: int
) -> tuple[list[float], int]:
    """Milliseconds of each request from when it was due, and how many failed."""
    due: queue.Queue[float | None] = queue.Queue()
    taken: list[float] = []
    failed: list[int] = []

    def client(seed: int) -> None:
        draw, connection = random.Random(seed), http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while (moment := due.get()) is not None:
            if connection.sock is not None and select.select([connection.sock], [], [], 0)[0]:
                # Nothing was asked: what can be read is the end of the connection.
                connection.close()
            try:
                good = ask(connection, draw.choice(names), draw.choice(bodies))
            except (OSError, http.client.HTTPException):
                connection.close()
                good = False
            taken.append(1000 * (time.perf_counter() - moment))
            if not good:
                failed.append(1)

    threads = [threading.Thread(target=client, args=[seed]) for seed in range(clients)]
    for thread in threads:
        thread.start()
    begin = time.perf_counter()
    for number in range(int(rate * seconds)):
        moment = begin + number / rate
        time.sleep(max(0.0, moment - time.perf_counter()))
        due.put(moment)
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    return taken, len(failed)


def measure(child: subprocess.Popen[str], port: int, names: list[str], options: argparse.Namespace) -> None:
    """Asks, and prints what it finds."""
    cells, _ = kernels.make_rows(1_000, seed=1)
    bodies = [json.dumps(dict(zip(NAMES, np.round(row, 4).tolist(), strict=True))).encode() for row in cells]
    # Services are up for a while before they are asked for the first time.
    time.sleep(_STARTED)
    connection, cold, sizes = http.client.HTTPConnection("127.0.0.1", port, timeout=60), [], []
    for name in names:
        start = time.perf_counter()
        if not ask(connection, name, bodies[0]):
            raise SystemExit(f"{name} gives no answer.")
        cold.append(1000 * (time.perf_counter() - start))
        sizes.append(state_of(child.pid)[0])
    each = (sizes[-1] - sizes[0]) / max(1, len(names) - 1)
    print(f"memory: {sizes[0]:.0f} MB with the first model, {each:.1f} MB with each of {len(names) - 1} more")
    first, later = cold[0], np.array(cold[1:] or cold)
    print(f"first answers: {first:.0f} ms of the first model, then {np.median(later):.0f}, at most {later.max():.0f}")
    print("| seconds | requests | failed | p50 ms | p99 ms | largest | memory MB | files | threads |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    until = 0.0
    while until < options.seconds:
        part = min(options.every, options.seconds - until)
        if options.kill and until == options.every:
            victim = workers_of(child.pid)[0]
            threading.Timer(part / 2, os.kill, [victim, signal.SIGKILL]).start()
        taken, failed = load(port, names, bodies, options.rate, part, options.clients)
        until += part
        p50, p99, most = np.quantile(taken, [0.5, 0.99, 1.0])
        memory, files, threads = state_of(child.pid)
        told = f"| {until:g} | {len(taken):,} | {failed} | {p50:.2f} | {p99:.2f} | {most:.1f} "
        print(f"{told}| {memory:.0f} | {files} | {threads} |", flush=True)
    if options.workers > 1:
        shares = answered_by(child.pid)
        print("answered by each worker:", ", ".join(f"{n / sum(shares.values()):.1%}" for n in shares.values()))


def main() -> None:
    """Makes the models, serves and measures them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--rate", type=float, default=116.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds of a line of the table")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--kill", action="store_true", help="kill one of several workers")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_models(options.serve, options.workers)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cells, target = kernels.make_rows(20_000)
        names = [f"model-{number:03}" for number in range(options.models)]
        make_bundle(folder / names[0], kernels.make_booster(cells, target), cells, target)
        for name in names[1:]:
            shutil.copytree(folder / names[0], folder / name)
        command = [sys.executable, "-m", __spec__.name, "--serve", str(folder), "--workers", str(options.workers)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            try:
                measure(child, int(child.stdout.readline().rsplit(":", 1)[1]), names, options)
            finally:
                child.terminate()


if __name__ == "__main__":
    main()
