"""What long work says while it runs; the command line draws bars from it, a server streams it.

Work takes an `EventSink`, a callable: `ignore` does nothing, `json_lines` writes, the command line's draws bars.
`Delivery` keeps a slow or raising sink away from the work. A `CancellationToken` goes the other way.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, TextIO

__all__ = [
    "CancellationToken",
    "Delivery",
    "EpochCompleted",
    "Event",
    "EventSink",
    "Finding",
    "Progress",
    "TerminalEvent",
    "TrainingCompleted",
    "TrainingFailed",
    "TrialFinished",
    "Warned",
    "event_from_json",
    "finite",
    "ignore",
    "json_lines",
]

_log = logging.getLogger(__name__)

_CAPACITY = 1_000
_PATIENCE = 1.0
_LONGEST_TRACEBACK = 8_000


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str] = "event"

    def to_json(self) -> dict[str, Any]:
        """The event as a JSON object with its `kind`; numbers that JSON does not know are null."""
        return {"kind": self.kind, **finite(asdict(self))}


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """`done` of `total` units of `stage` are finished; `total` is None when it is not known."""

    kind: ClassVar[str] = "progress"
    stage: str
    done: float
    total: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class TrialFinished(Event):
    """A configuration was fitted on all folds it got; `score` is in the metric's own unit."""

    kind: ClassVar[str] = "trial"
    number: int
    model: str
    score: float | None
    best: float | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class EpochCompleted(Event):
    """A round of boosting, or a pass of a network over the rows, is done; at most ten a second, and the last one.

    `total_epochs` is the most there will be: early stopping ends sooner. A loss is None where it is not measured.
    """

    kind: ClassVar[str] = "epoch"
    epoch: int
    total_epochs: int
    train_loss: float | None = None
    val_loss: float | None = None
    model: str = ""
    fold: int | None = None
    """From 0; None for the model of all rows."""


@dataclass(frozen=True, slots=True)
class Finding(Event):
    """A line of the report on the terminal: `topic` ("grounded") and what was found."""

    kind: ClassVar[str] = "finding"
    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something that the user should know and that does not stop the work."""

    kind: ClassVar[str] = "warning"
    text: str


@dataclass(frozen=True, slots=True)
class TerminalEvent(Event):
    """Base of the last event of a training; each has exactly one."""


@dataclass(frozen=True, slots=True)
class TrainingCompleted(TerminalEvent):
    """The training left a model; `run_id` is None outside a project."""

    kind: ClassVar[str] = "completed"
    run_id: str | None
    final_metrics: dict[str, float] = field(default_factory=dict)
    """Scores by name, each in the metric's own unit."""


@dataclass(frozen=True, slots=True)
class TrainingFailed(TerminalEvent):
    """The training left no model."""

    kind: ClassVar[str] = "failed"
    error: str
    traceback: str = ""
    run_id: str | None = None
    cancelled: bool = False
    """The user wanted it so."""

    @classmethod
    def of(cls, error: BaseException, *, cancelled: bool, run_id: str | None = None) -> TrainingFailed:
        """What `error` says, with the end of its traceback."""
        text = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
        return cls(str(error) or type(error).__name__, text, run_id, cancelled)


EventSink = Callable[[Event], None]

_KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (Progress, TrialFinished, EpochCompleted, Finding, Warned, TrainingCompleted, TrainingFailed)
}


def ignore(event: Event) -> None:
    """Takes an event and does nothing."""
    del event


def json_lines(stream: TextIO) -> EventSink:
    """A sink that writes each event as one JSON line to `stream`; safe to call from several threads."""
    guard = threading.Lock()

    def write(event: Event) -> None:
        line = json.dumps(event.to_json(), default=str, allow_nan=False)
        with guard:
            stream.write(line + "\n")
            stream.flush()

    return write


def event_from_json(record: dict[str, Any]) -> Event:
    """The event that `Event.to_json` wrote.

    Raises:
        ValueError: if `kind` is not one of ours.
    """
    fields = dict(record)
    kind = fields.pop("kind", None)
    if kind not in _KINDS:
        raise ValueError(f"unknown event kind {kind!r}; known: {sorted(_KINDS)}")
    return _KINDS[kind](**fields)


def finite(value: Any) -> Any:
    """`value` with None for the numbers that JSON cannot write."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


class CancellationToken:
    """Asks work to stop: `fit(cancel=token)` polls it. Thread-safe; once cancelled it stays so."""

    def __init__(self) -> None:
        """Not cancelled."""
        self._event = threading.Event()

    def cancel(self) -> None:
        """Asks for the end; returns at once."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether the end was asked for."""
        return self._event.is_set()

    def __call__(self) -> bool:
        """As `is_cancelled`: a token is what `cancel` parameters take."""
        return self.is_cancelled


class Delivery:
    """A sink that hands events on, in order, on a thread of its own: what a handler does never reaches the work.

    At most `capacity` events wait; more are dropped, counted in `dropped`, and a `Warned` says so at the end. The
    terminal event is never dropped. The first error of the handler is logged.
    """

    def __init__(self, handler: EventSink, *, capacity: int = _CAPACITY) -> None:
        """Starts the thread; `close` ends it."""
        self.dropped = 0
        self._handler = handler
        self._capacity = capacity
        self._waiting: deque[Event] = deque()
        self._changed = threading.Condition()
        self._closed: float | None = None
        self._failed = False
        self._thread = threading.Thread(target=self._work, name="automl-events", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Takes `event` and returns at once; after `close` nothing is taken."""
        with self._changed:
            if self._closed is not None:
                return
            if len(self._waiting) >= self._capacity and not isinstance(event, TerminalEvent):
                self.dropped += 1
                return
            self._waiting.append(event)
            self._changed.notify()

    def close(self, patience: float = _PATIENCE) -> None:
        """Waits `patience` seconds for the handler; a slower one gets nothing more than the terminal event."""
        with self._changed:
            self._closed = time.monotonic() + 0.8 * patience
            self._changed.notify()
        self._thread.join(patience)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and self._closed is None:
                    self._changed.wait()
                if not self._waiting:
                    break
                event = self._waiting.popleft()
                late = self._closed is not None and time.monotonic() > self._closed
                if late and not isinstance(event, TerminalEvent):
                    self.dropped += 1
                    continue
            if isinstance(event, TerminalEvent):
                self._say_dropped()
            self._hand_over(event)

    def _say_dropped(self) -> None:
        if self.dropped:
            text = f"{self.dropped} events were dropped: the handler is slower than the training."
            _log.warning(text)
            self._hand_over(Warned(text))

    def _hand_over(self, event: Event) -> None:
        try:
            self._handler(event)
        except Exception as error:  # noqa: BLE001 -- a handler is foreign code, and must not harm the training
            if not self._failed:
                _log.error("The event handler raised %s: %s; the training goes on.", type(error).__name__, error)
            self._failed = True
