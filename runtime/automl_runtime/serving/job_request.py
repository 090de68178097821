"""What a prediction job is asked to do, and what of it is allowed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from automl_runtime.errors import shorten
from automl_runtime.serving.job_folder import FORMATS, format_of
from automl_runtime.serving.requests import BadRequest, Problem

__all__ = ["ID_LENGTH", "JobRequest", "check_request", "identity_of", "local_file", "refused"]

ID_LENGTH: Final = 32
_LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What somebody wants to be predicted."""

    source: str
    """Absolute path of a CSV, JSON lines or Parquet file; or the name of an upload."""
    model: str | None = None
    """None where there is only one."""
    result: str | None = None
    """Format of the result; None: that of the source, or of `output`."""
    output: str | None = None
    """Absolute path of the result; None: it is kept with the job."""
    explain: bool = False
    most_errors: int | None = None
    """The job fails when more rows than this are wrong; None: however many."""
    owner: str | None = None
    """Who asks; nobody else sees the job."""
    key: str | None = None
    """A second request of one owner with the same key does not make a second job."""


def check_request(request: JobRequest, models: Collection[str]) -> JobRequest:
    """`request` to one of `models`, with its model and format filled in.

    Raises:
        BadRequest: 404 if there is no such model, 422 if a file or a format cannot be used.
    """
    kind = format_of(request.source)
    if kind is None:
        raise refused(
            f"{Path(request.source).name[:100]!r} is no file of rows.",
            allowed=", ".join(FORMATS) + "; csv and jsonl also as .gz and .zst",
        )
    written = kind[0] if request.output is None else (format_of(request.output) or ("", ""))[0]
    result = request.result or written
    if result not in FORMATS or (request.output is not None and Path(request.output).suffix != f".{result}"):
        raise refused(
            f"The result cannot be written as {shorten(request.output or result)}.", allowed=", ".join(FORMATS)
        )
    if request.most_errors is not None and request.most_errors < 0:
        raise refused("A number of rows is not below 0.", allowed="0 or more")
    if request.key is not None and not 0 < len(request.key) <= _LONGEST_KEY:
        raise refused("The idempotency key is empty or too long.", allowed=f"1 to {_LONGEST_KEY} letters")
    if Path(request.source).is_absolute():
        _check_files(request)
    return replace(request, model=_model(request.model, models), result=result)


def local_file(url: str, what: str, allowed: Iterable[Path]) -> str:
    """The path of a `file://` URL below one of the `allowed` folders.

    Raises:
        BadRequest: 422 if it is no such URL, 403 if the file is not allowed.
    """
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise refused(f"{what} is {url[:100]!r}.", allowed="file:///folder/name.csv")
    try:
        place = Path(unquote(parts.path, errors="strict")).resolve()
    except (ValueError, OSError, RuntimeError) as error:
        raise refused(f"{what} is {url[:100]!r}, which is no path.", allowed="file:///folder/name.csv") from error
    if not any(place.is_relative_to(folder) for folder in allowed):
        message = f"{what}: files there are not allowed. Send the rows themselves, or set job_folders."
        raise refused(message, 403)
    return str(place)


def identity_of(request: JobRequest) -> str:
    """The id of the job: that of the key, or one that nobody can guess."""
    if request.key is None:
        return secrets.token_hex(ID_LENGTH // 2)
    asked = f"{request.owner or ''}\0{request.key}"
    return hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:ID_LENGTH]


def refused(message: str, status: int = 422, *, allowed: str | None = None) -> BadRequest:
    """A refusal with one problem."""
    return BadRequest([Problem(message, allowed=allowed)], status=status)


def _check_files(request: JobRequest) -> None:
    if not Path(request.source).is_file():
        raise refused(f"There is no file {shorten(request.source)}.")
    if request.output is not None and (
        request.output == request.source or Path(request.output).is_dir() or not Path(request.output).parent.is_dir()
    ):
        raise refused(f"{shorten(request.output)} cannot be written.", allowed="a file in a folder that exists")


def _model(name: str | None, models: Collection[str]) -> str:
    if name is None and len(models) == 1:
        return next(iter(models))
    if name is None:
        raise refused("Say which model: model=NAME.", allowed=", ".join([*models][:20]))
    if name not in models:
        raise refused(f"There is no model {name[:100]!r} that predicts rows.", 404)
    return name
