"""What a raw ASGI application needs: the body of a request within a limit, and one message with the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeVar

from automl_runtime.serving.requests import BadRequest, Problem

__all__ = [
    "ALWAYS",
    "Asgi",
    "Disconnected",
    "Message",
    "Receive",
    "Send",
    "answer_or_hang_up",
    "quality_values",
    "read_body",
    "respond",
]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[object]]

T = TypeVar("T")

ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
"""Headers of every answer."""


class Disconnected(Exception):
    """The client went away; there is nobody to answer."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body.

    Raises:
        BadRequest: 413 as soon as it is larger than `limit` bytes.
        Disconnected: if the client went away meanwhile.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    parts, size = [body], len(body)
    while size <= limit:
        if message["type"] == "http.disconnect":
            raise Disconnected
        if not message.get("more_body", False):
            return body if len(parts) == 1 else b"".join(parts)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    refusal = f"The body is larger than {limit:,} bytes. Send the rows in parts."
    raise BadRequest([Problem(refusal, allowed=f"at most {limit} bytes")], status=413)


def quality_values(header: bytes) -> dict[str, float]:
    """How welcome each value of an Accept header is, 0 to 1 (RFC 9110, section 12.4.2); what cannot be read is not.

    >>> quality_values(b"gzip;q=0.5, ZSTD, br;q=much")
    {'gzip': 0.5, 'zstd': 1.0, 'br': 0.0}
    """
    shares: dict[str, float] = {}
    for part in header.decode("latin-1").lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        try:
            shares[name] = float(quality)
        except ValueError:
            shares[name] = 0.0
    return shares


async def respond(
    send: Send,
    status: int,
    body: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
    media_type: bytes = b"application/json",
) -> None:
    """Sends an answer as a whole."""
    told = [(b"content-type", media_type), *ALWAYS, (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


async def answer_or_hang_up(answer: asyncio.Future[T], receive: Receive) -> T:
    """The outcome of `answer`, which is cancelled when the client goes away before.

    Raises:
        Disconnected: if it does.
    """
    gone = asyncio.ensure_future(receive())
    first: set[asyncio.Future[Any]] = {answer, gone}
    try:
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise Disconnected
    finally:
        gone.cancel()
        answer.cancel()
