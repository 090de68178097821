"""What long work says while it runs; the command line draws bars from it, a server streams it.

Work takes an `EventSink`, a callable; `ignore` is the one that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

__all__ = ["Event", "EventSink", "Finding", "Progress", "TrialFinished", "Warned", "event_from_json", "ignore"]


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    kind: ClassVar[str] = "event"

    def to_json(self) -> dict[str, Any]:
        """The event as a JSON object with its `kind`."""
        return {"kind": self.kind, **asdict(self)}


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


EventSink = Callable[[Event], None]

_KINDS: dict[str, type[Event]] = {cls.kind: cls for cls in (Progress, TrialFinished, Finding, Warned)}


def ignore(event: Event) -> None:
    """Takes an event and does nothing."""
    del event


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
