"""HTTP/1.1 that does not wait for ever: clients that send a request drop by drop are cut off."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from automl_runtime.errors import MissingExtraError
from automl_runtime.serving.lines import NDJSON_NAMES

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError as error:
    raise MissingExtraError(package="httptools", extra="serve") from error

__all__ = ["PatientProtocol"]

_STREAMED = tuple(name.encode() for name in NDJSON_NAMES)
_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience: for headers, for their size, and for the whole of a request."""

    header_seconds: ClassVar[float] = 10.0
    """From the connection, or the first byte of a request on an open one, to the end of its headers."""
    request_seconds: ClassVar[float] = 60.0
    """From the end of the headers to that of the body, or for each further `piece_bytes` of a large body; of a stream
    of lines, from one part of it to the next."""
    piece_bytes: ClassVar[int] = 1024 * 1024
    header_bytes: ClassVar[int] = 64 * 1024

    _patience: asyncio.TimerHandle | None = None
    _in_headers = True
    _seen = 0
    _streams = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self._wait(self.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Cuts off headers without an end."""
        self._seen += len(data)
        if not self._in_headers and self._seen >= self.piece_bytes and self._patience is not None:
            self._seen = 0
            self._wait(self.request_seconds)
        super().data_received(data)
        if self._in_headers and self._seen > self.header_bytes:
            self._cut_off(_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request on an open connection begins."""
        super().on_message_begin()
        if self._patience is None:
            self._wait(self.header_seconds)

    def on_headers_complete(self) -> None:
        """The headers are there; now for the body."""
        self._in_headers, self._seen = False, 0
        self._streams = any(
            name == b"content-type" and value.lower().startswith(_STREAMED) for name, value in self.headers
        )
        self._wait(self.request_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body is there."""
        if self._streams:
            self._wait(self.request_seconds)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there as a whole."""
        self._in_headers, self._seen = True, 0
        self._wait(None)
        super().on_message_complete()

    def _wait(self, seconds: float | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None if seconds is None else self.loop.call_later(seconds, self._cut_off, _TOO_LATE)

    def _cut_off(self, answer: bytes) -> None:
        self._patience = None
        if self.transport.is_closing():
            return
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(answer)
        self.transport.close()
