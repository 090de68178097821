"""The time that a search has."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

__all__ = ["Clock"]

_SHARE = 0.96


@dataclass(slots=True)
class Clock:
    """Counts from its making. Without a budget, time does not matter."""

    budget: float | None
    start: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.start

    def left(self) -> float:
        """Seconds until the budget is used; infinite without one."""
        return float("inf") if self.budget is None else self.budget - self.elapsed()

    def search_left(self) -> float:
        """Seconds until trials have to end, which leaves 4 % of the budget for putting the model together."""
        return float("inf") if self.budget is None else self.budget * _SHARE - self.elapsed()

    def deadline(self, seconds: float) -> float | None:
        """The moment in `seconds` from now, for a `Stopper`."""
        return None if self.budget is None else time.monotonic() + max(seconds, 0.0)
