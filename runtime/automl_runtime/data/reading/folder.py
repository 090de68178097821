"""A file or folder read from end to end: walk, look into archives, tell formats, read, name."""

from __future__ import annotations

import difflib
import importlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from automl_schemas.catalog import FileEntry, ImageFolder
from automl_schemas.vocabulary import FileKind

from automl_runtime.data.reading.build import unique
from automl_runtime.data.reading.encodings import decode
from automl_runtime.data.reading.gather import Gathered, containers
from automl_runtime.data.reading.names import apply_names, parse_names
from automl_runtime.data.reading.pivoted import lengthened
from automl_runtime.data.reading.source import Source
from automl_runtime.data.reading.walk import Found, walk
from automl_runtime.data.tables import RawTable, ReadResult
from automl_runtime.errors import DataError, MissingExtraError
from automl_runtime.events import EventSink, Progress, Warned, ignore

__all__ = ["read_path"]

_MOST_NAMED: Final = 5

_READERS: Final[dict[FileKind, tuple[str, str]]] = {
    "delimited": ("delimited", "read_delimited"),
    "fixed_width": ("fixed_width", "read_fixed_width"),
    "json": ("json_tables", "read_json"),
    "json_lines": ("json_tables", "read_json_lines"),
    "excel": ("excel", "read_excel"),
    "parquet": ("columnar", "read_parquet"),
    "arrow": ("columnar", "read_arrow"),
    "sqlite": ("databases", "read_sqlite"),
    "duckdb": ("databases", "read_duckdb"),
    "xml": ("markup", "read_xml"),
    "html": ("markup", "read_html"),
}


def read_path(source: Path, *, every_picture: bool = False, on_event: EventSink = ignore) -> ReadResult:
    """Every table of a file or folder; see `automl_runtime.data.reading.read_path`."""
    found = _found(source)
    with ExitStack() as stack:
        gathered = Gathered(stack, ignored=list(found.ignored))
        gathered.add(found.files)
        tables = [_lengthened(table, gathered) for table in _with_names(_read_all(gathered, on_event), gathered)]
        images, tables = _pictures(gathered, tables, on_event, every=every_picture)
    tables = _uniquely_named(tables)
    for text in gathered.warnings:
        on_event(Warned(text))
    if not tables and not images:
        raise _nothing(source, gathered)
    return ReadResult(
        tables=tables,
        files=_with_table_names(gathered, tables),
        ignored=sorted(gathered.ignored, key=lambda entry: entry.path),
        images=images,
        warnings=gathered.warnings,
    )


def _found(source: Path) -> Found:
    if source.is_dir():
        return walk(source)
    if source.is_file():
        return Found(files=[(source, source.name)])
    if not source.is_symlink() and not source.exists():
        near = difflib.get_close_matches(source.name, _neighbours(source), n=1)
        hint = f"Did you mean {source.parent / near[0]}?" if near else "Give a file or a folder that exists."
        raise DataError(f"{source} does not exist.", hint=hint)
    raise DataError(f"{source} is neither a file nor a folder.", hint="Give a file or a folder.")


def _neighbours(source: Path) -> list[str]:
    try:
        return sorted(path.name for path in source.parent.iterdir())
    except OSError:
        return []


def _read_all(gathered: Gathered, on_event: EventSink) -> list[RawTable]:
    tables: list[RawTable] = []
    readable = [source for source in gathered.sources if source.kind in _READERS]
    total, done = sum(source.bytes for source in readable), 0
    for source in readable:
        on_event(Progress("reading", done, total, source.file))
        try:
            found = _reader(source.kind)(source)
        except DataError as problem:
            gathered.fail(source.file, problem)
        else:
            tables.extend(found)
            _note_use(source, found, gathered)
        done += source.bytes
    if readable:
        on_event(Progress("reading", total, total))
    return tables


def _reader(kind: FileKind) -> Callable[[Source], list[RawTable]]:
    """The reader of a format, imported when the first file of it turns up."""
    module, name = _READERS[kind]
    reader: Callable[[Source], list[RawTable]] = getattr(
        importlib.import_module(f"automl_runtime.data.reading.{module}"), name
    )
    return reader


def _note_use(source: Source, tables: list[RawTable], gathered: Gathered) -> None:
    first = tables[0] if tables else None
    noted = {"encoding": first.encoding, "dialect": first.dialect} if first is not None else {}
    for file in containers(source.file):
        if file in gathered.entries:
            update = {"used": True, **(noted if file == source.file else {})}
            gathered.entries[file] = gathered.entries[file].model_copy(update=update)
    gathered.warnings.extend(f"{source.file}: {text}" for table in tables for text in table.warnings)


