"""Numbers as people write them: currency, percent, units, separators of every country, accounting negatives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.distinct import Cells

__all__ = ["NumberStyle", "Numbers", "infer_style", "is_currency", "is_plain", "parse_numbers", "same_unit"]

Decimal = Literal[".", ","]
Thousands = Literal["", ",", ".", " ", "'"]

_PLAIN: Final = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$"
_CANONICAL: Final = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$"
_WHOLE: Final = r"^\d+$"

_CURRENCIES: Final[tuple[tuple[str, ...], ...]] = (
    ("$", "us$", "usd", "dollar", "dollars"),
    ("€", "eur", "euro", "euros"),
    ("£", "gbp"),
    ("¥", "jpy", "cny", "rmb", "yen"),
    ("₹", "inr", "rs", "rs."),
    ("₽", "rub", "руб", "руб."),
    ("zł", "pln", "zl"),
    ("kč", "czk"),
    ("r$", "brl"),
    ("kr", "kr.", "sek", "nok", "dkk"),
    ("chf", "fr.", "sfr", "sfr."),
    ("₩", "krw"),
    ("₺", "try", "tl"),
    ("₪", "ils"),
    ("a$", "aud"),
    ("c$", "ca$", "cad"),
    ("nz$", "nzd"),
    ("hk$", "hkd"),
    ("s$", "sgd"),
    ("mx$", "mxn"),
    ("฿", "thb"),
    ("₴", "uah"),
    ("₦", "ngn"),
    ("₫", "vnd"),
    ("₱", "php"),
    ("zar",),
    ("huf", "ft"),
    ("ron", "lei"),
)
_CURRENCY: Final = {word: group[0] for group in _CURRENCIES for word in group}
_UNITS: Final = frozenset(
    ["%", "km", "m", "cm", "mm", "nm", "mi", "mile", "ft", "in", "inch", "yd", "kg", "g", "mg", "µg", "t", "lb", "lbs", "oz", "l", "ml", "cl", "h", "hr", "hour", "min", "minute", "s", "sec", "second", "ms", "day", "week", "month", "year", "yr", "yrs", "kw", "kwh", "w", "wh", "v", "a", "ma", "mah", "hz", "khz", "mhz", "ghz", "mph", "km/h", "kmh", "kph", "bpm", "rpm", "gb", "mb", "kb", "tb", "gib", "mib", "pcs", "pc", "piece", "px", "hp", "ps", "bhp", "cc", "mpg", "kmpl", "m²", "m2", "m³", "m3", "ft²", "sqft", "sqm", "ha", "acre", "°c", "°f", "°", "k", "pa", "hpa", "kpa", "mbar", "bar", "psi", "db", "pt", "pts", "point", "ppm", "mol", "mmol/l", "mg/dl", "star", "item", "unit", "user", "person", "people"]
)
_PREFIX: Final = "|".join(sorted((re.escape(word) for word in _CURRENCY), key=lambda word: (-len(word), word)))
_GRAMMAR: Final = (
    r"^(?P<open>\()?\s*(?P<before>[+-])?\s*(?:(?i)(?P<prefix>" + _PREFIX + r"))?\s*(?P<inner>[+-])?\s*"
    r"(?P<body>\d(?:[\d.,' ]*\d)?[.,]?|[.,]\d+)(?P<exponent>[eE][+-]?\d{1,3})?"
    r"\s*(?P<suffix>[^\d\s().,+'-][^\d()+]{0,15}?)?\s*(?P<after>-)?(?P<close>\))?$"
)

_COMMA_GROUPS: Final = r"^[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}$"
_ODD: Final = [("−", "-"), ("–", "-"), ("’", "'"), ("´", "'"), ("`", "'"), ("٫", "."), ("٬", ",")]


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How the numbers of a column are written."""

    decimal: Decimal = "."
    thousands: Thousands = ""
    unit: str | None = None
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """Parsed cells: `values` (float64, 0 where not `ok`) and `whole` where no fraction or exponent was written."""

    values: np.ndarray
    ok: np.ndarray
    whole: np.ndarray


@dataclass(frozen=True, slots=True)
class _Parts:
    """The grammar of a number taken apart, one entry per cell; `ok` where it applies at all."""

    ok: np.ndarray
    body: pa.Array
    exponent: pa.Array
    unit: np.ndarray
    negative: np.ndarray


def is_plain(text: pa.Array) -> np.ndarray:
    """Which cells are numbers as JSON writes them, so that cleaning does not change them."""
    return np.asarray(pc.match_substring_regex(text, _CANONICAL), dtype=bool)


def same_unit(unit: str) -> str:
    """The one name of a currency or unit: `USD` is `$`, `Months` is `month`.

    >>> same_unit("USD"), same_unit("Months"), same_unit("kg")
    ('$', 'month', 'kg')
    """
    folded = " ".join(unit.split()).casefold().rstrip(".") if len(unit) > 1 else unit.casefold()
    if folded in _CURRENCY or unit.casefold() in _CURRENCY:
        return _CURRENCY.get(unit.casefold(), _CURRENCY.get(folded, folded))
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") else folded


