"""The error of a mixture that grows with each candidate: a step towards its outputs, as far as that helps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import selection_loss
from numpy.typing import NDArray

from benchmarks.portfolio.order import Floats, normalised

__all__ = ["Mixtures"]

_STEPS = (0.0, 0.2, 0.45)
"""Shares that a candidate may get, beside the mixture so far."""
_KEPT = 64

Outputs = NDArray[np.float32]


class Mixtures:
    """`errors` of candidates that were tried in an order, normalised by those of single candidates."""

    def __init__(self, problems: Sequence[Problem], rows: Sequence[NDArray[np.int64]], outputs: list[list[Outputs]]):
        """Outputs are those of candidates x tables, for `rows` of each table."""
        self._losses = [selection_loss(problem, own) for problem, own in zip(problems, rows, strict=True)]
        self._outputs = outputs
        self._made: dict[tuple[int, ...], tuple[Floats, list[float]]] = {}
        self._mixtures = lru_cache(_KEPT)(self._mixed)
        self._alone = np.array([self._grown((each,))[0] for each in range(len(outputs))])

    def errors(self, tried: tuple[int, ...]) -> Floats:
        """The normalised error on each table; below 0 where the mixture is better than every candidate alone."""
        if not tried:
            return np.ones(len(self._losses))
        return normalised(self._grown(tried)[0][None], self._alone)[0]

    def _grown(self, tried: tuple[int, ...]) -> tuple[Floats, list[float]]:
        """The losses, and the share that the last of `tried` gets on each table."""
        if tried not in self._made:
            own = self._outputs[tried[-1]]
            if len(tried) == 1:
                losses = [loss(each) for loss, each in zip(self._losses, own, strict=True)]
                self._made[tried] = np.array(losses), [1.0] * len(losses)
            else:
                before = self._mixtures(tried[:-1])
                steps = [
                    [loss((1 - share) * old + share * new) for share in _STEPS]
                    for loss, old, new in zip(self._losses, before, own, strict=True)
                ]
                self._made[tried] = np.min(steps, axis=1), [_STEPS[int(np.argmin(each))] for each in steps]
        return self._made[tried]

    def _mixed(self, tried: tuple[int, ...]) -> list[Outputs]:
        own, shares = self._outputs[tried[-1]], self._grown(tried)[1]
        if len(tried) == 1:
            return own
        before = self._mixtures(tried[:-1])
        return [(1 - share) * old + share * new for share, old, new in zip(shares, before, own, strict=True)]
