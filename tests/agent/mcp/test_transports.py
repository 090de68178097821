"""Real servers: a child process on standard input and output, and one on a port of loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from agent.mcp.conftest import AUTOML, TOKEN, http_server
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

pytestmark = pytest.mark.anyio


def over_stdio(workspace, *arguments):
    return StdioServerParameters(
        command=sys.executable,
        args=[*AUTOML[1:], "mcp", "--workspace", str(workspace.root), *arguments],
        env={name: os.environ[name] for name in ("AUTOML_HOME",) if name in os.environ},
    )


@asynccontextmanager
async def over_http(url, mode="auto", **headers):
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_child_process_is_served_on_its_standard_input(workspace, sales, mode):
    async with Client(over_stdio(workspace), mode=mode) as client:
        result = await client.call_tool("discover_data", {"path": "sales"})
    assert result.structured_content["tables"][0]["rows"] == 120


async def test_on_standard_input_whatever_the_user_may_read_is_data(workspace, sales, tmp_path):
    elsewhere = sales.rename(tmp_path / "elsewhere")
    async with Client(over_stdio(workspace)) as client:
        assert not (await client.call_tool("discover_data", {"path": str(elsewhere)})).is_error


async def test_allow_read_narrows_what_is_read(workspace, sales, tmp_path):
    elsewhere, allowed = sales.rename(tmp_path / "elsewhere"), tmp_path / "allowed"
    allowed.mkdir()
    async with Client(over_stdio(workspace, "--allow-read", str(allowed))) as client:
        result = await client.call_tool("discover_data", {"path": str(elsewhere)})
    assert json.loads(result.content[0].text)["error"] == "ask_user"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_on_standard_input_ends_when_told_to(workspace, number):
    command = [*AUTOML, "mcp", "--workspace", str(workspace.root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        line = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {}}
        server.stdin.write((json.dumps(line) + "\n").encode())
        server.stdin.flush()
        assert json.loads(server.stdout.readline())["id"] == 1
        server.send_signal(number)
        assert server.wait(timeout=60) == 0
        assert server.stdout.read() == b""


@pytest.mark.parametrize("sent", [b"", b"no JSON\n{}\n[1]\n\xff\xfe\n"])
def test_only_the_protocol_stands_on_standard_output(workspace, sent):
    command = [*AUTOML, "mcp", "--workspace", str(workspace.root / "new")]
    done = subprocess.run(command, input=sent, capture_output=True, timeout=120)
    assert done.returncode == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in done.stdout.splitlines())
    assert b"(made)" in done.stderr


async def test_http_serves_both_eras_without_a_token_on_loopback(workspace, sales):
    with http_server(workspace, "--http", "127.0.0.1:0") as url:
        for mode in ("auto", "legacy"):
            async with over_http(url, mode) as client:
                result = await client.call_tool("discover_data", {"path": "sales"})
                assert result.structured_content["tables"][0]["rows"] == 120


async def test_over_http_only_the_workspace_and_allowed_folders_are_read(workspace, sales, tmp_path):
    allowed = sales.rename(tmp_path / "allowed")
    with http_server(workspace, "--http", "127.0.0.1:0", "--allow-read", str(allowed)) as url:
        async with over_http(url) as client:
            assert not (await client.call_tool("discover_data", {"path": str(allowed)})).is_error
            refused = await client.call_tool("discover_data", {"path": str(tmp_path)})
    assert json.loads(refused.content[0].text)["error"] == "ask_user"


async def test_with_a_token_only_who_has_it_is_served(workspace):
    with http_server(workspace, "--http", "127.0.0.1:0", AUTOML_MCP_TOKEN=TOKEN) as url:
        for headers in ({}, {"Authorization": "Bearer another-token-of-some"}, {"Authorization": TOKEN}):
            assert httpx2.post(url, headers=headers, json={}).status_code == 401
            with pytest.RaisesGroup(MCPError, flatten_subgroups=True):
                async with over_http(url, **headers):
                    pass
        async with over_http(url, Authorization=f"Bearer {TOKEN}") as client:
            assert (await client.list_tools()).tools


async def test_the_token_may_stand_in_another_variable(workspace):
    with http_server(workspace, "--http", "127.0.0.1:0", "--token-env", "MINE", MINE=f" {TOKEN}\n") as url:
        assert httpx2.post(url, json={}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:80"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 400),
        ({}, 400),
    ],
)
async def test_foreign_hosts_and_origins_are_refused(workspace, served, headers, status):
    """400: the request got through and is no call."""
    assert httpx2.post(served, headers=headers, json={}).status_code == status


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    from automl_agent.tools.workspace import Workspace

    with http_server(Workspace.open(tmp_path_factory.mktemp("work")), "--http", "localhost:0") as url:
        yield url


async def test_an_allowed_host_is_served_on_all_addresses(workspace):
    with http_server(workspace, "--http", "0.0.0.0:0", "--allow-host", "automl.example", AUTOML_MCP_TOKEN=TOKEN) as url:
        local = url.replace("0.0.0.0", "127.0.0.1")
        sent = {"Authorization": f"Bearer {TOKEN}"}
        assert httpx2.post(local, headers={**sent, "Host": "automl.example"}, json={}).status_code == 400
        assert httpx2.post(local, headers={**sent, "Host": "other.example"}, json={}).status_code == 421


async def test_a_cancelled_call_stops_waiting_and_its_run_goes_on(workspace, sales):
    async with Client(over_stdio(workspace)) as client:
        wanted = {"request": "predict bought", "path": "sales", "trials": 1, "idempotency_key": "one"}
        started = (await client.call_tool("create_project", wanted)).structured_content
        with anyio.move_on_after(0.5) as waiting:
            await client.call_tool("create_project", {**wanted, "wait_seconds": 20})
        assert waiting.cancelled_caught
        state = await until(client, started["run_id"], lambda state: state["cursor"] > 0)
        assert state["status"] == "running"
        ended = (await client.call_tool("cancel_run", {"run_id": started["run_id"]})).structured_content
    assert ended["status"] == "cancelled"
    assert not list(workspace.root.glob("projects/*/*"))


@pytest.mark.slow
async def test_a_run_survives_the_death_of_its_server(workspace, sales):
    command = [*AUTOML, "mcp", "--workspace", str(workspace.root), "--http", "127.0.0.1:0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    lines = iter(server.stderr.readline, "")
    url = next(line for line in lines if "http://" in line).split()[1]
    wanted = {"request": "predict bought", "path": "sales", "trials": 2, "idempotency_key": "one"}
    async with over_http(url) as client:
        started = (await client.call_tool("create_project", wanted)).structured_content
    server.kill()
    server.communicate(timeout=60)
    async with Client(over_stdio(workspace)) as client:
        assert (await client.call_tool("create_project", wanted)).structured_content["run_id"] == started["run_id"]
        state = await until(client, started["run_id"], lambda state: False)
        assert state["status"] == "completed"
        card = await client.read_resource(f"project://{state['result']['project']}/card")
        assert "bought" in card.contents[0].text


async def until(client, run_id, reached):
    """The state of the run once it is `reached`, or once the run has ended."""
    look = {"run_id": run_id, "wait_seconds": 20}
    while True:
        state = (await client.call_tool("get_run", look)).structured_content
        if state["status"] != "running" or reached(state):
            return state
        look["since"] = state["cursor"]
