"""What each input column holds, when the caller does not say."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from automl_runtime.data.pictures import DATA_URL, ENDINGS, is_picture
from automl_runtime.errors import RequestError, shorten
from automl_runtime.inference.encoding import FEATURE_KINDS, MISSING, Column, FeatureKind, spell

__all__ = ["infer_kind", "make_columns", "refuse_pictures"]

_TEXT_WORDS = 3.0
_TEXT_DISTINCT = 0.3
_SAMPLE = 2_000
_FEW = 20
_MOST_CHARACTERS = 8_000_000


def infer_kind(values: pd.Series) -> FeatureKind:
    """The kind of a column: by its dtype, and for objects and strings by their cells.

    >>> [infer_kind(pd.Series(cells, dtype=object)) for cells in (["a", "b"], [1.5, None], [True, None])]
    ['category', 'number', 'boolean']
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return "category"
    if values.dtype.kind in "iuf":
        return "number"
    if values.dtype.kind == "b":
        return "boolean"
    if values.dtype.kind == "M":
        return "date"
    known = values.dropna()
    if _are_pictures(known):
        return "image"
    return _kind_of_objects(known.iloc[:: max(1, len(known) // _SAMPLE)])


def _are_pictures(known: pd.Series) -> bool:
    """Whether cells are the bytes of pictures, their addresses, or the paths of files that are there."""
    cells = known.iloc[:: max(1, len(known) // _FEW)].tolist()
    if not cells:
        return False
    if all(isinstance(cell, bytes) for cell in cells):
        return all(map(is_picture, cells))
    paths = [str(cell) for cell in cells if isinstance(cell, str | Path) and not str(cell).startswith(DATA_URL)]
    named = all(path.lower().endswith(ENDINGS) for path in paths)
    texts = all(isinstance(cell, str | Path) for cell in cells)
    # Path.is_file raises for a text that is too long to be a name.
    return texts and named and all(os.path.isfile(path) for path in paths)  # noqa: PTH113


def _kind_of_objects(known: pd.Series) -> FeatureKind:
    cells = list(known)
    if not cells:
        return "number"
    if all(isinstance(cell, bool) for cell in cells):
        return "boolean"
    if all(isinstance(cell, datetime.date) for cell in cells):
        return "date"
    if not any(isinstance(cell, str) for cell in cells):
        numeric = pd.to_numeric(pd.Series(cells, dtype=object), errors="coerce")
        return "number" if bool(numeric.notna().all()) else "category"
    words = sum(str(cell).count(" ") + 1 for cell in cells) / len(cells)
    distinct = len({str(cell) for cell in cells}) / len(cells)
    return "text" if words >= _TEXT_WORDS and distinct >= _TEXT_DISTINCT else "category"


def make_columns(frame: pd.DataFrame, kinds: Mapping[str, FeatureKind] | None) -> tuple[Column, ...]:
    """A column for each of `frame` that can tell rows apart; categories get their vocabulary, most frequent first.

    Raises:
        RequestError: if `kinds` names an unknown column or kind.
    """
    for name, kind in (kinds or {}).items():
        if kind not in FEATURE_KINDS:
            raise RequestError(
                f"The kind {shorten(kind)} of column {shorten(name)} is unknown; possible: {FEATURE_KINDS}."
            )
    columns = []
    for name in frame.columns:
        kind = (kinds or {}).get(name) or infer_kind(frame[name])
        vocabulary = _vocabulary(frame[name]) if kind == "category" else ()
        characters = kind != "text" or int(frame[name].astype("str").str.len().sum()) <= _MOST_CHARACTERS
        columns.append(Column(str(name), kind, vocabulary, characters))
    return tuple(columns)


def refuse_pictures(columns: Sequence[Column], what: str) -> None:
    """Refuses columns of pictures where nothing is learned from them; `what` begins the sentence that says so.

    Raises:
        RequestError: naming the first.
    """
    pictures = [column.name for column in columns if column.kind == "image"]
    if pictures:
        raise RequestError(
            f"{what} from every kind of column but pictures; {shorten(pictures[0])} holds some.",
            hint="Leave the column out.",
        )


def _vocabulary(values: pd.Series) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    if values.dtype == object:
        counts.update(spell(value) for value in values[values.notna()])
    else:
        codes, uniques = pd.factorize(values)
        for code, count in pd.Series(codes).value_counts().items():
            if code != MISSING:
                counts[spell(uniques[code])] += int(count)
    return tuple(sorted(counts, key=lambda word: (-counts[word], word)))
