"""A stream of lines through one worker: `python -m benchmarks.serving.streams` prints rows in, scored and out a second.

The service runs in a process of its own, with the model of `kernels` (LightGBM, two classes, 500 trees x 31 leaves, 30
numbers) or, with `--trees`, a smaller one. The client sends lines of JSON on one connection and reads the answers
meanwhile; it does not parse them, but counts the lines, and that the last one is an answer. Before, a thousand rows are
sent as one request and as a thousand. `--profile` writes where the worker spent its time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
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


def serve_model(trees: int, profile: str | None) -> None:
    """The service; prints its URL."""
    from automl_runtime.serving.app import create_app
    from automl_runtime.serving.server import serve

    cells, target = kernels.make_rows(20_000)
    with tempfile.TemporaryDirectory() as folder:
        make_bundle(Path(folder), kernels.make_booster(cells, target, trees), cells, target)
        app = create_app(opened(Path(folder)))
    if profile is None:
        serve(app, port=0, log_level="warning", on_ready=lambda url: print(url, flush=True))
        return
    profiled(app, profile)


def profiled(app: Any, place: str) -> None:
    """The service with cProfile around the scoring thread's work."""
    import cProfile

    from automl_runtime.serving.scorer import Scorer
    from automl_runtime.serving.server import serve

    profile, answers = cProfile.Profile(), Scorer.answers

    def timed(self: Scorer, asks: Any) -> Any:
        return profile.runcall(answers, self, asks)

    Scorer.answers = timed  # type: ignore[method-assign]
    serve(app, port=0, log_level="warning", on_ready=lambda url: print(url, flush=True))
    profile.dump_stats(place)


def lines(rows: int) -> bytes:
    """So many rows as JSON, of which a thousand differ."""
    cells, _ = kernels.make_rows(1_000, seed=1)
    block = b"".join(
        json.dumps(dict(zip(NAMES, np.round(row, 4).tolist(), strict=True))).encode() + b"\n" for row in cells
    )
    return block * (rows // 1_000)


def stream(port: int, body: bytes) -> tuple[float, int]:
    """Seconds from the first byte to the last answer, and how many answers there were."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        start = time.perf_counter()
        connection.sendall(head.encode() + b"Content-Type: application/x-ndjson\r\n\r\n")
        sending = threading.Thread(target=connection.sendall, args=[body])
        sending.start()
        answers, tail = 0, b""
        while data := connection.recv(1 << 20):
            answers += data.count(b'"label"')
            tail = (tail + data)[-200:]
        taken = time.perf_counter() - start
        sending.join()
    if b'"label"' not in tail and b"0\r\n\r\n" not in tail:
        raise SystemExit(f"The stream ended early: {tail!r}")
    return taken, answers


def calls(port: int, bodies: list[bytes]) -> float:
    """Seconds until the last of these requests was answered, one after the other on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    start = time.perf_counter()
    for body in bodies:
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if b'"label"' not in answer.read() or answer.status != 200:
            raise SystemExit(f"No answer, but {answer.status}.")
    return time.perf_counter() - start


def compare_calls(port: int, repeats: int) -> None:
    """Prints what a thousand rows take together and one by one."""
    rows = lines(1_000).splitlines()
    together = [b'{"rows":[%b]}' % b",".join(rows)]
    one, many = (min(calls(port, bodies) for _ in range(repeats)) for bodies in (together, rows))
    print(f"1,000 rows in one request {1000 * one:.1f} ms, in 1,000 requests {1000 * many:.0f} ms: {many / one:.1f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--trees", type=int, default=kernels.TREES)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--profile", help="file for cProfile's statistics")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve_model(arguments.trees, arguments.profile)
        return
    command = [sys.executable, "-m", "benchmarks.serving.streams", "--serve", "--trees", str(arguments.trees)]
    command += ["--profile", arguments.profile] if arguments.profile else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        try:
            port = int(service.stdout.readline().rsplit(":", 1)[1])
            stream(port, lines(10_000))
            compare_calls(port, arguments.repeats)
            body = lines(arguments.rows)
            print("| rows | MB in | seconds | rows/s |\n|---|---|---|---|")
            for _ in range(arguments.repeats):
                seconds, answers = stream(port, body)
                if answers < arguments.rows * 0.999:
                    raise SystemExit(f"{answers:,} answers to {arguments.rows:,} rows")
                size, pace = len(body) / 1e6, arguments.rows / seconds
                print(f"| {arguments.rows:,} | {size:.0f} | {seconds:.2f} | {pace:,.0f} |", flush=True)
        finally:
            service.send_signal(2)


if __name__ == "__main__":
    main()
