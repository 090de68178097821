"""Cells that list several labels: told apart from prose, split, and made one spelling in the training table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import ListedLabels, ValueCount
from automl_schemas.spec import LABEL_JOINT, TargetSpec

from automl_runtime.data.keytext import literal, quote

__all__ = ["find_listed_labels", "label_flags", "label_rows", "labels_in", "listed_labels", "target_sql"]

_SEPARATORS: Final = ("|", ";", ",", "/", "\n")
_AROUND: Final = " \t\r\n\"'[]"
"""Not part of a label where it stands around one: `["a", "b"]` lists a and b."""
_MOST: Final = 200
_LONGEST: Final = 40
_MOST_WORDS: Final = 4
_MOST_CELLS: Final = 100_000
_FEWEST_SEVERAL: Final = 5
_SEVERAL: Final = 0.05
_REPEATED: Final = 5.0
_KNOWN: Final = 0.8
_MOVING: Final = 0.5
_DOUBLED: Final = 0.05
_VARIED: Final = 0.01
_INDENT: Final = "    "


@dataclass(slots=True)
class _Split:
    """What comes out when cells are split."""

    cells: int = 0
    several: int = 0
    parts: int = 0
    doubled: int = 0
    """Cells that would name a label twice."""
    sizes: Counter[int] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    """Rows that have a label, by its folded name."""
    first: Counter[str] = field(default_factory=Counter)
    """Of those, the rows in which it stands first."""
    spellings: dict[str, Counter[str]] = field(default_factory=dict)


def labels_in(cell: str, separator: str) -> list[str]:
    """The labels of a cell, in order and as they are spelled.

    >>> labels_in('Drama | sci-fi|', "|"), labels_in('["a", "b"]', ",")
    (['Drama', 'sci-fi'], ['a', 'b'])
    """
    return [label for part in cell.split(separator) if (label := part.strip(_AROUND))]


def find_listed_labels(texts: Sequence[str], counts: np.ndarray) -> ListedLabels | None:
    """The labels that cells list and what separates them; None where cells hold one value each, or prose.

    Lists of labels have short parts that come again and again, in different numbers and places. So neither prose with
    commas (long parts that do not come again), nor places ("Berlin, Germany") or names ("Doe, John"), whose second
    part never stands first, are taken for labels.

    Args:
        texts: distinct cells, none of them null.
        counts: in how many rows each occurs.
    """
    if not texts or sum(map(len, texts[:1000])) > 200 * min(len(texts), 1000):
        return None
    for separator in _SEPARATORS:
        if sum(separator in text for text in texts) < 2:
            continue
        found = _split(texts[:_MOST_CELLS], counts[:_MOST_CELLS].tolist(), separator)
        if _lists_labels(found):
            return _described(found, separator)
    return None


def listed_labels(cells: pa.ChunkedArray | pa.Array, separator: str) -> ListedLabels:
    """The labels that texts list with `separator` between them, whatever these look like."""
    return _described(_split_cells(cells, separator), separator)


def label_rows(cells: pa.ChunkedArray | pa.Array, separator: str) -> dict[str, int]:
    """In how many rows each label stands that texts list, in its most frequent spelling, the most frequent first."""
    return _ranked(_split_cells(cells, separator))


def label_flags(cells: pd.Series, labels: Sequence[str]) -> pd.DataFrame:
    """A column of 0 and 1 (int8) for each of `labels`, from the target of a training table of several labels.

    Args:
        cells: of each row its labels, with `LABEL_JOINT` between them.
        labels: what they are called.
    """
    lists = [set(str(cell).split(LABEL_JOINT)) for cell in cells]
    flags = {label: np.array([label in found for found in lists], dtype=np.int8) for label in labels}
    return pd.DataFrame(flags, index=cells.index, columns=pd.Index(labels, dtype=object))


def _split_cells(cells: pa.ChunkedArray | pa.Array, separator: str) -> _Split:
    found = pc.value_counts(pc.drop_null(cells.cast(pa.string())))
    texts, counts = (pc.struct_field(found, name).to_pylist() for name in ("values", "counts"))
    return _split(texts, counts, separator)


def _split(texts: Sequence[str], counts: Sequence[int], separator: str) -> _Split:
    found = _Split()
    for text, count in zip(texts, counts, strict=True):
        labels = labels_in(text, separator)
        keys = [label.lower() for label in labels]
        distinct = dict.fromkeys(keys)
        found.cells += count
        found.several += count * (len(distinct) > 1)
        found.parts += count * len(keys)
        found.doubled += count * (len(distinct) < len(keys))
        found.sizes[len(distinct)] += count
        for place, (key, label) in enumerate(zip(keys, labels, strict=True)):
            found.spellings.setdefault(key, Counter())[label] += count
            found.first[key] += count * (place == 0)
        for key in distinct:
            found.rows[key] += count
    return found


def _lists_labels(found: _Split) -> bool:
    if found.several < max(_FEWEST_SEVERAL, _SEVERAL * found.cells) or found.doubled > _DOUBLED * found.several:
        return False
    short = sum(count for key, count in found.rows.items() if len(key) <= _LONGEST and len(key.split()) <= _MOST_WORDS)
    total = found.rows.total()
    known = sum(count for count in found.rows.values() if count >= _REPEATED)
    if short < 0.95 * total or (total < _REPEATED * len(found.rows) and known < _KNOWN * total):
        return False
    # A list of fixed length whose places have a vocabulary each is one thing in parts: a place, a name, a size.
    later = {key: count - found.first[key] for key, count in found.rows.items()}
    moving = sum(count for key, count in later.items() if found.first[key] >= 2)
    other_sizes = found.cells - found.sizes.most_common(1)[0][1]
    return moving >= _MOVING * sum(later.values()) and other_sizes >= max(2, _VARIED * found.cells)


def _described(found: _Split, separator: str) -> ListedLabels:
    ranked = list(_ranked(found).items())
    return ListedLabels(
        separator=separator,
        several=found.several,
        labels=[ValueCount(value=label, count=count) for label, count in ranked[:_MOST]],
        more=max(0, len(ranked) - _MOST),
    )


def _ranked(found: _Split) -> dict[str, int]:
    usual = {key: min(names, key=lambda name: (-names[name], name)) for key, names in found.spellings.items()}
    return {usual[key]: count for key, count in sorted(found.rows.items(), key=lambda item: (-item[1], item[0]))}


def target_sql(target: TargetSpec) -> str | None:
    """The DuckDB expression over the base table that makes the target; None where a column is taken as it stands.

    Several labels become one text: those of `target.labels` or `target.columns` that a row has, with `LABEL_JOINT`
    between them. A cell that lists none is an empty text. Where one of `target.columns` is not filled it is not known
    which labels the row has, and the result is null.
    """
    if target.columns:
        return _of_columns(target.columns)
    return target.sql if target.separator is None else _of_cells(target.column, target.separator, target.labels)


def _of_columns(columns: Sequence[str]) -> str:
    known = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
    told = {name: f"CASE WHEN CAST({quote(name)} AS INTEGER) = 1 THEN {literal(name)} END" for name in columns}
    listed = "".join(f",\n{_INDENT}{case}" for case in told.values())
    return f"CASE WHEN {known} THEN concat_ws(\n{_INDENT}{literal(LABEL_JOINT)}{listed}\n) END"


def _of_cells(column: str, separator: str, labels: Sequence[str]) -> str:
    spelled, folded = _array(labels), _array([label.lower() for label in labels])
    parts = f"string_split(lower({quote(column)}), {_text(separator.lower())})"
    found = f"{spelled}[list_position({folded}, trim(part, {_text(_AROUND)}))]"
    return (
        f"coalesce(array_to_string(list_sort(list_distinct([\n{_INDENT}{found}\n{_INDENT}FOR part IN {parts}\n])), "
        f"{literal(LABEL_JOINT)}), '')"
    )


def _text(text: str) -> str:
    """`text` as SQL that stays on its line."""
    plain = "".join(sign for sign in text if sign.isprintable())
    signs = [f"chr({ord(sign)})" for sign in text if not sign.isprintable()]
    return " || ".join([literal(plain), *signs] if plain or not signs else signs)


def _array(texts: Sequence[str]) -> str:
    return f"[{', '.join(map(literal, texts))}]"
