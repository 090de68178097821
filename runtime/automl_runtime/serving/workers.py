"""Several processes that answer on one port: started, watched, started anew when they die, stopped in good order."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from automl_runtime.errors import AutomlError, MissingExtraError
from automl_runtime.serving.rates import RATES

try:
    from prometheus_client import multiprocess
except ImportError as error:
    raise MissingExtraError(package="prometheus-client", extra="serve") from error

__all__ = ["COUNTERS", "LISTENER", "supervise"]

_LOG = logging.getLogger("automl_runtime.serving")
LISTENER = "AUTOML_LISTENER"
"""Environment variable: the file descriptor of the socket that a worker answers on."""
COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of prometheus-client: the folder in which workers count together."""
_POLL_SECONDS = 0.2
_PATIENCE = 35.0
"""Seconds that a worker may take to finish what is under way."""
_MOST_DEATHS = 10
_SOON = 30.0


def supervise(listener: socket.socket, workers: int, drain_seconds: float = 0.0) -> None:
    """Runs the command of this process `workers` times, with `listener` to answer on, until SIGTERM or SIGINT.

    A worker may take `drain_seconds` longer to stop.

    Raises:
        AutomlError: if ten workers died within half a minute; the others are stopped.
    """
    with tempfile.TemporaryDirectory(prefix="automl-counters-") as counters, _stop_signals() as stopped:
        environment = {**os.environ, LISTENER: str(listener.fileno()), COUNTERS: counters}
        environment[RATES] = str(Path(counters) / "rates")
        command = [sys.executable, *sys.orig_argv[1:]]

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()], stdin=subprocess.DEVNULL)

        running = [start() for _ in range(workers)]
        deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        try:
            while not stopped:
                time.sleep(_POLL_SECONDS)
                for place, process in enumerate(running):
                    if process.poll() is None or stopped:
                        continue
                    multiprocess.mark_process_dead(process.pid, counters)  # type: ignore[no-untyped-call]
                    deaths.append(time.monotonic())
                    if len(deaths) == _MOST_DEATHS and deaths[-1] - deaths[0] < _SOON:
                        raise AutomlError(f"Workers end again and again, the last with {process.returncode}.")
                    _LOG.error("worker %d ended with %s; another takes its place", process.pid, process.returncode)
                    running[place] = start()
        finally:
            _stop(running, _PATIENCE + drain_seconds)


def _stop(running: list[subprocess.Popen[bytes]], patience: float) -> None:
    for process in running:
        if process.poll() is None:
            process.terminate()
    end = time.monotonic() + patience
    for process in running:
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that gets the number of SIGTERM or SIGINT when it comes."""
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        stopped.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
