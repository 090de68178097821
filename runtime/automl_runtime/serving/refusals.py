"""How routes of FastAPI refuse: in the shape of all refusals, which its documentation shows."""

from __future__ import annotations

from typing import Any

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.contract import Problems
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.requests import BadRequest, Problem

try:
    from fastapi import FastAPI, Request, Response
    from fastapi.exceptions import RequestValidationError
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["REFUSED_SCORING", "add_refusals", "refusal"]

REFUSED_SCORING: dict[int | str, dict[str, Any]] = {
    406: {"model": Problems, "description": "The answer is wanted in a form that there is not."},
    413: {"model": Problems, "description": "The request is too large."},
    415: {"model": Problems, "description": "The request is in a form, or packed in a way, that is not read."},
    422: {
        "model": Problems,
        "description": "The request is not in the form that it says, or a cell is no value of its column.",
    },
    429: {"model": Problems, "description": "Too many requests of this priority wait; Retry-After says how long."},
    503: {"model": Problems, "description": "It could not be answered in time; Retry-After says when to come back."},
    504: {"model": Problems, "description": "It was not answered within the time that the client allows."},
}
"""What is answered to requests for scores besides the scores."""


def refusal(error: BadRequest) -> Response:
    """The answer that says so."""
    return Response(error.to_json(), error.status, media_type="application/json")


def add_refusals(app: FastAPI, counters: Counters) -> None:
    """Lets `app` answer `BadRequest`, and parameters that cannot be read (422), in the shape of all refusals."""

    async def refused(request: Request, error: Exception) -> Response:
        del request
        assert isinstance(error, BadRequest)
        return refusal(error)

    async def misasked(request: Request, error: Exception) -> Response:
        del request
        counters.refused("invalid")
        found = error.errors() if isinstance(error, RequestValidationError) else []
        return refusal(
            BadRequest(
                [
                    Problem(
                        f"The parameter '{item['loc'][-1]}' of the query: {item['msg']}.",
                        value=str(item.get("input"))[:100],
                    )
                    for item in found
                ]
            )
        )

    app.add_exception_handler(BadRequest, refused)
    app.add_exception_handler(RequestValidationError, misasked)
