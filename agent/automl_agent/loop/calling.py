"""Every call of a conversation goes through here: what is allowed, how much, and what is written down."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from automl_runtime.errors import Cancelled, shorten
from automl_runtime.events import EventSink, ignore
from automl_schemas.decision import Decider

from automl_agent.tools.about_models import Predictions
from automl_agent.tools.contract import Answer, Request, ToolError
from automl_agent.tools.long_tools import RunState
from automl_agent.tools.registry import Tool, find_tool
from automl_agent.tools.workspace import Workspace
from automl_agent.untrusted import clean

__all__ = ["Calls", "Consent", "LimitReached", "Limits", "Record", "Stuck"]

Record = Callable[[str, Mapping[str, Any]], None]
"""Writes an entry of a kind (`call`, `said`, ...) into the transcript, which redacts it."""
Consent = Callable[[str], bool]
"""Asks the person whether something may be done."""

_CANCELLED: Final = Cancelled.exit_code
_PIECE: Final = 2
_START_WAIT: Final = 2
"""Seconds: whoever presses Ctrl-C does not wait longer than this."""


class LimitReached(Exception):
    """A conversation has used up what it was allowed; the message says what."""


class Stuck(LimitReached):
    """A model makes a call again that could not be done, or one that it made often enough."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request of a person may use."""

    calls: int = 100
    """Of tools; looking at the same run again and again counts, too."""
    repeats: int = 4
    """Of the same call by a model, unless it waits for a run."""
    seconds: float | None = None


