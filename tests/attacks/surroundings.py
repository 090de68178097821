"""What lies around a workspace, and who listens beside it: nothing of it may be touched or reached."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CANARY = "zqx-canary-6f1c"
"""Stands in the cells of `outside/canary.csv`; whoever shows it has read what it must not."""
_LARGEST = 1_000_000


def lay_out(root: Path) -> Path:
    """A folder beside the workspace, with a table in it; its path."""
    outside = root / "outside"
    outside.mkdir()
    (outside / "canary.csv").write_text("name,word\n" + "".join(f"n{n},{CANARY}-{n}\n" for n in range(20)))
    (outside / "credentials").write_text(f"[default]\nkey = {CANARY}\n")
    return outside


def snapshot(folder: Path, *, without: Path | None = None) -> dict[str, str]:
    """What lies below `folder`: path -> kind, size and hash. What is below `without` does not count."""
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if Path(place, name) != without)
        for name in (*folders, *files):
            path = Path(place, name)
            found[str(path.relative_to(folder))] = _looks(path)
    return found


def _looks(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if not path.is_file():
        return f"{path.stat().st_mode:o}"
    size = path.stat().st_size
    return f"{size} bytes {hashlib.sha256(path.read_bytes()).hexdigest()[:16] if size < _LARGEST else ''}"


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A port of loopback, and what was said to it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()
        server.settimeout(0.1)
        thread = threading.Thread(target=_hear, args=(server, heard, ended))
        thread.start()
        try:
            yield server.getsockname()[1], heard
        finally:
            ended.set()
            thread.join()


def _hear(server: socket.socket, heard: list[bytes], ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            peer, _ = server.accept()
        except TimeoutError:
            continue
        with peer:
            peer.settimeout(1)
            heard.append(peer.recv(1_000))
