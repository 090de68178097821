"""Lets FastAPI document a path that a raw ASGI application answers."""

from __future__ import annotations

from starlette.responses import Response

from automl_runtime.serving.asgi import Asgi, Message, Receive, Send

__all__ = ["Delegated"]


class Delegated(Response):
    """Hands a request that FastAPI has routed on to an ASGI application, its body unread."""

    background = None

    def __init__(self, app: Asgi) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Lets the application answer."""
        await self._app(scope, receive, send)
