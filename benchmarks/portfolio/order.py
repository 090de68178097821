"""The order of a portfolio: greedily, what most lowers the error of all that has been tried so far, for what it costs.

Feurer et al., Auto-Sklearn 2.0: Hands-free AutoML via Meta-Learning, 2022, section 3.1.2, without the cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tried", "best_so_far", "costs_of", "greedy_order", "leave_one_out", "normalised"]

Floats = NDArray[np.float64]
Tried = Callable[[tuple[int, ...]], Floats]
"""Candidates that were tried, in order -> the error on each table of what is made of them; 1 where nothing is good."""


def normalised(errors: Floats, scale: Floats | None = None) -> Floats:
    """Candidates x tables: 0 is the best of a table, 1 the median and all that is worse or failed (NaN).

    Best and median are those of `scale`, or of `errors` themselves.
    """
    scale = errors if scale is None else scale
    best, median = np.nanmin(scale, axis=0), np.nanmedian(scale, axis=0)
    spread = np.where(median > best, median - best, 1.0)
    return np.where(np.isnan(errors), 1.0, np.minimum((errors - best) / spread, 1.0))


def best_so_far(errors: Floats) -> Tried:
    """The least of the normalised `errors` (candidates x tables)."""
    return lambda tried: errors[list(tried)].min(axis=0, initial=1.0)


def costs_of(seconds: Floats) -> Floats:
    """The mean over tables of seconds, each beside what is usual on the table; NaN where nothing was fitted."""
    relative = seconds / np.nanmedian(seconds, axis=0)
    return np.asarray(np.maximum(np.nanmean(relative, axis=1), 1e-3))


def greedy_order(
    tried: Tried, costs: Floats, tables: Sequence[int], *, begin: Sequence[int] = (), most: int | None = None
) -> list[int]:
    """All candidates, one for each of `costs`.

    Next is the one with the largest fall of the mean error over `tables`, divided by its cost. When none lowers it any
    more, or `most` are chosen, the others follow, those with the least mean error first. `begin` comes first, whatever
    it brings.
    """
    at = list(tables)
    order = list(begin)
    while len(order) < len(costs):
        now = tried(tuple(order))[at].mean()
        left = [each for each in range(len(costs)) if each not in order]
        full = most is not None and len(order) >= most
        falls = [0.0] if full else [(now - tried((*order, each))[at].mean()) / costs[each] for each in left]
        if max(falls) <= 0:
            return [*order, *sorted(left, key=lambda each: float(tried((each,))[at].mean()))]
        order.append(left[int(np.argmax(falls))])
    return order


def leave_one_out(
    tried: Tried,
    seconds: Floats,
    sources: Sequence[str],
    *,
    begin: Sequence[int] = (),
    power: float = 0.5,
    most: int | None = None,
) -> dict[str, list[int]]:
    """For each source of tables the order that is found without any of them; costs are taken to the `power`."""
    found = {}
    for source in dict.fromkeys(sources):
        others = [place for place, each in enumerate(sources) if each != source]
        found[source] = greedy_order(tried, costs_of(seconds[:, others]) ** power, others, begin=begin, most=most)
    return found
