"""The HTTP service of one model: `/predict` or `/forecast`, `/health`, `/metrics`, `/model`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any, Literal

from automl_schemas.metrics import Metrics
from automl_schemas.vocabulary import TaskType

from automl_runtime.errors import MissingExtraError
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.asgi import Asgi, Message, Receive, Send
from automl_runtime.serving.contract import (
    Answers,
    Health,
    ModelCard,
    Problems,
    answer_model,
    openapi_request,
    other_answers,
)
from automl_runtime.serving.counters import CountedApp, Counters
from automl_runtime.serving.delegated import Delegated
from automl_runtime.serving.dispatching import BatchPolicy
from automl_runtime.serving.drift_contract import NO_DRIFT, Drift
from automl_runtime.serving.forecast_contract import forecast_answer, openapi_forecast
from automl_runtime.serving.front import FrontApp
from automl_runtime.serving.guard import Guard
from automl_runtime.serving.health import HEALTH_PATHS, add_health
from automl_runtime.serving.infer_route import InferService
from automl_runtime.serving.instant import InstantRoute
from automl_runtime.serving.live import LiveModel, ModelSource, Served, follow
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.pausing import Reason, add_pausing, change_pause, pause_of, told_of
from automl_runtime.serving.record_scorer import RecordFeatures
from automl_runtime.serving.refusals import REFUSED_SCORING, add_refusals, refusal
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.scorer import Features, Limits, Scorer
from automl_runtime.serving.scoring_route import ScoringRoute
from automl_runtime.serving.traffic import Traffic, TrafficSource
from automl_runtime.serving.traffic_routes import add_traffic, take_feedback

try:
    from fastapi import FastAPI, Header, Query, Request, Response
    from fastapi.responses import JSONResponse
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["create_app"]

_ACTIONS = ("/predict", "/forecast", "/feedback", "/pause", "/resume")
_PATHS = frozenset({*_ACTIONS, "/drift", "/metrics", "/model", "/traffic", *HEALTH_PATHS})
_ASKED = "Give the reasons of each prediction; a request may then hold 100 rows at most, unless the service says else."
Explain = Annotated[bool, Query(description=_ASKED)]
Urgency = Annotated[
    Literal["critical", "high", "normal", "low"] | None,
    Header(description="Which requests go first when some must wait; default: normal."),
]
Patience = Annotated[
    int | None, Header(ge=1, le=999_999_999, description="Milliseconds that the client will wait; default: 30,000.")
]
_LOG = logging.getLogger("automl_runtime.serving")


def create_app(
    bundle: Bundle,
    features: Features | None = None,
    *,
    record_features: RecordFeatures | None = None,
    metrics: Metrics | None = None,
    limits: Limits | None = None,
    policy: BatchPolicy | None = None,
    source: ModelSource | None = None,
    guard: Guard | None = None,
    observer: Observer | None = None,
    name: str = "model",
    traffic: TrafficSource | None = None,
) -> FastAPI:
    """The service of `bundle` as an ASGI application.

    Predictions run in a thread of their own, so that `/health` answers meanwhile; what waits is scored together.

    Args:
        bundle: a verified bundle.
        features: makes the model's features from clean rows; None when the model takes the rows themselves.
        record_features: the same for the values of one row, without a frame; None when only `features` can.
        metrics: what `/model` tells about the quality of the model.
        limits: size of the largest request (default 16 MB, 100,000 rows); larger ones get 413.
        policy: how requests are put together, and when they are refused.
        source: is looked at twice a second; when it has another model, that answers from then on. None: `bundle` stays.
        guard: who may ask; None: everybody.
        observer: what the service sees of itself; None: drift, by the usual policy.
        name: of the model below `/v2/models`.
        traffic: where rules come from by which two versions share the requests; None: there are none.
    """
    counters, observer = Counters(), observer or Observer()
    bounds = limits or Limits(), policy or BatchPolicy()
    live = LiveModel.of(bundle, features, record_features, *bounds, counters.batched)
    service = _Service(live, metrics, source, counters, observer, None if traffic is None else Traffic(live, traffic))
    app = _ServiceApp(
        title=_TITLES.get(bundle.manifest.task) or f"Prediction of {bundle.manifest.target}",
        version=bundle.manifest.model_version,
        description=f"{bundle.manifest.task} model; predictions with version {bundle.manifest.model_version}.",
        lifespan=service.lifespan,
    )
    (_add_forecast if bundle.manifest.task == "forecast" else _add_predict)(app, service, bundle)
    _add_management(app, service)
    add_refusals(app, service.counters)
    app.add_exception_handler(Exception, service.broken)
    app.add_middleware(CountedApp, counters=service.counters, paths=_PATHS)
    app.path = "/forecast" if bundle.manifest.task == "forecast" else "/predict"
    app.service, app.counters, app.guard, app.observer = service, service.counters, guard or Guard(), observer
    app.infer = InferService(app.title, partial(service.named, name), service.counters)
    app.infer.add_to(app)
    _document(app, live)
    return app


def _add_management(app: FastAPI, service: _Service) -> None:
    """The routes of everything but scores."""
    app.add_api_route("/health", service.health, summary="Whether the service is up", response_model=Health)
    add_health(app, service)
    app.add_api_route(
        "/drift", service.drift, summary="How far requests are from training", response_model=Drift, responses=NO_DRIFT
    )
    app.add_api_route("/metrics", service.metrics, summary="Counters for Prometheus", response_class=Response)
    app.add_api_route("/model", service.model, summary="What the model is", response_model=ModelCard)
    if service.traffic is not None:
        add_traffic(app, service.traffic.show, service.feedback)
    if service.can_pause:
        add_pausing(app, service.pause, service.resume)


class _ServiceApp(FrontApp):
    """The application of one model."""

    path: str
    service: _Service
    infer: InferService

    def hot(self, scope: Message) -> Asgi | None:
        """What is posted to be scored."""
        if scope["path"] == self.path:
            return self.service.score if scope["method"] == "POST" else None
        return self.infer.hot(scope)

    def instant(self, path: str) -> InstantRoute | None:
        """What is posted to be scored."""
        return self.service.at_once if path == self.path else None


_TITLES: dict[TaskType, str] = {"clustering": "Clusters", "anomaly": "Anomalies"}


def _add_predict(app: FastAPI, service: _Service, bundle: Bundle) -> None:
    """The route of a model of rows."""
    answer = answer_model(bundle)
    app.add_api_route(
        "/predict",
        service.predict,
        methods=["POST"],
        summary="Predict one row or many",
        response_class=JSONResponse,
        responses={
            200: {
                "model": answer | Answers,
                "content": other_answers(),
                "description": "The prediction, or the predictions in order.",
            },
            **REFUSED_SCORING,
        },
    )


def _add_forecast(app: FastAPI, service: _Service, bundle: Bundle) -> None:
    """The routes of a model of series."""
    app.add_api_route(
        "/forecast",
        service.forecast,
        methods=["POST"],
        summary="Forecast the next steps",
        response_class=JSONResponse,
        responses={
            200: {"model": forecast_answer(bundle), "description": "The steps, series by series."},
            **REFUSED_SCORING,
        },
    )
    app.add_api_route(
        "/predict",
        service.no_rows,
        methods=["POST"],
        summary="Not for this model: use /forecast",
        responses={404: {"model": Problems, "description": "The model forecasts; it does not predict single rows."}},
        status_code=404,
        response_class=JSONResponse,
    )


class _Service:
    """State and handlers of one application."""

    def __init__(
        self,
        live: LiveModel,
        metrics: Metrics | None,
        source: ModelSource | None,
        counters: Counters,
        observer: Observer,
        traffic: Traffic | None,
    ) -> None:
        manifest = live.current.bundle.manifest
        self.live = live
        self.counters = counters
        self.counters.exchanged(manifest.model_version, manifest.task)
        self.counters.add(observer)
        self.observer = observer
        self._watch(live.current)
        self.route = ScoringRoute(live, self.counters, observer.predictions)
        self.at_once = InstantRoute(live, self.counters, observer.predictions)
        self.traffic = traffic
        self._source = source
        live.paused = None if source is None else pause_of(source)
        self._metrics = (manifest.model_version, metrics)
        self._started = time.monotonic()
        live.on_exchange.append(self._exchanged)

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        self._app = app
        self.observer.start()
        following = [] if self._source is None else [asyncio.create_task(follow(self.live, self._source))]
        if self.traffic is not None:
            await self.traffic.start()
            following.append(asyncio.create_task(self.traffic.run()))
        yield
        for task in following:
            task.cancel()
        if self.traffic is not None:
            await self.traffic.close()
        await self.live.current.close()
        self.observer.close()

    async def named(self, name: str, asked: str) -> LiveModel:
        """The model, if that is its name."""
        if asked != name:
            raise BadRequest([Problem(f"There is no model {asked[:100]!r}.", allowed=name)], status=404)
        return self.live

    async def score(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers what is posted to the path of the model, and counts it."""
        started = time.perf_counter()
        status = await self.route(scope, receive, send)
        self.counters.answered(scope["path"], status, time.perf_counter() - started)

    def _watch(self, served: Served) -> None:
        self.observer.observe("", served)
        if isinstance(served.scorer, Scorer):
            self.counters.watch(served.scorer.cache, served.scorer.levels)

    def _exchanged(self, served: Served) -> None:
        self.counters.exchanged(served.bundle.manifest.model_version, served.bundle.manifest.task)
        self._watch(served)
        # Made again when it is asked for.
        self._app.openapi_schema = None

    async def predict(
        self, explain: Explain = False, x_priority: Urgency = None, x_timeout_ms: Patience = None
    ) -> Response:
        """Predicts one row `{"column": value}`, or many: `{"rows": [{...}, ...]}` or `{"columns": {"column": [...]}}`.

        Values may be written as in the source ("1,234.50", " yes", "31.12.2021"). `null` stands for what is not known;
        a column that was never empty in training must be there, others may be left out.
        One row is answered by its prediction, many by `{"predictions": [...]}`. With `explain=true` each prediction
        holds its `reasons`, the three columns that move it most. The body may be packed with gzip or zstd
        (Content-Encoding), and large answers are, where Accept-Encoding allows it.
        """
        del explain, x_priority, x_timeout_ms
        return Delegated(self.route)

    async def forecast(self, x_priority: Urgency = None, x_timeout_ms: Patience = None) -> Response:
        """Forecasts the next steps after the history of the model; every part of the request may be left out.

        `horizon`: how many steps. `series`: which of them; default: those of `future`, else all. `future`: a row for
        each step (and series) with what is known ahead; needed when the model uses such columns. `history`: rows that
        tell what happened since the model was made; the forecast starts after the last of them.
        `low` and `high` are the ends between which the share `interval` of the values fell in validation.
        """
        del x_priority, x_timeout_ms
        return Delegated(self.route)

    async def no_rows(self) -> Response:
        """Says where to go instead."""
        self.counters.refused("invalid")
        message = "This model forecasts series and does not predict single rows: POST /forecast instead."
        return refusal(BadRequest([Problem(message, allowed="POST /forecast")], status=404))

    async def health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "model_version": self.live.current.bundle.manifest.model_version,
            "uptime_seconds": round(time.monotonic() - self._started, 3),
        }

    @property
    def can_pause(self) -> bool:
        """Whether it can be noted somewhere that the model is paused."""
        return self._source is not None and self._source.folder() is not None

    def unready(self) -> str | None:
        """Why nothing can be answered; None: it can."""
        return None if self.live.paused is None else str(self.live.paused)

    async def pause(self, request: Request, reason: Reason = "") -> dict[str, Any]:
        """What was taken is still answered. All services of the project refuse within a second, until it is resumed."""
        self.live.paused = await change_pause(self._source, request, reason, paused=True)
        return told_of(self.live.paused)

    async def resume(self, request: Request, reason: Reason = "") -> dict[str, Any]:
        """All services of the project answer again within a second."""
        self.live.paused = await change_pause(self._source, request, reason, paused=False)
        return told_of(None)

    async def drift(self) -> dict[str, Any]:
        """Distances of each column, and of the prediction, from the rows that the model was trained on.

        They are of the last window that was judged and of the open one, of all workers together. An alert is raised
        when columns have moved in two windows one after the other, and ends when two were calm.
        """
        return await asyncio.to_thread(self.observer.report)

    async def feedback(self, request: Request) -> Any:
        """Takes what came true. A prediction is known a second after its answer; its first outcome stands."""
        assert self.traffic is not None
        return await take_feedback(self.traffic, request)

    async def metrics(self) -> Response:
        return Response(self.counters.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def model(self) -> dict[str, Any]:
        bundle = self.live.current.bundle
        version, measured = self._metrics
        known = measured if version == bundle.manifest.model_version else None
        return {
            "manifest": bundle.manifest,
            "metrics": None if known is None else known.model_dump(mode="json"),
            "columns": bundle.schema.columns,
        }

    async def broken(self, request: Request, error: Exception) -> Response:
        """Answers 500 in the shape of all refusals; what went wrong goes to the log, not to the caller."""
        self.counters.refused("internal")
        _LOG.error("%s failed", request.url.path, exc_info=error)
        problem = Problem("The service failed on this request; its log says why.")
        return refusal(BadRequest([problem], status=500))


def _document(app: FastAPI, live: LiveModel) -> None:
    """Lets OpenAPI tell what the live model takes, which no FastAPI parameter declares."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        bundle = live.current.bundle
        if bundle.manifest.task == "forecast":
            path, (body, components) = "/forecast", openapi_forecast(bundle)
        else:
            path, (body, row) = "/predict", openapi_request(bundle.schema, bundle.windows)
            components = {"Row": row}
        document["paths"][path]["post"]["requestBody"] = body
        document.setdefault("components", {}).setdefault("schemas", {}).update(components)
        return document

    app.openapi = openapi  # type: ignore[method-assign]
