"""The table in which the leaks of a forecast are looked for: every column that it could see, and nothing of later."""

from __future__ import annotations

from automl_runtime.data.relations import table_spec
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.spec import JoinSpec, ProjectSpec, TaskSpec

__all__ = ["wide"]


def wide(spec: ProjectSpec, catalog: DataCatalog) -> ProjectSpec:
    """The spec of the table with every column that a forecast could see, in which leaks are looked for.

    Rows that are counted over time are left out, and so is the same data at another grain: both would tell of the time
    that is to be forecast.
    """
    base = spec.data.tables[0].name
    own = {column.name.casefold() for column in catalog.table(base).columns}
    kept: list[JoinSpec] = []
    reached = {base}
    for join in spec.data.joins:
        again = _is_again(catalog.table(join.child), join, own)
        if join.parent in reached and join.cardinality != "1:n" and not again:
            kept.append(join)
            reached.add(join.child)
    tables = [table for table in spec.data.tables if table.name in reached]
    for join in _calendars(catalog, base, spec.task.time, reached):
        kept.append(join)
        tables.append(table_spec(catalog.table(join.child)))
    task = TaskSpec(type="regression", entity=spec.task.entity, time=_plain_time(spec, catalog.table(base)))
    data = spec.data.model_copy(update={"tables": tables, "joins": kept, "cutoff": None, "cutoff_sql": None})
    training = spec.training.model_copy(update={"validation": "temporal" if task.time else "random"})
    return spec.model_copy(update={"task": task, "data": data, "training": training})


def _calendars(catalog: DataCatalog, base: str, time: str | None, reached: set[str]) -> list[JoinSpec]:
    """Tables with one row for each date that the rows of the base table span, as a list of holidays is."""
    own = next((column for column in catalog.table(base).columns if column.name == time), None)
    found = []
    for table in catalog.tables if own is not None and own.type == "date" else ():
        for column in table.columns:
            key = any(key.columns == [column.name] and key.unique == 1.0 for key in table.keys)
            if table.name not in reached and key and column.type == "date" and _spans(column, own):
                found.append(
                    JoinSpec(
                        child=table.name,
                        parent=base,
                        child_columns=[column.name],
                        parent_columns=[str(time)],
                        cardinality="n:1",
                    )
                )
                break
    own_names = {column.name.casefold() for column in catalog.table(base).columns}
    return [join for join in found if not _is_again(catalog.table(join.child), join, own_names)]


def _is_again(table: TableEntry, join: JoinSpec, own: set[str]) -> bool:
    """Whether a table holds mostly what the base table holds too: the same data at another grain."""
    names = [column.name.casefold() for column in table.columns if column.name not in join.child_columns]
    return sum(name in own for name in names) > len(names) / 2


def _spans(column: ColumnEntry, own: ColumnEntry | None) -> bool:
    if own is None:
        return False
    ends = [column.stats.min, own.stats.min, column.stats.max, own.stats.max]
    low, own_low, high, own_high = map(str, ends)
    return None not in ends and low <= own_low and own_high <= high


def _plain_time(spec: ProjectSpec, table: TableEntry) -> str | None:
    return spec.task.time if any(column.name == spec.task.time for column in table.columns) else None
