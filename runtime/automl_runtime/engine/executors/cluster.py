"""Folds on the machines of a Ray cluster (the extra `ray`).

Moritz et al., Ray: A Distributed Framework for Emerging AI Applications, 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from functools import lru_cache
from typing import Any, ClassVar

from automl_runtime.engine.executors.remote import Call, SharedDesigns, pack, settle, unpack
from automl_runtime.engine.trials import FoldResult
from automl_runtime.engine.workspace import Workspace
from automl_runtime.errors import MissingExtraError, RequestError

__all__ = ["RayCluster"]

_RETRIES = 5
"""How often a fit is done again when the machine it ran on is lost."""


class RayCluster:
    """The cluster that this process is connected to, else the one at `address`, else one on this machine alone.

    The connection stays after a search, for the next. Rounds of boosting are not reported while they run.
    """

    local: ClassVar[bool] = False

    def __init__(self, address: str | None = None) -> None:
        """Connects with the first search.

        Raises:
            MissingExtraError: if Ray is not installed.
        """
        self._ray = _import()
        self._address = address
        self._shared: tuple[Workspace, Any, SharedDesigns] | None = None

    def slots(self, cores: int) -> int:
        """The cores of all machines.

        Raises:
            RequestError: if there is no cluster at the address, or it has no core.
        """
        del cores
        if not self._ray.is_initialized():
            try:
                self._ray.init(address=self._address, log_to_driver=False, include_dashboard=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise RequestError(f"There is no Ray cluster at {self._address!r}: {error}") from error
        found = int(self._ray.cluster_resources().get("CPU", 0))
        if not found:
            raise RequestError("The Ray cluster has no CPU that fits could run on.")
        return found

    def pool(self, workspace: Workspace, workers: int) -> futures.Executor:
        """Sends the workspace to the cluster when it is another than before."""
        del workers
        if self._shared is None or self._shared[0] is not workspace:
            self._shared = (workspace, self._ray.put(pack(workspace)), SharedDesigns(workspace))
        return _Pool(self._ray, self._shared[1], self._shared[2])


class _Pool(futures.Executor):
    """Each fit is a task, which Ray repeats on another machine when it loses the first."""

    def __init__(self, ray: Any, shared: Any, designs: SharedDesigns) -> None:
        self._ray, self._shared, self._designs = ray, shared, designs
        self._largest = max(int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"])
        self._remote = ray.remote(max_retries=_RETRIES)(_fit)
        self._running: list[Any] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **how: Any) -> futures.Future[Any]:
        """Takes calls of `fit_fold` only, whose workspace is there already."""
        del fn
        _, config, number = args
        call = Call.of(config, number, how | {"threads": max(1, min(how["threads"], self._largest))})
        task = self._remote.options(num_cpus=call.threads).remote(call, [self._shared])
        self._running.append(task)
        done: futures.Future[FoldResult] = futures.Future()
        task.future().add_done_callback(lambda came: settle(done, call, came, self._designs))
        return done

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the fits that run, unless it waits: all results have been taken then."""
        del cancel_futures
        for task in [] if wait else self._running:
            self._ray.cancel(task, force=True)
        self._running.clear()


@lru_cache(maxsize=1)
def _workspace(shared: Any) -> Workspace:
    """In a worker: made once for all the fits that it does, with what they cache."""
    return unpack(_import().get(shared))


def _fit(call: Call, shared: list[Any]) -> FoldResult:
    """In a worker; the list keeps Ray from fetching the workspace for every call."""
    return call.execute(_workspace(shared[0]))


def _import() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(package="ray", extra="ray") from error
    return ray
