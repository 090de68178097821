"""Commands for clients of the Model Context Protocol: mcp, mcp install, mcp skill."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_agent.cli.shared import Debug, emit, emit_json
from automl_agent.mcp.install import ClientName

if TYPE_CHECKING:
    from automl_agent.tools.workspace import Workspace

__all__ = ["register"]

TOKEN = "AUTOML_MCP_TOKEN"
Place = Annotated[Path, typer.Option("--workspace", help="Folder that the tools write in; made if missing.")]
Readable = Annotated[
    list[Path] | None,
    typer.Option("--allow-read", help="Folder with data that may be read; repeatable.", metavar="DIR"),
]
_WORKSPACE = Path("automl-workspace")


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    group = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
    group.callback(epilog="Example: automl mcp --workspace ./work --http 127.0.0.1:8765")(serve)
    group.command(epilog="Example: automl mcp install --client claude-code > .mcp.json")(install)
    group.command(epilog="Example: automl mcp skill --out .claude/skills")(skill)
    app.add_typer(group, name="mcp")


def serve(
    context: typer.Context,
    workspace: Place = _WORKSPACE,
    allow_read: Readable = None,
    http: Annotated[
        str | None,
        typer.Option("--http", help="Listen here instead of on standard input.", metavar="HOST:PORT"),
    ] = None,
    token_env: Annotated[
        str | None,
        typer.Option("--token-env", help=f"Variable with the token that clients must send; default: {TOKEN}."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", help="Name under which clients reach this machine; repeatable.", metavar="NAME"),
    ] = None,
    debug: Debug = False,
) -> None:
    """Offer all tools to programs that speak the Model Context Protocol, on standard input or over HTTP.

    On standard input whatever you may read can be read as data, unless --allow-read narrows it. Over HTTP only what
    lies in the workspace or below an --allow-read folder.
    """
    from automl_runtime.errors import RequestError

    only_http = token_env is not None or allow_host
    if context.invoked_subcommand is not None:
        if only_http or http is not None or allow_read or workspace != _WORKSPACE:
            raise RequestError(f"Options of `automl mcp {context.invoked_subcommand}` stand after its name.")
    elif http is not None:
        _serve_http(http, workspace, allow_read or [], token_env, allow_host or [])
    elif only_http:
        raise RequestError("--token-env and --allow-host are for a server over HTTP: --http HOST:PORT.")
    else:
        _serve_stdio(workspace, allow_read)


def install(
    client: Annotated[ClientName, typer.Option("--client", help="The program that will start the server.")] = "generic",
    workspace: Place = _WORKSPACE,
    allow_read: Readable = None,
    debug: Debug = False,
) -> None:
    """Print the configuration with which a client starts the server; it is valid JSON without secrets."""
    from automl_runtime.project.logs import say

    from automl_agent.mcp.install import CLIENTS, configuration

    emit_json(configuration(client, workspace, allow_read or ()))
    say(f"automl: put this into {CLIENTS[client].file}")


def skill(
    out: Annotated[
        Path | None, typer.Option("--out", help="Write automl/SKILL.md into this folder of skills.", metavar="DIR")
    ] = None,
    debug: Debug = False,
) -> None:
    """Print the skill that teaches a coding agent to use automl, or write it for one."""
    from automl_agent.mcp import install

    emit(install.skill() if out is None else str(install.write_skill(out)))


def _serve_stdio(workspace: Path, allow_read: list[Path] | None) -> None:
    from automl_runtime.project.logs import say

    from automl_agent.mcp.server import serve_stdio

    place = _opened(workspace, allow_read)
    if sys.stdin.isatty():
        say("automl: a client is to write to standard input; `automl mcp install` shows how one starts this.")
    serve_stdio(place)


def _serve_http(
    http: str, workspace: Path, allow_read: list[Path], token_env: str | None, allow_host: list[str]
) -> None:
    from automl_runtime.project.logs import say

    from automl_agent.mcp.http import check_exposure, parse_address, serve_http

    host, port = parse_address(http)
    token = _token(token_env)
    check_exposure(host, token)
    secured = "with the token" if token is not None else "without a token, for this machine only"
    serve_http(
        _opened(workspace, allow_read),
        host,
        port,
        token=token,
        allowed_hosts=allow_host,
        on_ready=lambda url: say(f"automl: {url} ({secured})"),
    )


def _opened(folder: Path, allow_read: list[Path] | None) -> Workspace:
    """The workspace in `folder`; RequestError if it, or a folder to read, cannot be used."""
    from automl_runtime.errors import RequestError
    from automl_runtime.project.logs import say

    from automl_agent.tools.contract import ToolError
    from automl_agent.tools.workspace import Workspace

    for readable in allow_read or ():
        if not readable.expanduser().is_dir():
            raise RequestError(f"--allow-read {str(readable)!r} is not a folder.")
    made = not folder.expanduser().exists()
    try:
        workspace = Workspace.open(folder, readable=allow_read)
    except ToolError as error:
        raise RequestError(error.message, hint="Choose another --workspace.") from error
    say(f"automl: workspace {workspace.root}{' (made)' if made else ''}")
    return workspace


def _token(variable: str | None) -> str | None:
    """The token that clients must send, from the environment; None where none is asked for."""
    from automl_runtime.errors import RequestError

    token = os.environ.get(variable or TOKEN, "").strip()
    if not token and variable is not None:
        raise RequestError(f"${variable} is empty or not set.", hint=f"export {variable}=... with the token.")
    return token or None
