"""What a spec does not do although the words may suggest it."""

from __future__ import annotations

from automl_schemas.catalog import TableEntry
from automl_schemas.requirement import Requirement
from automl_schemas.spec import MetricSpec, TargetSpec, TaskSpec

from automl_agent.requirements.metrics import further_metrics

__all__ = ["doubts"]


def doubts(
    requirement: Requirement,
    task: TaskSpec,
    metric: MetricSpec,
    target: TargetSpec | None,
    base: TableEntry,
    *,
    dated: bool,
) -> list[str]:
    """Sentences for the user; `dated` says whether it is known when a row of `base` was observed."""
    found = []
    if task.horizon_days is not None and task.type != "forecast" and not dated:
        ahead = f"{task.horizon_days:g} days ahead"
        found.append(f"The data do not say when a row was observed; the target is taken to look {ahead}.")
    if metric.name == "mape" and target is not None and _may_be_zero(target, base):
        found.append("mape divides by the target, which can be zero here: small values weigh heavily.")
    more = further_metrics(requirement.request, metric.name)
    if more:
        found.append(f"One metric is optimised, {metric.name}; the goal for {', '.join(more)} is not checked.")
    return found


def _may_be_zero(target: TargetSpec, base: TableEntry) -> bool:
    lows = [column.stats.min for column in base.columns if column.name == target.column]
    return any(isinstance(low, int | float) and low <= 0 for low in lows)
