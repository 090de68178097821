"""The routes of the Open Inference Protocol, version 2, for services of one model and of many."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import msgspec

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.answers import JSON, Form
from automl_runtime.serving.asgi import Asgi, Message, Receive, Send, respond
from automl_runtime.serving.contract import Problems
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.delegated import Delegated
from automl_runtime.serving.formats import write_json
from automl_runtime.serving.health import STOPPING, refuse_when_stopping
from automl_runtime.serving.live import LiveModel, Served
from automl_runtime.serving.open_inference import HEADER_LENGTH, read_infer, tensors_in, tensors_out
from automl_runtime.serving.pausing import Paused
from automl_runtime.serving.refusals import REFUSED_SCORING
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.scoring_route import ScoringRoute

try:
    from fastapi import FastAPI, Path, Response
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["InferService"]

_MODELS = "/v2/models/"
_INFER = "/infer"
_VERSIONS = "/versions/"
_NAME = Annotated[str, Path(description="Name of the model.")]
_VERSION = Annotated[str, Path(description="The version that answers.")]
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problems, "description": "There is no such model, or another version of it answers."},
    503: {"model": Problems, "description": "The model cannot be loaded, or not answer in time."},
}
_SCORED: dict[int | str, dict[str, Any]] = {status: REFUSED_SCORING[status] for status in (413, 415, 422, 429, 504)}
_TENSOR = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "A column; any other name for a matrix of all columns."},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "datatype": {"type": "string"},
        "data": {"type": "array", "items": {}},
    },
    "required": ["name", "shape", "datatype"],
}
_BODY = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": _TENSOR}},
    "required": ["inputs"],
}


class InferService:
    """Answers `/v2` and what is below it."""

    def __init__(self, title: str, live: Callable[[str], Awaitable[LiveModel]], counters: Counters) -> None:
        """`live` gives the model of a name; BadRequest 404 where there is none."""
        self._title, self._live, self._counters = title, live, counters

    def add_to(self, app: FastAPI) -> None:
        """Adds the routes."""
        self._app = app
        add = app.add_api_route
        add("/v2", self._server, summary="What the server is", tags=["v2"])
        add("/v2/health/live", self._alive, summary="Whether the server is up", tags=["v2"])
        ready = "Whether models may be asked"
        add("/v2/health/ready", self._ready, summary=ready, tags=["v2"], responses=STOPPING)
        for path in ("/v2/models/{name}", "/v2/models/{name}/versions/{version}"):
            versioned = path.endswith("{version}")
            routes: tuple[tuple[str, Callable[..., Any], str, str, dict[int | str, Any]], ...] = (
                ("", self._version if versioned else self._model, "GET", "What a model takes and gives", {}),
                ("/ready", self._version_ready if versioned else self._model_ready, "GET", "Whether it answers", {}),
                ("/infer", self._version_infer if versioned else self._model_infer, "POST", "Predict", _SCORED),
            )
            for action, handler, method, summary, more in routes:
                body = {"requestBody": {"required": True, "content": {JSON: {"schema": _BODY}}}} if more else None
                add(
                    path + action,
                    handler,
                    methods=[method],
                    summary=summary,
                    tags=["v2"],
                    responses={**_REFUSED, **more},
                    openapi_extra=body,
                )

    def hot(self, scope: Message) -> Asgi | None:
        """What answers a request to infer, in front of the router."""
        path: str = scope["path"]
        if not (path.startswith(_MODELS) and path.endswith(_INFER) and scope["method"] == "POST"):
            return None
        name, apart, version = path[len(_MODELS) : -len(_INFER)].rpartition(_VERSIONS)
        return partial(self.infer, name if apart else version, version if apart else None)

    async def infer(self, name: str, version: str | None, scope: Message, receive: Receive, send: Send) -> None:
        """Answers a request to infer."""
        started, path = time.perf_counter(), "other"
        try:
            live = await self._live(name)
            served = _checked(live.current, name, version)
            if not served.scorer.takes_lines:
                raise BadRequest([Problem(f"The model {name[:100]!r} forecasts: POST /forecast instead.")], status=404)
            path = "/v2/infer"
            status = await _InferRoute(name, live, self._counters)(scope, receive, send)
        except BadRequest as refusal:
            status = refusal.status
            self._counters.refused("unavailable" if status == 503 else "invalid")
            await respond(send, status, _told(refusal))
        self._counters.answered(path, status, time.perf_counter() - started)

    async def _server(self) -> dict[str, Any]:
        from automl_runtime import __version__

        return {"name": self._title, "version": __version__, "extensions": ["binary_tensor_data"]}

    async def _alive(self) -> dict[str, bool]:
        return {"live": True}

    async def _ready(self) -> dict[str, bool]:
        refuse_when_stopping(self._app)
        return {"ready": True}

    async def _model(self, name: _NAME) -> Response:
        return await self._about(name, None, _metadata)

    async def _version(self, name: _NAME, version: _VERSION) -> Response:
        return await self._about(name, version, _metadata)

    async def _model_ready(self, name: _NAME) -> Response:
        return await self._about(name, None, _readiness)

    async def _version_ready(self, name: _NAME, version: _VERSION) -> Response:
        return await self._about(name, version, _readiness)

    async def _model_infer(self, name: _NAME) -> Response:
        """A tensor for each column, of shape [rows], or one matrix of numbers in the order of the columns."""
        return Delegated(partial(self.infer, name, None))

    async def _version_infer(self, name: _NAME, version: _VERSION) -> Response:
        """As without a version, if this is the one that answers."""
        return Delegated(partial(self.infer, name, version))

    async def _about(
        self, name: str, version: str | None, tell: Callable[[str, LiveModel], dict[str, Any]]
    ) -> Response:
        try:
            live = await self._live(name)
            _checked(live.current, name, version)
            content, status = msgspec.json.encode(tell(name, live)), 200
        except BadRequest as refusal:
            content, status = _told(refusal), refusal.status
        return Response(content, status_code=status, media_type=JSON)


class _InferRoute(ScoringRoute):
    """Bodies of the protocol in place of ours."""

    def __init__(self, name: str, live: LiveModel, counters: Counters) -> None:
        super().__init__(live, counters)
        self._name = name

    def form(self, headers: dict[bytes, bytes]) -> Form:
        return Form(JSON, JSON, partial(read_infer, self._name, headers.get(HEADER_LENGTH)), write_json)

    def told(self, refusal: BadRequest) -> bytes:
        return _told(refusal)


def _told(refusal: BadRequest) -> bytes:
    """The refusal in our shape, and in `error` what clients of the protocol look for."""
    return b'{"error":%b,%b' % (msgspec.json.encode(str(refusal)), refusal.to_json()[1:])


def _checked(served: Served, name: str, version: str | None) -> Served:
    found = served.bundle.manifest.model_version
    if version is not None and version != found:
        message = f"Of the model {name[:100]!r} the version {found} answers, not {version[:100]!r}."
        raise BadRequest([Problem(message, allowed=found)], status=404)
    return served


def _readiness(name: str, live: LiveModel) -> dict[str, Any]:
    if live.paused is not None:
        raise Paused(live.paused)
    return {"name": name, "version": live.current.bundle.manifest.model_version, "ready": True}


def _metadata(name: str, live: LiveModel) -> dict[str, Any]:
    served = live.current
    manifest = served.bundle.manifest
    return {
        "name": name,
        "versions": [manifest.model_version],
        "platform": "automl",
        "inputs": tensors_in(served.bundle.schema),
        "outputs": tensors_out(manifest) if served.scorer.takes_lines else [],
    }
