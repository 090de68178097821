"""What a model sees of the data: names, types, counts and descriptions of columns, never a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from automl_schemas.catalog import ColumnEntry, DataCatalog

from automl_agent.grounding.candidates import content_of
from automl_agent.untrusted import clean

__all__ = ["described", "dictionary_of", "predictable"]

_MOST_COLUMNS: Final = 36
_MOST_OF_TABLE: Final = 16
_LONGEST_MEANING: Final = 70


def described(column: ColumnEntry, meaning: str | None = None) -> str:
    """A column in a few words: type, number of different values, span of numbers, gaps, meaning.

    >>> described(some_column)  # doctest: +SKIP
    'integer, 9 different, 0 to 8, 3 % missing; number of doors'
    """
    parts = [column.type, f"{column.distinct:,} different"]
    low, high = column.stats.min, column.stats.max
    if column.type in ("integer", "number") and isinstance(low, int | float) and isinstance(high, int | float):
        parts.append(f"{low:.4g} to {high:.4g}")
    if column.missing:
        parts.append(f"{100 * column.missing / max(column.rows, 1):.0f} % missing")
    return ", ".join(parts) + (f"; {clean(meaning, _LONGEST_MEANING)}" if meaning else "")


def predictable(
    catalog: DataCatalog,
    meanings: Mapping[str, str],
    *,
    first: Iterable[str] = (),
    left_out: Iterable[tuple[str, str]] = (),
    numbers_only: bool = False,
) -> dict[str, str]:
    """`table.column` -> description of the columns that could be a target, at most 36, the largest tables first.

    Args:
        catalog: what is there.
        meanings: descriptions by the name of a column.
        first: columns that must be among them.
        left_out: (table, column) that must not.
        numbers_only: the request asks for a number.
    """
    wanted, without = list(first), set(left_out)
    found: dict[str, str] = {}
    tables = sorted(catalog.tables, key=lambda table: -table.rows * min(len(table.columns), 8))
    for table in tables:
        fitting = [column for column in table.columns if _fits(column, numbers_only=numbers_only)]
        # Wide tables often hold what matters at either end.
        half = _MOST_OF_TABLE // 2
        ends = fitting if len(fitting) <= _MOST_OF_TABLE else [*fitting[:half], *fitting[-half:]]
        for column in ends:
            if (table.name, column.name) not in without:
                found[f"{table.name}.{column.name}"] = described(column, meanings.get(column.name))
    kept = [name for name in found if name in wanted] + [name for name in found if name not in wanted]
    return {name: found[name] for name in found if name in set(kept[:_MOST_COLUMNS])}


def _fits(column: ColumnEntry, *, numbers_only: bool) -> bool:
    content = content_of(column)
    if content is None or column.role in {"id", "key"} or column.personal is not None or column.distinct < 2:
        return False
    return not numbers_only or content == "number"


def dictionary_of(catalog: DataCatalog) -> dict[str, str]:
    """What texts beside the data say of columns: name -> description. It is untrusted."""
    columns = [column for table in catalog.tables for column in table.columns]
    return {column.name: column.meaning for column in reversed(columns) if column.meaning is not None}
