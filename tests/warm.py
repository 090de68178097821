"""`python -m automl_agent` without its start-up, which is most of what a short command takes.

Each command is a process of its own, with its own folder, environment and streams; it is forked from a process that
has imported what commands need. That `python -m automl_agent` starts is seen where servers, conversations and tools
are started.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_IMPORTED = ("automl_agent.cli.main", "automl_agent.creating", "automl_agent.drafting", "automl_agent.retraining")
_SERVER = """
import importlib, json, os, runpy, sys

for name in sys.argv[1:]:
    importlib.import_module(name)
for line in iter(sys.stdin.readline, ""):
    wish = json.loads(line)
    if child := os.fork():
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    for stream, (path, flags) in enumerate(wish["streams"]):
        opened = os.open(path, flags)
        os.dup2(opened, stream)
        os.close(opened)
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.path[0], sys.argv = wish["cwd"], ["automl", *wish["arguments"]]
    runpy.run_module("automl_agent", run_name="__main__", alter_sys=True)
    break
"""


def automl(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 900
) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` says of the command, whose standard input is empty."""
    server = _server()
    words = [str(argument) for argument in arguments]
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as errors:
        streams = [(os.devnull, os.O_RDONLY), *((file.name, os.O_WRONLY) for file in (out, errors))]
        wish = {"arguments": words, "cwd": str(cwd), "env": dict(os.environ if env is None else env)}
        print(json.dumps({**wish, "streams": streams}), file=server.stdin, flush=True)
        child = int(server.stdout.readline())
        if not select.select([server.stdout], [], [], timeout)[0]:
            os.kill(child, signal.SIGKILL)
        code = int(server.stdout.readline())
        said, told = (file.read().decode() for file in (out, errors))
    return subprocess.CompletedProcess(words, code, said, told)


@cache
def _server() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _SERVER, *_IMPORTED]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)
    return server
