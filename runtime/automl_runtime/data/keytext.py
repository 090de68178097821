"""Keys as text, in SQL: the one definition of when two key values are the same.

White space around, case, leading zeros of digits and a trailing `.0` do not count: `007`, `7` and `7.0` are one key.
"""

from __future__ import annotations

from typing import Final, Literal

from automl_schemas.vocabulary import ColumnType

__all__ = ["KEY_MACRO", "KeyKind", "key_expression", "key_kind", "key_pair", "literal", "quote"]

KeyKind = Literal["int", "text", "date", "datetime"]

KEY_MACRO: Final = (
    "CREATE OR REPLACE TEMP MACRO key_text(value) AS\n"
    "    regexp_replace(lower(trim(CAST(value AS VARCHAR))), '^0*([0-9]+?)(\\.0+)?$', '\\1');"
)

_KINDS: Final[dict[ColumnType, KeyKind]] = {
    "integer": "int",
    "number": "int",
    "category": "text",
    "text": "text",
    "date": "date",
    "datetime": "datetime",
}


def quote(name: str) -> str:
    """`name` as an SQL identifier.

    >>> quote("two words")
    '"two words"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` as an SQL string.

    >>> literal("don't")
    "'don''t'"
    """
    return "'" + text.replace("'", "''") + "'"


def key_kind(type_: ColumnType) -> KeyKind | None:
    """What kind of key a column of this type can be; None when none."""
    return _KINDS.get(type_)


def key_expression(column: str, type_: ColumnType) -> str:
    """SQL for the key that a cell stands for, as text; `column` is an SQL expression."""
    if type_ in ("integer", "date", "datetime"):
        return f"CAST({column} AS VARCHAR)"
    return f"key_text({column})"


def key_pair(left: str, left_type: ColumnType, right: str, right_type: ColumnType) -> tuple[str, str]:
    """The two sides of a comparison of keys: as they stand when the types agree, else as key text.

    >>> key_pair("a.id", "integer", "b.id", "integer"), key_pair("a.id", "integer", "b.id", "text")
    (('a.id', 'b.id'), ('CAST(a.id AS VARCHAR)', 'key_text(b.id)'))
    """
    if left_type == right_type and left_type in ("integer", "date", "datetime"):
        return left, right
    if {left_type, right_type} == {"date", "datetime"}:
        return f"CAST({left} AS DATE)", f"CAST({right} AS DATE)"
    return key_expression(left, left_type), key_expression(right, right_type)
