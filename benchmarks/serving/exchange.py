"""Versions that change under load: `python -m benchmarks.serving.exchange` counts failed and mixed answers.

64 connections ask one service without a pause, while two versions of the model take turns in production. An answer is
mixed when its probability is not that of the version that it names; `late` is how long after a change the last answer
of the version before came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving import kernels
from benchmarks.serving.model import NAMES, make_bundle, opened


class Switched:
    """The version that a file names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def stamp(self) -> str:
        """The version."""
        return (self._folder / "production").read_text()

    def open(self) -> tuple[Any, None, None]:
        """Its bundle, verified."""
        return opened(self._folder / self.stamp()), None, None

    def versions(self) -> dict[str, Any]:
        """Both."""
        return {"versions": ["v001", "v002"], "aliases": {"production": self.stamp()}}

    def folder(self) -> None:
        """It is never paused."""


def serve_versions(folder: Path) -> None:
    """The service; prints its URL."""
    from automl_runtime.serving.app import create_app
    from automl_runtime.serving.server import serve

    source = Switched(folder)
    app = create_app(source.open()[0], source=source)
    serve(app, port=0, log_level="warning", on_ready=lambda url: print(url, flush=True))


@dataclass(slots=True)
class Seen:
    """What the clients saw."""

    answers: int = 0
    failed: int = 0
    mixed: int = 0
    last: dict[str, float] = field(default_factory=dict)
    """When each version answered last."""


async def client(port: int, requests: list[tuple[bytes, dict[str, float]]], until: float, seen: Seen) -> None:
    """Asks on one connection until the time has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    place = id(writer) % len(requests)
    while time.monotonic() < until:
        body, truth = requests[place := (place + 1) % len(requests)]
        writer.write(b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            found = json.loads(await reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError):
            seen.failed += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        seen.answers += 1
        if not head.startswith(b"HTTP/1.1 200"):
            seen.failed += 1
            continue
        version = found["model_version"]
        seen.last[version] = time.monotonic()
        seen.mixed += abs(found["probabilities"]["yes"] - truth[version]) > 1e-9
    writer.close()


async def hammer(port: int, folder: Path, requests: Any, options: argparse.Namespace) -> tuple[Seen, list[float]]:
    """The clients, and the changes among them."""
    seen, late = Seen(), []
    until = time.monotonic() + options.seconds
    clients = [asyncio.create_task(client(port, requests, until, seen)) for _ in range(options.connections)]
    versions = ["v002", "v001"]
    while time.monotonic() + options.every < until:
        await asyncio.sleep(options.every)
        new, old = versions
        (folder / "next").write_text(new)
        (folder / "next").rename(folder / "production")
        changed = time.monotonic()
        await asyncio.sleep(options.every / 2)
        late.append(seen.last[old] - changed)
        versions.reverse()
    await asyncio.gather(*clients)
    return seen, late


def main() -> None:
    """Makes two versions, serves and changes them, and prints what the clients saw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two changes")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve_versions(options.serve)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = np.round(kernels.make_rows(200, seed=9)[0], 4)
        chances = {}
        for number, version in enumerate(("v001", "v002")):
            cells, target = kernels.make_rows(20_000, seed=number)
            booster = kernels.make_booster(cells, target)
            make_bundle(folder / version, booster, cells, target, version)
            chances[version] = booster.predict(rows)
        (folder / "production").write_text("v001")
        requests = [
            (
                json.dumps(dict(zip(NAMES, row.tolist(), strict=True))).encode(),
                {version: float(chances[version][place]) for version in chances},
            )
            for place, row in enumerate(rows)
        ]
        command = [sys.executable, "-m", __spec__.name, "--serve", str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            try:
                port = int(child.stdout.readline().rsplit(":", 1)[1])
                seen, late = asyncio.run(hammer(port, folder, requests, options))
            finally:
                child.terminate()
    print("| connections | answers | changes | failed | mixed | late, at most s |\n|---|---|---|---|---|---|")
    told = f"| {options.connections} | {seen.answers:,} | {len(late)} | {seen.failed} | {seen.mixed} "
    print(f"{told}| {max(late):.2f} |")


if __name__ == "__main__":
    main()
