"""What a raw ASGI application needs: the body of a request within a limit, and one message with the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeVar

from automl_runtime.serving.requests import BadRequest, Problem

__all__ = ["Asgi", "Disconnected", "Message", "Receive", "Send", "answer_or_hang_up", "read_body", "respond"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[object]]

T = TypeVar("T")

_ALWAYS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)


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


async def respond(
    send: Send,
    status: int,
    body: bytes,
    headers: Iterable[tuple[bytes, bytes]] = (),
    media_type: bytes = b"application/json",
) -> None:
    """Sends an answer as a whole."""
    told = [(b"content-type", media_type), *_ALWAYS, (b"content-length", b"%d" % len(body)), *headers]
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
