"""Runs a service with uvicorn, in one process or several, until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable
from types import FrameType

from automl_runtime.errors import MissingExtraError, RequestError, shorten
from automl_runtime.serving.front import FrontApp
from automl_runtime.serving.protocol import PatientProtocol
from automl_runtime.serving.scaling import Scaling
from automl_runtime.serving.workers import LISTENER, supervise

try:
    import uvicorn
    from fastapi import FastAPI
    from uvicorn.config import LOGGING_CONFIG
except ImportError as error:
    raise MissingExtraError(package="uvicorn", extra="serve") from error

__all__ = ["serve"]

_PORTS = range(65536)


def serve(
    app: FastAPI | Callable[[], FastAPI],
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    workers: int | Scaling = 1,
    on_ready: Callable[[str], None] | None = None,
    log_level: str = "info",
    drain_seconds: float = 0.0,
) -> None:
    """Answers requests for `app` until Ctrl-C or SIGTERM, then finishes those that are under way and returns.

    uvloop is used where it is installed. Clients that send requests drop by drop are cut off. More than one worker are
    processes that run this process's command again and share its port; one that dies is started anew.

    Args:
        app: what `create_app` returned, or what makes it: with several workers, in each of them.
        host: name or address to listen on.
        port: 0 takes any free port.
        workers: processes that answer; or between how many, by the load.
        on_ready: gets the URL as soon as the port is ours, before the first request is answered.
        log_level: of uvicorn: `critical`, `error`, `warning`, `info`, `debug` or `trace`; from `debug` on with a line
            for each request. Where the process has set up a log of its own, uvicorn writes there too.
        drain_seconds: how long, after SIGTERM, requests are still taken while `/health/ready` says 503, so that load
            balancers send none any more when the port is closed. Ctrl-C, or a second signal, does not wait.

    Raises:
        RequestError: if the port is taken or not allowed, or the host is not this machine; exit code 2.
        AutomlError: if workers end again and again.
    """
    inherited = os.environ.get(LISTENER)
    listener = _listen(host, port) if inherited is None else socket.socket(fileno=int(inherited))
    try:
        if on_ready is not None and inherited is None:
            on_ready(_url(host, listener))
        scaling = Scaling(workers, workers) if isinstance(workers, int) else workers
        if scaling.most > 1 and inherited is None:
            supervise(listener, scaling, drain_seconds)
            return
        # A line for each request costs more than the request; /metrics counts them.
        told = log_level in ("debug", "trace")
        made = app if isinstance(app, FastAPI) else app()
        config = uvicorn.Config(
            made,
            http=PatientProtocol,
            ws="websockets-sansio",
            log_level=log_level,
            access_log=told,
            log_config=None if logging.getLogger().handlers else LOGGING_CONFIG,
            lifespan="on",
            timeout_graceful_shutdown=30,
        )
        _Server(config, made, drain_seconds).run(sockets=[listener])
    except KeyboardInterrupt:
        # uvicorn has shut down in good order by now and hands the signal on.
        return
    finally:
        listener.close()


class _Server(uvicorn.Server):
    """uvicorn, which tells load balancers, and what streams without an end, before it stops."""

    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float) -> None:
        super().__init__(config)
        self._app, self._drain_seconds = app, drain_seconds

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stops at once, or after the time in which it is not ready."""
        draining = getattr(self._app.state, "draining", False)
        self._app.state.draining = True
        if sig != signal.SIGTERM or draining or not self._drain_seconds or self._loop is None:
            super().handle_exit(sig, frame)
            return
        self._loop.call_soon_threadsafe(self._loop.call_later, self._drain_seconds, super().handle_exit, sig, frame)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does; what there is by then is not looked through again for garbage."""
        await super().startup(sockets)
        # Every few thousand rows the collector would go through all modules, models and kernels: a fifth of the time.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, once the application knows."""
        if isinstance(self._app, FrontApp):
            self._app.stopping = True
        gc.unfreeze()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens: bound here and not by uvicorn, which would end the process with a log line."""
    if port not in _PORTS:
        raise RequestError(f"{port} is no port; 0 to 65535 are, 0 takes any free one.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise RequestError(
            f"{shorten(host)} is no address of this machine.", hint="Use --host 127.0.0.1, or 0.0.0.0 for all."
        ) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    listener.set_inheritable(True)
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> RequestError:
    if error.errno == errno.EADDRINUSE:
        return RequestError(
            f"Port {port} on {host} is in use by another program.",
            hint=f"Stop that program, or choose another port: --port {min(port + 1, 65535)} (0 takes a free one).",
        )
    if error.errno == errno.EACCES:
        return RequestError(
            f"Port {port} needs more rights than this user has.", hint="Choose a port above 1023: --port 8000."
        )
    return RequestError(f"{host}:{port} cannot be listened on: {error.strerror}.")


def _url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if listener.family == socket.AF_INET6 and ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
