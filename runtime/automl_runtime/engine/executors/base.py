"""The interface of what fits the folds of a search, and the one that is used when none is named."""

from __future__ import annotations

from concurrent import futures
from dataclasses import dataclass
from typing import ClassVar, Protocol

from automl_runtime.engine.workspace import Workspace
from automl_runtime.errors import RequestError, shorten

__all__ = ["EXECUTORS", "THREADS", "Executor", "Threads", "executor_named"]

EXECUTORS = ("threads", "processes", "ray")
"""Names that `fit(executor=...)` knows."""


class Executor(Protocol):
    """Where folds are fitted; used from one thread, for any number of searches one after the other.

    To add one: implement this, and pass an instance to `fit`. The outcome of a search of fixed trials must not depend
    on it.
    """

    @property
    def local(self) -> bool:
        """Whether fits happen in this process: its memory can be watched, and a fit ends early when it is told to."""

    def slots(self, cores: int) -> int:
        """How many threads may fit at the same time; this machine has `cores`."""

    def pool(self, workspace: Workspace, workers: int) -> futures.Executor:
        """Takes calls of `fit_fold` for `workspace`, and does `workers` of them at once.

        `shutdown(wait=False, cancel_futures=True)` ends those that run where that is possible. A fit whose machine or
        process was lost is done again, or its future raises RuntimeError. The workspace is handed over once, not with
        every call.
        """


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads of this process: LightGBM, scikit-learn and the kernels leave the interpreter's lock alone."""

    local: ClassVar[bool] = True

    def slots(self, cores: int) -> int:
        """All cores."""
        return cores

    def pool(self, workspace: Workspace, workers: int) -> futures.Executor:
        """A pool of threads; nothing is copied."""
        del workspace
        return futures.ThreadPoolExecutor(workers)


THREADS = Threads()


def executor_named(asked: str | Executor | None) -> Executor:
    """The executor of that name, `asked` itself when it is one, or threads.

    Raises:
        RequestError: naming those there are.
        MissingExtraError: if it needs a package that is not installed.
    """
    if asked is None or asked == "threads":
        return THREADS
    if asked == "processes":
        from automl_runtime.engine.executors.processes import Processes

        return Processes()
    if asked == "ray":
        from automl_runtime.engine.executors.cluster import RayCluster

        return RayCluster()
    if isinstance(asked, str):
        raise RequestError(f"There is no executor {shorten(asked)}; possible: {', '.join(EXECUTORS)}.")
    return asked
