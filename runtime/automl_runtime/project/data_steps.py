"""From raw files to training rows: read, clean, join, split."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl_runtime.data.assemble import Assembled, TrainingColumn, labelled_rows, run_sql, training_sql
from automl_runtime.data.cleaning import CleanTable, write_clean
from automl_runtime.data.holdout import fold_groups, sealed_rows
from automl_runtime.data.lineage import lineage_of, manifest_of_files
from automl_runtime.data.pictures import DATA_URL
from automl_runtime.data.rediscovery import optional_columns, rediscover_files
from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import EventSink
from automl_runtime.files import replace_file, write_text

if TYPE_CHECKING:
    from automl_runtime.project.layout import Project

__all__ = [
    "groups",
    "load_rows",
    "query",
    "read_tables",
    "save_rows",
    "split",
    "training_columns",
    "with_whole_paths",
    "write_clean_tables",
]


def training_columns(project: Project) -> list[TrainingColumn]:
    """The columns that `sql/training_table.sql` makes, in order."""
    return training_sql(project.spec, project.catalog)[1]


def read_tables(
    project: Project, source: Path | str | None, *, labelled: bool, on_event: EventSink
) -> dict[str, CleanTable]:
    """See `Project.read_tables`."""
    place = project.source if source is None else Path(source).expanduser().resolve()
    if not place.exists():
        raise DataError(
            f"{place} does not exist.",
            hint="Give the folder of the raw data with --source, or correct data.source in project.yaml.",
        )
    target = project.spec.target
    optional = set(optional_columns(project.spec))
    if labelled and target is not None:
        optional -= {f"{target.table}.{name}" for name in (target.column, *target.columns)}
    wanted = {table.name for table in project.spec.data.tables}
    found = rediscover_files(
        project.catalog, place, optional=optional, tables=wanted, every_picture=not labelled, on_event=on_event
    )
    if labelled:
        shown = project.spec.data.source if source is None else os.path.relpath(place, project.root)
        records = {
            "manifest": manifest_of_files(found.files, Path(shown).as_posix()),
            "lineage": lineage_of(found.catalog, project.columns, project.spec.data.joins),
        }
        for name, record in records.items():
            write_text(project.root / "data" / f"{name}.json", record.model_dump_json(indent=1) + "\n")
    return {name: found.tables[name] for name in (table.name for table in project.spec.data.tables)}


def write_clean_tables(project: Project, tables: Mapping[str, CleanTable]) -> None:
    """See `Project.write_clean`."""
    write_clean(tables.values(), project.root / "data" / "clean")


def query(project: Project, sql: Path, tables: Mapping[str, CleanTable], *, labelled: bool) -> pd.DataFrame:
    """See `Project.query`."""
    try:
        text = sql.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{sql} cannot be read: {error.strerror}.") from error
    variables = {} if labelled else {"horizon_days": 0.0}
    rows = run_sql(text, {name: table.data for name, table in tables.items()}, variables=variables)
    missing = [column.name for column in project.columns if column.name not in rows.columns]
    if missing:
        raise DataError(
            f"{sql} does not make the column {missing[0]!r} that project.yaml promises.",
            hint="Restore the column in the SQL, or drop it under data.drop in project.yaml.",
        )
    return rows


def split(project: Project, rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """See `Project.split`."""
    labelled = labelled_rows(project.spec, Assembled(rows, "", project.columns)).frame
    mask = holdout_of(project, labelled)
    return labelled[~mask].reset_index(drop=True), labelled[mask].reset_index(drop=True)


def holdout_of(project: Project, rows: pd.DataFrame) -> np.ndarray:
    """Which of `rows` belong to the sealed holdout."""
    return sealed_rows(rows, project.spec, project.columns)


def save_rows(project: Project, *, train: pd.DataFrame, holdout: pd.DataFrame) -> None:
    """See `Project.save_rows`."""
    for part, rows in (("train", train), ("holdout", holdout)):
        replace_file(_rows_path(project, part), rows.to_parquet, index=False)


def load_rows(project: Project, part: str) -> pd.DataFrame:
    """See `Project.load_rows`."""
    if part not in ("train", "holdout"):
        raise RequestError(f"There is no part {part!r} of the training table; parts: train, holdout.")
    path = _rows_path(project, part)
    if not path.is_file():
        raise DataError(f"{path} is not there yet.", hint="Run `make data` in the project first.")
    try:
        rows = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", hint="Run `make data` again.") from error
    pictures = [column.name for column in project.columns if column.type == "image"]
    return with_whole_paths(rows, pictures, project.data_source) if pictures else rows


def with_whole_paths(rows: pd.DataFrame, pictures: Sequence[str], folder: Path) -> pd.DataFrame:
    """`rows` with the paths in the columns `pictures`, which are told from `folder`, as they can be opened.

    What holds a picture itself, as a `data:image/...` address, stays.
    """

    def whole(cell: str) -> str:
        return cell if cell.startswith(DATA_URL) else str(folder / cell)

    return rows.assign(**{name: rows[name].map(whole, na_action="ignore") for name in pictures})


def groups(project: Project, rows: pd.DataFrame) -> pd.Series | None:
    """See `Project.groups`."""
    return fold_groups(rows, project.spec, project.columns)


def _rows_path(project: Project, part: str) -> Path:
    return project.root / "data" / "processed" / f"{part}.parquet"
