"""Which columns of the training table are no features, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from automl_runtime.data.assemble import IDENTITY, TrainingColumn
from automl_schemas.catalog import ColumnEntry, DataCatalog
from automl_schemas.spec import DroppedColumn, ProjectSpec

from automl_agent.grounding.pictures import content_of_pictures

__all__ = ["settle_drops"]

_FEWEST_NAMED: Final = 20
_NEARLY_ALL: Final = 0.8


def settle_drops(
    spec: ProjectSpec, columns: Sequence[TrainingColumn], leaks: Sequence[DroppedColumn], catalog: DataCatalog
) -> ProjectSpec:
    """`spec` with the columns that are no features listed under `data.drop`, each with its reason.

    These are the leaks, and columns that identify, never vary, hold nothing or are personal; what `data.keep` names
    stays.
    """
    drops = {(drop.table, drop.column): drop for drop in (*spec.data.drop, *leaks)}
    protected = _protected(spec)
    pictured = any(column.type == "image" and not column.prefix for column in columns)
    for column in columns:
        reason = None if column.name in protected or column.aggregate else _no_feature(column, catalog)
        if column.type == "image" and column.prefix and pictured:
            reason = "the row has a picture of its own"
        table = column.prefix or column.table
        if reason is not None and not {f"{table}.{column.source_name}", column.name} & set(spec.data.keep):
            drop = DroppedColumn(table=table, column=column.source_name, reason=reason)
            drops.setdefault((drop.table, drop.column), drop)
    return spec.model_copy(update={"data": spec.data.model_copy(update={"drop": list(drops.values())})})


def _protected(spec: ProjectSpec) -> set[str]:
    base = spec.data.tables[0]
    named = {spec.target.column if spec.target else None, spec.task.time, spec.task.group, spec.data.cutoff}
    return {*base.key, *spec.task.series, IDENTITY, *(name for name in named if name)}


def _no_feature(column: TrainingColumn, catalog: DataCatalog) -> str | None:
    if column.personal is not None:
        return f"personal data: {column.personal}"
    if column.column is not None and column.column == content_of_pictures(catalog.table(column.table)):
        return "identifier"
    if column.prefix and _names_rows(next(c for c in catalog.table(column.table).columns if c.name == column.column)):
        return "identifier"
    return {"constant": "constant", "empty": "empty", "id": "identifier"}.get(column.role)


def _names_rows(entry: ColumnEntry) -> bool:
    """Whether a column of a looked-up table is one more name of its rows, in a word that nothing can be read from."""
    filled = entry.rows - entry.missing
    if entry.type not in ("category", "text") or filled < _FEWEST_NAMED or entry.distinct < _NEARLY_ALL * filled:
        return False
    return not any(" " in value.value.strip() for value in entry.stats.top)
