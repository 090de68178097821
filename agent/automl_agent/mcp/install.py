"""What clients need to know to start the server: their configuration, and a skill that teaches the use of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from automl_runtime.errors import RequestError
from automl_runtime.files import write_text

__all__ = ["CLIENTS", "ClientName", "configuration", "skill", "write_skill"]

ClientName = Literal["claude-desktop", "claude-code", "cursor", "vscode", "generic"]


@dataclass(frozen=True, slots=True)
class _Client:
    file: str
    """Where its configuration lies."""
    key: str
    """Under which the servers stand in it."""
    typed: bool
    """Whether a server says what kind it is."""


CLIENTS: Final[dict[ClientName, _Client]] = {
    "claude-desktop": _Client("claude_desktop_config.json (Settings, Developer, Edit Config)", "mcpServers", False),
    "claude-code": _Client(".mcp.json in the folder of your work", "mcpServers", True),
    "cursor": _Client(".cursor/mcp.json in the folder of your work, or ~/.cursor/mcp.json", "mcpServers", False),
    "vscode": _Client(".vscode/mcp.json in the folder of your work", "servers", True),
    "generic": _Client("the configuration of the client", "mcpServers", False),
}


def configuration(client: ClientName, workspace: Path, allow_read: Sequence[Path] = ()) -> dict[str, Any]:
    """The part of `client`'s configuration that starts the server on standard input and output.

    Command and folders are absolute, because clients start it from anywhere; there are no secrets in it.
    """
    kind = CLIENTS[client]
    arguments = ["-m", "automl_agent", "mcp", "--workspace", str(workspace.expanduser().resolve())]
    for folder in allow_read:
        arguments += ["--allow-read", str(folder.expanduser().resolve())]
    server = {"command": sys.executable, "args": arguments}
    return {kind.key: {"automl": {"type": "stdio", **server} if kind.typed else server}}


def skill() -> str:
    """The text of the skill: how a coding agent drives automl, by command line and by these tools."""
    return resources.files("automl_agent").joinpath("skill", "SKILL.md").read_text(encoding="utf-8")


def write_skill(folder: Path) -> Path:
    """Writes `automl/SKILL.md` into a folder of skills, and returns where it lies now.

    Raises:
        RequestError: if it cannot be written there.
    """
    path = folder.expanduser() / "automl" / "SKILL.md"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{path.parent} cannot be made: {error.strerror}.") from error
    write_text(path, skill())
    return path
