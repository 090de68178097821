"""FastAPI with a guard, and with scoring in front of its router, which would halve the throughput."""

from __future__ import annotations

import time

from fastapi import FastAPI

from automl_runtime.serving.asgi import Asgi, Message, Receive, Send, respond
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.guard import Denied, Guard

__all__ = ["FrontApp"]

_POLICY = 1008
_LONGEST_REASON = 100


class FrontApp(FastAPI):
    """An application whose requests pass a guard; those that are `hot` go straight to what answers them."""

    guard: Guard
    counters: Counters
    stopping = False
    """Whether the service ends: what streams without an end must then come to one."""

    def hot(self, scope: Message) -> Asgi | None:
        """What answers this request itself; None for all that FastAPI answers."""
        raise NotImplementedError

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or one lifespan."""
        if scope["type"] == "http":
            started = time.perf_counter()
            try:
                scope["principal"] = self.guard.admit(scope)
            except Denied as denied:
                await respond(send, denied.status, denied.to_json(), denied.headers)
                self.counters.refused("denied")
                self.counters.answered("other", denied.status, time.perf_counter() - started)
                return
            hot = self.hot(scope)
            if hot is not None:
                await hot(scope, receive, send)
                return
        elif scope["type"] == "websocket":
            try:
                scope["principal"] = self.guard.admit({**scope, "method": "GET"})
            except Denied as denied:
                self.counters.refused("denied")
                # Only who has been let in sees the code.
                await send({"type": "websocket.accept"})
                await send({"type": "websocket.close", "code": _POLICY, "reason": str(denied)[:_LONGEST_REASON]})
                return
        await super().__call__(scope, receive, send)
