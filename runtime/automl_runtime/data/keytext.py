"""Keys as text, in SQL: the one definition of when two key values are the same.

White space around, case, leading zeros of digits and a trailing `.0` do not count: `007`, `7` and `7.0` are one key.
Where tables write their keys differently, signs do not count either (`P-007` is `p7`), or digits alone do.
"""

from __future__ import annotations

from typing import Final, Literal

from automl_schemas.vocabulary import ColumnType, KeySpelling

__all__ = ["KEY_MACROS", "KeyKind", "key_expression", "key_kind", "key_pair", "literal", "quote"]

KeyKind = Literal["int", "text", "date", "datetime"]

_MACROS: Final[dict[KeySpelling, str]] = {"text": "key_text", "squeezed": "key_squeezed", "digits": "key_digits"}

KEY_MACROS: Final = {
    "key_text": (
        "-- Keys are compared as text: surrounding white space, case and leading zeros do not count.\n"
        "CREATE OR REPLACE TEMP MACRO key_text(value) AS\n"
        "    regexp_replace(lower(trim(CAST(value AS VARCHAR))), '^0*([0-9]+?)(\\.0+)?$', '\\1');"
    ),
    "key_squeezed": (
        "-- Keys are compared without the signs in them and without zeros before a number: P-007 is p7.\n"
        "CREATE OR REPLACE TEMP MACRO key_squeezed(value) AS\n"
        "    regexp_replace(regexp_replace(lower(CAST(value AS VARCHAR)), '[^\\p{L}\\p{N}]', '', 'g'),\n"
        "        '(^|[^0-9])0+([0-9])', '\\1\\2', 'g');"
    ),
    "key_digits": (
        "-- Keys are compared by their digits: P-007 is 7.\n"
        "CREATE OR REPLACE TEMP MACRO key_digits(value) AS\n"
        "    regexp_replace(regexp_replace(CAST(value AS VARCHAR), '[^0-9]', '', 'g'), '^0+([0-9])', '\\1');"
    ),
}
"""DuckDB macros by name, each with a comment that says what it does."""

_KINDS: Final[dict[ColumnType, KeyKind]] = {
    "integer": "int",
    "number": "int",
    "category": "text",
    "text": "text",
    "image": "text",
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


def key_expression(column: str, type_: ColumnType, spelling: KeySpelling = "text") -> str:
    """SQL for the key that a cell stands for, as text; `column` is an SQL expression."""
    if type_ in ("integer", "date", "datetime"):
        return f"CAST({column} AS VARCHAR)"
    return f"{_MACROS[spelling]}({column})"


def key_pair(
    left: str, left_type: ColumnType, right: str, right_type: ColumnType, spelling: KeySpelling = "text"
) -> tuple[str, str]:
    """The two sides of a comparison of keys: as they stand when the types agree, else as key text.

    >>> key_pair("a.id", "integer", "b.id", "integer"), key_pair("a.id", "integer", "b.id", "text")
    (('a.id', 'b.id'), ('CAST(a.id AS VARCHAR)', 'key_text(b.id)'))
    """
    if left_type == right_type and left_type in ("integer", "date", "datetime"):
        return left, right
    if {left_type, right_type} == {"date", "datetime"}:
        return f"CAST({left} AS DATE)", f"CAST({right} AS DATE)"
    return key_expression(left, left_type, spelling), key_expression(right, right_type, spelling)
