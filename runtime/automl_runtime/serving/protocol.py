"""HTTP/1.1 that does not wait for ever, and that answers plain requests of one row where it has read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.instant import LONGEST_BODY, Headers, InstantAnswer
from automl_runtime.serving.lines import NDJSON_NAMES

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError as error:
    raise MissingExtraError(package="httptools", extra="serve") from error

__all__ = ["PatientProtocol"]

_STREAMED = tuple(name.encode() for name in NDJSON_NAMES)
_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

_AtOnce = Callable[[str, Headers, "tuple[str, int] | None", bytes], "InstantAnswer | None"]


class _Outbox:
    """Answers at once of all connections of an event loop, sent some together.

    Sending wakes the one who waits for it: that takes a third of the time of a request when each is sent alone, and
    hardly more for sixteen of them.
    """

    most: ClassVar[int] = 16

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Sends `answer` before the loop goes to sleep again."""
        if not self._waiting:
            self._loop.call_soon(self.send)
        self._waiting.append((transport, answer))
        if len(self._waiting) >= self.most:
            self.send()

    def send(self) -> None:
        """Sends all that wait, now."""
        waiting, self._waiting = self._waiting, []
        for transport, answer in waiting:
            if not transport.is_closing():
                transport.write(answer)


_OUTBOXES: WeakKeyDictionary[asyncio.AbstractEventLoop, _Outbox] = WeakKeyDictionary()


def _outbox(loop: asyncio.AbstractEventLoop) -> _Outbox:
    found = _OUTBOXES.get(loop)
    if found is None:
        found = _OUTBOXES[loop] = _Outbox(loop)
    return found


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience: for headers, for their size, and for the whole of a request.

    A request that the application answers `at_once` (see `FrontApp`) never becomes a task: its answer is written as
    soon as its last byte is there. All others go uvicorn's way.
    """

    header_seconds: ClassVar[float] = 10.0
    """From the connection, or the first byte of a request on an open one, to the end of its headers."""
    request_seconds: ClassVar[float] = 60.0
    """From the end of the headers to that of the body, or for each further `piece_bytes` of a large body; of a stream
    of lines, from one part of it to the next."""
    piece_bytes: ClassVar[int] = 1024 * 1024
    header_bytes: ClassVar[int] = 64 * 1024

    _deadline: float | None = None
    """When patience ends; None: it has none to lose."""
    _timer: asyncio.TimerHandle | None = None
    """Looks at the deadline, at it or before: a timer for each request would cost more than reading it."""
    _idle = False
    """Whether nothing is under way after an answer at once."""
    _in_headers = True
    _seen = 0
    _streams = False
    _held: bytes | None = None
    """The body so far of a request that may be answered at once; None: of any other."""
    _heads: ClassVar[tuple[Any, bytes]] = (None, b"")
    """uvicorn's headers of every answer, which it makes anew each second, and their bytes."""

    def __init__(self, *arguments: Any, **wishes: Any) -> None:
        """As uvicorn's."""
        super().__init__(*arguments, **wishes)
        self._at_once: _AtOnce | None = getattr(self.config.app, "at_once", None)
        self._outbox = _outbox(self.loop)
        # `access_log` of the protocol is true wherever any log has a handler.
        self._tells = self.config.access_log and self.access_log

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._wait(self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Cuts off headers without an end."""
        self._seen += len(data)
        if not self._in_headers and self._seen >= self.piece_bytes and self._deadline is not None:
            self._seen = 0
            self._wait(self.request_seconds)
        super().data_received(data)
        if self._in_headers and self._seen > self.header_bytes:
            self._cut_off(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request on an open connection begins."""
        super().on_message_begin()
        if self._deadline is None or self._idle:
            self._idle = False
            self._wait(self.header_seconds)

    def on_headers_complete(self) -> None:
        """The headers are there; now for the body."""
        self._in_headers, self._seen = False, 0
        self._wait(self.request_seconds)
        if self._may_be_answered_at_once():
            self._held = b""
        else:
            self._begin()

    def on_body(self, body: bytes) -> None:
        """A part of the body is there."""
        if self._held is not None:
            self._held += body
            if len(self._held) > LONGEST_BODY:
                self._go_the_long_way(self._held)
            return
        if self._streams:
            self._wait(self.request_seconds)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there as a whole."""
        self._in_headers, self._seen = True, 0
        self._deadline = None
        if self._held is not None:
            held, self._held = self._held, None
            if self._answered_at_once(held):
                return
            self._go_the_long_way(held)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn does, after all that was asked before."""
        self._outbox.send()
        super().send_400_response(msg)

    def shutdown(self) -> None:
        """As uvicorn does, once what was asked is answered."""
        self._outbox.send()
        super().shutdown()

    def _may_be_answered_at_once(self) -> bool:
        """Whether a request with these headers is one after the other, on a connection that stays."""
        return (
            self._at_once is not None
            and self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and self.parser.should_keep_alive()
            and not (self._tells or self.expect_100_continue or self.flow.write_paused)
            and self.limit_concurrency is None
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
            # Names alone: what is escaped, or has a query, is read by uvicorn.
            and self.url.isascii()
            and b"%" not in self.url
            and b"?" not in self.url
        )

    def _answered_at_once(self, body: bytes) -> bool:
        assert self._at_once is not None
        answer = self._at_once(self.url.decode("ascii"), self.headers, self.client, body)
        if answer is None:
            return False
        told = b"".join([b"%b: %b\r\n" % header for header in answer.headers])
        self._outbox.put(self.transport, b"HTTP/1.1 200 OK\r\n%b%b\r\n%b" % (self._head(), told, answer.body))
        self.server_state.total_requests += 1
        self._idle = True
        self._wait(self.timeout_keep_alive)
        return True

    def _head(self) -> bytes:
        known = self.server_state.default_headers
        if self._heads[0] is not known:
            PatientProtocol._heads = known, b"".join([b"%b: %b\r\n" % header for header in known])
        return self._heads[1]

    def _go_the_long_way(self, body: bytes) -> None:
        self._held = None
        self._outbox.send()
        self._begin()
        super().on_body(body)

    def _begin(self) -> None:
        """Lets uvicorn start the request whose headers are there."""
        self._streams = any(
            name == b"content-type" and value.lower().startswith(_STREAMED) for name, value in self.headers
        )
        super().on_headers_complete()

    def _wait(self, seconds: float) -> None:
        self._deadline = deadline = self.loop.time() + seconds
        if self._timer is not None and self._timer.when() <= deadline:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_at(deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._look)
        elif self._idle:
            self._deadline = None
            self.transport.close()
        else:
            self._cut_off(_TOO_LATE)

    def _cut_off(self, answer: bytes) -> None:
        self._outbox.send()
        self._deadline = None
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(answer)
        self.transport.close()
