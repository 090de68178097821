"""What a column usually holds, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from automl_runtime.errors import shorten
from automl_runtime.inference.encoding import Column, spell

__all__ = ["describe"]

_LONGEST = 40
_TAIL = 0.05


def describe(frame: pd.DataFrame, columns: Sequence[Column]) -> dict[str, str]:
    """Of each column: the range of the middle 90 % of numbers and dates, the length of texts, else the usual value."""
    return {column.name: _typical(column, frame[column.name]) for column in columns}


def _typical(column: Column, values: pd.Series) -> str:
    known = values[values.notna()]
    if column.kind == "number":
        known = pd.to_numeric(known.astype("object"), errors="coerce").astype("float64")
        known = known[np.isfinite(known)]
    elif column.kind == "date":
        known = pd.to_datetime(known, errors="coerce", utc=True, format="mixed").dropna()
    if known.empty:
        return "nothing"
    if column.kind == "number":
        low, high = known.quantile([_TAIL, 1 - _TAIL])
        return f"{low:.4g} to {high:.4g}"
    if column.kind == "date":
        low, high = known.quantile([_TAIL, 1 - _TAIL])
        return f"{low:%Y-%m-%d} to {high:%Y-%m-%d}"
    if column.kind == "text":
        low, high = known.astype("str").str.len().quantile([_TAIL, 1 - _TAIL])
        return f"{low:.0f} to {high:.0f} characters"
    counts = known.map(spell).value_counts()
    word = min(counts[counts == counts.max()].index)
    return f"{shorten(word, _LONGEST)} ({counts.max() / len(values):.0%})"
