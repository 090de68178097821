"""New raw files of a layout that is known: read and cleaned by the recorded plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
from automl_schemas.catalog import DataCatalog, FileEntry, Shard, TableEntry
from automl_schemas.spec import ProjectSpec

from automl_runtime.data.cleaning import CleanTable
from automl_runtime.data.distinct_names import distinct_tables
from automl_runtime.data.duplicates import find_copies
from automl_runtime.data.keys import duplicate_rows
from automl_runtime.data.reading import read_path
from automl_runtime.data.shard_names import label_of, pieces, stem_of
from automl_runtime.data.shards import Part, stack_parts
from automl_runtime.data.table_entries import clean_with, without_rows
from automl_runtime.data.tables import RawTable
from automl_runtime.data.training_columns import join_prefixes
from automl_runtime.errors import SchemaMismatchError, shorten
from automl_runtime.events import EventSink, Progress, ignore

__all__ = ["Rediscovered", "optional_columns", "rediscover", "rediscover_files"]


@dataclass(frozen=True, slots=True)
class Rediscovered:
    """New files of a known layout."""

    tables: dict[str, CleanTable]
    catalog: DataCatalog
    """The known one, with files and rows of the new data; tables that were not asked for and are not there left out."""
    files: list[FileEntry]
    """All that were found, used or not."""


def rediscover(
    catalog: DataCatalog,
    source: Path,
    *,
    tables: Collection[str] | None = None,
    optional: Collection[str] = (),
    on_event: EventSink = ignore,
) -> dict[str, CleanTable]:
    """The tables of `catalog` from new files, cleaned by the plans that the catalog records.

    A new table is recognised by its file and sheet, else by its columns; further columns are left out. Several files
    that fit one table are stacked. Rows are de-duplicated where the catalog says that the table has a key.

    Args:
        catalog: of the data that the project was made from.
        source: file or folder with the new data.
        tables: those that are needed; all of the catalog when None.
        optional: `table.column` that may be absent and is then empty, such as the target.
        on_event: takes progress.

    Raises:
        SchemaMismatchError: when a table or column is missing, naming it.
    """
    return rediscover_files(catalog, source, tables=tables, optional=optional, on_event=on_event).tables


def rediscover_files(
    catalog: DataCatalog,
    source: Path,
    *,
    tables: Collection[str] | None = None,
    optional: Collection[str] = (),
    every_picture: bool = False,
    on_event: EventSink = ignore,
) -> Rediscovered:
    """As `rediscover`, with what the records of the project say of files and rows; `every_picture` as `read_path`."""
    result = read_path(source, every_picture=every_picture, on_event=on_event)
    result = replace(result, tables=distinct_tables(result.tables))
    wanted = [entry for entry in catalog.tables if tables is None or entry.name in tables]
    shards = {shard.table: shard for shard in catalog.shards}
    tags = {name: shard.tag_column for name, shard in shards.items()}
    needed = {entry.name: _needed(entry, optional, tags.get(entry.name)) for entry in wanted}
    found = _assigned(wanted, find_copies(result).tables, needed)
    clean: dict[str, CleanTable] = {}
    entries = {entry.name: entry for entry in catalog.tables if {*entry.files} <= {file.path for file in result.files}}
    for number, entry in enumerate(wanted):
        on_event(Progress("cleaning", number, len(wanted), entry.name))
        raws = found[entry.name]
        if not raws:
            raise _missing_table(entry, result.tables, source, needed[entry.name])
        clean[entry.name] = _clean(entry, raws, shards.get(entry.name), optional)
        entries[entry.name] = _refilled(entry, raws, clean[entry.name])
    on_event(Progress("cleaning", len(wanted), len(wanted)))
    kept = [entries[entry.name] for entry in catalog.tables if entry.name in entries]
    return Rediscovered(clean, catalog.model_copy(update={"tables": kept}), result.files)


def _refilled(entry: TableEntry, raws: Sequence[RawTable], clean: CleanTable) -> TableEntry:
    """The entry with the files, rows and rejected cells of new data."""
    rejected = Counter(reject.column for reject in clean.rejects)
    columns = [column.model_copy(update={"rejected": rejected[column.name]}) for column in entry.columns]
    return entry.model_copy(
        update={
            "files": list(dict.fromkeys(raw.file for raw in raws)),
            "inner": raws[0].inner,
            "rows_read": sum(raw.data.num_rows for raw in raws),
            "rows": clean.data.num_rows,
            "columns": columns,
        }
    )


def optional_columns(spec: ProjectSpec) -> list[str]:
    """`table.column` that rows to predict need not have: the target, and what the model does not see."""
    base = spec.data.tables[0].name if spec.data.tables else ""
    tables = dict(zip(join_prefixes(spec.data.joins, base), [join.child for join in spec.data.joins], strict=True))
    needed = {(base, name) for name in spec.data.tables[0].key} if spec.data.tables else set()
    needed |= {(join.child, name) for join in spec.data.joins for name in join.child_columns}
    needed |= {(tables.get(join.parent, join.parent), name) for join in spec.data.joins for name in join.parent_columns}
    found = [(tables.get(drop.table, drop.table), drop.column) for drop in spec.data.drop]
    if spec.target is not None:
        found += [(spec.target.table, name) for name in (spec.target.column, *spec.target.columns)]
    return [f"{table}.{column}" for table, column in dict.fromkeys(found) if (table, column) not in needed]


def _fold(name: str) -> str:
    return " ".join(name.casefold().split())


def _needed(entry: TableEntry, optional: Collection[str], tag: str | None = None) -> set[str]:
    """Folded names of the columns that a file of this table must have."""
    names = (column.name for column in entry.columns if f"{entry.name}.{column.name}" not in optional)
    return {_fold(name) for name in names if name != tag}


def _assigned(
    wanted: Sequence[TableEntry], raws: Sequence[RawTable], needed: Mapping[str, set[str]]
) -> dict[str, list[RawTable]]:
    found: dict[str, list[RawTable]] = {entry.name: [] for entry in wanted}
    for raw in raws:
        have = {_fold(name) for name in raw.data.column_names}
        fitting = [entry for entry in wanted if needed[entry.name] <= have]
        if fitting:
            best = max(fitting, key=lambda entry: (_likeness(entry, raw), -wanted.index(entry)))
            found[best.name].append(raw)
    for entry in wanted:
        exact = [raw for raw in found[entry.name] if _likeness(entry, raw) >= 3]
        named = [raw for raw in found[entry.name] if _likeness(entry, raw) >= 2]
        if len(entry.files) == 1 and len(found[entry.name]) > 1 and (exact or named):
            found[entry.name] = exact or named
    return found


def _likeness(entry: TableEntry, raw: RawTable) -> float:
    """3 for the same file and sheet, 2 for the same name, 1 for a name with the same words, 0 for columns only."""
    if raw.file in entry.files and raw.inner == entry.inner:
        return 3.0
    if raw.name == entry.name or stem_of(raw.file) in {stem_of(file) for file in entry.files}:
        return 2.0 if raw.inner == entry.inner else 1.5
    words = set(pieces(label_of(raw.file, raw.inner)))
    shared = words & set(pieces(entry.name))
    return len(shared) / (len(words) + 1) if shared else 0.0


def _clean(entry: TableEntry, raws: Sequence[RawTable], shard: Shard | None, optional: Collection[str]) -> CleanTable:
    tag = shard.tag_column if shard is not None else None
    parts = [Part(_aligned(entry, raw, tag, optional), _tag(shard, raw), raw.data.num_rows) for raw in raws]
    raw = stack_parts(entry.name, parts, tag)
    plans = {column.name: column.plan for column in entry.columns}
    clean = clean_with(raw, plans, parts if len(parts) > 1 else ())
    if any(key.unique == 1.0 for key in entry.keys):
        repeated = duplicate_rows(clean.data)
        if repeated.any():
            clean = without_rows(clean, repeated)
    return clean


def _aligned(entry: TableEntry, raw: RawTable, tag: str | None, optional: Collection[str]) -> RawTable:
    """`raw` with the columns of the catalog in their order and under their names; absent optional ones are empty."""
    by_name = {_fold(name): name for name in raw.data.column_names}
    columns: dict[str, pa.ChunkedArray | pa.Array] = {}
    for column in entry.columns:
        if column.name == tag:
            continue
        name = column.name if column.name in raw.data.column_names else by_name.get(_fold(column.name))
        if name is None:
            if f"{entry.name}.{column.name}" not in optional:
                raise _missing_column(entry, column.name, raw)
            columns[column.name] = pa.nulls(raw.data.num_rows, pa.string())
        else:
            columns[column.name] = raw.data[name]
    return RawTable(
        name=entry.name,
        file=raw.file,
        data=pa.table(columns),
        inner=raw.inner,
        header_row=raw.header_row,
        names_from=raw.names_from,
    )


def _tag(shard: Shard | None, raw: RawTable) -> str | None:
    """What the name of a new part says in the place where the known parts differ."""
    if shard is None or shard.tag_column is None:
        return None
    words = pieces(label_of(raw.file, raw.inner))
    for tag in shard.tags:
        if set(pieces(tag)) <= set(words):
            return tag
    common = set.intersection(*(set(pieces(label_of(*_split(file)))) for file in shard.files))
    rest = [word for word in words if word not in common and word not in pieces(shard.table)]
    return "-".join(rest) or None


def _split(label: str) -> tuple[str, str | None]:
    file, _, inner = label.partition("#")
    return file, inner or None


def _missing_table(entry: TableEntry, raws: Sequence[RawTable], source: Path, needed: set[str]) -> SchemaMismatchError:
    """The error when no file fits: names the table, and the columns that the most similar file lacks."""
    best, lacking = None, needed
    for raw in raws:
        missing = needed - {_fold(name) for name in raw.data.column_names}
        if len(missing) < len(lacking):
            best, lacking = raw, missing
    if best is not None and (len(lacking) <= 0.5 * len(needed) or _likeness(entry, best) >= 2):
        absent = [column.name for column in entry.columns if _fold(column.name) in lacking]
        return _missing_column(entry, absent[0], best, len(absent) - 1)
    return SchemaMismatchError(
        f"There is no table `{entry.name}` in {shorten(str(source))}.",
        hint=f"It was read from {', '.join(entry.files[:3])} and has the columns "
        f"{', '.join(f'`{column.name}`' for column in entry.columns[:20])}.",
    )


def _missing_column(entry: TableEntry, column: str, raw: RawTable, more: int = 0) -> SchemaMismatchError:
    close = get_close_matches(column, raw.data.column_names, n=1, cutoff=0.6)
    further = f" and {more} more" if more else ""
    meant = f" Did you mean `{column}` by `{close[0]}`?" if close else ""
    return SchemaMismatchError(
        f"{raw.file}: table `{entry.name}` has no column `{column}`{further}.",
        hint=f"Its columns are {', '.join(f'`{name}`' for name in raw.data.column_names[:20])}.{meant}",
    )
