"""`POST /predict` and `/forecast` as ASGI applications of their own: a body in, an answer out, nothing between.

They stand in front of FastAPI's router, which would halve the throughput; FastAPI knows them for its documentation.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from automl_runtime.serving.answers import JSON, Answer, Form
from automl_runtime.serving.asgi import Disconnected, Message, Receive, Send, read_body, respond
from automl_runtime.serving.compression import Unpacker, pack, packing, unpack
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.dispatching import Overloaded, Priority, TimedOut
from automl_runtime.serving.formats import JSON_FORM, negotiate
from automl_runtime.serving.lines import NDJSON
from automl_runtime.serving.live import Asked, LiveModel, Served
from automl_runtime.serving.pausing import Paused
from automl_runtime.serving.prediction_log import PredictionLog
from automl_runtime.serving.request_ids import current_request
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.scorer import Ask
from automl_runtime.serving.streams import LineStream, Wishes

__all__ = ["ScoringRoute"]

_LOG = logging.getLogger("automl_runtime.serving")
_SMALL = 16 * 1024
"""Answers above are packed off the event loop."""
_GONE = 499
"""What is counted for a client that went away, as nginx does."""
_KINDS = {413: "too_large", 503: "unavailable"}
"""What refusals with these statuses are counted as."""
_PRIORITY = "x-priority"
_TIMEOUT = "x-timeout-ms"
_YES = ("true", "1", "yes", "on", "y", "t")
_NO = ("false", "0", "no", "off", "n", "f")


class ScoringRoute:
    """Answers the requests of one path with the model that is live."""

    def __init__(self, live: LiveModel, counters: Counters, predictions: PredictionLog | None = None) -> None:
        self._live = live
        self._counters = counters
        self._predictions = predictions

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> int:
        """Answers one request; returns the status."""
        headers: list[tuple[bytes, bytes]] = []
        media_type = b"application/json"
        told = dict(scope["headers"])
        try:
            if self._live.paused is not None:
                raise Paused(self._live.paused)
            form = self.form(told)
            if form.media_type == NDJSON and self._live.current.scorer.takes_lines:
                wishes = Wishes(_explain(scope["query_string"]), *_urgency(scope["headers"]))
                stream = LineStream(self._live, self._counters, wishes, told.get(b"content-encoding"))
                return await stream.run(receive, send)
            body = await self._body(told.get(b"content-encoding"), receive)
            answer = await self._scored(scope, body, receive, form)
            self._counters.rows.inc(answer.rows)
            status, content, media_type = 200, answer.body, answer.media_type.encode()
            headers += answer.headers
            coding = packing(told.get(b"accept-encoding"), len(content))
            if coding is not None:
                content = await _packed(content, coding)
                headers += [(b"content-encoding", coding.encode()), (b"vary", b"accept, accept-encoding")]
        except BadRequest as refusal:
            status, content = refusal.status, self.told(refusal)
            headers += _when(refusal.retry_after)
            self._counters.refused(_KINDS.get(status, "invalid"))
        except Overloaded as refusal:
            status, content = refusal.status, self.told(BadRequest([Problem(str(refusal))]))
            headers += _when(refusal.retry_after)
            self._counters.refused("overloaded")
        except TimedOut as late:
            status, content = 504, self.told(BadRequest([Problem(str(late))]))
            self._counters.refused("timeout")
        except Disconnected:
            return _GONE
        except Exception:  # noqa: BLE001 -- the outermost layer of a request: what went wrong goes to the log
            status, content = 500, self.told(_BROKEN)
            self._counters.refused("internal")
            _LOG.exception("%s failed", scope["path"])
        await respond(send, status, content, headers, media_type)
        return status

    def form(self, headers: dict[bytes, bytes]) -> Form:
        """The form of a request with these headers."""
        return negotiate(headers.get(b"content-type"), headers.get(b"accept"))

    def told(self, refusal: BadRequest) -> bytes:
        """The body of a refusal."""
        return refusal.to_json()

    async def _body(self, coding: bytes | None, receive: Receive) -> bytes:
        limit = self._live.limits.body_bytes
        if coding is None or coding == b"identity":
            return await read_body(receive, limit)
        Unpacker(coding)
        packed = await read_body(receive, limit)
        return await asyncio.get_running_loop().run_in_executor(None, unpack, packed, coding, limit)

    async def _scored(self, scope: Message, body: bytes, receive: Receive, form: Form) -> Answer:
        asked = Asked(body, _explain(scope["query_string"]), *_urgency(scope["headers"]), scope["headers"], form)
        if (split := self._live.split) is not None and form is JSON_FORM:
            # Other forms have no place for the name of a prediction: production answers them.
            return await split.answer(asked, receive)
        served = self._live.current
        ask, answer = await served.answer(asked, receive)
        self._log(served, ask, answer, len(body))
        return answer

    def _log(self, served: Served, ask: Any, answer: Answer, size: int) -> None:
        """Offers the answer to the log of predictions; only those of rows as JSON are kept there."""
        if self._predictions is not None and isinstance(ask, Ask) and ask.columns is None and answer.media_type == JSON:
            self._predictions.offer(
                current_request.get() or "",
                time.time(),
                served.bundle,
                ask.rows,
                many=ask.many,
                body=answer.body,
                size=size,
            )


_BROKEN = BadRequest([Problem("The service failed on this request; its log says why.")])


def _when(seconds: int | None) -> list[tuple[bytes, bytes]]:
    """The header that says when to come back."""
    return [] if seconds is None else [(b"retry-after", b"%d" % seconds)]


async def _packed(content: bytes, coding: str) -> bytes:
    if len(content) <= _SMALL:
        return pack(content, coding)
    return await asyncio.get_running_loop().run_in_executor(None, pack, content, coding)


def _explain(query: bytes) -> bool:
    """Whether reasons are asked for; other parameters of the query are none of ours."""
    if not query:
        return False
    given = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)).get("explain", "false")
    if given.lower() not in (*_YES, *_NO):
        message = f"The parameter 'explain' of the query is {given[:100]!r}; true and false are allowed."
        raise BadRequest([Problem(message, value=given[:100], allowed="true or false")])
    return given.lower() in _YES


def _urgency(headers: Sequence[tuple[bytes, bytes]]) -> tuple[Priority, float | None]:
    """What the headers say of the priority and of the time that the client will wait."""
    priority, timeout = Priority.NORMAL, None
    for name, value in headers:
        if name == _PRIORITY.encode():
            try:
                priority = Priority[value.decode("latin-1").strip().upper()]
            except KeyError as error:
                allowed = ", ".join(level.name.lower() for level in Priority)
                message = f"The header {_PRIORITY} is {value.decode('latin-1')[:100]!r}; allowed are {allowed}."
                raise BadRequest([Problem(message, allowed=allowed)]) from error
        elif name == _TIMEOUT.encode():
            if not value.isdigit() or len(value) > 9 or int(value) == 0:
                message = f"The header {_TIMEOUT} is {value.decode('latin-1')[:100]!r}; whole milliseconds are allowed."
                raise BadRequest([Problem(message, allowed="1 to 999999999")])
            timeout = int(value) / 1000
    return priority, timeout
