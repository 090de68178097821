"""A name for each request: taken from the client or made, answered, and put on the lines of the log."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Final

__all__ = ["HEADER", "current_request", "request_id_of"]

HEADER: Final = b"x-request-id"
current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""Of the request that is being answered."""

_ALLOWED: Final = re.compile(rb"[!-~]{1,128}")
_PREFIX: Final = secrets.token_hex(8)
_NUMBERS: Final = itertools.count(1)


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """What the client calls its request, if that is 1 to 128 visible ASCII characters; else a new name."""
    for name, value in headers:
        if name == HEADER and _ALLOWED.fullmatch(value):
            return value.decode("ascii")
    # Random for each process and counted in it: as good as random, and a tenth of its price.
    return f"{_PREFIX}{next(_NUMBERS):08x}"
