"""What the command line shows: findings as lines, long work as bars on a terminal or as plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

from automl_runtime.errors import visible
from automl_runtime.events import Event, Finding, Progress, TrialFinished, Warned
from automl_runtime.project.logs import log_event, logs_json

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

__all__ = ["Narrator", "narrate"]

S = TypeVar("S")
T = TypeVar("T")

_TOPIC_WIDTH = 12
_PLAIN_INTERVAL = 5.0


class Narrator:
    """Turns events into what a person reads on standard error; `quiet` shows warnings only.

    On a terminal, work in progress is one bar with the time left; elsewhere a plain line every five seconds.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False, bars: Bars | None = None) -> None:
        """Writes to `stream`, and draws on `bars` when it is given."""
        self._stream = stream
        self._quiet = quiet
        self._bars = bars
        self._task: TaskID | None = None
        self._stage = ""
        self._spoken = 0.0
        self._best = ""

    def __call__(self, event: Event) -> None:
        """Shows `event`."""
        if isinstance(event, Warned):
            self.line("warning", event.text, style="yellow")
        elif self._quiet:
            return
        elif isinstance(event, Finding):
            self.finish()
            self.line(event.topic, event.text)
        elif isinstance(event, TrialFinished):
            self._best = "" if event.best is None else f"{event.number} tried, best {event.best:.4f}"
        elif isinstance(event, Progress):
            self._advance(event)

    def line(self, topic: str, text: str, *, style: str = "cyan") -> None:
        """One line: the topic in its column, then the text, without what steers a terminal."""
        text = visible(text)
        if self._bars is not None:
            from rich.text import Text

            self._bars.console.print(Text(f"  {topic:<{_TOPIC_WIDTH}}", style=style) + Text(text), soft_wrap=True)
        else:
            self._stream.write(f"  {topic:<{_TOPIC_WIDTH}}{text}\n")
            self._stream.flush()

    def finish(self) -> None:
        """Takes the bar away."""
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
        self._task, self._stage, self._best = None, "", ""

    def pausing(self, function: Callable[[S], T]) -> Callable[[S], T]:
        """`function`, with the terminal left to it while it runs."""

        def paused(subject: S) -> T:
            with self.paused():
                return function(subject)

        return paused

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the terminal to a question: nothing is drawn meanwhile."""
        self.finish()
        if self._bars is not None:
            self._bars.stop()
        try:
            yield
        finally:
            if self._bars is not None:
                self._bars.start()

    def _advance(self, event: Progress) -> None:
        if event.stage != self._stage:
            self.finish()
            self._stage, self._spoken = event.stage, time.monotonic()
            if self._bars is not None:
                self._task = self._bars.add_task(event.stage, total=event.total, note="")
        note = visible(self._best or event.message)
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=event.done, total=event.total, note=note[:60])
        elif time.monotonic() - self._spoken >= _PLAIN_INTERVAL:
            self._spoken = time.monotonic()
            share = f"{100 * event.done / event.total:.0f} %" if event.total else ""
            self._stream.write(f"  {event.stage:<{_TOPIC_WIDTH}}{share} {note}".rstrip() + "\n")
            self._stream.flush()


class _Logged(Narrator):
    """Every event is a line of the log; nothing is left out."""

    def __call__(self, event: Event) -> None:
        log_event(event)

    def line(self, topic: str, text: str, *, style: str = "") -> None:
        del style
        log_event(Finding(topic, text))


@contextmanager
def narrate(*, quiet: bool = False, stream: TextIO | None = None) -> Iterator[Narrator]:
    """A narrator on standard error, with bars when that is a terminal; JSON lines where the log is JSON."""
    where = stream or sys.stderr
    if logs_json():
        yield _Logged(where)
        return
    if quiet or not where.isatty():
        yield Narrator(where, quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=28),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    with Bars(*columns, console=Console(file=where), transient=True) as bars:
        yield Narrator(where, bars=bars)
