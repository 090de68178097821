"""Where every column came from, and the fingerprints of the sources."""

from __future__ import annotations

from typing import Literal

from automl_schemas.base import Contract

__all__ = ["ColumnLineage", "DataManifest", "Lineage", "RowBalance", "SourceFile"]


class ColumnLineage(Contract):
    """One column of a clean table or of the training table, back to its sources."""

    column: str
    sources: list[str]
    """`file#inner:column` (or `file:column`)."""
    steps: list[str]
    """What was done, in words, in order."""


class RowBalance(Contract):
    """Rows in = rows out + rows dropped, per table."""

    table: str
    rows_in: int
    rows_out: int
    dropped: dict[str, int]
    """Reason -> rows."""


class Lineage(Contract):
    """`data/lineage.json`."""

    version: Literal[1] = 1
    tables: dict[str, list[ColumnLineage]]
    training_table: list[ColumnLineage] = []
    rows: list[RowBalance]


class SourceFile(Contract):
    """A source as it was read."""

    path: str
    sha256: str
    bytes: int


class DataManifest(Contract):
    """`data/manifest.json`: which bytes the project was made from."""

    version: Literal[1] = 1
    source: str
    files: list[SourceFile]
