"""Samples for learners whose time grows faster than their rows: as many as the time allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Job

__all__ = ["fit_affordable", "sample", "sizes"]

_SHARE = 0.7
"""Of the time left that a fit may be expected to take."""

T = TypeVar("T")


def sample(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    """At most `most` places among `rows`, ascending; a smaller sample is part of a larger one of the same seed."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def sizes(rows: int, first: int, most: int) -> list[int]:
    """Sizes of samples: `first`, then always twice as many, up to all rows or `most`."""
    found = [min(first, rows)]
    while found[-1] < min(rows, most):
        found.append(min(2 * found[-1], rows, most))
    return found


def fit_affordable(job: Job, steps: Sequence[int], power: float, fit: Callable[[int], T]) -> tuple[T, int]:
    """What `fit` makes of as many rows as `job.stop` leaves time for, and the place of that size in `steps`, from 1.

    The smallest size is timed; a fit of n rows is taken to need time in proportion to n ** `power`. A fit cannot be
    interrupted. `job.rounds` names the place, so that a replay sees the same rows.
    """
    if job.rounds is not None:
        place = min(job.rounds, len(steps))
        return fit(steps[place - 1]), place
    if job.stop.deadline is None and not job.stop():
        return fit(steps[-1]), len(steps)
    start = time.monotonic()
    smallest = fit(steps[0])
    now = time.monotonic()
    left = 0.0 if job.stop() or job.stop.deadline is None else (job.stop.deadline - now) * _SHARE
    place = 1
    while place < len(steps) and (now - start) * (steps[place] / steps[0]) ** power <= left:
        place += 1
    return (smallest, 1) if place == 1 else (fit(steps[place - 1]), place)
