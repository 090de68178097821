"""How many workers a load needs: the rule of Kubernetes' HorizontalPodAutoscaler, for the processes of one machine.

Source: kubernetes.io, "Horizontal Pod Autoscaling", algorithm details and stabilization window.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Scaling", "WorkerCount"]

_MOST_GROWTH: Final = 2
"""Times as many as there are, at once."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Between how many workers, and how eagerly."""

    least: int
    most: int
    busy: float = 0.6
    """Share of its time that a worker should be busy: the rest is for what comes in bursts."""
    tolerance: float = 0.1
    """Share by which a load may be off before the number changes."""
    calm_seconds: float = 60.0
    """How long fewer workers must have been enough before one is stopped."""
    warm_seconds: float = 10.0
    """How long a new worker is busy with its own start; it is not counted, and none is started beside it."""


@dataclass(slots=True)
class WorkerCount:
    """Decides how many workers there should be, one look after the other."""

    scaling: Scaling
    _needed: deque[tuple[float, int]] = field(default_factory=deque)

    def after(self, now: float, workers: int, busy: float) -> int:
        """How many there should be after this look: more at once, fewer one by one after a calm time.

        Args:
            now: seconds on a clock that never goes back.
            workers: how many there are, all warm.
            busy: mean share of the time since the last look that each was busy, from 0 (may exceed 1: threads).
        """
        scaling = self.scaling
        ratio = busy / scaling.busy
        needed = workers if abs(ratio - 1) <= scaling.tolerance else math.ceil(workers * ratio)
        self._needed.append((now, needed))
        if needed > workers:
            return min(needed, _MOST_GROWTH * workers, scaling.most)
        begin = now - scaling.calm_seconds
        # The look before the calm time stays: only with it, all of that time is known.
        while len(self._needed) > 1 and self._needed[1][0] <= begin:
            self._needed.popleft()
        calm = self._needed[0][0] <= begin
        enough = max(count for _, count in self._needed)
        return max(workers - 1, scaling.least) if calm and enough < workers else workers

    def forget(self) -> None:
        """Begins the calm time anew, as after each change."""
        self._needed.clear()
