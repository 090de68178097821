"""`POST /predict` and `/forecast` as ASGI applications of their own: a body in, an answer out, nothing between.

They stand in front of FastAPI's router, which would halve the throughput; FastAPI knows them for its documentation.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from urllib.parse import parse_qsl

from automl_runtime.serving.answers import Answer
from automl_runtime.serving.asgi import Disconnected, Message, Receive, Send, answer_or_hang_up, read_body, respond
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.dispatching import Overloaded, Priority, TimedOut
from automl_runtime.serving.live import Asked, LiveModel
from automl_runtime.serving.requests import BadRequest, Problem

__all__ = ["PRIORITY", "TIMEOUT", "ScoringRoute"]

_LOG = logging.getLogger("automl_runtime.serving")
_LARGE = 256 * 1024
"""Bodies above are read off the event loop."""
_GONE = 499
"""What is counted for a client that went away, as nginx does."""
PRIORITY = "x-priority"
TIMEOUT = "x-timeout-ms"
_YES = ("true", "1", "yes", "on", "y", "t")
_NO = ("false", "0", "no", "off", "n", "f")


class ScoringRoute:
    """Answers the requests of one path with the model that is live."""

    def __init__(self, live: LiveModel, counters: Counters) -> None:
        self._live = live
        self._counters = counters

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> int:
        """Answers one request; returns the status."""
        headers: list[tuple[bytes, bytes]] = []
        try:
            body = await read_body(receive, self._live.limits.body_bytes)
            answer = await self._scored(scope, body, receive)
            self._counters.rows.inc(answer.rows)
            status, content = 200, answer.body
        except BadRequest as refusal:
            status, content = refusal.status, refusal.to_json()
            self._counters.refused("too_large" if status == 413 else "invalid")
        except Overloaded as refusal:
            status, content = refusal.status, BadRequest([Problem(str(refusal))]).to_json()
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
            self._counters.refused("overloaded")
        except TimedOut as late:
            status, content = 504, BadRequest([Problem(str(late))]).to_json()
            self._counters.refused("timeout")
        except Disconnected:
            return _GONE
        except Exception:  # noqa: BLE001 -- the outermost layer of a request: what went wrong goes to the log
            status, content = 500, _BROKEN
            self._counters.refused("internal")
            _LOG.exception("%s failed", scope["path"])
        await respond(send, status, content, headers)
        return status

    async def _scored(self, scope: Message, body: bytes, receive: Receive) -> Answer:
        explain = _explain(scope["query_string"])
        priority, timeout = _urgency(scope["headers"])
        if (split := self._live.split) is not None:
            return await split.answer(Asked(body, explain, priority, timeout, scope["headers"]), receive)
        served = self._live.current
        if len(body) > _LARGE:
            ask = await asyncio.get_running_loop().run_in_executor(None, served.scorer.ask, body, explain)
        else:
            ask = served.scorer.ask(body, explain)
            instant = served.scorer.instant(ask)
            if instant is not None:
                return instant
        weight = served.scorer.weight(ask)
        return await answer_or_hang_up(
            served.dispatcher.submit(ask, weight, priority=priority, timeout=timeout), receive
        )


_BROKEN = BadRequest([Problem("The service failed on this request; its log says why.")]).to_json()


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
        if name == b"x-priority":
            try:
                priority = Priority[value.decode("latin-1").strip().upper()]
            except KeyError as error:
                allowed = ", ".join(level.name.lower() for level in Priority)
                message = f"The header {PRIORITY} is {value.decode('latin-1')[:100]!r}; allowed are {allowed}."
                raise BadRequest([Problem(message, allowed=allowed)]) from error
        elif name == b"x-timeout-ms":
            if not value.isdigit() or len(value) > 9 or int(value) == 0:
                message = f"The header {TIMEOUT} is {value.decode('latin-1')[:100]!r}; whole milliseconds are allowed."
                raise BadRequest([Problem(message, allowed="1 to 999999999")])
            timeout = int(value) / 1000
    return priority, timeout
