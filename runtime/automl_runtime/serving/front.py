"""FastAPI with a guard, and with scoring in front of its router, which would halve the throughput."""

from __future__ import annotations

import logging
import time
from typing import Any

from fastapi import FastAPI
from starlette.status import WS_1008_POLICY_VIOLATION

from automl_runtime.serving.asgi import Asgi, Message, Receive, Send, respond
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.guard import Denied, Guard
from automl_runtime.serving.instant import Headers, InstantAnswer, InstantRoute
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.request_ids import HEADER, current_request, request_id_of
from automl_runtime.serving.tracing import traced, tracer

__all__ = ["FrontApp"]

_LOG = logging.getLogger("automl_runtime.serving")
_LONGEST_REASON = 100


class FrontApp(FastAPI):
    """An application whose requests have a name and pass a guard; the `hot` ones go straight to what answers them."""

    guard: Guard
    counters: Counters
    observer: Observer
    _tracer: Any = None
    stopping = False
    """Whether the service ends: what streams without an end must then come to one."""

    def hot(self, scope: Message) -> Asgi | None:
        """What answers this request itself; None: FastAPI does, as it answers all of them unless told otherwise."""
        del scope
        return None

    def instant(self, path: str) -> InstantRoute | None:
        """What answers plain requests that are posted to `path` at once."""
        del path
        return None

    def at_once(self, path: str, headers: Headers, client: tuple[str, int] | None, body: bytes) -> InstantAnswer | None:
        """The answer to what is posted to `path`, exactly as `__call__` answers; None: it has to be asked.

        `protocol.PatientProtocol` asks for it, which saves half the cost of a request; other servers need not.
        """
        route = self.instant(path)
        if route is None or self._tracer is not None:
            return None
        started = time.perf_counter()
        scope = {"method": "POST", "path": path, "headers": headers, "client": client}
        name = request_id_of(headers)
        answer = route.answer(headers, body, name, lambda: self.guard.admit(scope))
        if answer is None:
            return None
        answer.headers.append((HEADER, name.encode()))
        seconds = time.perf_counter() - started
        self.counters.answered(path, 200, seconds)
        if seconds >= self.observer.slow_seconds:
            self._tell_slow(scope, 200, seconds)
        return answer

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or one lifespan."""
        if scope["type"] == "lifespan":
            self._tracer = tracer()
        if scope["type"] == "websocket" and not await self._lets_in(scope, send):
            return
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        started = time.perf_counter()
        name = request_id_of(scope["headers"])
        current_request.set(name)
        header = HEADER, name.encode()
        status = 0

        def answer(message: Message) -> Any:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            return send(message)

        try:
            scope["principal"] = self.guard.admit(scope)
            hot = self.hot(scope)
            if hot is not None and self._tracer is not None:
                hot = traced(self._tracer, hot, name)
            await (hot or super().__call__)(scope, receive, answer)
        except Denied as denied:
            await respond(answer, denied.status, denied.to_json(), denied.headers)
            self.counters.refused("denied")
            self.counters.answered("other", denied.status, time.perf_counter() - started)
        finally:
            seconds = time.perf_counter() - started
            if seconds >= self.observer.slow_seconds:
                self._tell_slow(scope, status, seconds)

    async def _lets_in(self, scope: Message, send: Send) -> bool:
        """Whether the guard admits somebody who opens a WebSocket; who is not admitted is told why."""
        try:
            scope["principal"] = self.guard.admit({**scope, "method": "GET"})
        except Denied as denied:
            self.counters.refused("denied")
            # Only who has been let in sees the code.
            await send({"type": "websocket.accept"})
            reason = str(denied)[:_LONGEST_REASON]
            await send({"type": "websocket.close", "code": WS_1008_POLICY_VIOLATION, "reason": reason})
            return False
        return True

    def _tell_slow(self, scope: Message, status: int, seconds: float) -> None:
        request = {
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
        }
        _LOG.warning(
            "slow: %(method)s %(path)r took %(milliseconds)s ms (%(status)s)", request, extra={"event": request}
        )
