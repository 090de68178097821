"""What labels the rows have: several columns of 0 and 1, or one column that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from automl_runtime.errors import RequestError, TrainingError, shorten

__all__ = ["MOST_LABELS", "read_labels", "split_labels"]

MOST_LABELS = 200


def read_labels(
    table: pd.DataFrame, target: str | Sequence[str] | pd.Series | pd.DataFrame, separator: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The inputs, and a column of 0 and 1 (int8) for each label; both numbered from 0.

    Args:
        table: the rows.
        target: columns of 0 and 1, or one column (or series) whose cells list labels: a text with `separator` between
            them, or a list. An empty cell has none of them; the labels are then sorted. Or a frame of 0 and 1 with a
            column for each label.
        separator: see `target`.

    Raises:
        RequestError: if a column does not exist, or `separator` does not fit.
        TrainingError: if a cell is neither 0 nor 1, or there are no labels or more than 200.
    """
    if isinstance(target, pd.DataFrame):
        if separator is not None:
            raise RequestError("`label_separator` is for one column that lists labels; a frame holds 0 and 1.")
        if len(target) != len(table):
            raise RequestError(f"The target has {len(target)} rows, the table {len(table)}.")
        inputs, labels = table, pd.DataFrame({name: _flags(target[name]) for name in target.columns})
    elif isinstance(target, str | pd.Series):
        listed = _column(table, target) if isinstance(target, str) else target
        if len(listed) != len(table):
            raise RequestError(f"The target has {len(listed)} rows, the table {len(table)}.")
        inputs = table.drop(columns=target) if isinstance(target, str) else table
        labels = split_labels(listed, separator)
    else:
        if separator is not None:
            raise RequestError("`label_separator` is for one column that lists labels; several columns hold 0 and 1.")
        names = list(target)
        if len(set(names)) < max(len(names), 1):
            raise RequestError("The columns of a multilabel target must be given, each once.")
        labels = pd.DataFrame({name: _flags(_column(table, name)) for name in names})
        inputs = table.drop(columns=names)
    if not 1 <= len(labels.columns) <= MOST_LABELS:
        raise TrainingError(f"There are {len(labels.columns)} labels; 1 to {MOST_LABELS} can be learned.")
    return inputs.reset_index(drop=True), labels.reset_index(drop=True)


def split_labels(cells: pd.Series, separator: str | None) -> pd.DataFrame:
    """A column of 0 and 1 for each label that a cell of `cells` lists, sorted by name.

    Raises:
        RequestError: if cells are texts and there is no separator.
    """
    lists = [_list(cell, separator) for cell in cells.tolist()]
    names = sorted({label for labels in lists for label in labels})
    places = {name: place for place, name in enumerate(names)}
    found = np.zeros((len(lists), len(names)), dtype=np.int8)
    for row, labels in enumerate(lists):
        found[row, [places[label] for label in labels]] = 1
    return pd.DataFrame(found, index=cells.index, columns=names)


def _list(cell: Any, separator: str | None) -> list[str]:
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        return [str(label) for label in cell]
    if pd.isna(cell):
        return []
    if not separator:
        raise RequestError(
            f"The target lists labels as texts such as {shorten(cell)}; say what stands between two of them.",
            hint='For example label_separator=";".',
        )
    return [label.strip() for label in str(cell).split(separator) if label.strip()]


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table.columns:
        raise RequestError(f"The table has no column {shorten(name)} to predict.")
    return table[name]


def _flags(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values.astype("object"), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    bad = np.flatnonzero((numbers != 0) & (numbers != 1))
    if len(bad):
        raise TrainingError(
            f"The label {shorten(values.name)} holds {shorten(values.iloc[int(bad[0])])} in row {bad[0] + 1}; "
            "a label is 0 or 1 in every row."
        )
    return pd.Series(numbers.astype(np.int8), index=values.index)
