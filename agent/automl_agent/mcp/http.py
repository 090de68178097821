"""The server over HTTP: who may ask, and under which names of this machine."""

from __future__ import annotations

import hmac
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from automl_runtime.errors import MissingExtraError, RequestError, shorten
from automl_runtime.serving.guard import is_loopback
from automl_runtime.serving.server import serve
from fastapi import FastAPI
from pydantic import AnyHttpUrl

from automl_agent.tools.workspace import Workspace

try:
    from mcp.server import Server
    from mcp.server.auth.provider import AccessToken
    from mcp.server.auth.settings import AuthSettings
    from mcp.server.transport_security import TransportSecuritySettings
except ImportError as error:
    raise MissingExtraError(package="mcp", extra="mcp", distribution="automl-cli") from error

from automl_agent.mcp.server import create_server

__all__ = ["check_exposure", "http_app", "parse_address", "serve_http"]

_PORTS: Final = range(65_536)
_SHORTEST_TOKEN: Final = 16
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def parse_address(text: str) -> tuple[str, int]:
    """`"127.0.0.1:8080"` or `"[::1]:8080"` as host and port; RequestError for anything else."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    known = port.isascii() and port.isdigit() and int(port) in _PORTS
    if not colon or not bare or not known or (":" in bare and not host.startswith("[")):
        raise RequestError(
            f"--http {shorten(text)} is not of the form HOST:PORT.",
            hint="As --http 127.0.0.1:8765; port 0 takes any free one.",
        )
    return bare, int(port)


def check_exposure(host: str, token: str | None) -> None:
    """Refuses to be open to other machines by mistake.

    Raises:
        RequestError: if other machines could ask without a token, or the token is short.
    """
    if token is None and not is_loopback(host):
        raise RequestError(
            f"On {shorten(host)} other machines would reach the tools, and nobody has to say who they are.",
            hint="Put a token into $AUTOML_MCP_TOKEN (or name a variable: --token-env NAME), or use 127.0.0.1.",
        )
    if token is not None and (len(token) < _SHORTEST_TOKEN or not token.isascii()):
        raise RequestError(
            f"A token needs at least {_SHORTEST_TOKEN} characters of ASCII to keep others out.",
            hint='Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"',
        )


def serve_http(
    workspace: Workspace,
    host: str,
    port: int,
    *,
    token: str | None,
    allowed_hosts: Sequence[str] = (),
    on_ready: Callable[[str], None],
) -> None:
    """Serves any number of clients at `/mcp` until Ctrl-C or SIGTERM.

    Args:
        workspace: where the tools work.
        host: name or address to listen on.
        port: 0 takes any free port.
        token: what clients send as `Authorization: Bearer TOKEN`; None: everybody on this machine may ask.
        allowed_hosts: names under which clients reach this machine, besides `host` and its own name.
        on_ready: gets the address.

    Raises:
        RequestError: as `check_exposure`, or if the port is taken.
    """
    check_exposure(host, token)
    app = http_app(create_server(workspace), host, token=token, allowed_hosts=allowed_hosts)
    try:
        serve(app, host, port, on_ready=lambda url: on_ready(f"{url}/mcp"))
    except RequestError as error:
        raise RequestError(error.message, hint="Choose another --http HOST:PORT; port 0 takes a free one.") from error


def http_app(server: Server[Any], host: str, *, token: str | None, allowed_hosts: Sequence[str] = ()) -> FastAPI:
    """The application that answers at `/mcp`; requests under a foreign `Host` or `Origin` are refused."""
    names = [*_LOOPBACK, *allowed_hosts]
    if not is_loopback(host):
        names += [f"[{host}]" if ":" in host else host, socket.gethostname()]
    security = TransportSecuritySettings(
        allowed_hosts=[form for name in names for form in (name, f"{name}:*")],
        allowed_origins=[
            f"{scheme}://{form}" for scheme in ("http", "https") for name in names for form in (name, f"{name}:*")
        ],
    )
    # The settings ask for an issuer of tokens. There is none: no address of one is told to anybody.
    auth = None if token is None else AuthSettings(issuer_url=AnyHttpUrl("http://localhost"), resource_server_url=None)
    inner = server.streamable_http_app(
        host=host,
        transport_security=security,
        auth=auth,
        token_verifier=None if token is None else _SharedToken(token),
    )
    app = FastAPI(openapi_url=None, lifespan=lambda _: server.session_manager.run())
    app.mount("/", inner)
    return app


class _SharedToken:
    """Knows one token, which all clients share."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """The right to do everything, or None."""
        if hmac.compare_digest(token.encode(), self._token):
            return AccessToken(token=token, client_id="shared", scopes=[])
        return None
