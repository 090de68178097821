"""A workspace, and a server as a person starts it: a process of its own."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest
from automl_agent.tools.workspace import Workspace

pytest.importorskip("mcp")
AUTOML = [sys.executable, "-m", "automl_agent"]
TOKEN = "a-token-for-these-tests"


@pytest.fixture
def workspace(tmp_path):
    return Workspace.open(tmp_path / "work")


@pytest.fixture
def sales(workspace):
    """A table in the workspace whose column `bought` can be learned."""
    folder, draw = workspace.root / "sales", random.Random(0)
    folder.mkdir()
    rows = [(draw.randint(18, 80), draw.choice(["red", "blue"]), draw.random()) for _ in range(120)]
    lines = [f"{age},{colour},{'yes' if age + 9 * chance > 52 else 'no'}" for age, colour, chance in rows]
    (folder / "sales.csv").write_text("\n".join(["age,colour,bought", *lines]) + "\n", encoding="utf-8")
    return folder


@contextmanager
def http_server(workspace, *arguments, **environment):
    """The address of a server on a free port of loopback, ended at the end."""
    command = [*AUTOML, "mcp", "--workspace", str(workspace.root), *arguments]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
    try:
        told = ""
        while "http://" not in told:
            line = server.stderr.readline()
            assert line, told
            told += line
        yield re.search(r"http://\S+", told).group()
    finally:
        server.terminate()
        server.communicate(timeout=60)
    assert server.returncode == 0


@pytest.fixture
def anyio_backend():
    return "asyncio"
