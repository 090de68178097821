"""Names that stay different when case does not count, as in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from automl_runtime.data.tables import RawTable

__all__ = ["distinct_columns", "distinct_tables", "distinct_words"]


def distinct_words(names: Iterable[str], form: str = "{} ({})") -> list[str]:
    """The names, those that differ only in case from an earlier one with a number.

    >>> distinct_words(["Sum", "sum", "SUM", "sum (2)"])
    ['Sum', 'sum (2)', 'SUM (3)', 'sum (2) (2)']
    """
    seen: set[str] = set()
    found = []
    for name in names:
        chosen, number = name, 2
        while chosen.lower() in seen:
            chosen = form.format(name, number)
            number += 1
        seen.add(chosen.lower())
        found.append(chosen)
    return found


def distinct_columns(raw: RawTable) -> RawTable:
    """`raw` with column names that SQL can tell apart."""
    names = distinct_words(raw.data.column_names)
    return (
        raw
        if names == raw.data.column_names
        else replace(
            raw,
            data=raw.data.rename_columns(names),
            types={names[raw.data.column_names.index(name)]: type_ for name, type_ in raw.types.items()},
        )
    )


def distinct_tables(raws: Sequence[RawTable]) -> list[RawTable]:
    """`raws` with table names that SQL can tell apart, and their columns likewise."""
    names = distinct_words([raw.name for raw in raws], "{}_{}")
    changed = {raw.name: name for raw, name in zip(raws, names, strict=True)}
    return [
        replace(distinct_columns(raw), name=name, parent=changed.get(raw.parent, raw.parent) if raw.parent else None)
        for raw, name in zip(raws, names, strict=True)
    ]
