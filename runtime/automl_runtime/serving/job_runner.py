"""Runs the jobs of a store, each in a process of its own that gives way to everything else.

Of several services on one folder as many run jobs as there are turns; when one is killed, another takes its turn, and
goes on with its job after the last finished part.
"""

from __future__ import annotations

import logging
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from automl_runtime.errors import AutomlError
from automl_runtime.files import lock
from automl_runtime.serving.job_folder import Job, JobFolder
from automl_runtime.serving.jobs import JobStore

__all__ = ["JobRunner"]

_LOG = logging.getLogger("automl_runtime.serving")
_LOOK_EVERY = 0.2
_CLEAR_EVERY = 60.0
_WATCH_EVERY = 0.05
_LOG_TAIL = 2_000


class JobRunner:
    """Threads that start worker processes and wait for them."""

    def __init__(self, store: JobStore, *, workers: int = 1) -> None:
        """Starts nothing yet.

        Args:
            store: whose jobs are run.
            workers: how many at a time, by all processes that share the folder.
        """
        self._store = store
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=[turn], name=f"jobs-{turn}", daemon=True)
            for turn in range(workers)
        ]

    def start(self) -> None:
        """Runs jobs from now on."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Interrupts what runs, which goes on when jobs are run again, and waits for the end of that."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _work(self, turn: int) -> None:
        while not self._stopped.wait(_LOOK_EVERY):
            if not self._store.folder.is_dir():
                continue
            with (self._store.folder / f".turn-{turn}.lock").open("a", encoding="utf-8") as mine:
                if lock(mine):
                    self._run_all(clears=turn == 0)

    def _run_all(self, *, clears: bool) -> None:
        looks = 0
        while not self._stopped.wait(_LOOK_EVERY):
            try:
                if clears and looks % int(_CLEAR_EVERY / _LOOK_EVERY) == 0:
                    self._store.clear()
                looks += 1
                for folder in self._store.waiting():
                    with self._store.claimed(folder) as ours:
                        if ours:
                            self._run(folder)
                            break
            except (AutomlError, OSError):
                # A folder that another process has just removed, or a full disk: what can be told stands in the job.
                _LOG.exception("jobs in %s", self._store.folder)

    def _run(self, folder: JobFolder) -> None:
        job = self._store.begin(folder)
        if job is None:
            return
        command = self._store.models.get(job.model)
        if command is None:
            self._store.end(folder, job, "failed", f"There is no model {job.model!r} any more.")
            return
        with _process([*command, str(folder.root)], folder) as child:
            while child.poll() is None:
                if self._stopped.wait(_WATCH_EVERY):
                    return
                if folder.cancel.exists():
                    child.kill()
                    child.wait()
        self._end(folder, job, child.returncode)

    def _end(self, folder: JobFolder, job: Job, returned: int) -> None:
        outcome = folder.note("outcome")
        if outcome:
            error = outcome["error"]
            self._store.end(folder, job, "completed" if error is None else "failed", error)
        elif folder.cancel.exists():
            self._store.end(folder, job, "cancelled")
        else:
            _LOG.error("The worker of job %s ended with %d: %s", job.id, returned, _tail(folder))
            message = f"The worker ended with {returned} after {folder.last().rows:,} rows; a retry goes on from there."
            self._store.end(folder, job, "failed", message)


@contextmanager
def _process(command: list[str], folder: JobFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, which ends at the latest with the block, and with this process, whose end it sees on its input."""
    threads = str(max(1, (os.cpu_count() or 2) // 2))
    calm = {"OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
    with (
        (folder.root / "worker.log").open("ab") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env={**os.environ, **calm}) as child,
    ):
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def _tail(folder: JobFolder) -> str:
    return (folder.root / "worker.log").read_bytes()[-_LOG_TAIL:].decode(errors="replace")
