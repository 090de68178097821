"""`data/contract.json`: what the clean and the training tables hold; the data tests of a project compare with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_runtime.files import write_text

if TYPE_CHECKING:
    from automl_runtime.data.cleaning import CleanTable
    from automl_runtime.project.layout import Project

__all__ = ["write_contract"]

_PARTS = ("train", "holdout")


def write_contract(project: Project, tables: Mapping[str, CleanTable]) -> None:
    """Writes `data/contract.json` for the data that have just been made.

    Per clean table: rows, columns with their Arrow types, key, sha256 of its file. Of the training table: columns with
    their pandas types, rows of each part. The same data give the same bytes.

    Args:
        project: its `data/clean` and `data/processed` have been written.
        tables: the clean tables that were written.

    Raises:
        DataError: if the file cannot be written.
    """
    keys = {table.name: table.key for table in project.spec.data.tables}
    contract = {
        "version": 1,
        "tables": {name: _table(project, table, keys.get(name, [])) for name, table in sorted(tables.items())},
        "training_table": _training_table(project),
    }
    write_text(project.root / "data" / "contract.json", json.dumps(contract, indent=1, ensure_ascii=False) + "\n")


def _table(project: Project, table: CleanTable, key: list[str]) -> dict[str, Any]:
    return {
        "rows": table.data.num_rows,
        "key": key,
        "sha256": _sha256(project.root / "data" / "clean" / f"{table.name}.jsonl"),
        "columns": {field.name: str(field.type) for field in table.data.schema},
    }


def _training_table(project: Project) -> dict[str, Any]:
    parts = {part: project.load_rows(part) for part in _PARTS}
    columns = {str(name): str(type_) for name, type_ in parts["train"].dtypes.items()}
    return {"rows": {part: len(rows) for part, rows in parts.items()}, "columns": columns}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
