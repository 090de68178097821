"""A workspace with something beside it that must stay as it is, and what became of each attack."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from attacks.corpus import Attack, Place
from attacks.corpus.attack import REQUEST
from attacks.surroundings import lay_out, listening, snapshot
from automl_agent.cli import main
from automl_agent.tools import ToolError, Workspace, find_tool

SECRETS = {
    "OPENAI_API_KEY": "sk-zqxsecretsecretsecretsecret",
    "AUTOML_MCP_TOKEN": "zqx-token-of-the-server-0123",
    "AWS_SECRET_ACCESS_KEY": "zqx/secret/of/the/cloud/0123",
    "AUTOML_TOKEN_KEY": "zqx-key-that-signs-tokens-0123456789abcdef",
    "DATABASE_PASSWORD": "zqx-word-of-the-database",
}
"""What stands in the environment of every attack, and nowhere else afterwards."""


@dataclass
class Outcome:
    """What came of an attack."""

    attack: Attack
    before: dict[str, str]
    after: dict[str, str]
    heard: list[bytes]
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Tool -> its answer, as a model sees it."""
    errors: dict[str, ToolError] = field(default_factory=dict)
    printed: str = ""
    """What `automl discover` and `automl spec` wrote on the terminal."""

    def shown(self) -> str:
        """All that a model or a person has seen."""
        return "\n".join([*map(str, self.answers.values()), *map(str, self.errors.values()), self.printed])


@pytest.fixture(autouse=True, scope="session")
def secrets():
    """Secrets in the environment."""
    patch = pytest.MonkeyPatch()
    for name, value in SECRETS.items():
        patch.setenv(name, value)
    patch.delenv("OPENAI_BASE_URL", raising=False)
    patch.delenv("OPENAI_MODEL", raising=False)
    yield SECRETS
    patch.undo()


@pytest.fixture(scope="session")
def ear():
    """A port of loopback, and what was said to it."""
    with listening() as found:
        yield found


@pytest.fixture
def outside(tmp_path):
    return lay_out(tmp_path)


@pytest.fixture
def space(tmp_path, outside):
    """An empty workspace that may read only itself."""
    return Workspace.open(tmp_path / "space", readable=[])


def suffered(attack: Attack, root: Path, port: int, heard: list[bytes]) -> Outcome:
    """Builds the attack in a workspace below `root` and lets every tool and command look that looks at data."""
    place = Place(root / "space" / "data", lay_out(root), port)
    place.data.mkdir(parents=True)
    attack.build(place)
    space = Workspace.open(root / "space", readable=[])
    known = len(heard)
    found = Outcome(attack, snapshot(root), {}, [])
    for tool in ("discover_data", "preview_cleaning", "draft_spec", "explain_plan"):
        words = {} if tool in ("discover_data", "preview_cleaning") else {"request": REQUEST}
        try:
            answer = find_tool(tool).call(space, {"path": "data", **words})
            found.answers[tool] = answer.model_dump(mode="json")
        except ToolError as error:
            found.errors[tool] = error
    said = io.StringIO()
    if not (space.root / "data").is_symlink():
        for command in (["discover", str(place.data)], ["spec", REQUEST, "--data", str(place.data), "--no-ask"]):
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit):
                main(command)
    found.printed, found.after, found.heard = said.getvalue(), snapshot(root), heard[known:]
    return found
