"""Leads a conversation: hears a person, lets a model or the rules decide, and says what came of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from automl_runtime.errors import Cancelled

from automl_agent.loop.calling import Calls, LimitReached, Record, Stuck
from automl_agent.loop.planning import Planner
from automl_agent.loop.sentences import Intent
from automl_agent.loop.steps import Ask, Call, Flow, Say
from automl_agent.tools.contract import ToolError

__all__ = ["Conversation", "Mind", "NoAnswer", "Person"]


class Person(Protocol):
    """Who is spoken with."""

    def say(self, text: str) -> None:
        """Tells something."""

    def ask(self, question: Ask) -> str | None:
        """Asks something; the default where nobody is there."""


class NoAnswer(Exception):
    """A model said nothing that can be used, or could not be reached; the message says why, without secrets."""


class Mind(Protocol):
    """A language model that decides which tools to call."""

    def turn(self, text: str) -> str:
        """Does what `text` asks for and gives what is to be said.

        Raises:
            NoAnswer: if it cannot.
            LimitReached: if its budget is used up.
        """

    def used(self) -> str:
        """What it has used of its budget, in a line."""


class Conversation:
    """A conversation with a person about the projects of a workspace."""

    def __init__(
        self, calls: Calls, planner: Planner, person: Person, record: Record, *, mind: Mind | None = None
    ) -> None:
        """Without a `mind` the rules of `planner` decide, and they step in where the mind has no answer."""
        self._calls = calls
        self._planner = planner
        self._person = person
        self._record = record
        self._mind = mind
        self.failed = 0
        """Exit code of why the last request was not brought to its end; 0: it was."""

    def hear(self, text: str) -> bool:
        """Does what the person says; False when the person leaves."""
        intent = self._planner.read(text)
        if intent.kind == "leave":
            return False
        said = f"predict ({len(intent.cells)} cells)" if intent.kind == "predict_rows" else intent.text
        self._record("said", {"by": "person", "text": said})
        self._calls.begin()
        self.failed = 0
        try:
            with _interruptible(self._calls):
                self._decide(intent)
        except ToolError as error:
            self._stop(str(error), error.exit_code)
        except LimitReached as error:
            self._stop(f"Stopped: {error}", 1)
        except KeyboardInterrupt:
            self._stop("Stopped.", Cancelled.exit_code)
        return True

    def going_on(self) -> list[str]:
        """Runs that nobody has seen the end of, a line each."""
        return [f"{run_id} ({tool}) goes on" for run_id, tool in self._calls.runs.items()]

    def _stop(self, why: str, exit_code: int) -> None:
        self.failed = exit_code
        used = [] if self._mind is None else [self._mind.used()]
        self._say("\n".join([why, *self.going_on(), *used]), by="rule")

    def _decide(self, intent: Intent) -> None:
        if self._mind is None or intent.kind == "help":
            self._run(self._planner.plan(intent))
            return
        try:
            self._say(self._mind.turn(intent.text), by="model")
        except (NoAnswer, Stuck) as error:
            self._record("no answer", {"by": "model", "why": str(error)})
            if self._calls.done:  # what was done is not done twice
                said = "Stopped" if isinstance(error, Stuck) else "The model does not go on"
                self._stop(f"{said}: {error}", 1)
                return
            self._say(f"The model gave no answer that can be used ({error}); the rules decide.", by="rule")
            self._run(self._planner.plan(intent))

    def _run(self, flow: Flow) -> None:
        """Takes the steps of `flow`."""
        come: object = None
        while True:
            try:
                step = flow.throw(come) if isinstance(come, ToolError) else flow.send(come)
            except StopIteration:
                return
            if isinstance(step, Say):
                self._say(step.text, by="rule")
                come = None
            elif isinstance(step, Ask):
                come = self._person.ask(step)
                self._record("answer", {"by": "person", "question": step.text, "text": come})
            else:
                come = self._call(step)

    def _call(self, step: Call) -> object:
        try:
            return self._calls.call(step.tool, step.arguments, by="rule", why=step.why)
        except ToolError as error:
            return error

    def _say(self, text: str, *, by: str) -> None:
        kept = f"({len(text)} characters about predicted rows)" if self._calls.private else text
        self._record("told", {"by": by, "text": kept})
        self._person.say(text)


@contextmanager
def _interruptible(calls: Calls) -> Iterator[None]:
    """Ctrl-C stops calls at once, also those that other threads wait for."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        calls.stop()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