def is_currency(unit: str | None) -> bool:
    """Whether `unit` is a sign or code of money.

    >>> is_currency("USD"), is_currency("km"), is_currency(None)
    (True, False, False)
    """
    return unit is not None and same_unit(unit) in _CURRENCY


def infer_style(cells: Cells) -> tuple[NumberStyle, Numbers] | None:
    """The way in which nearly all cells are numbers, with their values; None when they are not."""
    plain = np.asarray(pc.match_substring_regex(cells.text, _PLAIN), dtype=bool)
    if plain.all():
        style = NumberStyle()
        return style, parse_numbers(cells.text, style)
    parts = _take_apart(cells.text)
    if not cells.enough(parts.ok):
        return None
    unit = _common_unit(parts, cells)
    parts_ok = parts.ok & ((parts.unit == "") | (parts.unit == unit))
    if not cells.enough(parts_ok):
        return None
    decimal, thousands = _separators(Cells(parts.body.filter(pa.array(parts_ok)), cells.counts[parts_ok]), unit)
    spelled = _spelled(cells, unit) if unit else None
    style = NumberStyle(decimal, thousands, None if unit == "%" else spelled, unit == "%")
    numbers = parse_numbers(cells.text, style)
    return (style, numbers) if cells.enough(numbers.ok) else None


def parse_numbers(text: pa.Array, style: NumberStyle) -> Numbers:
    """Reads trimmed cells as `style` says; a cell that has one reading only is read whatever the separators are."""
    if style == NumberStyle():
        plain = np.asarray(pc.match_substring_regex(text, _PLAIN), dtype=bool)
        if plain.all():
            return _finish(text, np.ones(len(text), dtype=bool), np.zeros(len(text), dtype=bool))
    parts = _take_apart(text)
    unit = "%" if style.percent else same_unit(style.unit) if style.unit else ""
    known = parts.ok & ((parts.unit == "") | (parts.unit == unit))
    body, ok = _plain_bodies(parts.body, style)
    return _finish(pc.binary_join_element_wise(body, parts.exponent, pa.scalar("", pa.large_string())), ok & known, parts.negative)


def _finish(text: pa.Array, ok: np.ndarray, negative: np.ndarray) -> Numbers:
    safe = pc.if_else(pa.array(ok), text, "0")
    signless = pc.utf8_ltrim(safe, characters="+")
    values = np.array(pc.cast(signless, pa.float64()), dtype=float)
    whole = np.asarray(pc.match_substring_regex(pc.utf8_ltrim(safe, characters="+-"), _WHOLE), dtype=bool)
    values[negative & (values != 0)] *= -1
    finite = np.isfinite(values)
    values[~finite] = 0.0
    return Numbers(values, ok & finite, whole & ok)


def _take_apart(text: pa.Array) -> _Parts:
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        for odd, plain in _ODD:
            text = pc.replace_substring(text, odd, plain)
    found = pc.extract_regex(text, _GRAMMAR)
    ok = np.asarray(found.is_valid())
    part = {name: pc.fill_null(pc.struct_field(found, name), pa.scalar("", pa.large_string())) for name in found.type.names}
    opened, closed = _given(part["open"]), _given(part["close"])
    signs = [_given(part[name]) for name in ("before", "inner", "after")]
    minus = [np.asarray(pc.equal(part[name], "-")) for name in ("before", "inner", "after")]
    prefix, suffix = _units(part["prefix"]), _units(part["suffix"])
    one_unit = (prefix == "") | (suffix == "") | (prefix == suffix)
    one_sign = (opened.astype(int) + signs[0] + signs[1] + signs[2]) <= 1
    return _Parts(
        ok=ok & (opened == closed) & one_unit & one_sign,
        body=part["body"],
        exponent=part["exponent"],
        unit=np.where(prefix == "", suffix, prefix),
        negative=opened | minus[0] | minus[1] | minus[2],
    )


def _given(part: pa.Array) -> np.ndarray:
    return np.asarray(pc.not_equal(part, ""))


def _units(part: pa.Array) -> np.ndarray:
    encoded = pc.dictionary_encode(part)
    names = np.array([same_unit(word) if word else "" for word in encoded.dictionary.to_pylist()], dtype=object)
    return names[np.asarray(encoded.indices)] if len(names) else np.array([], dtype=object)


def _common_unit(parts: _Parts, cells: Cells) -> str:
    """The unit that most cells with a unit carry; empty when none does or when it may be part of a code."""
    given = parts.ok & (parts.unit != "")
    if not given.any():
        return ""
    names, place = np.unique(parts.unit[given].astype(str), return_inverse=True)
    rows = np.bincount(place, weights=cells.counts[given])
    unit = str(names[int(np.argmax(rows))])
    if unit in _UNITS or unit in _CURRENCY:
        return unit
    mine = parts.unit == unit
    # "12A" is a code; "12 widgets" in every cell of many is a number of widgets.
    in_every_cell = bool(cells.share(mine) >= 0.9 and mine.sum() >= 10 and len(unit) >= 2)
    return unit if in_every_cell else "\0"


