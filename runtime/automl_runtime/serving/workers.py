"""Several processes that answer on one port: as many as the load needs, replaced when they die, stopped in order."""

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from automl_runtime.errors import AutomlError, MissingExtraError
from automl_runtime.serving.rates import RATES
from automl_runtime.serving.scaling import Scaling, WorkerCount

try:
    import psutil
    from prometheus_client import multiprocess
except ImportError as error:
    raise MissingExtraError(package=error.name or "psutil", extra="serve") from error

__all__ = ["COUNTERS", "LISTENER", "supervise"]

_LOG = logging.getLogger("automl_runtime.serving")
LISTENER = "AUTOML_LISTENER"
"""Environment variable: the file descriptor of the socket that a worker answers on."""
COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of prometheus-client: the folder in which workers count together."""
_POLL_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_PATIENCE = 35.0
"""Seconds that a worker may take to finish what is under way."""
_MOST_DEATHS = 10
_SOON = 30.0


def supervise(listener: socket.socket, scaling: Scaling, drain_seconds: float = 0.0) -> None:
    """Runs the command of this process several times, with `listener` to answer on, until SIGTERM or SIGINT.

    It begins with the least number of workers that `scaling` allows, and goes up and down with the load. A worker may
    take `drain_seconds` longer to stop.

    Raises:
        AutomlError: if ten workers died within half a minute; the others are stopped.
    """
    with tempfile.TemporaryDirectory(prefix="automl-counters-") as counters, _stop_signals() as stopped:
        workers = _Workers(listener, scaling, counters)
        try:
            while not stopped:
                time.sleep(_POLL_SECONDS)
                if not stopped:
                    workers.replace_dead()
                    workers.scale(time.monotonic())
        finally:
            workers.stop(_PATIENCE + drain_seconds)


class _Workers:
    """The processes that answer."""

    def __init__(self, listener: socket.socket, scaling: Scaling, counters: str) -> None:
        self._environment = {**os.environ, LISTENER: str(listener.fileno()), COUNTERS: counters}
        self._environment[RATES] = str(Path(counters) / "rates")
        self._command = [sys.executable, *sys.orig_argv[1:]]
        self._listener, self._scaling, self._counters = listener, scaling, counters
        self._count = WorkerCount(scaling)
        self._deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        self._leaving: list[subprocess.Popen[bytes]] = []
        self._load = _Load(time.monotonic(), {})
        self._running = [self._start() for _ in range(scaling.least)]

    def replace_dead(self) -> None:
        """Starts another one for each that has died.

        Raises:
            AutomlError: if they die again and again.
        """
        for process in [process for process in self._leaving if process.poll() is not None]:
            self._leaving.remove(process)
            self._forget(process)
        for place, process in enumerate(self._running):
            if process.poll() is None:
                continue
            self._forget(process)
            self._deaths.append(time.monotonic())
            if len(self._deaths) == _MOST_DEATHS and self._deaths[-1] - self._deaths[0] < _SOON:
                raise AutomlError(f"Workers end again and again, the last with {process.returncode}.")
            _LOG.error("worker %d ended with %s; another takes its place", process.pid, process.returncode)
            self._running[place] = self._start()

    def scale(self, now: float) -> None:
        """Starts or stops workers, once a second, where they may be more or fewer."""
        scaling = self._scaling
        if scaling.least == scaling.most or now - self._load.at < _LOOK_SECONDS:
            return
        if now - self._started < scaling.warm_seconds:
            # The start of a worker is no load of the service.
            self._load = _Load(now, {})
            return
        load = _Load(now, {process.pid: _cpu_seconds(process.pid) for process in self._running})
        before, self._load = self._load, load
        if before.seconds.keys() != load.seconds.keys():
            return
        workers = len(self._running)
        wanted = self._count.after(now, workers, load.busy_since(before))
        if wanted == workers:
            return
        _LOG.warning("%d workers in place of %d", wanted, workers)
        self._count.forget()
        while len(self._running) < wanted:
            self._running.append(self._start())
        while len(self._running) > wanted:
            self._leaving.append(self._running.pop())
            # Unlike SIGTERM, this is not told to load balancers: the service goes on.
            self._leaving[-1].send_signal(signal.SIGINT)

    def stop(self, patience: float) -> None:
        """Lets all end within so many seconds; kills those that do not."""
        processes = [*self._running, *self._leaving]
        for process in processes:
            if process.poll() is None:
                process.terminate()
        end = time.monotonic() + patience
        for process in processes:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._started = time.monotonic()
        return subprocess.Popen(
            self._command, env=self._environment, pass_fds=[self._listener.fileno()], stdin=subprocess.DEVNULL
        )

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        multiprocess.mark_process_dead(process.pid, self._counters)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class _Load:
    """What the workers have used up to a moment."""

    at: float
    seconds: Mapping[int, float]
    """Processor seconds of each."""

    def busy_since(self, before: _Load) -> float:
        """Mean share of the time since `before` that a worker was busy."""
        used = sum(self.seconds.values()) - sum(before.seconds.values())
        return used / (self.at - before.at) / len(self.seconds)


def _cpu_seconds(process: int) -> float:
    try:
        times = psutil.Process(process).cpu_times()
    except psutil.Error:
        # It has just died and is replaced at the next look.
        return 0.0
    return float(times.user + times.system)


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