def _pictures(
    gathered: Gathered, tables: list[RawTable], on_event: EventSink, *, every: bool
) -> tuple[list[ImageFolder], list[RawTable]]:
    """The folders of pictures by class, and the tables with one of these and with columns that name pictures.

    With `every`, also pictures that are neither in such a folder nor named make rows.
    """
    if all(source.kind != "image" for source in gathered.sources):
        return [], tables
    images = importlib.import_module("automl_runtime.data.reading.images")
    naming = importlib.import_module("automl_runtime.data.reading.named_pictures")
    found = images.placed(gathered.sources)
    folders: list[ImageFolder] = images.image_folders(found)
    files = [each.source.file for each in found]
    named = [naming.named_pictures(table, files) for table in tables]
    told = {file for columns in named for column in columns for file in column.files.values()}
    wanted = [each for each in found if each.label is not None or every]
    divided = images.divisions(each.source for each in found)
    if divided and not every:
        gathered.warnings.append(f"{divided} only divide the pictures: their classes are put together and split anew.")
    used = told | {each.source.file for each in wanted}
    for file in files:
        if file not in used:
            gathered.leave_out(file, "an image that is not in a folder of its class and that no table names")
    try:
        read = images.read_sources([each.source for each in found if each.source.file in used], on_event)
    except MissingExtraError as missing:
        gathered.warnings.append(f"{len(used):,} pictures were not read. {missing.message} {missing.hint}")
        return folders, tables
    _note_pictures(read.signatures, read.broken, gathered)
    for place, columns in enumerate(named):
        known = len(tables[place].warnings)
        tables[place] = naming.with_pictures(tables[place], columns, read.signatures)
        gathered.warnings += [f"{tables[place].file}: {text}" for text in tables[place].warnings[known:]]
    shown = images.picture_table(wanted, read.signatures)
    if shown is None:
        return folders, tables
    gathered.warnings += shown.warnings
    return folders, [*tables, shown]


def _note_pictures(used: Iterable[str], broken: Mapping[str, str], gathered: Gathered) -> None:
    for file, reason in broken.items():
        gathered.leave_out(file, reason)
    if broken:
        gathered.warnings.append(_told(broken))
    for file in used:
        gathered.entries[file] = gathered.entries[file].model_copy(update={"used": True})


def _told(broken: Mapping[str, str]) -> str:
    named = "; ".join(f"{file}: {reason}" for file, reason in list(broken.items())[:_MOST_NAMED])
    more = f"; and {len(broken) - _MOST_NAMED} more" if len(broken) > _MOST_NAMED else ""
    counted = "1 picture was" if len(broken) == 1 else f"{len(broken):,} pictures were"
    return f"{counted} left out: {named}{more}"


def _with_names(tables: list[RawTable], gathered: Gathered) -> list[RawTable]:
    """Headerless tables with names from a description in the same folder."""
    described = [source for source in gathered.sources if source.kind == "names"]
    for source in described:
        names = parse_names(decode(source.path.read_bytes()).text)
        named = [_named(table, names, source) for table in tables]
        if any(new is not None for new in named):
            _note_use(source, [], gathered)
            tables = [new or table for new, table in zip(named, tables, strict=True)]
        else:
            gathered.leave_out(source.file, "a description of columns that fits no table without a header")
    return tables


def _lengthened(table: RawTable, gathered: Gathered) -> RawTable:
    longer = lengthened(table)
    gathered.warnings += [f"{table.file}: {text}" for text in longer.warnings[len(table.warnings) :]]
    return longer


def _named(table: RawTable, names: Sequence[str], source: Source) -> RawTable | None:
    beside = table.file.rpartition("/")[0] == source.file.rpartition("/")[0]
    return apply_names(table, names) if beside else None


def _uniquely_named(tables: list[RawTable]) -> list[RawTable]:
    """The tables with names of their own; children follow when the name of their parent changes."""
    names = unique(table.name for table in tables)
    new = {(table.file, table.name): name for table, name in zip(tables, names, strict=True)}
    return [
        replace(table, name=name, parent=new.get((table.file, table.parent), table.parent) if table.parent else None)
        for table, name in zip(tables, names, strict=True)
    ]


def _with_table_names(gathered: Gathered, tables: Sequence[RawTable]) -> list[FileEntry]:
    """The entries of all files, by path, each with the names of its tables."""
    held: defaultdict[str, list[str]] = defaultdict(list)
    for table in tables:
        for file in containers(table.file):
            held[file].append(table.name)
    entries = sorted(gathered.entries.values(), key=lambda entry: entry.path)
    return [entry.model_copy(update={"tables": held[entry.path]}) for entry in entries]


def _nothing(source: Path, gathered: Gathered) -> DataError:
    """What is said when there is no table: what was there, and why it was left out."""
    ignored = gathered.ignored
    if not ignored:
        return DataError(f"{source} is empty.", hint="Give a folder with tables: CSV, Excel, JSON, Parquet, SQLite ...")
    if len(gathered.problems) == 1 == len(ignored):
        return gathered.problems[0]
    if len(ignored) == 1 and source.is_file():
        return DataError(f"{source} cannot be used: {ignored[0].reason}")
    shown = "; ".join(f"{entry.path}: {entry.reason}" for entry in ignored[:5])
    more = f"; and {len(ignored) - 5} more" if len(ignored) > 5 else ""
    hint = "Give a folder with tables: CSV, Excel, JSON, Parquet, SQLite ..."
    if any(entry.kind == "image" for entry in gathered.entries.values()):
        hint += "\n  To learn from pictures, lay those of each of the classes, two at least, into a folder."
    return DataError(f"No table was found in {source}. Left out: {shown}{more}.", hint=hint)
