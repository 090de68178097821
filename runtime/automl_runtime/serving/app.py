"""The HTTP service of one model: `/predict`, `/health`, `/metrics`, `/model`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any

from automl_schemas.metrics import Metrics

from automl_runtime.errors import MissingExtraError
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.contract import Answers, Health, ModelCard, Problems, answer_model, openapi_request
from automl_runtime.serving.counters import CountedApp, Counters
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.scorer import Features, Limits, Scorer

try:
    from fastapi import FastAPI, Query, Request, Response
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from starlette.requests import ClientDisconnect
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["create_app"]

_PATHS = frozenset({"/predict", "/health", "/metrics", "/model"})
_ASKED = "Give the reasons of each prediction; a request may then hold 100 rows at most, unless the service says else."
Explain = Annotated[bool, Query(description=_ASKED)]
_LOG = logging.getLogger("automl_runtime.serving")


def create_app(
    bundle: Bundle,
    features: Features | None = None,
    *,
    metrics: Metrics | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """The service of `bundle` as an ASGI application.

    Predictions run one after the other in a thread of their own, so that `/health` answers meanwhile.

    Args:
        bundle: a verified bundle.
        features: makes the model's features from clean rows; None when the model takes the rows themselves.
        metrics: what `/model` tells about the quality of the model.
        limits: size of the largest request (default 16 MB, 100,000 rows); larger ones get 413.
    """
    service = _Service(bundle, features, metrics, limits or Limits())
    request_body, row = openapi_request(bundle.schema)
    app = FastAPI(
        title=f"Prediction of {bundle.manifest.target}",
        version=bundle.manifest.model_version,
        description=f"{bundle.manifest.task} model; predictions with version {bundle.manifest.model_version}.",
        lifespan=service.lifespan,
    )
    answer = answer_model(bundle.manifest)
    app.add_api_route(
        "/predict",
        service.predict,
        methods=["POST"],
        summary="Predict one row or many",
        response_class=JSONResponse,
        responses={
            200: {"model": answer | Answers, "description": "The prediction, or the predictions in order."},
            413: {"model": Problems, "description": "The request is too large."},
            422: {"model": Problems, "description": "The request is not JSON, or a cell is no value of its column."},
        },
        openapi_extra={"requestBody": request_body},
    )
    app.add_api_route("/health", service.health, summary="Whether the service is up", response_model=Health)
    app.add_api_route("/metrics", service.metrics, summary="Counters for Prometheus", response_class=Response)
    app.add_api_route("/model", service.model, summary="What the model is", response_model=ModelCard)
    app.add_exception_handler(RequestValidationError, service.misasked)
    app.add_exception_handler(Exception, service.broken)
    app.add_middleware(CountedApp, counters=service.counters, paths=_PATHS)
    _add_component(app, "Row", row)
    return app


class _Service:
    """State and handlers of one application."""

    def __init__(self, bundle: Bundle, features: Features | None, metrics: Metrics | None, limits: Limits) -> None:
        self.counters = Counters(model_version=bundle.manifest.model_version, task=bundle.manifest.task)
        self._bundle = bundle
        self._metrics = metrics
        self._limits = limits
        self._scorer = Scorer(bundle, features, limits)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._started = time.monotonic()

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        self._thread.shutdown(wait=True)

    async def predict(self, request: Request, explain: Explain = False) -> Response:
        """Predicts one row `{"column": value, ...}` or many, `{"rows": [{...}, ...]}`.

        Values may be written as in the source ("1,234.50", " yes", "31.12.2021"). `null` stands for what is not known;
        a column that was never empty in training must be there, others may be left out.
        One row is answered by its prediction, many by `{"predictions": [...]}`. With `explain=true` each prediction
        holds its `reasons`, the three columns that move it most.
        """
        try:
            body = await self._body(request)
            content, rows = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._scorer.answer, body, explain
            )
        except BadRequest as refused:
            self.counters.errors.labels("too_large" if refused.status == 413 else "invalid").inc()
            return _json(refused.to_json(), refused.status)
        except ClientDisconnect:
            return Response(status_code=400)
        self.counters.rows.inc(rows)
        return _json(content)

    async def health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "model_version": self._bundle.manifest.model_version,
            "uptime_seconds": round(time.monotonic() - self._started, 3),
        }

    async def metrics(self) -> Response:
        return Response(self.counters.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def model(self) -> dict[str, Any]:
        return {
            "manifest": self._bundle.manifest,
            "metrics": None if self._metrics is None else self._metrics.model_dump(mode="json"),
            "columns": self._bundle.schema.columns,
        }

    async def misasked(self, request: Request, error: Exception) -> Response:
        """Answers 422 in the shape of all refusals when a parameter of the query cannot be read."""
        del request
        self.counters.errors.labels("invalid").inc()
        found = error.errors() if isinstance(error, RequestValidationError) else []
        problems = [
            Problem(
                f"The parameter '{item['loc'][-1]}' of the query: {item['msg']}.", value=str(item.get("input"))[:100]
            )
            for item in found
        ]
        return _json(BadRequest(problems).to_json(), 422)

    async def broken(self, request: Request, error: Exception) -> Response:
        """Answers 500 in the shape of all refusals; what went wrong goes to the log, not to the caller."""
        self.counters.errors.labels("internal").inc()
        _LOG.error("%s failed", request.url.path, exc_info=error)
        problem = Problem("The service failed on this request; its log says why.")
        return _json(BadRequest([problem]).to_json(), 500)

    async def _body(self, request: Request) -> bytes:
        limit = self._limits.body_bytes
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > limit:
                message = f"The body is larger than {limit:,} bytes. Send the rows in parts."
                raise BadRequest([Problem(message, allowed=f"at most {limit} bytes")], status=413)
            parts.append(part)
        return b"".join(parts)


def _json(content: bytes, status: int = 200) -> Response:
    return Response(content, status_code=status, media_type="application/json")


def _add_component(app: FastAPI, name: str, schema: dict[str, Any]) -> None:
    """Lets the OpenAPI document of `app` hold a component that no FastAPI parameter declares."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        document.setdefault("components", {}).setdefault("schemas", {})[name] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
