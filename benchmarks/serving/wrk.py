"""Load from `wrk` (Debian's package): many connections, a different request each time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Load", "load", "write_script"]

_MILLISECONDS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True, slots=True)
class Load:
    """What a service stood."""

    requests: int
    rps: float
    """Requests a second, answered well or not."""
    p99_ms: float
    errors: int
    """Answers that were not 2xx, and connections that failed or timed out."""


def load(url: str, script: Path, connections: int, seconds: float) -> Load:
    """Keeps `connections` requests under way for `seconds`, from one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", str(script), url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    amount, unit = re.findall(r"99%\s+([\d.]+)(us|ms|s|m)\b", text)[0]
    refused = re.findall(r"Non-2xx or 3xx responses: (\d+)", text)
    failed = re.findall(r"(?:connect|read|write|timeout) (\d+)", text)
    return Load(
        requests=int(re.findall(r"(\d+) requests in", text)[0]),
        rps=float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0]),
        p99_ms=float(amount) * _MILLISECONDS[unit],
        errors=sum(map(int, [*refused, *failed])),
    )


def write_script(path: Path, bodies: Sequence[str], headers: Mapping[str, str]) -> None:
    """A script for `load` that posts the `bodies` (JSON) in turn."""
    listed = ",\n".join(f"[==[{body}]==]" for body in bodies)
    told = ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items())
    path.write_text(
        f"""local bodies = {{{listed}}}
local headers = {{["Content-Type"] = "application/json", {told}}}
local place = 0
request = function()
  place = place % #bodies + 1
  return wrk.format("POST", nil, headers, bodies[place])
end
""",
        encoding="utf-8",
    )