class Calls:
    """Calls tools for who decides, in the name of a person. Safe to use from several threads; one call at a time."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        record: Record,
        consent: Consent | None = None,
        allow_all: bool = False,
        limits: Limits | None = None,
        on_event: EventSink = ignore,
    ) -> None:
        """Works in `workspace`.

        Args:
            workspace: where tools may read and write.
            record: gets an entry for each call, also for those that were refused.
            consent: asks the person before a tool that may undo something; None where nobody is there.
            allow_all: such tools are allowed beforehand.
            limits: for each request of the person; `begin` starts the count anew.
            on_event: gets the progress of the calls.
        """
        self.workspace = workspace
        self.runs: dict[str, str] = {}
        """Runs that were started and whose end nobody has seen, each with the tool."""
        self.shown = False
        """Whether a model has read names from data, which may hold instructions."""
        self._record = record
        self._consent = consent
        self._allow_all = allow_all
        self._limits = limits or Limits()
        self._on_event = on_event
        self._one_at_a_time = threading.Lock()
        self._stopped = threading.Event()
        self.made = 0
        """Calls since `begin`."""
        self.done = 0
        """Those of them that were done."""
        self.private = False
        """Whether rows were predicted since `begin`, so that what is said of them holds cells."""
        self.begin()

    def begin(self) -> None:
        """A new request of the person: its limits count from here."""
        self._stopped.clear()
        self.private = False
        self.made = self.done = 0
        self._in_vain: set[str] = set()
        self._begun = time.monotonic()
        self._same: Counter[str] = Counter()

    def stop(self) -> None:
        """No further call is made, and none is waited for, until `begin`. Safe in a signal handler."""
        self._stopped.set()

    def call(self, name: str, arguments: Mapping[str, Any], *, by: Decider, why: str) -> Answer:
        """Calls the tool called `name` and writes down what was asked, by whom and why, and what came of it.

        Raises:
            ToolError: if it could not be done, or must not be.
            LimitReached: if enough was done; nothing is called.
            KeyboardInterrupt: if the person stopped it.
        """
        with self._one_at_a_time:
            self._refuse_more()
            if by == "model" and _key(name, arguments) in self._in_vain:
                raise Stuck(f"the model made a call of {clean(name)} again that cannot be done.")
            entry: dict[str, Any] = {"tool": name, "by": by, "why": shorten(why, 300)[1:-1]}
            begun = time.monotonic()
            try:
                tool = find_tool(name)
                request = tool.parse(arguments)
                entry["arguments"] = _without_cells(request)
                self._refuse_repeats(tool, request, by)
                self._permit(tool, request, by)
                answer: Answer = self._answer(tool, request, by)
            except ToolError as error:
                if error.exit_code == _CANCELLED:
                    self._record("call", {**entry, "outcome": "cancelled"})
                    raise KeyboardInterrupt from error
                told = {"outcome": error.blame, "message": error.message}
                self._in_vain |= {_key(name, arguments)} if error.blame == "fix" else set()
                self._record("call", {**entry, **told, "seconds": _since(begun)})
                raise
            self._remember(tool, answer, by)
            self.done += 1
            self._in_vain.clear()  # what was done may make them possible
            self._record("call", {**entry, "outcome": "done", "seconds": _since(begun)})
            return answer

    def _refuse_more(self) -> None:
        if self._stopped.is_set():
            raise KeyboardInterrupt
        if self.made >= self._limits.calls:
            raise LimitReached(f"{self._limits.calls} calls of tools were made, which is the limit.")
        if self._limits.seconds is not None and time.monotonic() - self._begun > self._limits.seconds:
            raise LimitReached(f"{self._limits.seconds:g} seconds have passed, which is the limit.")
        self.made += 1

    def _refuse_repeats(self, tool: Tool, request: Request, by: Decider) -> None:
        if by != "model" or "wait_seconds" in tool.request.model_fields:
            return
        call = f"{tool.name} {request.model_dump_json()}"
        self._same[call] += 1
        if self._same[call] > self._limits.repeats:
            raise Stuck(f"the model made the same call of {tool.name} {self._limits.repeats} times.")

    def _permit(self, tool: Tool, request: Request, by: Decider) -> None:
        if not tool.destructive or self._allow_all or getattr(request, "dry_run", False):
            return
        if self._consent is not None:
            said = ", ".join(f"{name} {shorten(value)}" for name, value in _without_cells(request).items())
            if self._consent(f"{tool.title} ({tool.name}): {said}?"):
                return
            raise ToolError("ask_user", f"The person does not want {tool.name}.", hint="Ask what is wanted instead.")
        if by == "model" and self.shown:
            raise ToolError(
                "ask_user",
                f"{tool.name} may undo what is there; names from data were read before, and nobody is here to agree.",
                hint="Do it on a terminal, or allow it with --yes.",
            )

    def _answer(self, tool: Tool, request: Request, by: Decider) -> Any:
        waiting = getattr(request, "wait_seconds", 0)
        if waiting and tool.answer is RunState and tool.reads_only:
            return self._waited(tool, request, waiting, by)
        if waiting:
            request = request.model_copy(update={"wait_seconds": min(waiting, _START_WAIT)})
        return tool.call(self.workspace, request, self._on_event)

    def _waited(self, tool: Tool, request: Any, seconds: float, by: Decider) -> Any:
        """Waits in pieces, so that it can be stopped; a model, each of whose looks costs money, for all the time."""
        last = time.monotonic() + seconds
        piece = request
        while (left := last - time.monotonic()) > 0 and not self._stopped.is_set():
            piece = piece.model_copy(update={"wait_seconds": min(_PIECE, max(round(left), 1))})
            state = tool.call(self.workspace, piece, self._on_event)
            if state.status != "running" or (state.news and by != "model"):
                break
            piece = piece.model_copy(update={"since": state.cursor})
        return tool.call(self.workspace, request.model_copy(update={"wait_seconds": 0}), self._on_event)

    def _remember(self, tool: Tool, answer: Answer, by: Decider) -> None:
        self.shown = self.shown or by == "model"
        self.private = self.private or isinstance(answer, Predictions)
        run_id, status = getattr(answer, "run_id", None), getattr(answer, "status", None)
        if run_id is None:
            return
        if status != "running":
            self.runs.pop(run_id, None)
        elif tool.long:
            self.runs[run_id] = tool.name


def _without_cells(request: Request) -> dict[str, Any]:
    """The arguments that are not defaults; of rows their number only, for cells are not written down."""
    given = request.model_dump(mode="json", exclude_defaults=True)
    return {name: f"{len(value)} rows" if _is_table(value) else value for name, value in given.items()}


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)


def _key(name: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps([name, arguments], sort_keys=True, default=str)


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 3)
