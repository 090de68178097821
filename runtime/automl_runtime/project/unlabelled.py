"""What a report may show of clusters and of strange rows: nothing that is personal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from automl_runtime.data.personal import mask
from automl_runtime.engine.anomaly.evaluation import AnomalyView, StrangeRow
from automl_runtime.engine.clustering.evaluation import ClusterView
from automl_runtime.inference.explaining import one_line

if TYPE_CHECKING:
    from automl_schemas.vocabulary import PersonalData

    from automl_runtime.project.layout import Project

__all__ = ["with_masked_reasons", "without_personal_traits"]


def without_personal_traits(view: ClusterView, personal: Collection[str]) -> ClusterView:
    """`view` without the traits that would show values of a personal column."""
    profiles = [
        replace(profile, traits=tuple(trait for trait in profile.traits if trait.column not in personal))
        for profile in view.profiles
    ]
    return replace(view, profiles=profiles)


def with_masked_reasons(view: AnomalyView, rows: pd.DataFrame, project: Project) -> AnomalyView:
    """`view` with the strangest rows named by the key of their table (of series: by series and moment), each series by
    its columns, and with personal values masked.
    """
    personal = {column.name: column.personal for column in project.columns if column.personal is not None}
    task = project.spec.task
    named = [*task.series, task.time] if task.anomalies_in_time else project.spec.data.tables[0].key
    key = [name for name in named if name is not None and name in rows.columns]

    def told(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_told(name, value, personal) for name, value in zip(task.series, values, strict=bool(values)))

    return replace(
        view,
        strangest=[_masked(row, rows.iloc[row.place], key, personal) for row in view.strangest],
        stretches=[replace(stretch, key=told(stretch.key)) for stretch in view.stretches],
        series=[replace(series, key=told(series.key)) for series in view.series],
    )


def _told(name: str, value: object, personal: dict[str, PersonalData]) -> str:
    return f"{name} = {mask(str(value), personal[name]) if name in personal else value}"


def _masked(row: StrangeRow, cells: pd.Series, key: list[str], personal: dict[str, PersonalData]) -> StrangeRow:
    named = [_told(name, cells[name], personal) for name in key]
    reasons = [
        replace(reason, value="masked", words=f"{one_line(reason.column)}: masked, for it is personal")
        if reason.column in personal
        else reason
        for reason in row.reasons
    ]
    return replace(row, name=", ".join(named) or f"row {row.place + 1:,} of the holdout", reasons=reasons)
