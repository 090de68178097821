"""DataCatalog: what was found in a folder."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from automl_schemas.base import Contract
from automl_schemas.cleaning import CleaningExample, ColumnPlan
from automl_schemas.question import Question
from automl_schemas.vocabulary import ColumnRole, ColumnType, FileKind, KeySpelling, PersonalData

__all__ = [
    "ColumnEntry",
    "ColumnStats",
    "DataCatalog",
    "Dialect",
    "DuplicateFile",
    "FileEntry",
    "IgnoredFile",
    "ImageFolder",
    "JoinEdge",
    "KeyCandidate",
    "ListedLabels",
    "Shard",
    "TableEntry",
    "ValueCount",
]


class Dialect(Contract):
    """How a delimited text is written; `quotechar` and `escapechar` are empty when not used."""

    delimiter: str
    quotechar: str = ""
    escapechar: str = ""


class FileEntry(Contract):
    """One file below the source (`archive.zip!/member.csv` for a member of an archive)."""

    path: str
    sha256: str
    bytes: int
    kind: FileKind
    encoding: str | None = None
    compression: str | None = None
    dialect: Dialect | None = None
    tables: list[str] = []
    used: bool = True


class ValueCount(Contract):
    """A clean value and how often it occurs; `value` is masked when the column is personal."""

    value: str
    count: int


class ColumnStats(Contract):
    """Statistics of the clean values that are not null; dates as ISO text."""

    min: str | float | None = None
    max: str | float | None = None
    mean: float | None = None
    std: float | None = None
    median: float | None = None
    mean_length: float | None = None
    top: list[ValueCount] = []
    """Up to 20 most frequent values, by count then value."""


class ListedLabels(Contract):
    """What the cells of a column list, where each may hold several labels."""

    separator: str
    """What stands between two labels."""
    several: int
    """Cells that hold two or more."""
    labels: list[ValueCount]
    """Up to 200 labels in their most frequent spelling, by the number of rows that have them, then by name."""
    more: int = 0
    """Distinct labels beyond those."""


def _is_unset(value: Any) -> bool:
    return value is None


class ColumnEntry(Contract):
    """One column: what it holds, how it is cleaned and what it is good for."""

    name: str
    position: int
    """0-based place in its table."""
    type: ColumnType
    role: ColumnRole
    plan: ColumnPlan
    rows: int
    missing: int
    """Cells that are null once clean (rejects included)."""
    rejected: int
    """Cells that could not be parsed."""
    changed: int
    """Cells whose clean text differs from the raw text."""
    cleared: int = 0
    """Of those, the cells that became null: missing markers and sentinels."""
    distinct: int
    """Distinct clean values, null not counted."""
    constant: bool = False
    personal: PersonalData | None = None
    stats: ColumnStats = ColumnStats()
    examples: list[CleaningExample] = []
    """Up to three cells that the plan changes, masked when personal."""
    meaning: str | None = None
    """What a text beside the data says of it; untrusted."""
    codes: dict[str, str] = {}
    """What such a text says that each of its values means, where it says so of all; untrusted."""
    listed: ListedLabels | None = Field(default=None, exclude_if=_is_unset)
    """None where a cell holds one value."""


class KeyCandidate(Contract):
    """Columns that name a row: unique and without nulls after de-duplication."""

    columns: list[str]
    unique: float
    """Share of distinct keys, 1.0 for a true key."""


class TableEntry(Contract):
    """A table as it stands after stacking shards and dropping exact duplicate rows."""

    name: str
    files: list[str]
    inner: str | None = None
    header_row: int | None = None
    """1-based row of the header in the file; None when there is none."""
    footer_rows: int = 0
    names_from: Literal["header", "names_file", "generated", "format"] = "header"
    rows_read: int
    rows: int
    """After exact duplicate rows were dropped."""
    duplicate_rows: int
    columns: list[ColumnEntry]
    keys: list[KeyCandidate] = []
    parent: str | None = None
    """Table that a nested array was taken out of."""
    meaning: str | None = None
    """What a text beside the data says of it; untrusted."""


class JoinEdge(Contract):
    """Rows of `child` point at rows of `parent`."""

    child: str
    parent: str
    child_columns: list[str]
    parent_columns: list[str]
    containment: float
    """Share of the child's distinct keys that occur in the parent."""
    coverage: float
    """Share of the parent's distinct keys that occur in the child."""
    cardinality: Literal["1:1", "n:1"]
    """From child to parent."""
    fan_out: float
    """Mean number of child rows of a parent that has any."""
    spelling: KeySpelling = "text"


class DuplicateFile(Contract):
    """A file that repeats another."""

    path: str
    of: str
    reason: Literal["identical", "stale copy"]


class Shard(Contract):
    """Files that are parts of one table, stacked in this order; `tag` is what tells them apart."""

    table: str
    files: list[str]
    tag_column: str | None = None
    tags: list[str] = []


class IgnoredFile(Contract):
    """A file or part (`file.xlsx#Sheet`) that is not used, with the reason."""

    path: str
    reason: str


class ImageFolder(Contract):
    """A folder with one subfolder of images per class."""

    path: str
    classes: dict[str, int]


class DataCatalog(Contract):
    """Everything that discovery says about a folder; the same bytes give the same catalog."""

    version: Literal[1] = 1
    files: list[FileEntry]
    tables: list[TableEntry]
    joins: list[JoinEdge] = []
    duplicates: list[DuplicateFile] = []
    shards: list[Shard] = []
    ignored: list[IgnoredFile] = []
    images: list[ImageFolder] = []
    questions: list[Question] = []
    warnings: list[str] = []

    def table(self, name: str) -> TableEntry:
        """The table called `name`; KeyError when there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)
