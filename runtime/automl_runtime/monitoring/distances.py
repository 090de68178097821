"""How far two binned distributions are apart; `reference.psi` is the third of these measures."""

from __future__ import annotations

import numpy as np

from automl_runtime.kernels.arrays import Floats

__all__ = ["jensen_shannon", "wasserstein"]


def jensen_shannon(first: Floats, second: Floats) -> float:
    """Jensen-Shannon divergence of two vectors of counts over the same bins, in bits: 0 when equal, 1 when disjoint.

    Lin, Divergence measures based on the Shannon entropy (1991).

    >>> jensen_shannon(np.array([3.0, 0.0]), np.array([0.0, 5.0]))
    1.0
    """
    if first.sum() == 0 or second.sum() == 0:
        return 0.0
    p, q = first / first.sum(), second / second.sum()
    middle = (p + q) / 2
    return float((_relative(p, middle) + _relative(q, middle)) / 2)


def wasserstein(
    edges: Floats, first: Floats, second: Floats, first_tails: tuple[float, float], second_tails: tuple[float, float]
) -> float:
    """Earth mover's distance of two distributions of numbers, in their own unit.

    Values are taken to lie evenly in their bins. The outer bins have no outer end: theirs is put where the mean of
    their values is as it was, so that one value far off does not stretch a bin full of others.

    Args:
        edges: n inner edges, ascending.
        first: n + 1 counts.
        second: n + 1 counts over the same bins.
        first_tails: means of the values in the first and in the last bin.
        second_tails: the same of the other distribution.
    """
    if first.sum() == 0 or second.sum() == 0 or not len(edges):
        return 0.0
    reached = [np.concatenate([[0.0], np.cumsum(counts) / counts.sum()]) for counts in (first, second)]
    shares = np.unique(np.concatenate(reached))
    middles = (shares[1:] + shares[:-1]) / 2
    sides = []
    for steps, counts, tails in zip(reached, (first, second), (first_tails, second_tails), strict=True):
        ends = np.concatenate([[2 * tails[0] - edges[0]], edges, [2 * tails[1] - edges[-1]]])
        # Rounding must not put the last share behind the last step.
        bins = np.minimum(np.searchsorted(steps, middles, side="right") - 1, len(counts) - 1)
        wide = (ends[bins + 1] - ends[bins]) * counts.sum() / counts[bins]
        sides.append([ends[bins] + (share - steps[bins]) * wide for share in (shares[:-1], shares[1:])])
    left, right = sides[0][0] - sides[1][0], sides[0][1] - sides[1][1]
    return float(np.sum(np.diff(shares) * _mean_size(left, right)))


def _relative(p: Floats, q: Floats) -> float:
    some = p > 0
    return float(np.sum(p[some] * np.log2(p[some] / q[some])))


def _mean_size(left: Floats, right: Floats) -> Floats:
    """The mean of |x| where x goes evenly from `left` to `right`."""
    crosses = np.sign(left) * np.sign(right) < 0
    first, second = np.abs(left), np.abs(right)
    # Two triangles, each weighted by its part of the way; written so that squares cannot overflow.
    share = first / np.maximum(first + second, np.finfo(float).tiny)
    return np.asarray(np.where(crosses, first * share + second * (1 - share), first + second) / 2)
