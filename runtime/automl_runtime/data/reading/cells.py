"""What a single text cell looks like: the vocabulary of header and table detection."""

from __future__ import annotations

import re
from typing import Final, Literal

__all__ = ["TYPED", "CellKind", "is_note", "is_total", "kind_of"]

CellKind = Literal["empty", "number", "date", "time", "mark", "code", "text"]
"""`mark` is a missing marker or a lone sign, `code` a word that mixes letters and digits."""

TYPED: Final = frozenset({"number", "date", "time"})
"""Kinds that the name of a column rarely has."""

_MARKS = frozenset(
    ["-", "--", "---", "?", ".", "..", "...", "*", "n/a", "na", "nan", "null", "none", "nil", "\\n", "#n/a"]
)
_CURRENCY = "$\u20ac\u00a3\u00a5\u20b9\u20bd"
_NUMBER = re.compile(
    rf"[(]?[-+\u2212]?\s?(?:[{_CURRENCY}]|[A-Z]{{3}}\s)?\s?[-+]?"
    r"(?:\d+(?:[.,']\d+)*[.,]?|\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?:[.,]\d+)?|[.,]\d+)(?:[eE][-+]?\d+)?"
    rf"\s?(?:%|[{_CURRENCY}]|[A-Z]{{3}})?[)]?"
)
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|m\u00e4r|mai|okt|dez|janv|f\u00e9vr|avr|juin|juil|ao\u00fbt|d\u00e9c)"
    r"[a-z\u00e9\u00fb]*\.?"
)
_DATE = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}|\d{{4}}-\d{{2}}|\d{{8}}T\d{{6}}Z?"
    rf"|(?:[a-z]{{3,9}},? )?\d{{1,2}}(?:st|nd|rd|th)?[- .]{{0,2}}{_MONTH}(?:[- .,]{{0,2}}\d{{2,4}})?"
    rf"|{_MONTH}[- ]\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}})"
    r"(?:[T ,]{1,2}\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d+)?\s?(?:[AP]\.?M\.?)?\s?(?:[+-]\d{2}:?\d{2}|[A-Z][\w/+-]*)?)?",
    re.IGNORECASE,
)
_TIME = re.compile(r"\+?\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d+)?(?:\s?[AaPp]\.?[Mm]\.?)?")
_TOTAL = re.compile(
    r"(?:grand |sub[- ]?|overall )?(?:total|sum|average|mean|subtotal|summe|gesamt|insgesamt|zwischensumme"
    r"|somme|totale|totaal|suma|\u0438\u0442\u043e\u0433\u043e|\u0432\u0441\u0435\u0433\u043e"
    r"|\u5408\u8ba1|\u5408\u8a08|\u603b\u8ba1|\u7e3d\u8a08)s?",
    re.IGNORECASE,
)
_TOTAL_OF = re.compile(rf"(?:{_TOTAL.pattern})[ :(].{{0,40}}", re.IGNORECASE)
_NOTE = re.compile(
    r"(?:source|note|footnote|remark|legend|quelle|hinweis|anmerkung|fuente|fonte|nota|bron)s?\s*(?:[:.*\u2013-].*)?$"
    r"|[*\u2020\u00a9\u00b9]+\s?\w",
    re.IGNORECASE | re.DOTALL,
)
_PATTERNS: Final[tuple[tuple[CellKind, re.Pattern[str]], ...]] = (("date", _DATE), ("time", _TIME), ("number", _NUMBER))


def kind_of(cell: str) -> CellKind:
    """The kind of a cell, white space and stray quotes around it not counted.

    >>> [kind_of(cell) for cell in ("", "1.234,50", "2021-06-30", "09:15", "N/A", "A-17", "Anna")]
    ['empty', 'number', 'date', 'time', 'mark', 'code', 'text']
    """
    text = cell.strip(" \t\r\n\xa0\"'")
    if not text:
        return "empty"
    if len(text) > 40:
        return "text"
    if text.lower() in _MARKS:
        return "mark"
    if not any(character.isdigit() for character in text):
        return "text"
    for kind, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return kind
    return "text" if " " in text else "code"


def is_note(cell: str) -> bool:
    """Whether a cell begins a note below a table.

    >>> is_note("Source: town hall"), is_note("Notes"), is_note("Note 10 Pro")
    (True, True, False)
    """
    return _NOTE.match(cell.strip()) is not None


def is_total(cell: str, *, loosely: bool = False) -> bool:
    """Whether a cell labels a row of totals; `loosely` also when it says what of.

    >>> is_total("Grand total:"), is_total("Total of 2021"), is_total("Total of 2021", loosely=True)
    (True, False, True)
    """
    text = cell.strip().rstrip(":")
    return _TOTAL.fullmatch(text) is not None or (loosely and _TOTAL_OF.fullmatch(text) is not None)
