"""Runs the code of features in a process of its own that reaches neither network nor files; data go as Arrow.

The process is given no variable of the environment, no open file, a limited memory and time, and is killed with all
that it may have started. What comes out of it is read as data: numbers alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
from automl_runtime.errors import AutomlError, DataError, RequestError, shorten

from automl_agent.feature_code.walls import WALLS, Level, Wall

__all__ = ["Limits", "Results", "run_apart"]

_START: Final = (
    "import sys; sys.path[:] = sys.argv[1:]; from automl_agent.feature_code.isolated import main; sys.exit(main())"
)
_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    # One thread: before a process can leave its namespaces it must be alone, and few are allowed later.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}
_LONGEST_LINE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may use: `memory` in bytes beyond what Python and its libraries take, `seconds` by the clock."""

    memory: int = 1_000_000_000
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Results:
    """What functions gave: one frame of float64 for each that was sent, without those that have a fault."""

    values: list[pd.DataFrame]
    faults: dict[str, str]
    level: Level


def run_apart(
    functions: Mapping[str, str],
    frames: Sequence[pd.DataFrame],
    *,
    limits: Limits | None = None,
    walls: Collection[Wall] = WALLS,
) -> Results:
    """The values of each function on each frame.

    Where one of several functions ends the process, each is run in one of its own, so that only it has a fault.

    Args:
        functions: name -> code that defines a function of that name.
        frames: rows with the index 0, 1, ...; their types reach the functions as they are.
        limits: of the process.
        walls: those that may be used, where the system has them.

    Raises:
        RequestError: if the system keeps code away from neither the network nor files; it has then not run.
    """
    limits = limits or Limits()
    try:
        return _run(functions, frames, limits, walls)
    except _Ended as ended:
        if len(functions) == 1:
            [name] = functions
            empty = [pd.DataFrame(index=frame.index) for frame in frames]
            return Results(empty, {name: str(ended)}, ended.level)
    parts = [run_apart({name: code}, frames, limits=limits, walls=walls) for name, code in functions.items()]
    values = [pd.concat([part.values[place] for part in parts], axis=1) for place in range(len(frames))]
    faults = {name: fault for part in parts for name, fault in part.faults.items()}
    return Results(values, faults, parts[0].level)


class _Ended(Exception):
    """The process was ended by its limits, or answered what is no answer."""

    def __init__(self, reason: str, level: Level) -> None:
        super().__init__(reason)
        self.level = level


def _run(
    functions: Mapping[str, str], frames: Sequence[pd.DataFrame], limits: Limits, walls: Collection[Wall]
) -> Results:
    if sys.platform == "win32":
        raise _refused()
    request = {
        "functions": dict(functions),
        "frames": len(frames),
        "walls": sorted(walls),
        "memory": limits.memory,
        "seconds": max(1, round(limits.seconds)),
    }
    folders = [str(Path(folder).absolute()) for folder in sys.path if folder]
    command = [sys.executable, "-I", "-B", "-c", _START, *folders]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
    late = threading.Event()
    timer = threading.Timer(limits.seconds, _end_late, (process, late))
    timer.start()
    assert process.stdin is not None and process.stdout is not None
    try:
        with contextlib.suppress(BrokenPipeError):
            _send(process.stdin, request, frames)
        return _receive(process.stdout, functions, frames, limits, late)
    finally:
        timer.cancel()
        _kill(process)
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def _end_late(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _send(stream: IO[bytes], request: Mapping[str, Any], frames: Sequence[pd.DataFrame]) -> None:
    stream.write(json.dumps(request).encode() + b"\n")
    for frame in frames:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        with pa.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)
    stream.close()


def _receive(
    stream: IO[bytes],
    functions: Mapping[str, str],
    frames: Sequence[pd.DataFrame],
    limits: Limits,
    late: threading.Event,
) -> Results:
    first = stream.readline(_LONGEST_LINE)
    if not first:
        raise AutomlError(
            "The process that runs the code of features did not begin.",
            hint=f"It had {limits.seconds:g} s. Is the memory or the number of processes exhausted?",
        )
    level = Level(**json.loads(first))
    if level.none:
        raise _refused()
    most = _LONGEST_LINE + sum(len(frame) * 10 * len(functions) + 4096 * (len(functions) + 1) for frame in frames)
    content = stream.read(most + 1)
    if late.is_set():
        raise _Ended(f"takes more than {limits.seconds:g} s", level)
    try:
        if len(content) > most:
            raise DataError("more than was asked for")
        return _understood(content, functions, frames, level)
    except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise _Ended(
            f"ends the process that runs it ({limits.memory / 1e9:g} GB, {limits.seconds:g} s)", level
        ) from error


def _understood(content: bytes, functions: Mapping[str, str], frames: Sequence[pd.DataFrame], level: Level) -> Results:
    """The answer, if it is one: float64 columns of the right names and lengths."""
    line, _, rest = content.partition(b"\n")
    told = json.loads(line)
    if not isinstance(told, dict):
        raise DataError("no faults by the names of functions")
    faults = {name: shorten(fault, 200)[1:-1] for name, fault in told.items() if name in functions}
    wanted = [name for name in functions if name not in faults]
    source = pa.BufferReader(rest)
    values = []
    for frame in frames:
        with pa.ipc.open_stream(source) as reader:
            table = reader.read_all()
        table.validate(full=True)
        if table.column_names != wanted or table.num_rows != (len(frame) if wanted else 0):
            raise DataError("other columns or rows than were asked for")
        columns = {name: table[name].cast(pa.float64()).to_numpy() for name in wanted}
        values.append(pd.DataFrame({name: np.asarray(column) for name, column in columns.items()}, index=frame.index))
    return Results(values, faults, level)


def _refused() -> RequestError:
    return RequestError(
        "The code of features is not run here: this system can keep it away from neither the network nor files.",
        hint="It runs on Linux with Landlock (5.13 or newer) or user namespaces, also in a container.",
    )
