"""The time that a search has."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

__all__ = ["Clock"]

_SHARE = 0.98


@dataclass(slots=True)
class Clock:
    """Counts from its making. Without a budget, time does not matter."""

    budget: float | None
    start: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def left(self) -> float:
        """Seconds until 98 % of the budget are used; infinite without a budget."""
        return float("inf") if self.budget is None else self.budget * _SHARE - self.elapsed()

    def deadline(self, seconds: float) -> float | None:
        """The moment in `seconds` from now, for a `Stopper`."""
        return None if self.budget is None else time.monotonic() + max(seconds, 0.0)
