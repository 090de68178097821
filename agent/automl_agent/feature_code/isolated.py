"""The process in which the code of features runs: `main` reads a request, raises its walls, computes, and answers.

Request, on standard input: a line of JSON (`functions`, `frames`, `walls`, `memory`, `seconds`), then the frames as
Arrow streams. Answer, on standard output: before any code has run, a line with the level that was reached; a line with
the faults of functions; then for each frame the values of the others as one Arrow stream of float64 columns.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from automl_agent.feature_code.walls import Level, close_doors, leave_world, limit_use

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

__all__ = ["main"]

_MOST_INPUT: Final = 2**31


def main() -> int:
    """Answers the request; 0, also where a function fails."""
    source = sys.stdin.buffer
    request = json.loads(source.readline())
    left = leave_world(request["walls"])
    # Before the walls stand: libraries are looked up in places that are closed afterwards.
    import numpy  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow as pa

    pa.set_cpu_count(1)
    frames = _read_frames(io.BytesIO(source.read(_MOST_INPUT)), request["frames"])
    _warm_up(frames)
    answer = os.fdopen(os.dup(1), "wb")
    for descriptor in (0, 1):
        os.close(descriptor)
    limits = limit_use(request["memory"], request["seconds"])
    files, filtered = close_doors(request["walls"], left=left)
    level = Level(
        network="namespace" if left else "seccomp" if filtered else "none",
        files=files,
        processes="seccomp" if filtered else "limits" if limits and os.getuid() != 0 else "none",
        limits=limits,
    )
    _say(answer, asdict(level))
    if not level.none:
        warnings.simplefilter("ignore")
        _answer(answer, request["functions"], frames)
    answer.close()
    return 0


def _say(answer: io.BufferedWriter | Any, record: Mapping[str, Any]) -> None:
    answer.write(json.dumps(record).encode() + b"\n")
    answer.flush()


def _read_frames(source: io.BytesIO, count: int) -> list[pd.DataFrame]:
    import pyarrow as pa

    frames = []
    for _ in range(count):
        with pa.ipc.open_stream(source) as reader:
            frames.append(reader.read_all().to_pandas(use_threads=False))
    return frames


def _warm_up(frames: Sequence[pd.DataFrame]) -> None:
    """Does with each kind of column what brings the modules in that pandas loads late."""
    for frame in frames[:1]:
        for name in frame.columns:
            column = frame[name]
            column.isna().astype("Float64")
            if str(column.dtype) == "str":
                column.str.len()
            elif column.dtype.kind == "M":
                (column - column).dt.total_seconds()


def _answer(answer: Any, functions: Mapping[str, str], frames: Sequence[pd.DataFrame]) -> None:
    import pyarrow as pa

    faults: dict[str, str] = {}
    values: list[dict[str, Any]] = [{} for _ in frames]
    for name, code in functions.items():
        try:
            function = _function(name, code)
            computed = [_values(function, frame) for frame in frames]
        except BaseException as error:  # noqa: BLE001 -- whatever code of others raises is an answer
            faults[name] = _fault(error)
            continue
        for place, column in enumerate(computed):
            values[place][name] = column
    _say(answer, faults)
    for columns in values:
        table = pa.table({name: pa.array(column, from_pandas=False) for name, column in columns.items()})
        with pa.ipc.new_stream(answer, table.schema) as writer:
            writer.write_table(table)


def _function(name: str, code: str) -> Callable[[pd.DataFrame], Any]:
    import numpy as np
    import pandas as pd

    scope: dict[str, Any] = {"np": np, "pd": pd, "__name__": "feature"}
    exec(compile(code, "<feature>", "exec"), scope)
    function: Callable[[pd.DataFrame], Any] = scope[name]
    return function


def _values(function: Callable[[pd.DataFrame], Any], frame: pd.DataFrame) -> np.ndarray:
    import numpy as np
    import pandas as pd

    rows = frame.copy(deep=True)
    made = function(rows)
    if not isinstance(made, pd.Series) or not made.index.equals(frame.index):
        raise _NoFeature("gives no series with a value for each row")
    if not rows.equals(frame):
        raise _NoFeature("changes the rows that it is given")
    if made.dtype == object or made.dtype.kind not in "biuf":
        raise _NoFeature(f"gives values of the type {str(made.dtype)[:40]}; numbers or yes and no are needed")
    return np.asarray(made.astype("Float64").to_numpy(dtype=np.float64, na_value=np.nan))


class _NoFeature(Exception):
    """What a function gives is no feature."""


def _fault(error: BaseException) -> str:
    """What went wrong, without the values of cells that messages of errors may hold."""
    if isinstance(error, _NoFeature):
        return str(error)
    if isinstance(error, MemoryError):
        return "takes too much memory"
    line, trace = 0, error.__traceback__
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == "<feature>" else line
        trace = trace.tb_next
    return f"ends with {type(error).__name__[:60]} in its line {line}"
