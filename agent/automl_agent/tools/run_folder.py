"""Runs on disk: what was asked, what happened, how it ended; they outlive the caller, the server and the worker.

A run is a folder `.automl/runs/<run id>/` of the workspace: `request.json` (written once), `events.jsonl` (appended by
the worker), `end.json` (written once a try has ended), `worker.lock` (held by the worker for as long as it lives, so
that a killed one is seen at once).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from automl_runtime.errors import shorten
from automl_runtime.events import (
    EpochCompleted,
    Event,
    Finding,
    Progress,
    TrainingCompleted,
    TrainingFailed,
    TrialFinished,
    Warned,
)
from automl_runtime.files import is_locked, write_text
from automl_schemas.base import Contract
from pydantic import AfterValidator, Field, TypeAdapter

from automl_agent.tools.contract import ToolError

__all__ = ["Ended", "RunFolder", "RunRequest", "Status", "find_run", "find_runs", "open_run"]

Status = Literal["running", "completed", "failed", "cancelled", "interrupted"]
"""`interrupted`: the worker was killed; the same call with the same key takes it up."""


_ID: Final = re.compile(r"run-[0-9a-f]{16}")
_EVENTS: Final[dict[str, TypeAdapter[Event]]] = {
    kind.kind: TypeAdapter(kind)
    for kind in (Progress, TrialFinished, EpochCompleted, Finding, Warned, TrainingCompleted, TrainingFailed)
}
_START_SECONDS: Final = 30.0
"""A worker that has not taken its lock by then never will."""


def _is_moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a moment without a time zone")
    return text


Moment = Annotated[str, Field(max_length=40), AfterValidator(_is_moment)]
"""ISO 8601, with a time zone."""


class RunRequest(Contract):
    """What was asked."""

    tool: str = Field(pattern=r"^[a-z][a-z_]{1,60}$")
    arguments: dict[str, Any]
    idempotency_key: str = Field(min_length=1, max_length=200)
    created: Moment


class Ended(Contract):
    """How a run ended: with a `result`, or with an `error` (`ToolError.to_json`)."""

    status: Literal["completed", "failed", "cancelled"]
    ended: Moment
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run; several processes may look at it at once."""

    place: Path

    @property
    def run_id(self) -> str:
        """Its name."""
        return self.place.name

    @property
    def lock(self) -> Path:
        """The file that the worker holds; its text is the worker's process id."""
        return self.place / "worker.lock"

    @property
    def events(self) -> Path:
        """One JSON object a line."""
        return self.place / "events.jsonl"

    def request(self) -> RunRequest:
        """What was asked; ToolError when somebody tampered with it."""
        try:
            return RunRequest.model_validate_json((self.place / "request.json").read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise self.broken("request.json") from error

    def end(self) -> Ended | None:
        """How it ended; None while it has not."""
        path = self.place / "end.json"
        if not path.exists():
            return None
        try:
            return Ended.model_validate_json(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise self.broken("end.json") from error

    def status(self) -> Status:
        """Where it stands."""
        alive = is_locked(self.lock)
        ended = self.end()
        if ended is not None:
            return ended.status
        if alive or (time.time() - self._touched() < _START_SECONDS and not self._has_begun()):
            return "running"
        return "interrupted"

    def write_end(self, ended: Ended) -> None:
        """Says how it ended, whole or not at all."""
        write_text(self.place / "end.json", ended.model_dump_json())

    def news(self, since: int) -> Iterator[tuple[int, Event]]:
        """The events after the cursor `since`, each with the cursor after it; lines that are none are left out."""
        try:
            with self.events.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, start=1):
                    if number > since and line.endswith("\n"):
                        event = _event(line)
                        if event is not None:
                            yield number, event
        except FileNotFoundError:
            return

    @property
    def wanted_end(self) -> Path:
        """Stands there once the run shall be cancelled: a worker that has not begun yet looks for it."""
        return self.place / "cancel"

    def cancel(self) -> None:
        """Asks the worker to end; its process id is only believed while it holds the lock."""
        self.wanted_end.touch()
        if not is_locked(self.lock):
            return
        try:
            worker = int(self.lock.read_text(encoding="utf-8").strip())
        except ValueError:
            return
        if worker > 1:
            try:
                os.kill(worker, signal.SIGTERM)
            except ProcessLookupError:
                return

    def begin_again(self) -> None:
        """Forgets how the last try ended; the events stay."""
        (self.place / "end.json").unlink(missing_ok=True)
        self.wanted_end.unlink(missing_ok=True)
        os.utime(self.place / "request.json")

    def _has_begun(self) -> bool:
        # Of an earlier try the lock is older than the request, which `begin_again` touches.
        return self.lock.exists() and self.lock.stat().st_mtime >= self._touched()

    def _touched(self) -> float:
        try:
            return (self.place / "request.json").stat().st_mtime
        except OSError as error:
            raise self.broken("request.json") from error

    def broken(self, name: str) -> ToolError:
        """What to say of the file `name` that somebody tampered with."""
        return ToolError(
            "ask_user",
            f"{name} of the run {self.run_id} is missing or not what was written.",
            hint=f"Look at {self.place}; start the work anew with another idempotency_key.",
        )


def open_run(folder: Path, tool: str, arguments: Mapping[str, Any], key: str | None) -> tuple[RunFolder, bool]:
    """The run of this call below `folder`, and whether it is new.

    With a key the run has a name made of it, so that the same call finds it again, from another process too.

    Raises:
        ToolError: if the key was used for a call with other arguments.
    """
    known = key or secrets.token_hex(12)
    name = hashlib.sha256(f"{tool}\0{known}".encode()).hexdigest()[:16]
    run = RunFolder(folder / f"run-{name}")
    folder.mkdir(parents=True, exist_ok=True)
    request = RunRequest(
        tool=tool,
        arguments=dict(arguments),
        idempotency_key=known,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        run.place.mkdir()
    except FileExistsError:
        before = run.request()
        if (before.tool, before.arguments) != (request.tool, request.arguments):
            raise ToolError(
                "fix",
                f"The idempotency_key {shorten(known)} belongs to {run.run_id}, a call with other arguments.",
                hint="Use another key, or the same arguments.",
                exit_code=2,
            ) from None
        return run, False
    write_text(run.place / "request.json", request.model_dump_json())
    return run, True


def find_run(folder: Path, run_id: str) -> RunFolder:
    """The run called `run_id`; ToolError when there is none."""
    run = RunFolder(folder / run_id)
    if _ID.fullmatch(run_id) is None or run.place.is_symlink() or not run.place.is_dir():
        raise ToolError(
            "fix", f"There is no run {shorten(run_id)}.", hint="`list_runs` lists those that there are.", exit_code=2
        )
    return run


def find_runs(folder: Path) -> list[RunFolder]:
    """All runs, newest first; what is no run of ours is left out."""
    if not folder.is_dir():
        return []
    found = []
    for place in folder.iterdir():
        if _ID.fullmatch(place.name) and place.is_dir() and not place.is_symlink():
            try:
                found.append((RunFolder(place).request().created, place.name))
            except ToolError:
                continue
    return [RunFolder(folder / name) for _, name in sorted(found, reverse=True)]


def _event(line: str) -> Event | None:
    """The event that the worker wrote; None for what somebody else wrote."""
    try:
        record = json.loads(line)
        record.pop("at", None)
        return _EVENTS[record.pop("kind")].validate_python(record)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
