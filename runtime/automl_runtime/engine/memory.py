"""How much memory the process holds, and what a search may still take of it.

A cap is kept in three steps. A table that would not fit is sampled before anything is made of it. While trials run, a
thread reads what the process holds: near the cap caches are dropped, then the running trial is ended early. A trial is
started only if what its family of models took before, or is estimated to take, still fits.
"""

from __future__ import annotations

import ctypes
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from automl_runtime.engine.neural.learners import READS
from automl_runtime.engine.trials import Config
from automl_runtime.engine.workspace import Workspace
from automl_runtime.errors import RequestError, TrainingError
from automl_runtime.inference.encoding import Encoder
from automl_runtime.inference.raw import raw_widths

__all__ = ["MemoryCap", "affordable_rows", "estimated_bytes", "resident_bytes", "return_memory"]

_GIGABYTE = 1e9
_LIBRARIES = 420e6
"""What the process holds once pandas, scikit-learn and the boosters are loaded."""
_STEP = 64e6
"""What is held is rounded up to this, so that how many rows fit does not hang on a few kilobytes."""
_BYTES_PER_CELL = 80.0
"""Of the table, for each column: encoded, as a matrix, as a booster bins it, for folds side by side."""
_TOPICS = 40
_FEWEST_ROWS = 1_000
_POLL_SECONDS = 0.02
_BETWEEN_SECONDS = 0.5
_NEAR = 0.9
_FULL = 0.95
_BYTES_PER_NODE = 160.0
"""Of a tree while scikit-learn grows it and when its arrays are joined."""
_NATIVE = ("lightgbm", "xgboost", "catboost", "additive")
_MOST_LEVELS = 50
_COPIES = 3
_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """The resident memory of this process; where the system does not say, the most that it ever was."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def return_memory() -> None:
    """Gives what was freed back to the system; glibc keeps it otherwise, in pieces that nothing fits into."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def affordable_rows(encoder: Encoder, rows: int, gigabytes: float | None, *, resident: int | None = None) -> int:
    """How many of `rows` rows a search under this cap can read, at most all of them.

    Raises:
        RequestError: if the cap is not a positive number.
        TrainingError: if not even a thousand rows would fit; it says what would be needed.
    """
    if gigabytes is None:
        return rows
    if not gigabytes > 0 or not np.isfinite(gigabytes):
        raise RequestError(f"memory_gb is {gigabytes!r}; a number of gigabytes above 0 is needed.")
    held = resident_bytes() if resident is None else resident
    base = max(np.ceil(held / _STEP) * _STEP, _LIBRARIES)
    width = len(encoder.number_owners) + len(encoder.code_owners) + _TOPICS * len(encoder.text_owners)
    width += sum(raw_widths(encoder.columns))
    per_row = _BYTES_PER_CELL * max(width, 1)
    fitting = int((gigabytes * _GIGABYTE * _NEAR - base) / per_row)
    fewest = min(rows, _FEWEST_ROWS)
    if fitting < fewest:
        needed = (base + fewest * per_row) / _NEAR / _GIGABYTE
        raise TrainingError(
            f"memory_gb is {gigabytes:g}: the process holds {held / _GIGABYTE:.2f} GB, and the smallest model of "
            f"{fewest:,} rows needs {needed:.2f} GB in all.",
            hint=f"Give at least memory_gb={np.ceil(needed * 10) / 10:g}, or leave it out.",
        )
    return min(rows, fitting)


def estimated_bytes(config: Config, workspace: Workspace, workers: int) -> float:
    """About what a trial takes before a trial of its family has been seen: matrices, and the nodes of trees."""
    data, rows = workspace.data, len(workspace.problem)
    levels = np.array(data.levels, dtype=np.int64)
    codes = len(levels) if config.learner in _NATIVE else int(np.minimum(levels, _MOST_LEVELS).sum())
    width = data.numbers.shape[1] + codes + _TOPICS * len(data.texts)
    width += sum(raw.shape[1] for raw in data.raws) if config.learner in READS else 0
    matrices = 8.0 * rows * width * _COPIES
    leaf = int(config.params.get("min_samples_leaf", 1))
    nodes = 2.0 * rows / leaf * int(config.params.get("trees", 0))
    return float(matrices + _BYTES_PER_NODE * nodes * workers)


class MemoryCap:
    """What a search may hold, and what its families of models were seen to take; without a cap everything fits.

    `full` is set while the running trial has to end; `full` and `peak` are written by the thread that watches.
    """

    def __init__(self, gigabytes: float | None = None, *, read: Callable[[], int] = resident_bytes) -> None:
        """`read` gives the bytes that the process holds."""
        self.limit = None if gigabytes is None else gigabytes * _GIGABYTE
        self.full = threading.Event()
        self._read = read
        self._release: Callable[[], None] = return_memory
        self._peak = 0
        self._needs: dict[str, float] = {}
        self._released = 0.0

    @contextmanager
    def watching(self, release: Callable[[], None]) -> Iterator[None]:
        """Reads the memory until the block ends; `release` drops what can be made again, from any thread."""
        self._release = release
        if self.limit is None:
            yield
            return
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,), name="automl-memory", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()

    @contextmanager
    def trial(self, learner: str) -> Iterator[None]:
        """Learns what a trial of `learner` takes while the block runs."""
        self.full.clear()
        before = self._peak = self._read() if self.limit is not None else 0
        try:
            yield
        finally:
            if self.limit is not None:
                self._look()
                self._needs[learner] = max(self._needs.get(learner, 0.0), float(self._peak - before))

    def needs(self, learner: str, estimate: float) -> float:
        """Bytes that a trial of `learner` takes: as many as were seen, else `estimate`."""
        return self._needs.get(learner, estimate)

    def fits(self, learner: str, estimate: float) -> bool:
        """Whether a trial of `learner` can be started; caches are dropped first when they are in the way."""
        if self.limit is None:
            return True
        room = self.limit * _FULL - self.needs(learner, estimate)
        if self._read() > room:
            self._release()
        return self._read() <= room

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(_POLL_SECONDS):
            self._look()

    def _look(self) -> None:
        held = self._read()
        self._peak = max(self._peak, held)
        limit = self.limit or float("inf")
        if held <= _NEAR * limit or self.full.is_set():
            return
        if time.monotonic() > self._released + _BETWEEN_SECONDS:
            self._release()
            self._released = time.monotonic()
            held = self._read()
        if held > _FULL * limit:
            self.full.set()
