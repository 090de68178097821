"""Whether a service lives, and whether it should be sent requests: what load balancers ask for."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from pydantic import BaseModel

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.contract import Problems
from automl_runtime.serving.requests import BadRequest, Problem

try:
    from fastapi import FastAPI
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["HEALTH_PATHS", "STOPPING", "add_health", "refuse_when_stopping"]

HEALTH_PATHS = frozenset({"/health", "/health/live", "/health/ready"})


STOPPING: dict[int | str, dict[str, Any]] = {
    503: {"model": Problems, "description": "It is about to stop, or has no model."}
}
"""What answers besides 200 where it is asked whether a service is ready."""


class Alive(BaseModel):
    """Answer of `/health/live`."""

    status: Literal["alive"]


class Ready(BaseModel):
    """Answer of `/health/ready`."""

    status: Literal["ready"]


class Answering(Protocol):
    """What knows whether requests can be answered."""

    def unready(self) -> str | None:
        """Why not; None: they can."""
        ...


def add_health(app: FastAPI, service: Answering) -> None:
    """Adds `/health/live` and `/health/ready`; the latter is 503 too while `app.state.draining` says so."""

    async def alive() -> dict[str, Any]:
        """The process answers."""
        return {"status": "alive"}

    async def ready() -> dict[str, Any]:
        """Requests can be answered, and will be: not when the service is about to stop, or there is no model."""
        refuse_when_stopping(app)
        why = service.unready()
        if why is not None:
            raise BadRequest([Problem(why)], status=503)
        return {"status": "ready"}

    app.add_api_route("/health/live", alive, summary="Whether the process answers", response_model=Alive)
    app.add_api_route(
        "/health/ready",
        ready,
        summary="Whether it should be sent requests",
        response_model=Ready,
        responses=STOPPING,
    )


def refuse_when_stopping(app: FastAPI) -> None:
    """Raises BadRequest (503) while `app.state.draining` says so."""
    if getattr(app.state, "draining", False):
        raise BadRequest([Problem("The service is about to stop; ask another.")], status=503)
