"""What long work looks at between its steps: the clock, and whether it was cancelled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from automl_runtime.engine.clock import Clock
from automl_runtime.errors import Cancelled
from automl_runtime.events import EventSink, Progress

__all__ = ["Watch", "raise_interrupt"]


@dataclass(frozen=True, slots=True)
class Watch:
    """The clock of a fit, its listener, and who may cancel it."""

    clock: Clock
    on_event: EventSink
    cancel: Callable[[], bool] | None = None

    def check(self) -> None:
        """Goes on.

        Raises:
            Cancelled: if `cancel` says so.
        """
        if self.cancel is not None and self.cancel():
            raise Cancelled("The training was cancelled.")

    def over(self, reserve: float = 0.0) -> bool:
        """Whether the time is over but for `reserve` seconds.

        Raises:
            Cancelled: if `cancel` says so.
        """
        self.check()
        return self.clock.search_left() <= reserve

    def say(self, message: str) -> None:
        """Reports how far the work is."""
        self.on_event(Progress("training", self.clock.elapsed(), self.clock.budget, message))


def raise_interrupt(error: BaseException) -> None:
    """Raises the Ctrl-C that `error` covers, if there is one.

    An interrupt inside a lock's own code comes out as another error ("release unlocked lock"), raised while the
    interrupt was handled.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        cause = cause.__context__
