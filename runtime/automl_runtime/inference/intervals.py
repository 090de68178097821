"""Intervals around predicted numbers, as wide as errors out of fold were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl_runtime.kernels.arrays import Floats

__all__ = ["Interval", "make_interval", "read_interval"]

_FEWEST_ROWS = 20
_ROWS_OF_A_GROUP = 100
_MOST_GROUPS = 5


@dataclass(frozen=True, slots=True)
class Interval:
    """What is added to a prediction for the lower and the upper bound, by how large the prediction is.

    Predictions in (`edges[i - 1]`, `edges[i]`] get `low[i]` and `high[i]`; the outer groups are open.
    """

    level: float
    """The share of the rows that shall fall inside."""
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def bounds(self, predicted: Floats) -> tuple[Floats, Floats]:
        """The lower and the upper bound for each prediction."""
        group = np.searchsorted(np.array(self.edges), predicted)
        return predicted + np.array(self.low)[group], predicted + np.array(self.high)[group]


def make_interval(actual: Floats, predicted: Floats, level: float = 0.9) -> Interval | None:
    """The interval that held the share `level` of rows that were predicted out of fold; None for fewer than 20 rows.

    Cross-conformal (Vovk, Cross-conformal predictors, 2015), by groups of a hundred rows and more that are predicted
    alike, five at most (Bostrom and Johansson, Mondrian conformal regressors, 2020): large values are often missed by
    more than small ones.
    """
    if len(actual) < _FEWEST_ROWS:
        return None
    groups = int(np.clip(len(actual) // _ROWS_OF_A_GROUP, 1, _MOST_GROUPS))
    edges = np.unique(np.quantile(predicted, np.arange(1, groups) / groups))
    group = np.searchsorted(edges, predicted)
    low, high = [], []
    for number in range(len(edges) + 1):
        errors = np.sort((actual - predicted)[group == number])
        if not len(errors):
            errors = np.sort(actual - predicted)
        rank = int((len(errors) + 1) * (1 - level) / 2)
        low.append(float(errors[max(rank - 1, 0)]))
        high.append(float(errors[min(len(errors) - rank, len(errors) - 1)]))
    return Interval(level, tuple(edges.tolist()), tuple(low), tuple(high))


def read_interval(record: dict[str, Any] | None) -> Interval | None:
    """The interval that was written field by field.

    Raises:
        ValueError: if its parts do not fit together.
    """
    if record is None:
        return None
    interval = Interval(float(record["level"]), *(tuple(map(float, record[part])) for part in ("edges", "low", "high")))
    if not len(interval.low) == len(interval.high) == len(interval.edges) + 1:
        raise ValueError("the parts of the interval do not fit together")
    return interval
