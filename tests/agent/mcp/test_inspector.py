"""The official TypeScript client: `npm install @modelcontextprotocol/inspector` in the folder $AUTOML_INSPECTOR."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from agent.mcp.conftest import AUTOML
from automl_agent.tools import registry

FOLDER = Path(os.environ.get("AUTOML_INSPECTOR", "."))
INSPECTOR = FOLDER / "node_modules" / ".bin" / "mcp-inspector"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(not INSPECTOR.exists(), reason="@modelcontextprotocol/inspector is not in $AUTOML_INSPECTOR"),
]


@pytest.fixture
def inspect(workspace, tmp_path):
    """Makes a call over standard input and output; what came back."""
    server = {"command": AUTOML[0], "args": [*AUTOML[1:], "mcp", "--workspace", str(workspace.root)]}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"mcpServers": {"automl": server}}), encoding="utf-8")

    def call(method, *arguments):
        command = [str(INSPECTOR.resolve()), "--cli", "--config", str(config), "--server", "automl", "--method", method]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return call


def test_it_lists_the_tools_with_both_schemas(inspect):
    listed = inspect("tools/list")["tools"]
    assert [tool["name"] for tool in listed] == [tool.name for tool in registry.tools()]
    assert all(tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object" for tool in listed)


def test_it_accepts_an_answer_and_its_schema(inspect, sales):
    answer = inspect("tools/call", "--tool-name", "discover_data", "--tool-arg", "path=sales")
    assert answer["structuredContent"]["tables"][0]["rows"] == 120


def test_it_shows_an_error_that_a_model_can_mend(inspect):
    answer = inspect("tools/call", "--tool-name", "get_run", "--tool-arg", "run_id=nothing")
    assert answer["isError"]
    assert json.loads(answer["content"][0]["text"])["error"] == "fix"


def test_it_reads_a_resource(inspect):
    answer = inspect("resources/read", "--uri", "schema://project-spec")
    assert json.loads(answer["contents"][0]["text"])["title"] == "ProjectSpec"
