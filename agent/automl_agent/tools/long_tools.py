"""Tools whose work takes longer than a call: the call starts a run, and `get_run` tells of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final, get_type_hints

from automl_runtime.errors import visible
from automl_runtime.events import Event, EventSink, Finding, Progress, TrialFinished, Warned, ignore
from automl_schemas.base import Contract
from pydantic import Field, TypeAdapter, ValidationError

from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import Answer, NextAction, StartRequest
from automl_agent.tools.registry import Check, Tool, Work, add_tool, described
from automl_agent.tools.results import Result
from automl_agent.tools.run_folder import Ended, RunFolder, RunRequest, Status, open_run
from automl_agent.tools.workspace import Workspace

__all__ = ["Failure", "News", "RunState", "line_of", "long_tool", "state_of", "wait_for", "work_of"]

_POLL_SECONDS: Final = 0.1
_MOST_NEWS: Final = 40
_LONGEST_LINE: Final = 300
_LONGEST_TEXT: Final = 1_000
_LONGEST_CODE: Final = 4_000
_LOG: Final = "worker.log"
_RESULT: Final[TypeAdapter[Result]] = TypeAdapter(Result)
_works: Final[dict[str, Work]] = {}


class News(Contract):
    """Something that happened in a run."""

    kind: str
    """`finding`, `warning`, `trial`, `progress` ..."""
    text: str


class Failure(Contract):
    """Why a run has no result; `error` says who can mend it: fix, ask_user, failed."""

    error: str
    message: str
    hint: str | None = None
    exit_code: int = 1


class RunState(Answer):
    """Where a run stands; ask again with `since` = `cursor` for what happened after."""

    run_id: str
    tool: str
    status: Status
    idempotency_key: str
    seconds: float
    """Since it was asked for, or until it ended."""
    stage: str | None = None
    """What it is doing."""
    share_done: float | None = Field(default=None, description="Of the stage, 0 to 1.")
    seconds_left: float | None = Field(default=None, description="Of the stage, estimated.")
    news: list[News] = []
    cursor: int = 0
    result: Result | None = None
    failure: Failure | None = None


def long_tool(title: str, *, check: Check, destructive: bool = False) -> Callable[[Work], Work]:
    """Puts a tool on the list whose function is the work of a run; `check` refuses at once what cannot be done."""

    def add(function: Work) -> Work:
        name = function.__name__
        _works[name] = function

        def start(workspace: Workspace, request: Any, on_event: EventSink) -> RunState:
            check(workspace, request)
            return _start(workspace, name, request, on_event)

        add_tool(
            Tool(
                name=name,
                title=title,
                description=described(function),
                request=get_type_hints(function)["request"],
                answer=RunState,
                run=start,
                reads_only=False,
                destructive=destructive,
                idempotent=False,
                long=True,
            )
        )
        return function

    return add


def work_of(name: str) -> Work:
    """The work of the long tool called `name`."""
    return _works[name]


def _start(workspace: Workspace, name: str, request: StartRequest, on_event: EventSink) -> RunState:
    arguments = request.model_dump(mode="json", exclude={"idempotency_key", "wait_seconds"})
    run, new = open_run(workspace.runs, name, arguments, request.idempotency_key)
    if not new and run.status() == "interrupted":
        run.begin_again()
        new = True
    if new:
        _spawn(workspace, run)
    return wait_for(run, 0, request.wait_seconds, on_event, until_end=True)


def _spawn(workspace: Workspace, run: RunFolder) -> None:
    readable = None if workspace.readable is None else [str(folder) for folder in workspace.readable]
    command = [sys.executable, "-m", "automl_agent.tools.worker", str(workspace.root), run.run_id, json.dumps(readable)]
    with (run.place / _LOG).open("ab") as log:
        worker = subprocess.Popen(
            command,
            cwd=workspace.root,
            env={**os.environ, "AUTOML_LOG": "text"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It outlives this process; while this one lives, it must not stay behind as a zombie.
    threading.Thread(target=worker.wait, name=f"automl-{run.run_id}", daemon=True).start()


def wait_for(
    run: RunFolder, since: int, seconds: float, on_event: EventSink = ignore, *, until_end: bool = False
) -> RunState:
    """The state of `run` once there is news after the cursor `since`, or it has ended, or `seconds` have passed.

    Args:
        run: the run.
        since: a cursor that an earlier state gave.
        seconds: how long to wait at most.
        on_event: gets what happens meanwhile, progress too.
        until_end: news alone does not end the wait.
    """
    last, cursor = time.monotonic() + seconds, since
    while time.monotonic() < last:
        happened = list(run.news(cursor))
        for cursor, event in happened:  # noqa: B007 -- the last one counts
            on_event(event)
        told = any(line_of(event) is not None for _, event in happened)
        if run.status() != "running" or (told and not until_end):
            break
        time.sleep(_POLL_SECONDS)
    return state_of(run, since)


def state_of(run: RunFolder, since: int = 0) -> RunState:
    """Where `run` stands, with its last news after the cursor `since`."""
    # The status first: what a run says before it ends is then among the news.
    status, ended, request = run.status(), run.end(), run.request()
    happened = list(run.news(since))
    cursor = happened[-1][0] if happened else since
    progress = next((event for _, event in reversed(happened) if isinstance(event, Progress)), None)
    told = [News(kind=event.kind, text=line) for _, event in happened if (line := line_of(event)) is not None]
    start = _moment(request.created)
    return RunState(
        run_id=run.run_id,
        tool=request.tool,
        status=status,
        idempotency_key=visible(request.idempotency_key),
        seconds=round((_moment(ended.ended) if ended else time.time()) - start, 1),
        news=told[-_MOST_NEWS:],
        left_out=[f"news: the last {_MOST_NEWS} of {len(told)} shown"] if len(told) > _MOST_NEWS else [],
        cursor=cursor,
        **_outcome(run, ended),
        links=[f"run://{run.run_id}/events", f"run://{run.run_id}/report"],
        next_actions=_next(run, status, request, cursor),
        **(_progress(progress) if status == "running" and progress is not None else {}),
    )


def _outcome(run: RunFolder, ended: Ended | None) -> dict[str, Any]:
    if ended is None:
        return {}
    try:
        return {
            "result": None if ended.result is None else _RESULT.validate_python(_shown(ended.result)),
            "failure": None if ended.error is None else Failure.model_validate(_shown(ended.error)),
        }
    except (ValidationError, RecursionError) as error:
        raise run.broken("end.json") from error


def _shown(value: Any, limit: int = _LONGEST_TEXT) -> Any:
    """`value` with each text as it may be shown: the file lies where others can write."""
    if isinstance(value, str):
        return visible(value[:limit])[:limit]
    if isinstance(value, dict):
        return {key: _shown(item, _LONGEST_CODE if key == "code" else limit) for key, item in value.items()}
    return [_shown(item, limit) for item in value] if isinstance(value, list) else value


def _progress(event: Progress) -> dict[str, Any]:
    share = None if not event.total else min(max(event.done / event.total, 0.0), 1.0)
    left = None if event.total is None or event.stage != "training" else max(event.total - event.done, 0.0)
    return {"stage": plain(event.stage), "share_done": share, "seconds_left": left}


def line_of(event: Event) -> str | None:
    """What is said of a finding, a warning or a trial, in a line; None of other events."""
    match event:
        case TrialFinished(model=model, score=score, error=error):
            said = f"{model}: {error or 'no score'}" if score is None else f"{model}: {score:.4g}"
        case Finding(topic=topic, text=text):
            said = f"{topic}: {text}"
        case Warned(text=said):
            pass
        case _:
            return None
    return plain(said, _LONGEST_LINE)


def _next(run: RunFolder, status: Status, request: RunRequest, cursor: int) -> list[NextAction]:
    if status == "running":
        again = {"run_id": run.run_id, "since": cursor, "wait_seconds": 20}
        return [NextAction(tool="get_run", arguments=again, why="see how it goes on")]
    if status == "interrupted":
        why = "the same arguments with this idempotency_key take the run up where it was killed"
        return [NextAction(tool=request.tool, arguments={"idempotency_key": visible(request.idempotency_key)}, why=why)]
    about = run.end()
    project = (about.result or {}).get("project") if about is not None else None
    if not isinstance(project, str):
        return []
    return [NextAction(tool="get_report", arguments={"project": plain(project, 200)}, why="see how good the model is")]


def _moment(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()
