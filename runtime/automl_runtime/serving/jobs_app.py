"""`/jobs` of a service: uploads streamed to disk, how jobs stand, their results, and events as they come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from automl_runtime.errors import DataError, MissingExtraError
from automl_runtime.serving.asgi import Disconnected
from automl_runtime.serving.contract import JobView, Problems
from automl_runtime.serving.job_folder import Job
from automl_runtime.serving.job_request import JobRequest, check_request
from automl_runtime.serving.job_runner import JobRunner
from automl_runtime.serving.jobs import JobStore
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.uploads import MEDIA_TYPES, asked_of_files, format_of_body, receive, small_body

try:
    from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response, WebSocket
    from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
    from starlette.requests import ClientDisconnect, HTTPConnection
    from starlette.status import WS_1008_POLICY_VIOLATION
    from starlette.websockets import WebSocketDisconnect
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["add_jobs"]

_LOOK_EVERY: Final = 0.5
_SILENCE: Final = 15.0
"""Seconds after which a stream of events says that it is alive."""

Id = Annotated[str, Path(description="Id of the job.")]
Model = Annotated[str | None, Query(description="Name of the model; may be left out where there is only one.")]
Format = Annotated[
    Literal["csv", "jsonl", "parquet", "csv.gz", "csv.zst", "jsonl.gz", "jsonl.zst"] | None,
    Query(description="Format of the body; default: what Content-Type and Content-Encoding say."),
]
Result = Annotated[
    Literal["csv", "jsonl", "parquet"] | None, Query(description="Format of the result; default: that of the rows.")
]
Explain = Annotated[bool, Query(description="Add the reasons of each prediction, in words.")]
MostErrors = Annotated[int | None, Query(ge=0, description="The job fails when more rows are wrong; default: never.")]
Key = Annotated[
    str | None, Header(alias="Idempotency-Key", description="A second request with it starts no second job.")
]
_REFUSED: dict[int | str, dict[str, Any]] = {
    403: {"model": Problems, "description": "Files there are not allowed."},
    404: {"model": Problems, "description": "There is no such job, or model."},
    409: {"model": Problems, "description": "The job is not in a state for that."},
    422: {"model": Problems, "description": "A parameter or the body cannot be used."},
    507: {"model": Problems, "description": "There is no space for the rows."},
}
_ROWS: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final = {
    "required": True,
    "content": {
        **dict.fromkeys(("text/csv", "application/x-ndjson", "application/vnd.apache.parquet"), _ROWS),
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["source"],
                "additionalProperties": False,
                "properties": {
                    "source": {"type": "string", "description": "file:// URL below an allowed folder."},
                    "output": {"type": "string", "description": "file:// URL of the result; default: with the job."},
                    "model": {"type": "string"},
                    "result": {"enum": ["csv", "jsonl", "parquet"]},
                    "explain": {"type": "boolean"},
                    "most_errors": {"type": "integer", "minimum": 0},
                },
            }
        },
    },
}


def add_jobs(app: FastAPI, store: JobStore, *, workers: int = 1, prefix: str = "") -> None:
    """Adds the routes of `store` to `app`, and runs its jobs for as long as the application does.

    Args:
        app: gets the routes; answers `BadRequest` (`refusals.add_refusals`).
        store: of the jobs.
        workers: how many jobs run at a time.
        prefix: of a second way to start a job, with the model in the path: `/models/{name}`; "" for none.
    """
    jobs = _Jobs(store, workers)
    router = APIRouter()
    told = {"response_model": JobView, "responses": _REFUSED}
    starts = {**told, "methods": ["POST"], "status_code": 202, "openapi_extra": {"requestBody": _BODY}}
    router.add_api_route("/jobs", jobs.create, summary="Predict a file of rows", **starts)  # type: ignore[arg-type]
    if prefix:
        path = f"{prefix}/jobs"
        router.add_api_route(path, jobs.create_for, summary="Predict a file of rows with a model", **starts)  # type: ignore[arg-type]
    router.add_api_route("/jobs", jobs.list, summary="Your jobs, the newest first", response_model=list[JobView])
    router.add_api_route("/jobs/{job_id}", jobs.get, summary="How a job stands", **told)  # type: ignore[arg-type]
    router.add_api_route(
        "/jobs/{job_id}",
        jobs.delete,
        methods=["DELETE"],
        summary="Cancel a job, or forget one that has ended",
        **{**told, "responses": {**_REFUSED, 204: {"description": "The job had ended and is forgotten."}}},  # type: ignore[arg-type]
    )
    router.add_api_route(
        "/jobs/{job_id}/retry",
        jobs.retry,
        methods=["POST"],
        status_code=202,
        summary="Go on with a job that failed or was cancelled",
        **told,  # type: ignore[arg-type]
    )
    router.add_api_route(
        "/jobs/{job_id}/result",
        jobs.result,
        summary="The rows with their predictions",
        response_class=FileResponse,
        responses=_REFUSED | {206: {"description": "The part that Range asks for."}},
    )
    router.add_api_route(
        "/jobs/{job_id}/events",
        jobs.events,
        summary="Progress and one last event, as they come (server-sent events; a WebSocket at .../ws)",
        response_class=StreamingResponse,
        responses={**_REFUSED, 200: {"content": {"text/event-stream": {}}}},
    )
    router.add_api_websocket_route("/jobs/{job_id}/ws", jobs.socket)
    app.include_router(router)
    _run_beside(app, jobs)


def _run_beside(app: FastAPI, jobs: _Jobs) -> None:
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        jobs.begin()
        async with inner(app) as state:
            yield state
        await jobs.end()

    app.router.lifespan_context = lifespan


class _Jobs:
    """Handlers of one application."""

    def __init__(self, store: JobStore, workers: int) -> None:
        self.store, self._workers = store, workers

    def begin(self) -> None:
        self._runner = JobRunner(self.store, workers=self._workers)
        self._runner.start()

    async def end(self) -> None:
        await asyncio.to_thread(self._runner.stop)

    async def create(
        self,
        request: Request,
        model: Model = None,
        format: Format = None,
        result: Result = None,
        explain: Explain = False,
        most_errors: MostErrors = None,
        idempotency_key: Key = None,
    ) -> Response:
        """The body is the rows (CSV, JSON lines, Parquet), or names a file of this machine below a folder that the
        service may read. The answer comes when the rows are on disk; GET the link to see how the job stands.

        A row that cannot be read becomes a row with an `error`, and the job goes on.
        """
        owner = _owner(request)
        asked = JobRequest("", model, result, None, explain, most_errors, owner, idempotency_key)
        try:
            job, new = await self._started(request, asked, format)
        except DataError as error:
            raise BadRequest([Problem(f"The job cannot be kept: {error}")], status=507) from error
        except (Disconnected, ClientDisconnect):
            return Response(status_code=499)
        headers = {"Location": f"/jobs/{job.id}", "Retry-After": "1"}
        if not new:
            headers["Idempotent-Replayed"] = "true"
        return JSONResponse(await self._view(job), 202, headers)

    async def create_for(
        self,
        request: Request,
        name: Annotated[str, Path(description="Name of the model, as GET /models lists it.")],
        format: Format = None,
        result: Result = None,
        explain: Explain = False,
        most_errors: MostErrors = None,
        idempotency_key: Key = None,
    ) -> Response:
        """As `POST /jobs?model=NAME`."""
        return await self.create(request, name, format, result, explain, most_errors, idempotency_key)

    async def list(self, request: Request) -> Any:
        owner = _owner(request)
        return await asyncio.to_thread(lambda: [_linked(self.store.status(job)) for job in self.store.list(owner)])

    async def get(self, request: Request, job_id: Id) -> Response:
        job = await self._job(request, job_id)
        headers = {} if job.ended else {"Retry-After": "1"}
        return JSONResponse(await self._view(job), headers=headers)

    async def delete(self, request: Request, job_id: Id) -> Response:
        """A job that waits or runs is cancelled and can be tried again; one that has ended is forgotten (204)."""
        job = await self._job(request, job_id)
        if job.ended:
            await asyncio.to_thread(self.store.remove, job_id, _owner(request))
            return Response(status_code=204)
        job = await asyncio.to_thread(self.store.cancel, job_id, _owner(request))
        return JSONResponse(await self._view(job))

    async def retry(self, request: Request, job_id: Id) -> Response:
        """It goes on after the last chunk that it finished, with the version of the model that it began with."""
        job = await asyncio.to_thread(self.store.retry, job_id, _owner(request))
        return JSONResponse(await self._view(job), 202, {"Location": f"/jobs/{job.id}", "Retry-After": "1"})

    async def result(self, request: Request, job_id: Id) -> Response:
        """As a stream; with `Range`, parts of it."""
        job = await self._job(request, job_id)
        if job.status != "completed":
            raise BadRequest([Problem(f"The job is {job.status}; there is a result when it is completed.")], status=409)
        path = self.store.place(job).output(job)
        if not path.is_file():
            raise BadRequest([Problem("The result is not where it was written any more.")], status=404)
        media = next(kind for kind, name in MEDIA_TYPES.items() if name == path.suffix[1:])
        return FileResponse(path, media_type=media, filename=f"{job.id}{path.suffix}")

    async def events(self, request: Request, job_id: Id) -> Response:
        """`progress` whenever there is some, and in the end one event `completed`, `failed` or `cancelled`."""
        job = await self._job(request, job_id)

        async def stream() -> AsyncIterator[str]:
            async for name, view in self._changes(request, job.id):
                yield _event(name, view)

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def socket(self, socket: WebSocket, job_id: str) -> None:
        """The same as JSON messages with `event`; the socket is closed after the last."""
        await socket.accept()
        try:
            await asyncio.to_thread(self.store.get, job_id, _owner(socket))
        except BadRequest as refusal:
            await socket.close(WS_1008_POLICY_VIOLATION, refusal.message[:120])
            return
        tasks = {asyncio.create_task(self._send_all(socket, job_id)), asyncio.create_task(_hung_up(socket))}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _send_all(self, socket: WebSocket, job_id: str) -> None:
        with suppress(WebSocketDisconnect):
            async for name, view in self._changes(socket, job_id):
                if view is not None:
                    await socket.send_json({"event": name, **view})
            await socket.close()

    async def _changes(self, client: HTTPConnection, job_id: str) -> AsyncIterator[tuple[str, dict[str, Any] | None]]:
        """What changes, until the job ends or the service does; None where nothing has changed for long."""
        owner = _owner(client)
        before, silent = None, 0.0
        while not client.app.stopping:
            try:
                job = await asyncio.to_thread(self.store.get, job_id, owner)
            except BadRequest:
                # Forgotten meanwhile.
                return
            view = await self._view(job)
            now = job.status, view["rows"]
            if job.ended:
                yield job.status, view
                return
            if now != before:
                yield "progress", view
                before, silent = now, 0.0
            elif silent >= _SILENCE:
                yield "", None
                silent = 0.0
            silent += _LOOK_EVERY
            await asyncio.sleep(_LOOK_EVERY)

    async def _job(self, request: Request, job_id: str) -> Job:
        return await asyncio.to_thread(self.store.get, job_id, _owner(request))

    async def _view(self, job: Job) -> dict[str, Any]:
        return _linked(await asyncio.to_thread(self.store.status, job))

    async def _started(self, request: Request, asked: JobRequest, format_: str | None) -> tuple[Job, bool]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json" and format_ is None:
            asked = asked_of_files(await small_body(request), asked, self.store)
            with self.store.incoming() as folder:
                return await asyncio.to_thread(self.store.submit, folder, asked)
        asked = replace(asked, source=f"input.{format_ or format_of_body(kind, request)}")
        asked = check_request(asked, self.store.models)
        known = await asyncio.to_thread(self.store.known, asked)
        if known is not None:
            return known, False
        with self.store.incoming() as folder:
            await receive(request, folder / asked.source)
            return await asyncio.to_thread(self.store.submit, folder, asked)


def _owner(client: HTTPConnection) -> str | None:
    """The name of who asks; None where nobody has to say."""
    name: str | None = getattr(client.scope.get("principal"), "name", None)
    return name


def _linked(view: dict[str, Any]) -> dict[str, Any]:
    place = f"/jobs/{view['id']}"
    return {**view, "links": {"self": place, "result": f"{place}/result", "events": f"{place}/events"}}


def _event(name: str, view: dict[str, Any] | None) -> str:
    return ": alive\n\n" if view is None else f"event: {name}\ndata: {json.dumps(view)}\n\n"


async def _hung_up(socket: WebSocket) -> None:
    """Returns when the client goes away; what it says is not heard."""
    try:
        while True:
            await socket.receive_text()
    except (WebSocketDisconnect, KeyError):
        return
