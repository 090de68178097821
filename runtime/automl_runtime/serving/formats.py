"""In which form a request is written and its answer wanted: media types, and what reads and writes each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from automl_runtime.serving.answers import JSON, Answer, Contents, Form, Writer
from automl_runtime.serving.arrays import read_arrow, read_npy
from automl_runtime.serving.asgi import quality_values
from automl_runtime.serving.columns import read_csv, read_json
from automl_runtime.serving.lines import NDJSON, NDJSON_NAMES, write_lines
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.tables import ARROW, NPY, write_arrow, write_csv, write_npy

if TYPE_CHECKING:
    from automl_schemas.bundle import BundleManifest, InputSchema

__all__ = ["ANSWERS", "JSON_FORM", "REQUESTS", "negotiate", "write_json"]

_LONGEST: Final = 300
_UNSAID: Final = (b"", b"application/x-www-form-urlencoded")
"""What curl and urllib say of a body of which nobody said anything."""


def write_json(answers: Sequence[dict[str, Any]], manifest: BundleManifest, many: bool) -> Answer:
    """One answer as it is, many as `{"predictions": [...], "model_version": ...}`."""
    content = {"predictions": answers, "model_version": manifest.model_version} if many else answers[0]
    return Answer(msgspec.json.encode(content), len(answers))


def _read_whole(body: bytes, schema: InputSchema, most_rows: int) -> Contents:
    """Refuses lines where a body is read as a whole; `streams` reads them."""
    del body, schema, most_rows
    raise _refused("Content-Type", NDJSON, 415, [JSON])


REQUESTS: Final[dict[str, Callable[[bytes, InputSchema, int], Contents]]] = {
    JSON: read_json,
    "text/csv": read_csv,
    ARROW: read_arrow,
    NPY: read_npy,
    NDJSON: _read_whole,
}
ANSWERS: Final[dict[str, Writer]] = {
    JSON: write_json,
    "text/csv": write_csv,
    ARROW: write_arrow,
    NPY: write_npy,
    NDJSON: write_lines,
}
JSON_FORM: Final = Form(JSON, JSON, read_json, write_json)


def negotiate(content_type: bytes | None, accept: bytes | None) -> Form:
    """The form of a request with these headers. Without Content-Type it is JSON, without Accept answered in kind.

    Raises:
        BadRequest: 415 if it is written in another form than `REQUESTS`, 406 if it is wanted in none of `ANSWERS`.
    """
    if content_type is None and accept is None:
        return JSON_FORM
    return _form((content_type or b"")[:_LONGEST], (accept or b"*/*")[:_LONGEST])


@lru_cache(maxsize=512)
def _form(content_type: bytes, accept: bytes) -> Form:
    given = _request_type(content_type)
    wanted = _answer_type(accept, given)
    if (given, wanted) == (JSON, JSON):
        return JSON_FORM
    return Form(given, wanted, REQUESTS[given], ANSWERS[wanted])


def _request_type(header: bytes) -> str:
    if header in _UNSAID:
        return JSON
    name, *parameters = (part.strip() for part in header.decode("latin-1").lower().split(";"))
    name = NDJSON if name in NDJSON_NAMES else name
    if name not in REQUESTS:
        raise _refused("Content-Type", name, 415, REQUESTS)
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key == "charset" and value.strip('"') not in ("utf-8", "utf8", "us-ascii"):
            raise _refused("The charset", value, 415, ["utf-8"])
    return name


def _answer_type(header: bytes, given: str) -> str:
    """The best of what is allowed, the form of the request where several are equally welcome."""
    # Lines are answered while they come, which no other form could be.
    allowed = [NDJSON] if given == NDJSON else [*ANSWERS]
    offered = sorted(allowed, key=lambda name: name != given)
    shares = quality_values(header)
    ranked = {name: _share(name, shares) for name in offered}
    best = max(ranked, key=lambda name: ranked[name])
    if ranked[best] <= 0:
        raise _refused("Accept", header.decode("latin-1"), 406, allowed)
    return best


def _share(name: str, shares: dict[str, float]) -> float:
    """How welcome a type is: what is said of itself goes before what is said of its kind, and of all."""
    kind = name.split("/")[0]
    return next((shares[said] for said in (name, f"{kind}/*", "*/*") if said in shares), 0.0)


def _refused(what: str, value: str, status: int, allowed: Sequence[str] | dict[str, Any]) -> BadRequest:
    names = ", ".join(allowed)
    message = f"{what} is {value[:100]!r}; allowed are {names}."
    return BadRequest([Problem(message, value=value[:100], allowed=names)], status=status)
