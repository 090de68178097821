"""`python -m automl_agent.tools.worker WORKSPACE RUN_ID READABLE`: does the work of a run, in a process of its own.

It belongs to a session of its own, so that it outlives the server that started it, and holds the lock of the run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO

from automl_runtime.errors import AutomlError, Cancelled
from automl_runtime.events import Delivery, Event
from automl_runtime.files import lock

from automl_agent.tools.contract import ToolError, tool_error
from automl_agent.tools.long_tools import work_of
from automl_agent.tools.registry import find_tool
from automl_agent.tools.run_folder import Ended, RunFolder, find_run
from automl_agent.tools.workspace import Workspace
from automl_agent.untrusted import clean

__all__ = ["main"]

_LONGEST_MESSAGE = 1_500


def main(arguments: list[str]) -> int:
    """Runs to the end; the exit code says whether the work was done."""
    root, run_id, readable = arguments
    allowed = json.loads(readable)
    workspace = Workspace.open(root, readable=allowed)
    run = find_run(workspace.runs, run_id)
    signal.signal(signal.SIGTERM, _interrupt)
    with run.lock.open("a+", encoding="utf-8") as held:
        if not lock(held):
            return 0  # another worker has it
        try:
            _sign(held)
            ended = Ended(status="cancelled", ended=_now()) if run.wanted_end.exists() else _work(workspace, run)
        except KeyboardInterrupt:
            ended = Ended(status="cancelled", ended=_now())
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run.write_end(ended)
    return 0 if ended.status == "completed" else 1


def _sign(held: IO[str]) -> None:
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()


def _work(workspace: Workspace, run: RunFolder) -> Ended:
    try:
        request = run.request()
        tool = find_tool(request.tool)
        with run.events.open("a", encoding="utf-8") as log:
            delivery = Delivery(lambda event: _write(log, event))
            try:
                result = work_of(tool.name)(workspace, tool.parse(request.arguments), delivery)
            finally:
                delivery.close(5.0)
        return Ended(status="completed", ended=_now(), result=result.model_dump(mode="json"))
    except ToolError as error:
        return Ended(status="failed", ended=_now(), error=error.to_json())
    except (KeyboardInterrupt, Cancelled):
        return Ended(status="cancelled", ended=_now())
    except AutomlError as error:
        sys.stderr.write(f"{error}\n")
        said = tool_error(error)
        said.message = clean(said.message, _LONGEST_MESSAGE)
        return Ended(status="failed", ended=_now(), error=said.to_json())
    except Exception as error:  # noqa: BLE001 -- the outermost layer of this process; the log has the traceback
        sys.excepthook(type(error), error, error.__traceback__)
        said = ToolError("failed", f"This is a bug of automl: {type(error).__name__} in {run.run_id}.")
        return Ended(status="failed", ended=_now(), error=said.to_json())


def _write(log: IO[str], event: Event) -> None:
    log.write(json.dumps({"at": _now(), **event.to_json()}, default=str, ensure_ascii=False) + "\n")
    log.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


if __name__ == "__main__":
    os.chdir(Path(sys.argv[1]))
    sys.exit(main(sys.argv[1:]))
