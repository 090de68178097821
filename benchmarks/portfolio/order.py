"""The order of a portfolio: greedily, what most lowers the error of the best so far, for what it costs.

Feurer et al., Auto-Sklearn 2.0: Hands-free AutoML via Meta-Learning, 2022, section 3.1.2, without the cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["greedy_order", "leave_one_out", "normalised"]

Floats = NDArray[np.float64]


def normalised(errors: Floats) -> Floats:
    """Candidates x tables: 0 is the best of a table, 1 its median and all that is worse or failed (NaN)."""
    best, median = np.nanmin(errors, axis=0), np.nanmedian(errors, axis=0)
    spread = np.where(median > best, median - best, 1.0)
    return np.where(np.isnan(errors), 1.0, np.minimum((errors - best) / spread, 1.0))


def greedy_order(
    errors: Floats, seconds: Floats, count: int, *, begin: Sequence[int] = (), power: float = 0.5
) -> list[int]:
    """`count` candidates, or all there are.

    Next is the one with the largest fall of the mean, over tables, of the least error so far, divided by its mean
    seconds to the power `power`. When none lowers it any more, those with the least mean error follow.

    Args:
        errors: candidates x tables, as `normalised` makes them.
        seconds: candidates x tables; NaN where nothing was fitted.
        count: how many are wanted.
        begin: those that come first, whatever they bring.
        power: 0 leaves the cost out, 1 is the fall for each second.
    """
    costs = _relative_costs(seconds) ** power
    chosen = list(begin)
    least = errors[chosen].min(axis=0, initial=1.0)
    while len(chosen) < min(count, len(errors)):
        falls = (least - np.minimum(errors, least)).mean(axis=1) / costs
        falls[chosen] = -1.0
        if falls.max() <= 0:
            rest = [int(each) for each in np.argsort(errors.mean(axis=1), kind="stable") if each not in chosen]
            return [*chosen, *rest[: count - len(chosen)]]
        chosen.append(int(falls.argmax()))
        least = np.minimum(least, errors[chosen[-1]])
    return chosen


def leave_one_out(
    errors: Floats,
    seconds: Floats,
    sources: Sequence[str],
    count: int,
    *,
    begin: Sequence[int] = (),
    power: float = 0.5,
) -> dict[str, list[int]]:
    """For each source the order that is found without any of its tables; `errors` as they are, not normalised."""
    found = {}
    for source in dict.fromkeys(sources):
        others = np.array([each != source for each in sources])
        made = normalised(errors[:, others])
        found[source] = greedy_order(made, seconds[:, others], count, begin=begin, power=power)
    return found


def _relative_costs(seconds: Floats) -> Floats:
    """The mean over tables of seconds, each beside what is usual on the table."""
    relative = seconds / np.nanmedian(seconds, axis=0)
    return np.asarray(np.maximum(np.nanmean(relative, axis=1), 1e-3))
