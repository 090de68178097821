"""Files that repeat others: byte for byte, row for row, or as an older copy."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import DuplicateFile, FileEntry, IgnoredFile
from automl_schemas.question import Option, Question

from automl_runtime.data.naming import looks_like_id
from automl_runtime.data.tables import RawTable, ReadResult

__all__ = [
    "Copies",
    "as_text",
    "column_signature",
    "find_copies",
    "looks_like_copy",
    "shared_keys",
    "slug",
    "table_label",
]

_COPY_WORDS = re.compile(
    r"(?:^|[\s_.(\-/])(?:copy|copies|backup|backups|bak|old|kopie|copie|copia|duplicate|dup|archived?|orig|original|"
    r"previous|prev|deprecated|obsolete|tmp|temp)(?:[\s_.)\-/]*\d*)(?:$|[\s_.)\-/])|\.(?:bak|old|orig|save)\d*(?:$|\.)|~$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\s?\(\d+\)(?:$|\.)")
_SAMPLE = 5000
_FEWEST_KEYS = 10
_STALE_SHARE = 0.5
_SAME_SHARE = 0.99


@dataclass(slots=True)
class Copies:
    """Tables that stay, and the files that only repeat them."""

    tables: list[RawTable]
    duplicates: list[DuplicateFile] = field(default_factory=list)
    ignored: list[IgnoredFile] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


def looks_like_copy(path: str) -> bool:
    """Whether a file is called like a copy or backup.

    >>> [looks_like_copy(p) for p in ("sales (1).csv", "Copy of a.csv", "a_old.csv", "a.csv.bak", "gold.csv")]
    [True, True, True, True, False]
    """
    return bool(_NUMBERED.search(path) or _COPY_WORDS.search(path))


def slug(text: str) -> str:
    """`text` as the tail of a question's id.

    >>> slug("Drop 1/Sales (old).csv")
    'drop_1_sales_old_.csv'
    """
    return re.sub(r"[^a-z0-9_.-]+", "_", text.lower())


def table_label(table: RawTable, several: bool = True) -> str:
    """How people call a table of a file: `file.xlsx#Sheet`, or the file alone when it holds one table."""
    return f"{table.file}#{table.inner}" if table.inner is not None and several else table.file


def column_signature(table: RawTable) -> tuple[str, ...]:
    """The column names of a table, in an order and case of their own."""
    return tuple(sorted(" ".join(name.casefold().split()) for name in table.data.column_names))


def as_text(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Any column as stripped text, null as an empty string; whole floats lose their `.0`."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # zero chunks
        values = pa.array([], values.type)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    try:
        text = pc.cast(values, pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        text = pa.array([None if item is None else str(item) for item in values.to_pylist()], pa.large_string())
    if pa.types.is_floating(values.type):
        text = pc.replace_substring_regex(text, r"\.0+$", "")
    return pc.fill_null(pc.utf8_trim_whitespace(text), "")


def find_copies(result: ReadResult, answers: Mapping[str, str] | None = None) -> Copies:
    """Takes out files that repeat others; the one whose name looks least like a copy stays.

    Byte-identical files are always left out. A file of the same columns is a stale copy when its rows are mostly
    found in another and it is called like a copy; when only its rows say so, that is a question (`copy.<file>`,
    `ignore` or `keep`), answered by `ignore` unless `answers` says otherwise.
    """
    answers = answers or {}
    copies = Copies(tables=list(result.tables))
    _drop_identical(result.files, copies)
    groups: dict[tuple[str, ...], list[RawTable]] = defaultdict(list)
    for table in copies.tables:
        groups[column_signature(table)].append(table)
    stale: dict[int, tuple[RawTable, str, bool]] = {}
    for group in groups.values():
        if len({table.file for table in group}) > 1:
            stale.update(_stale_in(group))
    _settle_stale(stale, copies, answers)
    return copies


def _preference(path: str) -> tuple[bool, bool, int, int, str]:
    return looks_like_copy(path), "!/" in path, path.count("/"), len(path), path


def _drop_identical(files: Sequence[FileEntry], copies: Copies) -> None:
    with_tables = {table.file for table in copies.tables}
    same: dict[str, list[str]] = defaultdict(list)
    for entry in files:
        if entry.path in with_tables:
            same[entry.sha256].append(entry.path)
    for paths in same.values():
        kept, *repeats = sorted(paths, key=_preference)
        copies.duplicates += [DuplicateFile(path=path, of=kept, reason="identical") for path in sorted(repeats)]
    dropped = {duplicate.path for duplicate in copies.duplicates}
    copies.tables = [table for table in copies.tables if table.file not in dropped]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Fingerprints of the rows of a table, and of its columns that name a row."""

    table: RawTable
    all: np.ndarray
    sample: np.ndarray
    distinct_share: float
    names: dict[str, np.ndarray]


