"""Numbers that are known ahead, at the steps before: an hour after rain, and a cold day, differ from what they seem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from automl_runtime.engine.forecasting.history import History, Rows
from automl_runtime.kernels.arrays import Floats

__all__ = ["Covariates"]

Steps = NDArray[np.int64]

_MOST_CELLS = 500_000
_UNSEASONAL = 4


@dataclass(frozen=True, slots=True)
class Covariates:
    """What is known ahead, as it was at past steps."""

    names: tuple[str, ...]
    values: NDArray[np.float64]
    """Columns x series x steps; NaN where nothing was told."""
    first: int
    """The step of the first."""

    @classmethod
    def of(cls, table: pd.DataFrame, names: Sequence[str], series: Steps, steps: Steps, history: History) -> Covariates:
        """The numbers among the columns `names` of `table`, whose rows are these steps of these series.

        They are stored with the model: none where all of them together have more than 500,000 cells.
        """
        numbers = tuple(str(name) for name in names if table[name].dtype.kind in "iufb")
        if len(numbers) * history.values.size > _MOST_CELLS:
            numbers = ()
        values = np.full((len(numbers), *history.values.shape), np.nan)
        return cls(numbers, values, history.first).told(Rows(series, steps, steps), table)

    def told(self, rows: Rows, known: pd.DataFrame) -> Covariates:
        """The same with what `known` tells of `rows`, but of steps before the first; what it lacks stays unknown."""
        kept = rows.steps >= self.first
        series, places = rows.series[kept], rows.steps[kept] - self.first
        columns, count, width = self.values.shape
        values = np.full((columns, count, max(width, int(places.max(initial=-1)) + 1)), np.nan)
        values[:, :, :width] = self.values
        for column, name in enumerate(self.names):
            if name in known.columns:
                numbers = pd.to_numeric(known[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
                values[column, series, places] = numbers[kept]
        return replace(self, values=values)

    def before(self, end: int) -> Covariates:
        """The same without the step `end` and all later ones."""
        return replace(self, values=self.values[:, :, : max(0, end - self.first)])

    def features(self, rows: Rows, known: pd.DataFrame, periods: Sequence[int]) -> dict[str, Floats]:
        """Of each number: its value one step before, and its mean over the shortest of `periods` that ends with a step.

        `known` tells what is known of `rows`; of steps that neither it nor the past tells of, nothing is known.
        """
        if not self.names:
            return {}
        period = min(periods, default=_UNSEASONAL)
        found: dict[str, Floats] = {}
        for name, values in zip(self.names, self.told(rows, known).values, strict=True):
            past = History(values, self.first)
            found[f"{name} a step before"] = past.at(rows.series, rows.steps - 1)
            found[f"{name} over {period} steps"], _ = past.window(rows.series, rows.steps, period)
        return found
