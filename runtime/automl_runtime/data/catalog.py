"""From a folder to its catalog: what is read, stacked, cleaned, keyed and joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from automl_schemas.catalog import DataCatalog, FileEntry, IgnoredFile, JoinEdge, KeyCandidate, TableEntry
from automl_schemas.question import Question

from automl_runtime.data.cleaning import CleanTable
from automl_runtime.data.dictionary import with_meanings
from automl_runtime.data.distinct_names import distinct_tables
from automl_runtime.data.duplicates import Copies, find_copies, table_label
from automl_runtime.data.joins import find_joins
from automl_runtime.data.keys import Codes
from automl_runtime.data.reading import read_path
from automl_runtime.data.rediscovery import rediscover
from automl_runtime.data.shards import Stacked, stack
from automl_runtime.data.table_entries import Prepared, prepare
from automl_runtime.data.tables import RawTable, ReadResult
from automl_runtime.data.unrelated import find_unrelated
from automl_runtime.errors import DataError, RequestError, shorten
from automl_runtime.events import EventSink, Finding, Progress, ignore

__all__ = ["Discovery", "discover", "rediscover"]

_OWN_QUESTIONS = ("copy.", "shards.", "ignore.")


@dataclass(slots=True)
class Discovery:
    """What was found below `root`: the catalog, and the clean, stacked, de-duplicated tables by name."""

    root: Path
    catalog: DataCatalog
    tables: dict[str, CleanTable]


def discover(
    source: Path,
    *,
    reject: Collection[str] = (),
    answers: Mapping[str, str] | None = None,
    on_event: EventSink = ignore,
) -> Discovery:
    """Reads, stacks, cleans and joins everything below `source`; nothing there is changed.

    The same bytes give the same catalog.

    Args:
        source: a file or folder.
        reject: items of the cleaning plan that are not wanted: `table.column` or `table.column:item`.
        answers: settled questions of an earlier catalog (`copy.*`, `shards.*`, `ignore.*`).
        on_event: takes progress of the stages `reading`, `cleaning` and `joining`, findings and warnings.

    Raises:
        DataError: when there is neither a table nor a folder of pictures per class, with what was found instead.
        RequestError: when `reject` names something that does not exist.
    """
    answers = answers or {}
    result = read_path(source, on_event=on_event)
    result = replace(result, tables=distinct_tables(result.tables))
    copies = find_copies(result, answers)
    stacked = stack(copies.tables, result.files, answers)
    prepared = _prepared(stacked, reject, on_event)
    if not prepared and not result.images:
        raise _nothing(source, result)
    on_event(Progress("joining", 0, 1))
    joins = find_joins(
        {name: item.clean for name, item in prepared.items()}, {name: item.entry for name, item in prepared.items()}
    )
    on_event(Progress("joining", 1, 1))
    catalog = _catalog(result, copies, stacked, prepared, joins, answers)
    catalog = catalog.model_copy(update={"tables": with_meanings(source, catalog.files, catalog.tables)})
    _tell(catalog, on_event)
    return Discovery(source, catalog, {table.name: prepared[table.name].clean for table in catalog.tables})


def _catalog(
    result: ReadResult,
    copies: Copies,
    stacked: Stacked,
    prepared: Mapping[str, Prepared],
    joins: Sequence[JoinEdge],
    answers: Mapping[str, str],
) -> DataCatalog:
    entries = [item.entry for item in prepared.values()]
    unrelated, unused, questions = find_unrelated(entries, joins, answers)
    used = [
        _with_join_keys(entry, joins, prepared[entry.name].clean) for entry in entries if entry.name not in unrelated
    ]
    names = {entry.name for entry in used}
    empty = [
        IgnoredFile(path=table_label(raw), reason="a header without rows")
        for raw in stacked.tables
        if raw.name not in prepared
    ]
    asked = sorted([*copies.questions, *stacked.questions, *questions], key=lambda question: question.id)
    _check_answers(answers, asked)
    return DataCatalog(
        files=_files(result.files, used, stacked.tables),
        tables=used,
        joins=list(joins),
        duplicates=sorted(copies.duplicates, key=lambda found: found.path),
        shards=[shard for shard in stacked.shards if shard.table in names],
        ignored=sorted([*result.ignored, *copies.ignored, *empty, *unused], key=lambda item: item.path),
        images=result.images,
        questions=[question for question in asked if question.id not in answers],
        warnings=list(dict.fromkeys(result.warnings)),
    )


def _check_answers(answers: Mapping[str, str], asked: Sequence[Question]) -> None:
    """Refuses an answer to a question of this stage that nobody asks; those of later stages pass."""
    known = {question.id: [option.value for option in question.options] for question in asked}
    for key, value in answers.items():
        if key not in known and not key.startswith(_OWN_QUESTIONS):
            continue
        if value not in known.get(key, ()):
            allowed = f"allowed are {', '.join(known[key])}" if key in known else "there is no such question"
            listed = f"Questions here: {', '.join(known) or 'none'}."
            raise RequestError(f"--answer {key}={shorten(value)}: {allowed}.", hint=listed)


def _prepared(stacked: Stacked, reject: Collection[str], on_event: EventSink) -> dict[str, Prepared]:
    """Every table with rows, cleaned and described, by name."""
    _check_reject(reject, [raw.name for raw in stacked.tables])
    prepared = {}
    for number, raw in enumerate(stacked.tables):
        on_event(Progress("cleaning", number, len(stacked.tables), raw.name))
        if raw.data.num_columns and raw.data.num_rows:
            prepared[raw.name] = prepare(raw, stacked.parts.get(raw.name, ()), reject)
    on_event(Progress("cleaning", len(stacked.tables), len(stacked.tables)))
    return prepared


def _check_reject(reject: Collection[str], tables: Sequence[str]) -> None:
    for item in reject:
        if not any(item.startswith(f"{table}.") for table in tables):
            raise RequestError(
                f"{shorten(item)} names no table.", hint=f"`table.column:item`, with a table of {', '.join(tables)}."
            )


def _nothing(source: Path, result: ReadResult) -> DataError:
    """The error when there is no table: says what there is."""
    found = Counter(entry.kind for entry in result.files)
    parts = [f"{count:,} {kind.replace('_', ' ')} file{'s'[: count != 1]}" for kind, count in sorted(found.items())]
    classes = [f"{shorten(folder.path)} with {len(folder.classes)} classes" for folder in result.images]
    reasons = [f"{item.path}: {item.reason}" for item in result.ignored[:5]]
    text = f"There is no table in {shorten(str(source))}: {', '.join(parts) or 'nothing'} found."
    if classes:
        text += f" Pictures: {', '.join(classes)}."
    hint = "Tables are looked for in CSV, Excel, JSON, Parquet, SQLite and similar files."
    return DataError(text, hint="\n  ".join([*reasons, hint]))


def _with_join_keys(entry: TableEntry, joins: Sequence[JoinEdge], clean: CleanTable) -> TableEntry:
    """Keys that joins use come first, and those that are nearly unique are recorded as such."""
    known = {tuple(key.columns): key for key in entry.keys}
    codes = Codes(clean.data)
    joined: list[tuple[str, ...]] = []
    for edge in joins:
        for table, columns in ((edge.parent, edge.parent_columns), (edge.child, edge.child_columns)):
            one = table == edge.parent or edge.cardinality == "1:1"
            if table != entry.name or not one:
                continue
            joined.append(tuple(columns))
            if tuple(columns) not in known and entry.rows:
                share = codes.unique_share(columns, 0.0)
                known[tuple(columns)] = KeyCandidate(columns=columns, unique=round(min(share, 1.0), 6))
    order = list(known)
    # A single key that others point at is what the table is about; among the rest the order of `find_keys` holds.
    ranked = sorted(
        known.values(),
        key=lambda key: (
            key.unique < 1.0,
            len(key.columns) > 1 or tuple(key.columns) not in joined,
            order.index(tuple(key.columns)),
        ),
    )
    return entry.model_copy(update={"keys": ranked})


def _files(files: Sequence[FileEntry], tables: Sequence[TableEntry], raws: Sequence[RawTable]) -> list[FileEntry]:
    """The files with the names of their final tables; those whose tables are all left out are not used."""
    held = {raw.file for raw in raws}
    entries = []
    for entry in files:
        names = [table.name for table in tables if entry.path in table.files]
        had_tables = bool(entry.tables) or entry.path in held
        inside = any(file.startswith(f"{entry.path}!/") for table in tables for file in table.files)
        used = bool(names) or inside or (entry.used and not had_tables)
        entries.append(entry.model_copy(update={"tables": names, "used": used}))
    return entries


def _counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _tell(catalog: DataCatalog, on_event: EventSink) -> None:
    rows = sum(table.rows for table in catalog.tables)
    found = f"{_counted(len(catalog.files), 'file')} -> {_counted(len(catalog.tables), 'table')}, {rows:,} rows"
    found += f", {_counted(len(catalog.joins), 'join')}" if catalog.joins else ""
    left = [(len(catalog.duplicates), "copy", "copies"), (len(catalog.ignored), "other", "others")]
    if any(count for count, *_ in left):
        found += "; ignored: " + ", ".join(_counted(*item) for item in left if item[0])
    on_event(Finding("discovered", found))
    columns = [column for table in catalog.tables for column in table.columns]
    read = sum(table.rows_read for table in catalog.tables)
    kept = sum(table.rows for table in catalog.tables)
    changed, rejected = sum(column.changed > 0 for column in columns), sum(column.rejected for column in columns)
    if columns:
        text = f"{read:,} -> {kept:,} rows, {changed} of {len(columns)} columns changed"
        on_event(Finding("cleaned", text + (f", {rejected:,} cells rejected" if rejected else "")))
