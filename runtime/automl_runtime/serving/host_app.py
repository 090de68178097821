"""The HTTP service of many models: `/models/{name}/predict`, and what is loaded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.asgi import Asgi, Message, Receive, Send, respond
from automl_runtime.serving.contract import Loaded, ModelVersions, Problems, ServiceHealth
from automl_runtime.serving.counters import CountedApp, Counters
from automl_runtime.serving.delegated import Delegated
from automl_runtime.serving.drift_contract import NO_DRIFT, Drift
from automl_runtime.serving.front import FrontApp
from automl_runtime.serving.guard import Guard
from automl_runtime.serving.health import HEALTH_PATHS, add_health
from automl_runtime.serving.host import ModelHost, ModelState
from automl_runtime.serving.infer_route import InferService
from automl_runtime.serving.instant import InstantRoute
from automl_runtime.serving.live import LiveModel
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.pausing import Reason, add_pausing, change_pause, pause_of, told_of
from automl_runtime.serving.refusals import REFUSED_SCORING, add_refusals
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.scoring_route import ScoringRoute
from automl_runtime.serving.traffic_routes import add_traffic, take_feedback

try:
    from fastapi import FastAPI, Path, Query, Request, Response
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["create_host_app"]

_PREFIX = "/models/"
_HOT = ("predict", "forecast")
_PREDICT = "/predict"
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problems, "description": "There is no such model, or it does not answer in this way."},
    422: {"model": Problems, "description": "A parameter is no value of its kind."},
    503: {"model": Problems, "description": "The model cannot be loaded, or not answer in time."},
}
_BODY = {"type": "object", "description": "The columns of the model, or `rows` with a list of such objects."}
Name = Annotated[str, Path(description="Name of the model, as GET /models lists it.")]
Pin = Annotated[bool, Query(description="Whether it stays loaded when memory runs short.")]


def create_host_app(host: ModelHost, guard: Guard | None = None, observer: Observer | None = None) -> FastAPI:
    """The service of the models of `host` as an ASGI application; models are loaded when they are asked for.

    `guard` says who may ask; None: everybody. `observer` is what the service sees of itself; None: drift, by the usual
    policy.
    """
    observer = observer or Observer()
    service = _HostService(host, observer)
    app = _HostApp(title=f"{len(host.states)} models", description="Models of a workspace.", lifespan=service.lifespan)
    app.service, app.counters, app.guard, app.observer = service, service.counters, guard or Guard(), observer
    app.infer = InferService(app.title, host.live, service.counters)
    app.infer.add_to(app)
    app.add_api_route("/models", service.models, summary="What there is", response_model=list[Loaded])
    app.add_api_route(
        "/models/{name}", service.model, summary="What is known of a model", response_model=Loaded, responses=_REFUSED
    )
    app.add_api_route(
        "/models/{name}/versions",
        service.versions,
        summary="Versions, and the aliases that point at them",
        response_model=ModelVersions,
        responses=_REFUSED,
    )
    app.add_api_route(
        "/models/{name}/drift",
        service.drift,
        summary="How far requests are from training",
        response_model=Drift,
        responses=_REFUSED | NO_DRIFT,
    )
    add_traffic(app, service.traffic, service.feedback, prefix="/models/{name}", refused=_REFUSED)
    add_pausing(app, service.pause, service.resume, prefix="/models/{name}", refused=_REFUSED)
    for action, about in (("load", "Load a model before it is asked for"), ("unload", "Let a model go")):
        app.add_api_route(
            f"/models/{{name}}/{action}",
            getattr(service, action),
            methods=["POST"],
            summary=about,
            response_model=Loaded,
            responses=_REFUSED,
        )
    for action in _HOT:
        app.add_api_route(
            f"/models/{{name}}/{action}",
            getattr(service, action),
            methods=["POST"],
            summary=f"{action.capitalize()} with a model",
            responses={**REFUSED_SCORING, **_REFUSED, 422: REFUSED_SCORING[422]},
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
        )
    app.add_api_route("/health", service.health, summary="Whether the service is up", response_model=ServiceHealth)
    add_health(app, service)
    app.add_api_route("/metrics", service.metrics, summary="Counters for Prometheus", response_class=Response)
    add_refusals(app, service.counters)
    app.add_middleware(CountedApp, counters=service.counters, paths=frozenset({"/models", "/metrics", *HEALTH_PATHS}))
    return app


class _HostApp(FrontApp):
    """The application of many models."""

    service: _HostService
    infer: InferService

    def hot(self, scope: Message) -> Asgi | None:
        """What is posted to a model to be scored."""
        if scope["method"] != "POST" or not scope["path"].startswith(_PREFIX):
            return self.infer.hot(scope)
        name, _, action = scope["path"][len(_PREFIX) :].rpartition("/")
        return partial(self.service.score, name, action) if action in _HOT else None

    def instant(self, path: str) -> InstantRoute | None:
        """What is posted to a loaded model to be scored."""
        if not path.startswith(_PREFIX) or not path.endswith(_PREDICT):
            return None
        live = self.service.host.loaded(path[len(_PREFIX) : -len(_PREDICT)])
        return None if live is None else InstantRoute(live, self.counters, self.observer.predictions)


class _HostService:
    """State and handlers of one application."""

    def __init__(self, host: ModelHost, observer: Observer) -> None:
        self.host = host
        self.observer = observer
        self.counters = Counters()
        self.counters.add(observer)
        host.on_load.append(self._loaded)
        host.on_batch = self.counters.batched
        self._started = time.monotonic()

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        del app
        self.host.warm()
        following = asyncio.create_task(self.host.follow())
        self.observer.start()
        yield
        following.cancel()
        await self.host.close()
        self.observer.close()

    def _loaded(self, name: str, live: LiveModel) -> None:
        self.observer.observe(name, live.current)
        live.on_exchange.append(partial(self.observer.observe, name))

    async def score(self, name: str, action: str, scope: Message, receive: Receive, send: Send) -> None:
        """Answers what is posted to `/models/{name}/{action}`."""
        started = time.perf_counter()
        path = "other"
        try:
            live = await self.host.live(name)
            path = f"{_PREFIX}{name}/{action}"
            forecasts = live.current.bundle.manifest.task == "forecast"
            if forecasts != (action == "forecast"):
                right = f"POST {_PREFIX}{name}/{'forecast' if forecasts else 'predict'}"
                raise BadRequest([Problem(f"This model answers {right}.", allowed=right)], status=404)
            status = await ScoringRoute(live, self.counters, self.observer.predictions)(scope, receive, send)
        except BadRequest as refusal:
            status = refusal.status
            self.counters.refused("unavailable" if status == 503 else "invalid")
            await respond(send, status, refusal.to_json())
        self.counters.answered(path, status, time.perf_counter() - started)

    async def predict(self, name: Name) -> Response:
        """Predicts one row or many (`{"rows": [{...}, ...]}`), as the service of the model alone does."""
        return Delegated(partial(self.score, name, "predict"))

    async def forecast(self, name: Name) -> Response:
        """Forecasts the next steps after the history of the model, as the service of the model alone does."""
        return Delegated(partial(self.score, name, "forecast"))

    async def models(self) -> list[dict[str, Any]]:
        return [_shown(state) for state in self.host.states.values()]

    async def model(self, name: Name) -> dict[str, Any]:
        return _shown(self.host.state(name))

    async def versions(self, name: Name) -> dict[str, Any]:
        return self.host.state(name).source.versions()

    async def load(self, name: Name, pin: Pin = False) -> dict[str, Any]:
        """Loads the model if it is not loaded; with `pin=true` it stays."""
        await self.host.live(name)
        state = self.host.state(name)
        state.pinned = pin
        return _shown(state)

    async def unload(self, name: Name) -> dict[str, Any]:
        """Requests that are under way end with it; it is loaded again when it is asked for."""
        self.host.unload(name)
        return _shown(self.host.state(name))

    async def pause(self, name: Name, request: Request, reason: Reason = "") -> dict[str, Any]:
        """What was taken is still answered. All services of the project refuse within a second, until it is resumed."""
        return await self._pause(name, request, reason, paused=True)

    async def resume(self, name: Name, request: Request, reason: Reason = "") -> dict[str, Any]:
        """All services of the project answer again within a second."""
        return await self._pause(name, request, reason, paused=False)

    async def _pause(self, name: str, request: Request, reason: str, *, paused: bool) -> dict[str, Any]:
        state = self.host.state(name)
        found = await change_pause(state.source, request, reason, paused=paused)
        if state.live is not None:
            state.live.paused = found
        return told_of(found)

    def unready(self) -> str | None:
        """Why nothing can be answered; None: it can."""
        if not self.host.states:
            return "There is no model."
        if all(state.live is None and state.error is not None for state in self.host.states.values()):
            return "No model can be loaded; GET /models tells why."
        return None

    async def drift(self, name: Name) -> dict[str, Any]:
        """Distances of each column, and of the prediction, from the rows that the model was trained on."""
        self.host.state(name)
        return await asyncio.to_thread(self.observer.report, name)

    async def traffic(self, name: Name) -> dict[str, Any]:
        return await (await self.host.traffic(name)).show()

    async def feedback(self, name: Name, request: Request) -> Any:
        """Takes what came true. A prediction is known a second after its answer; its first outcome stands."""
        return await take_feedback(await self.host.traffic(name), request)

    async def health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "models": len(self.host.states),
            "loaded": sum(state.live is not None for state in self.host.states.values()),
            "uptime_seconds": round(time.monotonic() - self._started, 3),
        }

    async def metrics(self) -> Response:
        return Response(self.counters.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _shown(state: ModelState) -> dict[str, Any]:
    manifest = None if state.live is None else state.live.current.bundle.manifest
    return {
        "name": state.name,
        "loaded": manifest is not None,
        "model_version": None if manifest is None else manifest.model_version,
        "task": None if manifest is None else manifest.task,
        "bytes": state.held,
        "pinned": state.pinned,
        "paused": None if (found := pause_of(state.source)) is None else str(found),
        "error": state.error,
    }
