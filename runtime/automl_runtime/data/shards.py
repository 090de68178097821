"""Tables that are parts of one table: found by their columns and names, and stacked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import FileEntry, Shard
from automl_schemas.question import Option, Question

from automl_runtime.data.duplicates import as_text, column_signature, shared_keys, slug, table_label
from automl_runtime.data.naming import legal_name, unique_name
from automl_runtime.data.shard_names import (
    SharedName,
    folder_name,
    label_of,
    natural_order,
    pieces,
    shape,
    shared_name,
    stem_of,
    tag_of,
)
from automl_runtime.data.tables import RawTable

__all__ = ["Part", "Stacked", "stack", "stack_parts"]

_SAMPLE = 200
_SAME_KEYS = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """One of the raw tables that a stacked table is made of."""

    table: RawTable
    tag: str | None
    rows: int


@dataclass(slots=True)
class Stacked:
    """The tables after stacking; `parts` names the pieces of those that were stacked."""

    tables: list[RawTable]
    parts: dict[str, list[Part]] = field(default_factory=dict)
    shards: list[Shard] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Group:
    """Tables that belong together, and what their names share."""

    tables: tuple[RawTable, ...]
    name: SharedName


def stack(
    tables: Sequence[RawTable], files: Sequence[FileEntry] = (), answers: Mapping[str, str] | None = None
) -> Stacked:
    """Stacks tables of the same columns whose names share a stem into one table named after the stem.

    What varies in the names becomes a column (`year`, `period` or `part`) in the first place when it says something
    that the rows do not: years, months and words do, running numbers and train/test do not. Tables of the same
    columns in one folder without a common stem stay apart, which is a question (`shards.<table>`).
    """
    answers = answers or {}
    kinds = {entry.path: entry.kind for entry in files}
    by_columns: dict[tuple[str, ...], list[RawTable]] = defaultdict(list)
    for table in tables:
        by_columns[column_signature(table)].append(table)
    result = Stacked(tables=[])
    stacked: dict[int, RawTable] = {}
    for members in by_columns.values():
        for group in _groups(members, kinds, answers, result.questions):
            whole = _stack_group(group, [table.name for table in tables], result)
            stacked.update({id(table): whole for table in group.tables})
    seen: set[int] = set()
    for table in tables:
        whole = stacked.get(id(table), table)
        if id(whole) not in seen:
            seen.add(id(whole))
            result.tables.append(whole)
    return result


def _groups(
    members: Sequence[RawTable],
    kinds: Mapping[str, str],
    answers: Mapping[str, str],
    questions: list[Question],
) -> list[_Group]:
    if len(members) < 2:
        return []
    found = []
    for alike in _same_types(members):
        groups, alone = _by_stem(alike, kinds)
        asked = [group for group in groups if _versions(group)]
        found += [group for group in groups if group not in asked]
        if len(alone) > 1 and _may_be_parts(alone):
            asked.append(_Group(tuple(alone), SharedName(folder_name(alone[0].file), _names(alone))))
        for group in asked:
            question = _question(group)
            questions.append(question)
            if answers.get(question.id, question.default) == "stack":
                found.append(group)
    return found


def _names(tables: Sequence[RawTable]) -> tuple[str, ...]:
    return tuple(table.name for table in tables)


def _may_be_parts(tables: Sequence[RawTable]) -> bool:
    """Tables of the same columns in one folder, three columns or more, none of them nested in another."""
    folders = {table.file.rpartition("/")[0] for table in tables}
    files = {table.file for table in tables}
    several = len(files) == len(tables) and tables[0].data.num_columns >= 3
    return several and len(folders) == 1 and not any(table.parent for table in tables)


def _versions(group: _Group) -> bool:
    """Whether the parts, told apart by words, hold the same keys: then they are versions rather than parts."""
    tag, _ = tag_of(group.name.varying, set())
    return tag == "part" and shared_keys(group.tables) >= _SAME_KEYS


def _same_types(members: Sequence[RawTable]) -> list[list[RawTable]]:
    """Members by what their columns look like; only tables without a header are told apart this way."""
    named = [table for table in members if table.names_from in ("header", "format")]
    groups = [named] if named else []
    unnamed: list[tuple[list[float], list[RawTable]]] = []
    for table in members:
        if table.names_from in ("header", "format"):
            continue
        looks = [_numeric_share(table.data[name]) for name in table.data.column_names]
        for known, group in unnamed:
            if all(abs(one - other) <= 0.5 for one, other in zip(known, looks, strict=True)):
                group.append(table)
                break
        else:
            unnamed.append((looks, [table]))
    return [group for group in groups + [group for _, group in unnamed] if len(group) > 1]


def _numeric_share(values: pa.ChunkedArray) -> float:
    text = as_text(values.slice(0, _SAMPLE))
    filled = pc.filter(text, pc.not_equal(text, ""))
    if len(filled) == 0:
        return 0.5
    numeric = pc.match_substring_regex(filled, r"^[-+$€£]?\s?\d[\d.,' ]*%?$")
    return float(pc.mean(pc.cast(numeric, pa.float64())).as_py())


def _by_stem(members: Sequence[RawTable], kinds: Mapping[str, str]) -> tuple[list[_Group], list[RawTable]]:
    """Groups whose names share a stem, and the tables that share none."""
    groups, rest = _sheet_groups(members, kinds)
    more, alone = _buckets(rest, lambda table: shape(label_of(table.file, table.inner)))
    groups += more
    whole = _group(alone)
    if whole is not None:
        return [*groups, whole], []
    more, alone = _buckets(alone, _first_word)
    return groups + more, alone


def _sheet_groups(members: Sequence[RawTable], kinds: Mapping[str, str]) -> tuple[list[_Group], list[RawTable]]:
    """Sheets of one workbook with the same columns are parts, whatever they are called."""
    by_file: dict[str, list[RawTable]] = defaultdict(list)
    for table in members:
        by_file[table.file].append(table)
    groups, rest = [], []
    for file, tables in by_file.items():
        if len(tables) > 1 and kinds.get(file) == "excel":
            sheets = tuple(table.inner or table.name for table in tables)
            groups.append(_Group(tuple(tables), SharedName(legal_name(stem_of(file)), sheets)))
        else:
            rest += tables
    return groups, rest


def _buckets(
    tables: Sequence[RawTable], key: Callable[[RawTable], tuple[str, ...]]
) -> tuple[list[_Group], list[RawTable]]:
    buckets: dict[tuple[str, ...], list[RawTable]] = defaultdict(list)
    for table in tables:
        buckets[key(table)].append(table)
    groups, alone = [], []
    for bucket in buckets.values():
        group = _group(bucket)
        if group is None:
            alone += bucket
        else:
            groups.append(group)
    return groups, alone


def _group(tables: Sequence[RawTable]) -> _Group | None:
    name = shared_name([(table.file, table.inner) for table in tables]) if len(tables) > 1 else None
    return None if name is None else _Group(tuple(tables), name)


def _first_word(table: RawTable) -> tuple[str, ...]:
    words = [piece for piece in pieces(label_of(table.file, table.inner)) if not piece.isdigit()]
    return tuple(words[:1])


def _question(group: _Group) -> Question:
    labels = ", ".join(table_label(table) for table in group.tables[:5])
    return Question(
        id=f"shards.{slug(group.tables[0].name)}",
        text=f"{labels} have the same columns. Are they parts of one table?",
        options=[
            Option(value="separate", label="tables of their own"),
            Option(value="stack", label=f"parts of one table `{group.name.stem}`"),
        ],
        default="separate",
        impact="Stacked tables are used together; separate ones only as far as a key joins them.",
    )


def _stack_group(group: _Group, names: Sequence[str], result: Stacked) -> RawTable:
    varying = group.name.varying
    order = sorted(range(len(varying)), key=lambda index: natural_order(varying[index]))
    tables = [group.tables[index] for index in order]
    taken = (set(names) - {table.name for table in tables}) | set(result.parts)
    name = group.name.stem
    if name.lower() in {other.lower() for other in taken}:
        name = unique_name(name.lower(), {other.lower() for other in taken})
    columns = {column.casefold() for table in tables for column in table.data.column_names}
    tag, values = tag_of([varying[index] for index in order], columns)
    tags: list[str | None] = [*values] if values else [None] * len(tables)
    parts = [Part(table, value, table.data.num_rows) for table, value in zip(tables, tags, strict=True)]
    several = len({table.file for table in tables}) < len(tables)
    files = [table_label(table, several) for table in tables]
    result.parts[name] = parts
    result.shards.append(Shard(table=name, files=files, tag_column=tag, tags=values))
    return stack_parts(name, parts, tag)


def stack_parts(name: str, parts: Sequence[Part], tag: str | None) -> RawTable:
    """One raw table of the rows of all parts in order, columns named and ordered as in the first."""
    first = parts[0].table
    header = first.data.column_names
    pieces = []
    for part in parts:
        folded = {" ".join(column.casefold().split()): column for column in part.table.data.column_names}
        columns = [part.table.data[folded[" ".join(column.casefold().split())]] for column in header]
        arrays, names = list(columns), list(header)
        if tag is not None:
            arrays.insert(0, pa.chunked_array([pa.array([part.tag] * part.rows, pa.string())]))
            names.insert(0, tag)
        pieces.append(pa.table(arrays, names=names))
    warnings = tuple(dict.fromkeys(warning for part in parts for warning in part.table.warnings))
    return replace(
        first,
        name=name,
        data=_concat(pieces),
        inner=first.inner if len({(part.table.file, part.table.inner) for part in parts}) == 1 else None,
        warnings=warnings,
    )


def _concat(pieces: Sequence[pa.Table]) -> pa.Table:
    """Rows of all pieces; a column whose types do not agree becomes text."""
    columns = []
    for index, name in enumerate(pieces[0].column_names):
        parts = [piece.column(index) for piece in pieces]
        try:
            merged = pa.concat_tables(
                [pa.table([part], names=["x"]) for part in parts], promote_options="permissive"
            ).column(0)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            texts = [pa.table([_nullable_text(part)], names=["x"]) for part in parts]
            merged = pa.concat_tables(texts).column(0)
        columns.append((name, merged))
    return pa.table([column for _, column in columns], names=[name for name, _ in columns])


def _nullable_text(values: pa.ChunkedArray) -> pa.Array:
    text = as_text(values)
    missing = values.is_null()
    mask = missing.combine_chunks() if isinstance(missing, pa.ChunkedArray) else missing
    return pc.cast(pc.if_else(mask, pa.scalar(None, pa.large_string()), text), pa.string())
