"""`GET /traffic` and `POST /feedback`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.asgi import read_body
from automl_runtime.serving.contract import Problems
from automl_runtime.serving.traffic import Traffic

try:
    from fastapi import FastAPI, Request
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["add_traffic", "take_feedback"]

_MOST_BYTES = 4 * 1024 * 1024


class ArmModel(BaseModel):
    """One version under a rule."""

    version: str
    share: float = Field(description="Of the answers that it gives.")
    requests: int
    rows: int
    errors: int = Field(description="Requests that it failed on; of a challenger, production answered them.")
    p50_ms: float | None
    p95_ms: float | None
    outcomes: int = Field(description="That were delivered, one for each key.")
    loss: float | None = Field(description="Mean of its losses; smaller is better.")
    compared: int | None = Field(default=None, description="Rows that a shadow scored.")
    agreed: float | None = Field(default=None, description="Share of them with the same answer.")
    mean_difference: float | None = None
    largest_difference: float | None = None
    dropped: int | None = Field(default=None, description="Requests that a shadow did not get to.")


class ComparisonModel(BaseModel):
    """The sequential test; it may be looked at at any time."""

    gain: float | None = Field(description="How much smaller the losses of the challenger are.")
    low: float | None
    high: float | None
    p_value: float
    verdict: Literal["better", "worse", "undecided"]


class TrafficModel(BaseModel):
    """The rule that is in force, and what its versions did."""

    rule: dict[str, Any] | None
    arms: list[ArmModel]
    comparison: ComparisonModel | None
    measure: str | None = Field(description="What a loss is: brier, absolute error, error rate.")
    error: str | None = Field(description="Why a rule is not in force.")


class DeliveredModel(BaseModel):
    """What became of the outcomes."""

    taken: int
    repeated: int = Field(description="Predictions that had an outcome already, which stands.")
    unknown: list[int] = Field(description="Places of those whose prediction is not known, or no longer.")


_OUTCOME = {
    "type": "object",
    "properties": {
        "prediction_id": {"type": "string", "description": "Of the answer; with `.N` behind for row N of many."},
        "key": {"description": "Instead of the id: the newest prediction for this key of the traffic rule."},
        "outcome": {"description": "The label or the number that came true."},
    },
    "required": ["outcome"],
}
_BODY = {
    "anyOf": [
        _OUTCOME,
        {
            "type": "object",
            "properties": {"outcomes": {"type": "array", "items": _OUTCOME, "maxItems": 10_000}},
            "required": ["outcomes"],
        },
    ]
}


async def take_feedback(traffic: Traffic, request: Request) -> dict[str, Any]:
    """What became of the outcomes in the body of `request`; see `Traffic.deliver`."""
    return await traffic.deliver(await read_body(request.receive, _MOST_BYTES))


def add_traffic(
    app: FastAPI,
    show: Callable[..., Awaitable[dict[str, Any]]],
    feedback: Callable[..., Awaitable[dict[str, Any]]],
    *,
    prefix: str = "",
    refused: Mapping[int | str, dict[str, Any]] | None = None,
) -> None:
    """Adds the routes to `app`.

    Args:
        app: gets `GET {prefix}/traffic` and `POST {prefix}/feedback`.
        show: answers with `Traffic.show`.
        feedback: takes outcomes, by `take_feedback`.
        prefix: of the paths; its parameters are those of the handlers.
        refused: what both may answer besides.
    """
    more = dict(refused or {})
    app.add_api_route(
        f"{prefix}/traffic",
        show,
        summary="Versions that share the requests",
        response_model=TrafficModel,
        responses=more,
    )
    told = {status: {"model": Problems, "description": text} for status, text in _REFUSED.items()}
    app.add_api_route(
        f"{prefix}/feedback",
        feedback,
        methods=["POST"],
        summary="Deliver outcomes",
        response_model=DeliveredModel,
        responses=more | told,
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
    )


_REFUSED: dict[int | str, str] = {
    409: "There is no traffic rule under which answers are kept.",
    413: "There are too many outcomes.",
    422: "The request is not JSON, or an outcome cannot be one of this model.",
}
