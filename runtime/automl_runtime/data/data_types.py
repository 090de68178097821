"""What kind of data a file or folder holds: a table, a series, pictures or texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from automl_schemas.catalog import ColumnEntry, TableEntry

from automl_runtime.data.reading import read_path
from automl_runtime.data.reading.kinds import sniff
from automl_runtime.data.reading.walk import walk
from automl_runtime.data.table_entries import Prepared, prepare
from automl_runtime.errors import DataError

__all__ = ["DataType", "detect_data_type"]

DataType = Literal["tabular", "timeseries", "image", "text"]

_MOST_FILES = 500
_MOST_BESIDE_TEXT = 4
"""Columns that texts may have beside them: a label, a name, a date, a score."""
_WORDS = 4
"""A text has more, on average."""
_FEWEST_MOMENTS = 8
_REGULAR = 0.6
"""Share of the steps between moments that are of the usual length."""
_YEARS = (1500, 2200)


def detect_data_type(source: Path | str, *, rows: int = 100) -> DataType:
    """What `source` holds, by content: its files, then the first `rows` rows of its largest table.

    - `image`: pictures, alone or named in a table.
    - `text`: documents, or a table whose rows are free texts with little beside them.
    - `timeseries`: numbers at moments that follow each other at even steps, in one series or several.
    - `tabular`: everything else; columns of words from a small vocabulary are no texts.

    Raises:
        DataError: if there is nothing, or nothing of these.
    """
    source = Path(source)
    kinds = _kinds(source)
    if kinds["image"] * 2 > sum(kinds.values()):
        return "image"
    try:
        tables = read_path(source).tables
    except DataError:
        if kinds["text"] * 2 > sum(kinds.values()):
            return "text"
        raise
    if not tables:
        return "image"
    largest = max(tables, key=lambda table: table.data.num_rows)
    table = prepare(replace(largest, data=largest.data.slice(0, rows)))
    if any(column.type == "image" for column in table.entry.columns):
        return "image"
    if _is_text(table):
        return "text"
    return "timeseries" if _is_series(table) else "tabular"


def _kinds(source: Path) -> Counter[str]:
    if source.is_dir():
        files = walk(source).files
        files = files[:: -(-len(files) // _MOST_FILES) or 1]
    elif source.is_file():
        files = [(source, source.name)]
    else:
        raise DataError(f"{source} does not exist.")
    return Counter(sniff(path, name).kind for path, name in files)


def _is_text(table: Prepared) -> bool:
    """Whether most of what a row holds is free text."""
    columns = [column for column in table.entry.columns if column.type != "empty"]
    texts = [column for column in columns if column.type == "text" and _words(table, column) > _WORDS]
    written = sum(column.stats.mean_length or 0.0 for column in texts)
    beside = [column for column in columns if column not in texts]
    # A number, a date or a word is some eight characters long.
    return bool(texts) and len(beside) <= _MOST_BESIDE_TEXT and written > 8 * len(beside)


def _words(table: Prepared, column: ColumnEntry) -> float:
    cells = [cell for cell in table.clean.data[column.name].to_pylist() if cell]
    return float(np.mean([len(cell.split()) for cell in cells])) if cells else 0.0


def _is_series(table: Prepared) -> bool:
    """Whether a column holds moments at even steps, and another one numbers."""
    entry = table.entry
    times = [column for column in entry.columns if column.type in ("date", "datetime") or _may_be_years(column)]
    numbers = [column for column in entry.columns if column.type in ("number", "integer") and column.role != "id"]
    frame = table.clean.data.select([column.name for column in entry.columns]).to_pandas()
    for time in times:
        if not any(number.name != time.name for number in numbers):
            continue
        if any(_is_even(frame, time, series) for series in [[], *_series(entry, time)]):
            return True
    return False


def _may_be_years(column: ColumnEntry) -> bool:
    low, high = column.stats.min, column.stats.max
    whole = column.type == "integer" and isinstance(low, int | float) and isinstance(high, int | float)
    return whole and _YEARS[0] <= float(low or 0) and float(high or 0) <= _YEARS[1]


def _series(entry: TableEntry, time: ColumnEntry) -> list[list[str]]:
    """Columns that may tell series apart: each alone, and all of them."""
    words = [c.name for c in entry.columns if c.type in ("category", "text") and 1 < c.distinct < entry.rows / 3]
    keys = [c.name for c in entry.columns if c.type == "integer" and 1 < c.distinct < entry.rows / 3 and c is not time]
    alone = [[name] for name in [*words, *keys]]
    return [*alone, words] if len(words) > 1 else alone


def _is_even(frame: pd.DataFrame, time: ColumnEntry, series: list[str]) -> bool:
    """Whether the moments of each series differ, come in order, and mostly follow at the usual distance."""
    frame = frame.dropna(subset=[time.name])
    steps: list[float] = []
    for _, part in frame.groupby(series, sort=False) if series else [((), frame)]:
        values = part[time.name]
        moments = values.astype(float) if time.type == "integer" else pd.to_datetime(values).astype("int64") / 1e3
        found = np.diff(moments.to_numpy())
        if not ((found > 0).all() or (found < 0).all()):
            return False
        steps += np.abs(found).tolist()
    if len(steps) < _FEWEST_MOMENTS - 1:
        return False
    usual = float(np.median(steps))
    if time.type == "integer":
        return usual == 1 and min(steps) == max(steps)
    # Months and years are not all of one length.
    return float(np.mean(np.abs(np.array(steps) - usual) <= 0.12 * usual)) >= _REGULAR