def _rows_of(table: RawTable) -> _Rows:
    columns = {" ".join(name.casefold().split()): name for name in table.data.column_names}
    texts = {key: pc.utf8_lower(as_text(table.data[columns[key]])) for key in sorted(columns)}
    joined = pc.binary_join_element_wise(*texts.values(), pa.scalar("\x1f", pa.large_string()))
    hashes = _hash(joined)
    step = max(1, len(hashes) // _SAMPLE)
    unique = np.unique(hashes)
    names = {}
    for position, (key, text) in enumerate(texts.items()):
        if looks_like_id(columns[key]) or (position == 0 and len(texts) > 2):
            values = np.unique(_hash(text))
            if len(values) >= 0.98 * len(unique):
                names[key] = values
    share = len(unique) / len(hashes) if len(hashes) else 0.0
    return _Rows(table, unique, hashes[::step], share, names)


def _hash(text: pa.Array) -> np.ndarray:
    hashed: np.ndarray = pd.util.hash_array(text.to_numpy(zero_copy_only=False), categorize=False)
    return hashed


def _share_in(sample: np.ndarray, values: np.ndarray) -> float:
    return float(np.isin(sample, values).mean()) if len(sample) else 0.0


def _stale_in(group: Sequence[RawTable]) -> dict[int, tuple[RawTable, str, bool]]:
    """By `id` of the table: what it repeats, the reason, and whether it is beyond doubt."""
    rows = [_rows_of(table) for table in sorted(group, key=lambda table: (_preference(table.file), table.name))]
    found: dict[int, tuple[RawTable, str, bool]] = {}
    for index in range(len(rows) - 1, -1, -1):
        for other in rows:
            if other is rows[index] or id(other.table) in found or other.table.file == rows[index].table.file:
                continue
            verdict = _repeats(rows[index], other)
            if verdict is not None:
                found[id(rows[index].table)] = (other.table, *verdict)
                break
    return found


def _repeats(copy: _Rows, other: _Rows) -> tuple[str, bool] | None:
    """Why `copy` repeats `other`, and whether that is certain; None when it does not."""
    if len(copy.all) < 3 or copy.distinct_share < _STALE_SHARE:
        return None
    share = _share_in(copy.sample, other.all)
    named = looks_like_copy(copy.table.file) and not looks_like_copy(other.table.file)
    if share >= _SAME_SHARE and len(copy.all) == len(other.all):
        return "identical", True
    if named and (share >= _STALE_SHARE or _same_names(copy, other)):
        return "stale copy", True
    if share >= _SAME_SHARE and len(copy.all) < len(other.all):
        return "stale copy", False
    return None


def _same_names(copy: _Rows, other: _Rows) -> bool:
    return any(_share_in(copy.names[key], other.names[key]) >= 0.8 for key in copy.names if key in other.names)


def shared_keys(tables: Sequence[RawTable]) -> float:
    """Share of the values of an id-like column that occur in several `tables`; 0 without such a column."""
    names = [_rows_of(table).names for table in tables]
    keys = [key for key in names[0] if all(key in other for other in names)]
    if not keys:
        return 0.0
    values, counts = np.unique(np.concatenate([other[keys[0]] for other in names]), return_counts=True)
    return float((counts > 1).mean()) if len(values) >= _FEWEST_KEYS else 0.0


def _settle_stale(stale: Mapping[int, tuple[RawTable, str, bool]], copies: Copies, answers: Mapping[str, str]) -> None:
    by_file: dict[str, list[RawTable]] = defaultdict(list)
    for table in copies.tables:
        by_file[table.file].append(table)
    gone: set[int] = set()
    for file in sorted(by_file):
        repeats = [table for table in by_file[file] if id(table) in stale]
        if not repeats:
            continue
        if not all(stale[id(table)][2] for table in repeats):
            question = _copy_question(file, stale[id(repeats[0])][0].file)
            copies.questions.append(question)
            if answers.get(question.id, question.default) != "ignore":
                continue
        gone.update(id(table) for table in repeats)
        _name_repeats(file, repeats, len(by_file[file]), stale, copies)
    copies.tables = [table for table in copies.tables if id(table) not in gone]


def _name_repeats(
    file: str,
    repeats: Sequence[RawTable],
    tables: int,
    stale: Mapping[int, tuple[RawTable, str, bool]],
    copies: Copies,
) -> None:
    if len(repeats) == tables:
        of, reason, _ = stale[id(repeats[0])]
        kind = "identical" if reason == "identical" else "stale copy"
        copies.duplicates.append(DuplicateFile(path=file, of=of.file, reason=kind))
        return
    for table in repeats:
        of = stale[id(table)][0]
        copies.ignored.append(IgnoredFile(path=table_label(table), reason=f"repeats the rows of {of.file}"))


def _copy_question(file: str, of: str) -> Question:
    return Question(
        id=f"copy.{slug(file)}",
        text=f"All rows of {file} are in {of} too. Is it an older copy?",
        options=[
            Option(value="ignore", label=f"an older copy of {of}: leave it out"),
            Option(value="keep", label="a table of its own: keep it"),
        ],
        default="ignore",
        impact="A copy that is kept repeats rows, and may be stacked or joined to the table that it repeats.",
    )
