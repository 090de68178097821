"""Folds in processes of this machine, for code that holds the interpreter's lock: estimators of others above all.

The processes are loky's (of joblib, which scikit-learn brings): they need no guard in the script that starts them, and
a process that dies is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from typing import Any, ClassVar

from automl_runtime.engine.executors.remote import Call, Parts, SharedDesigns, pack, settle, unpack
from automl_runtime.engine.trials import FoldResult
from automl_runtime.engine.workspace import Workspace

__all__ = ["Processes"]

_IDLE_SECONDS = 20.0


class Processes:
    """Started with the first trial over a table and kept for the others; they end when they have been idle for long.

    The table is handed over once to each. Rounds of boosting are not reported while they run.
    """

    local: ClassVar[bool] = False

    def __init__(self) -> None:
        """Starts nothing."""
        self._running: tuple[Workspace, Any, SharedDesigns] | None = None

    def slots(self, cores: int) -> int:
        """All cores."""
        return cores

    def pool(self, workspace: Workspace, workers: int) -> futures.Executor:
        """The processes that have the workspace; new ones when it is another than before, or one of them died."""
        if self._running is None or self._running[0] is not workspace:
            from joblib.externals.loky import ProcessPoolExecutor

            self.end()
            processes = ProcessPoolExecutor(
                workers, timeout=_IDLE_SECONDS, initializer=_begin, initargs=(pack(workspace),)
            )
            self._running = (workspace, processes, SharedDesigns(workspace))
        return _Pool(self, self._running[1], self._running[2])

    def end(self) -> None:
        """Ends the processes, and the fits in them."""
        running, self._running = self._running, None
        if running is not None:
            running[1].shutdown(wait=True, kill_workers=True)

    def forget(self, processes: Any) -> None:
        """Takes new processes from now on: one of these died."""
        if self._running is not None and self._running[1] is processes:
            self._running = None


class _Pool(futures.Executor):
    def __init__(self, owner: Processes, processes: Any, designs: SharedDesigns) -> None:
        self._owner, self._processes, self._designs = owner, processes, designs

    def submit(self, fn: Callable[..., Any], /, *args: Any, **how: Any) -> futures.Future[Any]:
        """Takes calls of `fit_fold` only, whose workspace is there already."""
        del fn
        _, config, number = args
        call = Call.of(config, number, how)
        done: futures.Future[FoldResult] = futures.Future()

        def finish(came: futures.Future[FoldResult]) -> None:
            if not came.cancelled() and isinstance(came.exception(), futures.BrokenExecutor):
                self._owner.forget(self._processes)
            settle(done, call, came, self._designs)

        self._processes.submit(_fit, call).add_done_callback(finish)
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the processes, unless it waits: all results have been taken then."""
        del cancel_futures
        if not wait:
            self._owner.end()


_HELD: list[Workspace] = []
"""In a process that fits: its workspace, with what that caches."""


def _begin(parts: Parts) -> None:
    _HELD[:] = [unpack(parts)]


def _fit(call: Call) -> FoldResult:
    return call.execute(_HELD[0])
