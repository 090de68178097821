"""Numbers and durations as people write them."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "COUNT",
    "DURATION",
    "NUMBER",
    "SMALL_NUMBERS",
    "days_in",
    "parse_count",
    "parse_number",
    "seconds_in",
    "unit_name",
]

SMALL_NUMBERS: Final[dict[str, int]] = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10,
    "eleven": 11, "twelve": 12,
}  # fmt: skip
_WORDS: Final[dict[str, float]] = {
    **SMALL_NUMBERS,
    "fifteen": 15, "eighteen": 18, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90, "a hundred": 100, "one hundred": 100, "hundred": 100,
    "a thousand": 1000, "thousand": 1000, "a million": 1e6, "a": 1, "an": 1, "half a": 0.5, "half an": 0.5, "half": 0.5,
    "a couple of": 2, "a dozen": 12, "one and a half": 1.5, "a quarter of an": 0.25,
}  # fmt: skip
_SCALES: Final[dict[str, float]] = {
    "k": 1e3, "thousand": 1e3, "tsd": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "mm": 1e6, "million": 1e6, "millions": 1e6,
    "bn": 1e9, "billion": 1e9, "hundred": 1e2, "lakh": 1e5,
}  # fmt: skip
_UNITS: Final[dict[str, tuple[str, float]]] = {
    "second": (r"seconds?|secs?|sekunden?|secondes?|s", 1.0),
    "minute": (r"minutes?|mins?|minuten|m", 60.0),
    "hour": (r"hours?|hrs?|stunden?|heures?|h", 3600.0),
    "day": (r"days?|tage?n?|jours?|nights?|d", 86400.0),
    "week": (r"weeks?|wks?|wochen?|semaines?|w", 7 * 86400.0),
    "fortnight": (r"fortnights?", 14 * 86400.0),
    "month": (r"months?|mths?|mos?|monate?n?|mois", 30 * 86400.0),
    "quarter": (r"quarters?|quartale?|trimestres?", 91 * 86400.0),
    "year": (r"years?|yrs?|jahre?n?|y", 365 * 86400.0),
}

_DIGITS: Final = r"(?:\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?|[.,]\d+)"
_SCALE: Final = r"(?:\s?(?:k|m|mn|mio|tsd|bn)\b|\s(?:hundred|thousand|millions?|billion|lakh)\b)"
NUMBER: Final = rf"(?<![\w.,]){_DIGITS}{_SCALE}?(?![\d])"
"""A number in digits, with an optional scale: `50,000`, `0.85`, `.9`, `100k`, `2 million`."""

_NUMBER_WORDS: Final = "|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))
COUNT: Final = rf"(?:{NUMBER}|\b(?:{_NUMBER_WORDS})\b)"
"""A number in digits or in words."""

_ANY_UNIT: Final = "|".join(pattern for pattern, _ in _UNITS.values())
DURATION: Final = (
    rf"(?:(?<![\w.,]){_DIGITS}|\b(?:{_NUMBER_WORDS})\b)[\s-]?(?:hundred\s)?(?:{_ANY_UNIT})\b"
    r"(?!\s?(?:€|\$|eur|usd|dollar|km))"
)
"""A number and a unit of time: `5 minutes`, `2h`, `half an hour`, `90-day`."""


def parse_number(text: str, *, thousands_first: bool = False) -> float:
    """The number written in `text`.

    A dot or comma before exactly three digits is ambiguous: it groups thousands when it is a comma, when it occurs
    twice, or when `thousands_first` says so; a leading zero always makes it decimal.

    >>> parse_number("50,000"), parse_number("0,85"), parse_number("1.5m"), parse_number("50.000", thousands_first=True)
    (50000.0, 0.85, 1500000.0, 50000.0)

    Raises:
        ValueError: if there is no number in it.
    """
    match = re.fullmatch(rf"\s*({_DIGITS})\s*([a-z]*)\s*", text.casefold())
    if match is None:
        raise ValueError(f"{text!r} is not a number")
    digits = re.sub(r"[ '\u00a0\u202f]", "", match[1])
    return _parse_digits(digits, thousands_first) * _SCALES.get(match[2], 1.0)


def _parse_digits(digits: str, thousands_first: bool) -> float:
    marks = re.findall(r"[.,]", digits)
    if len(set(marks)) == 2:
        decimal = marks[-1]
        return float(digits.replace("," if decimal == "." else ".", "").replace(decimal, "."))
    if not marks:
        return float(digits)
    grouped = re.fullmatch(r"[1-9]\d{0,2}(?:[.,]\d{3})+", digits) is not None
    if grouped and (len(marks) > 1 or marks[0] == "," or thousands_first):
        return float(re.sub(r"[.,]", "", digits))
    return float(digits.replace(",", "."))


def parse_count(text: str, *, thousands_first: bool = True) -> float:
    """The number written in digits or words.

    >>> parse_count("half an"), parse_count("100k"), parse_count("two")
    (0.5, 100000.0, 2.0)

    Raises:
        ValueError: if it is neither.
    """
    word = " ".join(text.casefold().split())
    return float(_WORDS[word]) if word in _WORDS else parse_number(text, thousands_first=thousands_first)


def unit_name(text: str) -> str | None:
    """The unit of time that `text` names (`hrs` is `hour`), or None.

    >>> unit_name("Hrs"), unit_name("fortnight"), unit_name("apples")
    ('hour', 'fortnight', None)
    """
    for name, (pattern, _) in _UNITS.items():
        if re.fullmatch(pattern, text.strip().casefold()):
            return name
    return None


def seconds_in(duration: str) -> float:
    """Seconds in a text that matches `DURATION`.

    >>> seconds_in("5 minutes"), seconds_in("2h"), seconds_in("half an hour"), seconds_in("60s")
    (300.0, 7200.0, 1800.0, 60.0)

    Raises:
        ValueError: if it is no duration.
    """
    match = re.fullmatch(rf"\s*(.*?)[\s-]*({_ANY_UNIT})\s*", duration.casefold())
    if match is None:
        raise ValueError(f"{duration!r} is not a duration")
    unit = unit_name(match[2])
    assert unit is not None
    return parse_count(match[1] or "1", thousands_first=False) * _UNITS[unit][1]


def days_in(duration: str) -> float:
    """Days in a duration; a month has 30, a quarter 91, a year 365.

    >>> days_in("6 hours"), days_in("2 weeks"), days_in("quarter")
    (0.25, 14.0, 91.0)
    """
    return seconds_in(duration) / 86400.0
