"""Runs a command with a real, small language model on this machine behind an OpenAI-compatible API.

    python -m benchmarks.agent.local_model coder -- python -m benchmarks.agent.sentences --llm auto

The server is `../shared/llm/local_llm.py`; its packages live in ~/.cache/automl-llm, outside of this environment. The
first run of `coder` downloads 1.1 GB, of `tiny` 90 MB.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SERVER = Path(__file__).resolve().parents[3] / "shared" / "llm" / "local_llm.py"
HOME = Path(os.environ.get("AUTOML_LLM_HOME") or Path.home() / ".cache" / "automl-llm")
PATIENCE = 1800.0


def main() -> int:
    """The exit code of the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=["coder", "tiny"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not SERVER.is_file():
        print(f"{SERVER} is not there; no local model can be served")
        return 1
    command = [part for part in options.command if part != "--"]
    port = free_port()
    arguments = [options.model, "--cache", str(HOME), "--port", str(port)]
    server = subprocess.Popen([str(python()), str(SERVER), *arguments], stdout=sys.stderr)
    try:
        await_server(server, port)
        address = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "OPENAI_MODEL": options.model}
        return subprocess.run(command, env=os.environ | address, check=False).returncode
    finally:
        server.terminate()
        server.wait()


def python() -> Path:
    """The interpreter of the server's own environment, made on first use."""
    place = HOME / "venv" / "bin" / "python"
    if not place.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME / "venv")], check=True)
        subprocess.run([str(place), "-m", "pip", "install", "-q", "xllamacpp"], check=True)
    return place


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def await_server(server: subprocess.Popen[bytes], port: int) -> None:
    """Returns when the server answers; SystemExit when it ended, or takes too long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=5).close()
            return
        except (OSError, urllib.error.URLError):
            time.sleep(1)
    raise SystemExit("the local model did not start")


if __name__ == "__main__":
    sys.exit(main())
