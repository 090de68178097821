"""Spans for OpenTelemetry, where it is installed and somebody has said where spans go."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from automl_runtime.serving.asgi import Asgi, Message, Receive, Send

__all__ = ["traced", "tracer"]


def tracer() -> Any:
    """What makes spans; None where `opentelemetry` is not installed, or no provider was set, for they would be lost.

    `opentelemetry-instrument COMMAND` sets one by the usual OTEL_* variables.
    """
    if find_spec("opentelemetry") is None:
        return None
    from opentelemetry import trace

    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return None
    return trace.get_tracer("automl_runtime.serving")


def traced(tracing: Any, app: Asgi, request_id: str) -> Asgi:
    """`app` in a span that goes on with the trace of the client (`traceparent`)."""
    from opentelemetry import propagate, trace

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        context = propagate.extract(
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        )
        name = f"{scope['method']} {scope['path']}"
        told = {
            "http.request.method": scope["method"],
            "url.path": scope["path"],
            "automl.request_id": request_id,
        }
        with tracing.start_as_current_span(name, context, trace.SpanKind.SERVER, told) as span:

            def watch(message: Message) -> Any:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(trace.StatusCode.ERROR)
                return send(message)

            await app(scope, receive, watch)

    return answer
