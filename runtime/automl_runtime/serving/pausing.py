"""`POST /pause` and `/resume`: a model that refuses all requests for a while, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from automl_runtime.errors import MissingExtraError
from automl_runtime.registry.pausing import Pause, pause, read_pause, resume
from automl_runtime.serving.contract import Problems
from automl_runtime.serving.requests import BadRequest, Problem

if TYPE_CHECKING:
    from automl_runtime.serving.live import ModelSource

try:
    from fastapi import FastAPI, Query, Request
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["Paused", "Reason", "add_pausing", "change_pause", "pause_of", "told_of"]

Reason = Annotated[str, Query(max_length=500, description="Told to clients, and kept in the history of the model.")]


class Paused(BadRequest):
    """A request for a model that is paused; 503."""

    retry_after = 10
    """Seconds; nobody knows how long a pause lasts."""

    def __init__(self, found: Pause) -> None:
        super().__init__([Problem(str(found))], status=503)


class PauseModel(BaseModel):
    """Whether a model is paused."""

    paused: bool
    since: str | None = Field(default=None, description="In UTC.")
    by: str | None = Field(default=None, description="Who paused it.")
    reason: str | None = None


def pause_of(source: ModelSource) -> Pause | None:
    """The pause of the model of `source`, if it is paused."""
    folder = source.folder()
    return None if folder is None else read_pause(folder)


async def change_pause(source: ModelSource | None, request: Request, reason: str, *, paused: bool) -> Pause | None:
    """Pauses the model of `source` in the name of who asks, or lets it answer again; the pause that holds now.

    Raises:
        BadRequest: 404 if it has no folder in which that could be noted.
    """
    folder = None if source is None else source.folder()
    if folder is None:
        raise BadRequest([Problem("This model belongs to no project; it cannot be paused.")], status=404)
    by = getattr(request.scope.get("principal"), "name", None)
    if paused:
        return await asyncio.to_thread(pause, folder, reason=reason, by=by)
    await asyncio.to_thread(resume, folder, reason=reason, by=by)
    return None


def told_of(found: Pause | None) -> dict[str, Any]:
    """A pause as the routes answer it."""
    return {"paused": False} if found is None else {"paused": True, **asdict(found)}


def add_pausing(
    app: FastAPI,
    pause_it: Callable[..., Awaitable[dict[str, Any]]],
    resume_it: Callable[..., Awaitable[dict[str, Any]]],
    *,
    prefix: str = "",
    refused: Mapping[int | str, dict[str, Any]] | None = None,
) -> None:
    """Adds the routes to `app`.

    Args:
        app: gets `POST {prefix}/pause` and `POST {prefix}/resume`.
        pause_it: answers with `told_of`, and so does `resume_it`.
        resume_it: as above.
        prefix: of the paths; its parameters are those of the handlers.
        refused: what both may answer besides.
    """
    more: dict[int | str, Any] = {
        404: {"model": Problems, "description": "The model belongs to no project."},
        422: _MISASKED,
    }
    for path, handler, summary in (
        ("pause", pause_it, "Refuse all requests for the model, with 503"),
        ("resume", resume_it, "Answer again"),
    ):
        app.add_api_route(
            f"{prefix}/{path}",
            handler,
            methods=["POST"],
            summary=summary,
            response_model=PauseModel,
            response_model_exclude_none=True,
            responses={**more, **(refused or {})},
        )


_MISASKED: dict[str, Any] = {"model": Problems, "description": "The reason is too long."}
