"""FastAPI with a guard, and with scoring in front of its router, which would halve the throughput."""

from __future__ import annotations

import time

from fastapi import FastAPI

from automl_runtime.serving.asgi import Asgi, Message, Receive, Send, respond
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.guard import Denied, Guard

__all__ = ["FrontApp"]


class FrontApp(FastAPI):
    """An application whose requests pass a guard; those that are `hot` go straight to what answers them."""

    guard: Guard
    counters: Counters

    def hot(self, scope: Message) -> Asgi | None:
        """What answers this request itself; None for all that FastAPI answers."""
        raise NotImplementedError

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or one lifespan."""
        if scope["type"] == "http":
            started = time.perf_counter()
            try:
                self.guard.admit(scope)
            except Denied as denied:
                await respond(send, denied.status, denied.to_json(), denied.headers)
                self.counters.refused("denied")
                self.counters.answered("other", denied.status, time.perf_counter() - started)
                return
            hot = self.hot(scope)
            if hot is not None:
                await hot(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
