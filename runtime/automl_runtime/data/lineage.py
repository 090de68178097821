"""Where each column comes from and what became of each row, in words; and the fingerprints of the sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from automl_schemas.catalog import ColumnEntry, DataCatalog, FileEntry, TableEntry
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.lineage import ColumnLineage, DataManifest, Lineage, RowBalance, SourceFile
from automl_schemas.spec import JoinSpec

from automl_runtime.data.catalog import Discovery
from automl_runtime.data.training_columns import TrainingColumn, join_prefixes

__all__ = ["fingerprint", "lineage_of", "manifest_of", "manifest_of_files"]

_AGGREGATES = {
    "sum": "sum of {column}",
    "mean": "mean of {column}",
    "min": "smallest {column}",
    "max": "largest {column}",
    "last": "{column} of the latest row",
    "distinct": "number of different {column}",
    "most_frequent": "most frequent {column}",
    "days_since_last": "days from the latest {column} to the cut-off, or to the last day of the table",
}

_PASTS = {
    "recent_mean": "mean of {column} over the last days with rows of the same {entity}, before the day of the row",
    "past_mean": "mean of {column} over all earlier days of the same {entity}",
    "past_count": "number of rows of the same {entity} on earlier days",
}


def lineage_of(catalog: DataCatalog, columns: Iterable[TrainingColumn] = (), joins: Sequence[JoinSpec] = ()) -> Lineage:
    """Every column of the clean tables, and of the training table when there is one, back to file and steps.

    Rows balance for each table: rows read are rows out and rows dropped, with the reason.

    Args:
        catalog: of the tables.
        columns: those of the training table.
        joins: of the tables whose columns it has.
    """
    entries = {table.name: table for table in catalog.tables}
    tags = {shard.table: shard.tag_column for shard in catalog.shards}
    tables = {
        name: [_column(entry, column, column.name == tags.get(name)) for column in entry.columns]
        for name, entry in entries.items()
    }
    training = [_training(column, entries, tables, joins) for column in columns]
    return Lineage(tables=tables, training_table=training, rows=[_balance(entry) for entry in catalog.tables])


def _places(entry: TableEntry) -> list[str]:
    inner = f"#{entry.inner}" if entry.inner is not None else ""
    return [f"{file}{inner}" for file in entry.files]


def _column(entry: TableEntry, column: ColumnEntry, is_tag: bool) -> ColumnLineage:
    if is_tag:
        steps = [f"taken from the names of {len(entry.files)} stacked files"]
        return ColumnLineage(column=column.name, sources=_places(entry), steps=steps)
    sources = [f"{place}:{column.name}" for place in _places(entry)]
    return ColumnLineage(column=column.name, sources=sources, steps=_steps(entry, column))


def _steps(entry: TableEntry, column: ColumnEntry) -> list[str]:
    steps = []
    if len(entry.files) > 1:
        steps.append(f"stacked from {len(entry.files)} files")
    steps += _cleaning(column.plan)
    if column.rejected:
        steps.append(f"{column.rejected:,} cells that could not be parsed are null, kept in _rejects.jsonl")
    if entry.rows < entry.rows_read:
        steps.append(f"{entry.rows_read - entry.rows:,} repeated rows dropped")
    return steps


def _cleaning(plan: ColumnPlan) -> list[str]:
    if not plan.accepted:
        return ["cells as they stand: the cleaning plan was rejected"]
    steps = []
    if plan.missing:
        steps.append(f"missing: {', '.join(repr(marker) for marker in plan.missing[:10])}")
    if plan.sentinels:
        steps.append(f"missing: {', '.join(f'{value:g}' for value in plan.sentinels)}")
    if plan.unit is not None:
        steps.append(f"unit {plan.unit!r} removed")
    if plan.percent:
        steps.append("percent sign removed")
    if plan.decimal == "," or plan.thousands:
        steps.append(f"numbers with decimal {plan.decimal!r} and thousands {plan.thousands!r}")
    if plan.date_formats:
        steps.append(f"dates read as {', '.join(plan.date_formats[:6])}")
    if plan.epoch is not None:
        steps.append(f"moments counted since 1970 in {plan.epoch}")
    if plan.hhmm:
        steps.append("clock times like 1730 read as minutes since midnight")
    if plan.true_values or plan.false_values:
        steps.append(f"yes: {', '.join(plan.true_values)}; no: {', '.join(plan.false_values)}")
    if plan.categories:
        steps.append(f"{len(plan.categories)} spellings merged")
    return [*steps, f"typed as {plan.type}"]


def _training(
    column: TrainingColumn,
    entries: dict[str, TableEntry],
    tables: dict[str, list[ColumnLineage]],
    joins: Sequence[JoinSpec],
) -> ColumnLineage:
    entry = entries[column.table]
    own = next((item for item in tables[column.table] if item.column == column.column), None)
    sources = own.sources if own is not None else _places(entry)
    steps = list(own.steps) if own is not None else []
    if column.aggregate in _PASTS:
        entity = column.prefix.removesuffix("_history")
        steps.append(_PASTS[column.aggregate].format(column=column.column, entity=entity))
        return ColumnLineage(column=column.name, sources=sources, steps=steps)
    if column.prefix:
        steps += [_join_step(join) for join in _way(column.prefix, joins)]
    if column.aggregate in _AGGREGATES:
        steps.append(_AGGREGATES[column.aggregate].format(column=column.column))
    elif column.aggregate == "count":
        steps.append(f"number of rows of {column.table}")
    elif column.aggregate == "present":
        steps.append(f"whether there is a row of {column.table}")
    elif column.aggregate == "identity":
        steps.append("fingerprint of the row, without the target")
    return ColumnLineage(column=column.name, sources=sources, steps=steps)


def _way(prefix: str, joins: Sequence[JoinSpec]) -> list[JoinSpec]:
    """The joins from the base table to the one that is called `prefix`."""
    base = joins[0].parent
    by_prefix = dict(zip(join_prefixes(joins, base), joins, strict=True))
    way = [by_prefix[prefix]]
    while way[0].parent != base:
        parent = way[0].parent
        way.insert(
            0, by_prefix[parent] if parent in by_prefix else next(join for join in joins if join.child == parent)
        )
    return way


def _join_step(join: JoinSpec) -> str:
    own, other = " + ".join(join.child_columns), " + ".join(join.parent_columns)
    return f"joined {join.cardinality}: {join.child}.{own} = {join.parent}.{other}"


def _balance(entry: TableEntry) -> RowBalance:
    repeated = entry.rows_read - entry.rows
    dropped = {"repeats another row": repeated} if repeated else {}
    return RowBalance(table=entry.name, rows_in=entry.rows_read, rows_out=entry.rows, dropped=dropped)


def manifest_of(discovery: Discovery) -> DataManifest:
    """The fingerprints of all files that were found, used or not."""
    return manifest_of_files(discovery.catalog.files, discovery.root.as_posix())


def fingerprint(manifest: DataManifest) -> str:
    """One hash over the paths and hashes of the files."""
    lines = sorted(f"{file.path}\0{file.sha256}\n" for file in manifest.files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def manifest_of_files(files: Iterable[FileEntry], source: str) -> DataManifest:
    """The fingerprints of `files`, which lie below `source`."""
    found = [SourceFile(path=entry.path, sha256=entry.sha256, bytes=entry.bytes) for entry in files]
    return DataManifest(source=source, files=found)
