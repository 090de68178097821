"""Which date formats a column is written in, with the order of day and month decided from all its cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.compute as pc

from automl_runtime.data.dates import (
    MICROSECONDS_PER_DAY,
    MONTHS,
    WEEKDAYS,
    ZONES,
    Moments,
    extract_parts,
    parse_clock,
    parse_moments,
)
from automl_runtime.data.distinct import Cells

__all__ = ["clock_formats", "date_formats", "formats_of", "only_days"]

_TOKEN: Final = re.compile(r"\d+|[^\W\d_]+\.?|\s+|.", re.DOTALL)
_TIME: Final = re.compile(
    r"(?P<head>.*?)(?P<time>(?<!\d)\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(?P<half>\s*[aApP]\.?[mM]\.?)?"
    rf"(?P<zone>\s?(?:[+-]\d{{2}}(?::?\d{{2}})?(?!\d)|(?:{'|'.join(ZONES)})\b)?)(?P<tail>.*)",
    re.DOTALL,
)
_LITERALS: Final = frozenset(["T", "t", "de", "del", "of", "at", "um", "uhr", "le", "the", "à"])
_ORDINALS: Final = frozenset(["st", "nd", "rd", "th", "er"])
_COMPACT: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_SAMPLE: Final = 1500
_LONGEST: Final = 48
_MOST_FORMATS: Final = 24
_FULL_MONTHS: Final = frozenset(
    ["january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december"]
)


def date_formats(cells: Cells) -> tuple[list[str], Moments] | None:
    """Formats that read nearly all cells, most frequent first, and the moments; None when the cells are no dates.

    Day and month are told apart by all cells that have the same separators: a number above 12 proves what it is. What
    no cell proves follows the other separators, then a field that is always 1 (the day), then the habit of the
    separator: `/` month first, `.`, `-` and space day first.
    """
    formats = _candidates(cells)
    if not formats:
        return None
    ordered = _by_rows(cells, _decide_orders(cells, formats))
    moments = parse_moments(cells.text, ordered)
    if not cells.enough(moments.ok):
        return None
    used = [form for place, form in enumerate(ordered) if (moments.by == place).any()]
    return used, moments if used == ordered else parse_moments(cells.text, used)


def clock_formats(cells: Cells) -> tuple[list[str], Moments] | None:
    """Formats of times of day or of durations below an hour that read nearly all cells; None when they are neither."""
    shaped = cells.matches(r"^\d{1,2}:\d{2}(?::\d{2})?(?:\.\d{1,9})?(?: ?[aApP]\.?[mM]\.?)?$")
    if not cells.enough(shaped):
        return None
    if cells.matches(r"[mM]").any():
        formats = ["%I:%M %p", "%I:%M:%S %p", "%H:%M", "%H:%M:%S"]
    elif cells.matches(r"^\d{1,2}:\d{2}\.\d").any():
        formats = ["%M:%S.%f", "%H:%M:%S.%f", "%M:%S", "%H:%M:%S"]
    else:
        formats = ["%H:%M:%S", "%H:%M", "%H:%M:%S.%f"]
        if not cells.enough(parse_clock(cells.text, formats).ok):
            formats = ["%M:%S", "%H:%M:%S"]
    moments = parse_clock(cells.text, formats)
    if not cells.enough(moments.ok):
        return None
    used = [form for place, form in enumerate(formats) if (moments.by == place).any()]
    return used, parse_clock(cells.text, used)


def only_days(moments: Moments) -> bool:
    """Whether no parsed cell has a time of day."""
    return bool((moments.micros[moments.ok] % MICROSECONDS_PER_DAY == 0).all())


def _candidates(cells: Cells) -> list[str]:
    """Formats that the cells suggest, in the order of first sight; found on a sample, then on what it leaves over."""
    formats: list[str] = []
    left = np.ones(len(cells), dtype=bool)
    for _ in range(3):
        sample = _sample(cells, left)
        found = [form for text in sample for form in formats_of(text)]
        readable = sum(bool(formats_of(text)) for text in sample)
        if readable * 2 < len(sample):
            break
        formats = list(dict.fromkeys([*formats, *found]))
        if not found or len(formats) > 4 * _MOST_FORMATS:
            break
        left &= ~parse_moments(cells.text, formats).ok
        if not left.any():
            break
    return formats


def _sample(cells: Cells, left: np.ndarray) -> list[str]:
    places = np.flatnonzero(left)
    if len(places) <= _SAMPLE:
        few: list[str] = cells.text.take(places).to_pylist()
        return few
    # Sorted, so that the order of the rows does not matter.
    texts = cells.text.take(places)
    step = len(texts) // _SAMPLE
    chosen: list[str] = texts.take(pc.sort_indices(texts)[::step]).to_pylist()
    return chosen


def formats_of(text: str) -> list[str]:
    """The formats that `text` may be written in; several where the order of day and month is open.

    >>> formats_of("Oct 30, 2019"), formats_of("04/05/2021 10:00"), formats_of("hello")
    (['%b %d, %Y'], ['%m/%d/%Y %H:%M', '%d/%m/%Y %H:%M'], [])
    """
    if not 4 <= len(text) <= _LONGEST or not any(char.isdigit() for char in text):
        return []
    head, clock, tail = text, "", ""
    found = _TIME.fullmatch(text)
    if found:
        head, tail = found["head"], found["tail"]
        clock = _clock_format(found["time"], found["half"] or "", found["zone"] or "")
    tokens, rest = _TOKEN.findall(head), _TOKEN.findall(tail)
    if not found and (compact := _compact(text)):
        return [compact]
    forms = []
    for order in _orders([*tokens, *rest]):
        left = iter(order)
        pieces = [*_pieces(tokens, left), clock, *_pieces(rest, left)]
        forms.append("".join(pieces))
    return [form for form in dict.fromkeys(forms) if "?" not in form]


def _compact(text: str) -> str | None:
    digits, mark, clock = text.partition("T")
    if len(digits) == 8 and mark and digits.isdigit():
        clock, zone = (clock[:-1], "%z") if clock.endswith("Z") else (clock, "")
        form = {4: "%H%M", 6: "%H%M%S"}.get(len(clock))
        return f"%Y%m%dT{form}{zone}" if form and clock.isdigit() else None
    return _COMPACT.get(len(text)) if text.isdigit() and text.isascii() else None


def _clock_format(time: str, half: str, zone: str) -> str:
    hour = "%I" if half else "%H"
    parts = re.split(r"[:.,]", time)
    form = ":".join([hour, "%M", "%S"][: min(len(parts), 3)])
    if len(parts) == 4:
        form += ("," if "," in time else ".") + "%f"
    form += (" " if half.startswith(" ") else "") + "%p" if half else ""
    return form + (zone[0] if zone[:1] == " " else "") + ("%z" if zone.strip() else "")


def _orders(tokens: list[str]) -> list[tuple[str, ...]]:
    """What the numbers of a date can be, in their order; nothing when they cannot make up a date."""
    numbers = [token for token in tokens if token.isdigit() and token.isascii()]
    words = [token.rstrip(".").casefold() for token in tokens if token[0].isalpha()]
    months = sum(word in MONTHS for word in words)
    known = all(word in MONTHS or word in WEEKDAYS or word in _LITERALS or word in _ORDINALS for word in words)
    if not known or months > 1 or any(len(number) not in (1, 2, 4) for number in numbers):
        return []
    years = [place for place, number in enumerate(numbers) if len(number) == 4]
    if months:
        return _named_orders(numbers, years, tokens)
    if words and not set(words) <= (WEEKDAYS | _LITERALS):
        return []
    return _numeric_orders(numbers, years)


def _named_orders(numbers: list[str], years: list[int], tokens: list[str]) -> list[tuple[str, ...]]:
    if len(numbers) == 2 and len(years) == 1:
        return [("%Y", "%d")] if years == [0] else [("%d", "%Y")]
    if len(numbers) == 2 and not years:
        return [("%d", "%y")] if len(numbers[1]) == 2 else []
    if len(numbers) == 1 and years:
        return [("%Y",)]
    # "Oct-19" and "Oct '19" are months of a year; "Oct 19" is a day without one.
    if len(numbers) == 1 and len(numbers[0]) == 2 and ({"-", "'", "’"} & set(tokens)):
        return [("%y",)]
    return []


def _numeric_orders(numbers: list[str], years: list[int]) -> list[tuple[str, ...]]:
    if len(numbers) == 3 and len(years) == 1:
        if years == [0]:
            return [("%Y", "%m", "%d"), ("%Y", "%d", "%m")]
        return [("%m", "%d", "%Y"), ("%d", "%m", "%Y")] if years == [2] else []
    if len(numbers) == 3 and not years and len(numbers[2]) == 2:
        return [("%m", "%d", "%y"), ("%d", "%m", "%y"), *([("%y", "%m", "%d")] if len(numbers[0]) == 2 else [])]
    if len(numbers) == 2 and len(years) == 1:
        return [("%Y", "%m")] if years == [0] else [("%m", "%Y")]
    return []


def _pieces(tokens: list[str], left: Iterator[str]) -> list[str]:
    """Directives and literals of `tokens`; the numbers take theirs from what is left of the order."""
    pieces = []
    for token in tokens:
        word = token.rstrip(".").casefold()
        if token.isdigit():
            pieces.append(next(left, "?"))
        elif word in MONTHS and not (word in WEEKDAYS and len(word) == 2):
            pieces.append(("%B" if word in _FULL_MONTHS else "%b") + ("." if token.endswith(".") else ""))
        elif word in WEEKDAYS:
            pieces.append(("%A" if len(word) > 5 else "%a") + ("." if token.endswith(".") else ""))
        elif word in _ORDINALS:
            continue
        elif token.isspace():
            pieces.append(" ")
        elif token[0].isalpha():
            pieces.append(token)
        else:
            pieces.append("%%" if token == "%" else token)
    return pieces


@dataclass(frozen=True, slots=True)
class _Proof:
    """Rows that prove what the numbers of a family of formats are."""

    day_first: int = 0
    month_first: int = 0
    year_first: int = 0
    first_is_one: bool = True
    second_is_one: bool = True


def _family(form: str) -> tuple[str, str, str] | None:
    """Separator and date part of a numeric format with day and month blotted out; None when nothing is open."""
    date = re.search(r"(?:%[aA][,.]? ?)?%[dmyY](.{1,2}?)%[dm]\1%[dmyY]", form)
    if date is None:
        return None
    kind = "Y first" if date[0].startswith("%Y") else "Y last" if "%Y" in form else "y"
    return date[1], kind, date[1] + kind


def _decide_orders(cells: Cells, formats: list[str]) -> list[str]:
    """`formats` without those that the cells prove wrong, the better proven of two orders first."""
    families: dict[tuple[str, str, str], list[str]] = {}
    for form in formats:
        family = _family(form)
        if family is not None:
            families.setdefault(family, []).append(form)
    proofs = {family: _prove(cells, members) for family, members in families.items()}
    chosen: list[str] = []
    for form in formats:
        family = _family(form)
        if family is None or _order_of(form) in _allowed(family, proofs):
            chosen.append(form)
    return chosen


def _order_of(form: str) -> str:
    return "".join(letter for letter in re.findall(r"%([dmyY])", form)).lower()


def _prove(cells: Cells, members: Iterable[str]) -> _Proof:
    """What all cells of a family say; every member has the shape of its family, so one order stands for all."""
    day = month = year = 0
    one, two = True, True
    for form in members:
        if _order_of(form) not in ("mdy", "ymd") or ("%y" in form and _order_of(form) == "ymd"):
            continue
        parts, shaped = extract_parts(cells.text, form)
        counts = cells.counts[shaped]
        names = re.findall(r"%([dmyY])", form)
        first, second, third = (parts[name] for name in names)
        if _order_of(form) == "ymd":
            first, second, third = second, third, first
            # After the year the month is expected: `month_first` is proven unless the second number cannot be one.
        two_digits = "%y" in form
        starts_with_year = two_digits & ((first > 31) | (first == 0))
        day += int(counts[(first > 12) & (second <= 12) & ~starts_with_year].sum())
        month += int(counts[(second > 12) & (first <= 12)].sum())
        year += int(counts[starts_with_year & (second <= 12)].sum()) if two_digits else 0
        one &= bool((first == 1).all())
        two &= bool((second == 1).all())
    return _Proof(day, month, year, one, two)


def _allowed(family: tuple[str, str, str], proofs: dict[tuple[str, str, str], _Proof]) -> list[str]:
    """The orders in which this family may be read."""
    separator, kind, _ = family
    proof = proofs[family]
    if kind == "Y first":
        return ["ydm"] if proof.day_first and not proof.month_first else ["ymd"]
    if proof.year_first > max(proof.day_first, proof.month_first):
        return ["ymd"]
    orders = [("dmy", proof.day_first), ("mdy", proof.month_first)]
    proven = [order for order, rows in sorted(orders, key=lambda item: -item[1]) if rows]
    return proven or [_undecided(separator, family, proofs)]


def _undecided(separator: str, family: tuple[str, str, str], proofs: dict[tuple[str, str, str], _Proof]) -> str:
    for other, proof in proofs.items():
        related = other[0] == separator or {other[0], separator} == {"/", "-"}
        if other != family and related and other[1] != "Y first" and proof.day_first != proof.month_first:
            return "dmy" if proof.day_first > proof.month_first else "mdy"
    proof = proofs[family]
    if proof.first_is_one != proof.second_is_one:
        return "dmy" if proof.first_is_one else "mdy"
    return "mdy" if separator == "/" else "dmy"


def _by_rows(cells: Cells, formats: list[str]) -> list[str]:
    """`formats` by the number of cells that each could read, so that the habit of the column comes first."""
    if len(formats) < 2:
        return formats
    rows = {form: int(cells.counts[parse_moments(cells.text, [form]).ok].sum()) for form in formats}
    kept = [form for form in formats if rows[form]]
    return sorted(kept, key=lambda form: (-rows[form], form))[:_MOST_FORMATS]
