"""Rows that come line by line and are answered while they come: NDJSON in, NDJSON out, in order, in bounded memory.

Lines are scored in groups: what came while the model worked is the next group. Two groups are under way at most; while
they are, nothing more is read, so that the client is slowed down by TCP, and so it is when it does not read answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from automl_runtime.serving.answers import Answer
from automl_runtime.serving.asgi import ALWAYS, Disconnected, Message, Receive, Send
from automl_runtime.serving.compression import Unpacker
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.dispatching import Overloaded, Priority, TimedOut
from automl_runtime.serving.lines import CUT, NDJSON, LinesAsk, error_lines
from automl_runtime.serving.live import LiveModel
from automl_runtime.serving.requests import BadRequest, Problem

__all__ = ["LineSplitter", "LineStream", "Wishes"]

_LOG = logging.getLogger("automl_runtime.serving")
_GROUP: Final = 2048
"""Lines of a group that need not grow any more."""
_EXPLAINED_GROUP: Final = 32
_UNDER_WAY: Final = 2
_LONGEST: Final = 1024 * 1024
_PATIENCE: Final = 30.0
"""Seconds after which a stream that the model has no time for ends."""
_TIMEOUT: Final = 600.0
"""Seconds for a group, unless the client says another: it waits for its turn, and slows the client down meanwhile."""
_HEADERS: Final = [(b"content-type", NDJSON.encode()), *ALWAYS]


class Wishes(NamedTuple):
    """What a request says besides its rows."""

    explain: bool = False
    priority: Priority = Priority.NORMAL
    timeout: float | None = None


class _Group(NamedTuple):
    first: int
    block: bytes
    lines: int


@dataclass(slots=True)
class LineSplitter:
    """Puts the pieces of a body together to whole lines, and numbers them from 1."""

    longest: int = _LONGEST
    """Bytes of a line that has not ended; of longer ones `CUT` is left."""
    _next: int = 1
    _blocks: list[bytes] = field(default_factory=list)
    _rest: bytearray = field(default_factory=bytearray)
    _cut: bool = False
    lines: int = 0
    """Whole lines that wait."""

    def feed(self, data: bytes) -> None:
        """Takes a piece."""
        end = data.rfind(b"\n") + 1
        if end:
            block = CUT + data[data.index(b"\n") : end] if self._cut else bytes(self._rest) + data[:end]
            self._blocks.append(block)
            self.lines += block.count(b"\n")
            self._rest.clear()
            self._cut = False
        self._rest += data[end:]
        if len(self._rest) > self.longest:
            self._rest.clear()
            self._cut = True

    def finish(self) -> None:
        """What is left is the last line."""
        if self._rest or self._cut:
            self.feed(b"\n")

    def take(self, most: int) -> _Group:
        """As many of the lines that wait as there are, about `most`."""
        block = b"".join(self._blocks)
        self._blocks.clear()
        lines = self.lines
        if lines > 2 * most:
            kept = block.split(b"\n", most)[-1]
            self._blocks.append(kept)
            block, lines = block[: len(block) - len(kept)], most
        group = _Group(self._next, block, lines)
        self._next += lines
        self.lines -= lines
        return group


class LineStream:
    """Answers one request."""

    def __init__(self, live: LiveModel, counters: Counters, wishes: Wishes, coding: bytes | None) -> None:
        """`coding`: how the body is packed; raises `BadRequest` if that is not read."""
        self._live = live
        self._counters = counters
        self._wishes = wishes
        self._unpacker = None if coding is None or coding == b"identity" else Unpacker(coding)
        self._most = _EXPLAINED_GROUP if wishes.explain else _GROUP
        self._splitter = LineSplitter()
        self._under_way: deque[tuple[_Group, asyncio.Future[Answer]]] = deque()
        self._started = False
        self._broken: BadRequest | None = None

    async def run(self, receive: Receive, send: Send) -> int:
        """Reads, scores and answers until the end; returns the status.

        Raises:
            BadRequest, Overloaded: if the first lines cannot be answered.
            Disconnected: if the client goes away.
        """
        try:
            await self._run(receive, send)
        except (BadRequest, Overloaded) as refusal:
            if not self._started:
                raise
            # The status is sent: a last line has to say it.
            group = self._splitter.take(1)
            await self._send(send, error_lines(group.first, b"-", Problem(f"The stream ends here: {refusal}")))
        await self._send(send, b"", more=False)
        return 200

    async def _run(self, receive: Receive, send: Send) -> None:
        incoming: asyncio.Future[Message] | None = None
        ended = False
        try:
            while not ended or self._splitter.lines or self._under_way:
                await self._submit(ended)
                waits: set[asyncio.Future[Any]] = {self._under_way[0][1]} if self._under_way else set()
                if not ended and self._splitter.lines < self._most:
                    incoming = incoming or asyncio.ensure_future(receive())
                    waits.add(incoming)
                if waits:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                while self._under_way and self._under_way[0][1].done():
                    await self._send(send, self._answered(*self._under_way.popleft()))
                if incoming is not None and incoming.done():
                    message, incoming = incoming.result(), None
                    ended = self._took(message)
            if self._broken is not None:
                raise self._broken
        finally:
            if incoming is not None:
                incoming.cancel()
            for _, answer in self._under_way:
                answer.cancel()

    def _took(self, message: Message) -> bool:
        """Takes a part of the body; whether it was the last."""
        if message["type"] == "http.disconnect":
            raise Disconnected
        more: bool = message.get("more_body", False)
        try:
            for piece in self._unpacked(message.get("body", b"")):
                self._splitter.feed(piece)
            if not more and self._unpacker is not None:
                self._unpacker.finish()
        except BadRequest as refusal:
            # The lines before are answered first.
            self._broken = refusal
            return True
        if not more:
            self._splitter.finish()
        return not more

    def _unpacked(self, data: bytes) -> Iterator[bytes]:
        return iter((data,)) if self._unpacker is None else self._unpacker.feed(data)

    async def _submit(self, ended: bool) -> None:
        """Hands lines on, if the model has nothing to do or there are enough of them."""
        while self._splitter.lines and len(self._under_way) < _UNDER_WAY:
            if self._under_way and not ended and self._splitter.lines < self._most:
                return
            await self._submit_group(self._splitter.take(self._most))

    async def _submit_group(self, group: _Group) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while True:
            served = self._live.current
            ask = LinesAsk(group.first, group.block, group.lines, self._wishes.explain)
            weight = served.scorer.weight(ask)
            priority, timeout = self._wishes.priority, self._wishes.timeout or _TIMEOUT
            try:
                answer = served.dispatcher.submit(ask, weight, priority=priority, timeout=timeout)
            except Overloaded:
                if not (self._started or self._under_way) or loop.time() > until:
                    raise
                await asyncio.sleep(0.05)
                continue
            self._under_way.append((group, answer))
            return

    def _answered(self, group: _Group, done: asyncio.Future[Answer]) -> bytes:
        error = done.exception()
        if error is None:
            answer = done.result()
            self._counters.rows.inc(answer.rows)
            return answer.body
        if isinstance(error, TimedOut):
            self._counters.refused("timeout")
            return error_lines(group.first, group.block, Problem(str(error)))
        self._counters.refused("internal")
        _LOG.error("lines from %d on failed", group.first, exc_info=error)
        return error_lines(group.first, group.block, Problem("The service failed on this line; its log says why."))

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        if not self._started:
            self._started = True
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if body or not more:
            await send({"type": "http.response.body", "body": body, "more_body": more})
