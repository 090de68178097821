"""The tables of ../shared/data that engines are compared on, described by place: nothing in them is named here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

__all__ = ["SHARED", "TABLES", "Split", "Table", "public_tables", "split"]

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
_TARGET = "target"
_PUBLIC = "public/"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: a folder whose delimited files are read one below the other."""

    folder: str
    task: str
    metric: str
    header: bool = True
    target: int = -1
    """Place of the target among the columns."""
    drop: tuple[int, ...] = ()
    """Places of columns that tell nothing, such as a key."""
    backwards: bool = False
    """Whether the files follow each other from the last name to the first."""
    origin: bool = False
    """Whether the file that a row comes from is a column."""
    classes: tuple[int, ...] = ()
    """The first and last value of the target that are kept; empty: all."""


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to learn from and rows to be judged by; the target is the column `target`."""

    train: pd.DataFrame
    test: pd.DataFrame


TABLES = (
    Table("telco_churn", "binary", "roc_auc", drop=(0,)),
    Table("adult_income", "binary", "roc_auc", header=False, backwards=True),
    Table("california_housing", "regression", "rmse", target=8),
    Table("wine_quality", "multiclass", "log_loss", header=False, origin=True, classes=(4, 8)),
)


def public_tables() -> list[Table]:
    """The dozens of public tables, by name."""
    from benchmarks.quality.public import cases

    return [Table(f"{_PUBLIC}{case.name}", case.task, case.metric) for case in cases()]


def split(table: Table, seed: int) -> Split:
    """Four fifths to learn from and one to be judged by, stratified where the target is a class."""
    if table.folder.startswith(_PUBLIC):
        from benchmarks.quality.public import cases

        frame = next(case.frame for case in cases() if f"{_PUBLIC}{case.name}" == table.folder)
    else:
        frame = _read(table)
    classes = frame[_TARGET] if table.task != "regression" else None
    train, test = train_test_split(frame, test_size=0.2, random_state=seed, stratify=classes)
    return Split(train.reset_index(drop=True), test.reset_index(drop=True))


def _read(table: Table) -> pd.DataFrame:
    parts = []
    for path in sorted((SHARED / table.folder).glob("*.csv"), reverse=table.backwards):
        part = pd.read_csv(
            path, header=0 if table.header else None, skipinitialspace=True, na_values=["", "?"], keep_default_na=False
        )
        if table.origin:
            part["file"] = path.stem
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    width = frame.shape[1] - table.origin
    target = frame.columns[table.target % width]
    frame = frame.rename(columns={target: _TARGET})
    frame = frame.drop(columns=[frame.columns[place] for place in table.drop])
    frame.columns = [str(name) if isinstance(name, str) else f"col_{name}" for name in frame.columns]
    if table.classes:
        frame = frame[frame[_TARGET].between(*table.classes)]
    if frame[_TARGET].dtype.kind not in "if":
        # One of the files writes a stop behind its labels.
        frame[_TARGET] = frame[_TARGET].astype(str).str.rstrip(".")
    for name in frame.columns.drop(_TARGET):
        if frame[name].dtype.kind not in "ifb":
            frame[name] = frame[name].astype("str")
    return frame.reset_index(drop=True)
