"""A run store that somebody tampered with: every tool that reads it says so, and believes nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from attacks.looking import hidden, texts
from attacks.surroundings import CANARY, snapshot
from automl_agent.tools import ToolError, find_tool

ID = "run-0123456789abcdef"
REQUEST = {
    "tool": "create_project",
    "arguments": {"path": "data"},
    "idempotency_key": "k",
    "created": "2024-01-01T00:00:00+00:00",
}
END = {"status": "completed", "ended": "2024-01-01T00:01:00+00:00", "result": None, "error": None}
FILES = {
    "request.json": (
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a": ' * 3_000, b"[" * 100_000, json.dumps(REQUEST).encode() * 2),
        *(
            REQUEST | {key: value}
            for key in REQUEST
            for value in (None, 7, "\u202e\x1b[2J", ["x"], {"a": 1}, "x" * 99_999)
        ),
        REQUEST | {"extra": 1},
        REQUEST | {"tool": "rollback"},
        REQUEST | {"tool": "os.system"},
        REQUEST | {"created": "9" * 400},
        REQUEST | {"arguments": {"path": "../../outside/canary.csv", "request": "x"}},
    ),
    "end.json": (
        *(b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000),
        *(
            END | {key: value}
            for key in END
            for value in (None, 7, "\u202e\x1b[2J", ["x"], {"kind": "x"}, "x" * 99_999)
        ),
        END
        | {"result": {"kind": "trained", "project": "../../outside", "metric": "x", "versions": [], "production": "x"}},
        END
        | {"result": {"kind": "predicted_file", "project": "p", "output": "\u202e\x1b[2J", "summary": "y" * 99_999}},
        END | {"status": "failed", "error": {"error": "x", "message": "\u202e\x1b[2J" + "y" * 99_999}},
        END | {"extra": 1},
    ),
    "events.jsonl": (
        *(b"\xff\xfe\n", b"{\n", b"[]\nnull\n7\n", b'{"kind": "warning"}\n', b"[" * 100_000 + b"\n"),
        *(
            (json.dumps({"kind": kind, **more}) + "\n").encode()
            for kind in ("finding", "warning", "trial", "progress", "epoch", "completed", "\u202e", None, 7, [])
            for more in (
                {},
                {"text": 7, "topic": None, "stage": [], "done": "x", "total": {}, "model": 3, "score": "x"},
                {
                    "text": "\u202e\x1b[2J" + "y" * 99_999,
                    "topic": "\u200b",
                    "stage": "\x1b",
                    "done": 1e308,
                    "total": -1,
                },
                {"model": "\x1b[2J", "score": None, "error": {"a": "\u202e"}, "stage": "training", "done": None},
            )
        ),
    ),
    "worker.lock": (b"", b"1", b"-1", b"0", b"999999999999999999999", b"x", b"\xff", b"1\n2"),
}
CASES = [
    pytest.param(name, content, id=f"{name}-{n}") for name, kinds in FILES.items() for n, content in enumerate(kinds)
]


@pytest.fixture
def run(space):
    """The folder of a run that was killed."""
    place = space.runs / ID
    place.mkdir(parents=True)
    (place / "request.json").write_text(json.dumps(REQUEST))
    _long_ago(place)
    return place


def _long_ago(run):
    """A worker that has not come by now never will."""
    for path in run.iterdir():
        os.utime(path, (1, 1), follow_symlinks=False)


@pytest.mark.parametrize(("name", "content"), CASES)
def test_a_file_that_somebody_changed_is_told_or_ignored(space, run, outside, name, content):
    (run / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    _long_ago(run)
    before = snapshot(outside)
    for tool in ("get_run", "list_runs", "cancel_run"):
        seen = _seen(space, tool, {} if tool == "list_runs" else {"run_id": ID})
        assert "bug of automl" not in str(seen), seen
        assert CANARY not in str(seen)
        assert {path: signs for path, text in texts(seen) if (signs := hidden(text))} == {}
        assert {path: len(text) for path, text in texts(seen) if len(text) > 1_000} == {}
    assert snapshot(outside) == before


@pytest.mark.parametrize("name", ["request.json", "end.json", "events.jsonl", "worker.lock"])
def test_files_that_are_links_or_folders_are_no_way_out(space, run, outside, name):
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(outside / "canary.csv")
    os.utime(outside / "canary.csv", (1, 1))
    for tool in ("get_run", "list_runs", "cancel_run"):
        seen = str(_seen(space, tool, {} if tool == "list_runs" else {"run_id": ID}))
        assert CANARY not in seen
        assert "bug of automl" not in seen
    assert CANARY in (outside / "canary.csv").read_text()


def test_a_run_that_is_a_link_is_no_run(space, outside):
    space.runs.mkdir(parents=True)
    (outside / "request.json").write_text(json.dumps(REQUEST))
    (space.runs / ID).symlink_to(outside)
    with pytest.raises(ToolError, match="no run"):
        find_tool("get_run").call(space, {"run_id": ID})
    assert find_tool("list_runs").call(space, {}).runs == []


def test_a_process_that_a_lock_names_but_that_does_not_hold_it_lives_on(space, run):
    victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (run / "worker.lock").write_text(str(victim.pid))
        find_tool("cancel_run").call(space, {"run_id": ID})
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def _seen(space, tool, arguments):
    try:
        return find_tool(tool).call(space, arguments).model_dump(mode="json")
    except ToolError as error:
        return error.to_json()
