"""The bench that features are judged on: training rows with the present features, and what is to be learned of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from automl_runtime.engine.forecasting.fitting import forecast_problem
from automl_runtime.engine.pairs import gains
from automl_runtime.engine.problem import Problem, make_problem
from automl_runtime.kernels.arrays import Floats

from automl_agent.feature_code.judging import judged_rows, matrix_of
from automl_agent.feature_code.material import Material

__all__ = ["Bench"]

_TASKS: Final = ("binary", "multiclass", "regression", "forecast")
_MOST_FORECAST_ROWS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Bench:
    """The rows that are judged on, as arrays."""

    rows: pd.DataFrame
    """Rows of the training table; proposals are computed for these."""
    problem: Problem
    base: Floats
    """The present features (examples x columns); of a forecast an example is a step seen from some steps before."""
    owners: tuple[str, ...]
    """The feature that each column of `base` comes from."""
    add: Callable[[str, pd.Series], Floats]
    """What a feature with these values for `rows` adds to `base`."""

    @classmethod
    def of(cls, material: Material) -> Bench | None:
        """The bench of a project; None where nothing says how good a feature is: of groups, of strange rows."""
        task = material.project.spec.task.type
        if task not in _TASKS:
            return None
        return _of_forecast(material) if task == "forecast" else _of_table(material)

    def importance(self, seed: int) -> dict[str, float]:
        """What a short boosting gains from each feature."""
        found = gains(self.base, self.problem.y, len(self.problem.classes), seed)
        totals: dict[str, float] = {}
        for owner, gain in zip(self.owners, found, strict=True):
            totals[owner] = totals.get(owner, 0.0) + float(gain)
        return totals


def _of_table(material: Material) -> Bench:
    project = material.project
    spec = project.spec
    rows = material.rows.iloc[judged_rows(len(material.rows), spec.seed)].reset_index(drop=True)
    time = spec.task.time if spec.training.validation == "temporal" else None
    features, problem = make_problem(
        material.code.build(rows),
        rows[project.target],
        task=spec.task.type,
        metric=spec.metric.name,
        positive=None if spec.target is None else spec.target.positive,
        groups=project.groups(rows),
        time=None if time is None else rows[time],
    )
    base, owners = matrix_of(features, material.code.kinds)
    return Bench(rows, problem, base, owners, lambda _, values: _column(values))


def _of_forecast(material: Material) -> Bench:
    project = material.project
    spec = project.spec
    task, target = spec.task, project.target
    assert task.time is not None and task.horizon is not None
    rows = material.rows.sort_values(task.time, kind="stable").tail(_MOST_FORECAST_ROWS).reset_index(drop=True)
    rows = rows[rows[target].notna()].reset_index(drop=True)
    built = material.code.build(rows)
    ahead = [str(name) for name in built.columns if name not in (task.time, *task.series)]
    roles: dict[str, Any] = {"time": task.time, "horizon": task.horizon, "series": task.series, "seed": spec.seed}
    roles |= {"frequency": task.frequency, "metric": spec.metric.name}
    table = built.assign(**{target: rows[target]})
    inputs, problem = forecast_problem(table, target, known_ahead=ahead, **roles)
    base, owners = matrix_of(inputs, {})
    seen = set(inputs.columns)

    def add(name: str, values: pd.Series) -> Floats:
        wider, _ = forecast_problem(table.assign(**{name: values}), target, known_ahead=[*ahead, name], **roles)
        return matrix_of(wider[[column for column in wider.columns if column not in seen]], {})[0]

    return Bench(rows, problem, base, owners, add)


def _column(values: pd.Series) -> Floats:
    """A column of values as a matrix; what is not finite is missing."""
    numbers = values.to_numpy(dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)[:, None].astype(np.float64)
