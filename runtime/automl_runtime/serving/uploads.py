"""The body of `POST /jobs`: rows that are streamed to disk, or the names of files of this machine."""

from __future__ import annotations

import asyncio
import errno
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.job_request import JobRequest, local_file
from automl_runtime.serving.jobs import JobStore
from automl_runtime.serving.requests import BadRequest, Problem, parse_object

try:
    from starlette.requests import Request
except ImportError as error:
    raise MissingExtraError(package="fastapi", extra="serve") from error

__all__ = ["MEDIA_TYPES", "asked_of_files", "format_of_body", "receive", "small_body"]

_WRITTEN: Final = 1 << 20
"""Bytes that are collected before they are written."""
_SPARED: Final = 256 << 20
"""Bytes that uploads leave free on the disk."""
_LONGEST_ASK: Final = 64 * 1024
MEDIA_TYPES: Final = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/vnd.apache.parquet": "parquet",
}
"""What a Content-Type says of rows."""
_CODINGS: Final = {"": "", "identity": "", "gzip": ".gz", "zstd": ".zst"}
_FORM: Final = '{"source": "file:///folder/rows.csv", "output": "file:///folder/scored.csv"}'
_NAMES: Final = frozenset({"source", "output", "model", "result", "explain", "most_errors"})


def asked_of_files(body: bytes, asked: JobRequest, store: JobStore) -> JobRequest:
    """`asked` with what a body as `{"source": "file:///..."}` says.

    Raises:
        BadRequest: 422 if it is no such body, 403 if `store` does not allow the files.
    """
    content = parse_object(body, form=_FORM)
    unknown = sorted(content.keys() - _NAMES)
    if unknown or not isinstance(content.get("source"), str):
        what = f"{unknown[0][:100]!r} is not known" if unknown else "`source` is missing, or no text"
        raise BadRequest([Problem(f"A job of a file: {what}.", allowed=_FORM)])
    for name, type_ in (("output", str), ("model", str), ("result", str), ("explain", bool), ("most_errors", int)):
        value = content.get(name)
        if value is not None and type(value) is not type_:
            raise BadRequest([Problem(f"{name!r} is no {type_.__name__}.", allowed=_FORM)])
    if asked.model is not None and content.get("model") not in (None, asked.model):
        raise BadRequest([Problem(f"The model is {asked.model[:100]!r} in the address, and another one in the body.")])
    for name in ("source", "output"):
        if content.get(name) is not None:
            content[name] = local_file(str(content[name]), name, store.allowed)
    given: dict[str, Any] = {name: value for name, value in content.items() if value is not None}
    return replace(asked, **given)


def format_of_body(kind: str, request: Request) -> str:
    """What the headers say of the body, as the end of a file name: `csv.gz`.

    Raises:
        BadRequest: if they say nothing that can be read.
    """
    if kind not in MEDIA_TYPES:
        message = f"The Content-Type is {kind[:100]!r}; say what the rows are, there or with format=."
        raise BadRequest([Problem(message, allowed=", ".join(MEDIA_TYPES))])
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in _CODINGS:
        raise BadRequest([Problem(f"The Content-Encoding is {coding[:100]!r}.", allowed="gzip, zstd")])
    return MEDIA_TYPES[kind] + _CODINGS[coding]


async def small_body(request: Request) -> bytes:
    """The body; BadRequest if it is longer than what names files can be."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_ASK:
            raise BadRequest([Problem("A job of a file is described in fewer bytes.", allowed=_FORM)])
    return body


async def receive(request: Request, path: Path) -> None:
    """Writes the body to disk, in a thread, so that a slow disk delays nobody else.

    Raises:
        BadRequest: 507 if there is no space for it.
        ClientDisconnect: if the client goes away before its end.
    """
    length = request.headers.get("content-length", "")
    _check_space(path, int(length) if length.isdigit() else 0)
    file = await asyncio.to_thread(path.open, "wb")
    waiting: list[bytes] = []
    size = 0
    try:
        async for piece in request.stream():
            waiting.append(piece)
            size += len(piece)
            if size >= _WRITTEN:
                _check_space(path, size)
                await asyncio.to_thread(file.write, b"".join(waiting))
                waiting, size = [], 0
        await asyncio.to_thread(file.write, b"".join(waiting))
        await asyncio.to_thread(file.close)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise _no_space(error.strerror or "the disk is full") from error
    finally:
        file.close()


def _check_space(path: Path, wanted: int) -> None:
    if shutil.disk_usage(path.parent).free - wanted < _SPARED:
        raise _no_space("the disk would be full")


def _no_space(why: str) -> BadRequest:
    return BadRequest(
        [Problem(f"The rows cannot be kept: {why}.", allowed="fewer rows, or when jobs have ended")], status=507
    )
