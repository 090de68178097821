"""Conditions on runs as people type them: `cv > 0.8 and status = completed`.

    condition  = all { "or" all }
    all        = one { "and" one }
    one        = "not" one | "(" condition ")" | FIELD compare VALUE | FIELD "in" "(" VALUE { "," VALUE } ")"
    compare    = "=" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "~"          ("~": contains, in any case)

A value is a number, a word, a text in quotes, or `none`. The outcome is an expression of SQLAlchemy with bound values.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from sqlalchemy import ColumnElement, and_, false, not_, or_

from automl_runtime.errors import RequestError

__all__ = ["parse_filter"]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign><=|>=|==|!=|[=<>~(),])|(?P<word>[^\s=<>!~(),'\"]+)|(?P<bad>\S))"
)
_COMPARE = ("=", "==", "!=", "<", "<=", ">", ">=", "~")
_WORDS = ("and", "or", "not", "in")
_DEEPEST = 50


def parse_filter(text: str, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    """The condition that `text` says.

    Args:
        text: in the grammar of this module.
        columns: the fields that may be named.

    Raises:
        RequestError: if it is not understood; the message points at the place.
    """
    return _Parser(text, columns).parse()


class _Parser:
    def __init__(self, text: str, columns: Mapping[str, ColumnElement[Any]]) -> None:
        self._text = text
        self._columns = columns
        self._tokens = [
            (str(match.lastgroup), match[str(match.lastgroup)], match.start(str(match.lastgroup)))
            for match in _TOKEN.finditer(text)
        ]
        self._place = 0

    def parse(self) -> ColumnElement[bool]:
        found = self._any(0)
        if self._place < len(self._tokens):
            self._fail("`and`, `or` or the end is expected here")
        return found

    def _any(self, depth: int) -> ColumnElement[bool]:
        parts = [self._all(depth)]
        while self._word("or"):
            parts.append(self._all(depth))
        return or_(false(), *parts)

    def _all(self, depth: int) -> ColumnElement[bool]:
        parts = [self._one(depth)]
        while self._word("and"):
            parts.append(self._one(depth))
        return and_(*parts)

    def _one(self, depth: int) -> ColumnElement[bool]:
        if depth > _DEEPEST:
            self._fail("there are too many parentheses or `not`s before this")
        if self._word("not"):
            return not_(self._one(depth + 1))
        if self._sign("("):
            found = self._any(depth + 1)
            if not self._sign(")"):
                self._fail("`)` is expected here")
            return found
        return self._comparison()

    def _comparison(self) -> ColumnElement[bool]:
        kind, name, _ = self._peek()
        if kind != "word" or name.lower() in _WORDS:
            self._fail(f"a field is expected here: {', '.join(self._columns)}")
        column = self._columns.get(name.lower())
        if column is None:
            near = difflib.get_close_matches(name.lower(), self._columns, n=1)
            self._fail(f"there is no field of this name{f'; did you mean `{near[0]}`?' if near else ''}", known=True)
        self._place += 1
        if self._word("in"):
            return column.in_(self._values(name, column))
        kind, sign, _ = self._peek()
        if kind != "sign" or sign not in _COMPARE:
            self._fail(f"a comparison is expected after `{name}`: {' '.join(_COMPARE)} in")
        self._place += 1
        return self._compare(column, sign, self._value(name, column, sign))

    def _compare(self, column: ColumnElement[Any], sign: str, value: str | float | None) -> ColumnElement[bool]:
        if value is None:
            return column.is_(None) if sign in ("=", "==") else column.is_not(None)
        if sign == "~":
            return column.icontains(str(value), autoescape=True)
        operations = {"=": "__eq__", "==": "__eq__", "!=": "__ne__"}
        operations |= {"<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}
        return cast("ColumnElement[bool]", getattr(column, operations[sign])(value))

    def _values(self, name: str, column: ColumnElement[Any]) -> list[str | float | None]:
        if not self._sign("("):
            self._fail("`(` is expected after `in`")
        values = [self._value(name, column, "in")]
        while self._sign(","):
            values.append(self._value(name, column, "in"))
        if not self._sign(")"):
            self._fail("`,` or `)` is expected here")
        return values

    def _value(self, name: str, column: ColumnElement[Any], sign: str) -> str | float | None:
        kind, text, _ = self._peek()
        if kind not in ("word", "text") or (kind == "word" and text.lower() in _WORDS):
            self._fail("a value is expected here: a number, a word, or a text in quotes")
        if kind == "word" and text.lower() in ("none", "null"):
            if sign not in ("=", "==", "!="):
                self._fail("`none` can be compared with = and != only")
            self._place += 1
            return None
        numeric = column.type.python_type in (int, float)
        if numeric and sign == "~":
            self._fail(f"`{name}` is a number, and `~` looks into text")
        value: str | float = text[1:-1] if kind == "text" else text
        if numeric:
            try:
                value = float(value)
            except ValueError:
                self._fail(f"`{name}` is a number, and this is none")
        self._place += 1
        return value

    def _peek(self) -> tuple[str, str, int]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "", len(self._text))

    def _word(self, word: str) -> bool:
        kind, text, _ = self._peek()
        return self._take(kind == "word" and text.lower() == word)

    def _sign(self, sign: str) -> bool:
        kind, text, _ = self._peek()
        return self._take(kind == "sign" and text == sign)

    def _take(self, fits: bool) -> bool:
        self._place += fits
        return fits

    def _fail(self, reason: str, *, known: bool = False) -> NoReturn:
        _, _, start = self._peek()
        # A window around the place, so that a long filter stays readable.
        first = max(0, start - 60)
        window = "".join(letter if letter.isprintable() else " " for letter in self._text[first : start + 40])
        fields = f"\n  Fields: {', '.join(self._columns)}." if known else ""
        raise RequestError(
            f"The filter is not understood at position {start + 1}: {reason}.{fields}",
            hint=f"{window}\n  {' ' * (start - first)}^",
        )