def _spelled(cells: Cells, unit: str) -> str:
    """The most frequent spelling of `unit` in the cells."""
    found = pc.extract_regex(cells.text, _GRAMMAR)
    votes: dict[str, int] = {}
    for name in ("prefix", "suffix"):
        words = pc.fill_null(pc.struct_field(found, name), pa.scalar("", pa.large_string())).to_pylist()
        for word, count in zip(words, cells.counts.tolist(), strict=True):
            if word and same_unit(word) == unit:
                votes[word] = votes.get(word, 0) + count
    return max(sorted(votes), key=lambda word: votes[word], default=unit)


def _separators(bodies: Cells, unit: str) -> tuple[Decimal, Thousands]:
    """Decimal sign and thousands separator, by what each body proves."""

    def rows(pattern: str) -> int:
        return int(bodies.counts[bodies.matches(pattern)].sum())

    comma_groups = rows(r"^[1-9]\d{0,2}(?:,\d{2,3})+,\d{3}$|,\d{3}\.\d*$")
    dot_groups = rows(r"^[1-9]\d{0,2}(?:\.\d{3}){2,}$|\.\d{3},\d*$")
    maybe_comma_groups = rows(r"^[1-9]\d{0,2},\d{3}$")
    maybe_dot_groups = rows(r"^[1-9]\d{0,2}\.\d{3}$")
    comma_decimals = rows(r"^[\d' ]*,\d*$") - maybe_comma_groups
    dot_decimals = rows(r"^[\d' ]*\.\d*$") - maybe_dot_groups
    spaces = rows(r"^\d{1,3}(?: \d{3})+(?:[.,]\d*)?$")
    quotes = rows(r"^\d{1,3}(?:'\d{3})+(?:[.,]\d*)?$")
    comma = comma_decimals + dot_groups
    dot = dot_decimals + comma_groups
    decimal: Decimal = "," if comma > dot else "."
    if comma == dot == 0 and maybe_comma_groups == 0 and maybe_dot_groups and not (spaces or quotes):
        # "1.250 €" beside "300 €" and never "1.2 €": amounts without cents in the writing of the continent.
        small = rows(r"^\d{1,3}$")
        decimal = "," if unit in ("€", "kr", "zł") and small else "."
    groups: list[tuple[int, Thousands]] = [
        (comma_groups + maybe_comma_groups, ",") if decimal == "." else (dot_groups + maybe_dot_groups, "."),
        (spaces, " "),
        (quotes, "'"),
    ]
    most, thousands = max(groups, key=lambda group: group[0])
    return decimal, thousands if most else ""


def _plain_bodies(body: pa.Array, style: NumberStyle) -> tuple[pa.Array, np.ndarray]:
    """Bodies with "." as decimal sign and no thousands separator, and which of them could be read."""
    result = body
    done = np.zeros(len(body), dtype=bool)
    for decimal, thousands, pattern in _readings(style):
        mine = np.asarray(pc.match_substring_regex(body, pattern), dtype=bool) & ~done
        if not mine.any():
            continue
        read = pc.replace_substring(body, thousands, "") if thousands else body
        read = pc.replace_substring(read, ",", ".") if decimal == "," else read
        result = pc.if_else(pa.array(mine), read, result)
        done |= mine
    return result, done


def _readings(style: NumberStyle) -> list[tuple[str, str, str]]:
    """Decimal sign, separator and pattern of each way to read a body, in the order in which they are tried."""
    decimal, thousands = re.escape(style.decimal), re.escape(style.thousands)
    own = [(style.decimal, "", rf"^(?:\d+(?:{decimal}\d*)?|{decimal}\d+)$")]
    if style.thousands:
        groups = rf"\d{{1,3}}(?:{thousands}\d{{3}})+"
        if style.thousands == ",":
            groups = r"\d{1,3}(?:,\d{2,3})*,\d{3}"
        own.insert(0, (style.decimal, style.thousands, rf"^{groups}(?:{decimal}\d*)?$"))
    if style.thousands != "." and style.decimal == ",":
        own.append((".", "", r"^(?:\d+(?:\.\d*)?|\.\d+)$"))
    return [
        *own,
        (".", ",", r"^\d{1,3}(?:,\d{3})+\.\d*$"),
        (",", ".", r"^\d{1,3}(?:\.\d{3})+,\d*$"),
        (".", " ", r"^\d{1,3}(?: \d{3})+(?:\.\d*)?$"),
        (",", " ", r"^\d{1,3}(?: \d{3})+,\d*$"),
        (".", "'", r"^\d{1,3}(?:'\d{3})+(?:\.\d*)?$"),
        (",", "", r"^(?:0,\d*|\d+,\d{1,2}|\d+,\d{4,}|\d{4,},\d+|,\d+)$"),
        (".", "", r"^(?:0\.\d*|\d+\.\d{1,2}|\d+\.\d{4,}|\d{4,}\.\d+|\.\d+)$"),
    ]
