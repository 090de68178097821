"""Numbers as people write them: currency, percent, units, separators of every country, accounting negatives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.distinct import Cells
from automl_runtime.data.units import CURRENCIES, UNITS, same_unit, split_scale

__all__ = ["PLAIN", "NumberStyle", "Numbers", "infer_style", "parse_numbers"]

Decimal = Literal[".", ","]
Thousands = Literal["", ",", ".", " ", "'"]

_PLAIN: Final = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$"
PLAIN: Final = r"^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d{1,3})?$"
"""Numbers as JSON writes them."""
_DIGITS: Final = r"^-?\d+$"
_SCALED: Final = r"(?i)\d\s?(?:[kmb]|tsd|thousand)"
_EVERY: Final = 0.9
_FEWEST_NUMBERS: Final = 10
_NO_UNIT: Final = "\0"
"""Equal to no unit of a cell."""
_WHOLE: Final = r"^\d+$"

_PREFIX: Final = "|".join(sorted((re.escape(word) for word in CURRENCIES), key=lambda word: (-len(word), word)))
_GRAMMAR: Final = (
    r"^(?P<open>\()?\s*(?P<before>[+-])?\s*(?:(?i)(?P<prefix>"
    + _PREFIX
    + r"))?\s*(?P<inner>[+-])?\s*(?P<bracket>\()?\s*"
    r"(?P<body>\d(?:[\d.,' ]*\d)?[.,]?|[.,]\d+)(?P<exponent>[eE][+-]?\d{1,3})?"
    r"\s*(?P<suffix>[^\d\s().,+'-][^\d()+]*?)?\s*(?P<after>-)?(?P<close>\))?$"
)

_ODD: Final = [("−", "-"), ("–", "-"), ("’", "'"), ("´", "'"), ("`", "'"), ("٫", "."), ("٬", ",")]


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """How the numbers of a column are written."""

    decimal: Decimal = "."
    thousands: Thousands = ""
    unit: str | None = None
    percent: bool = False
    scales: bool = False


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
    scaled: np.ndarray
    unit: np.ndarray
    negative: np.ndarray


def infer_style(cells: Cells) -> tuple[NumberStyle, Numbers] | None:
    """The way in which nearly all cells are numbers, with their values; None when they are not."""
    plain = np.asarray(pc.match_substring_regex(cells.text, _PLAIN), dtype=bool)
    if plain.all():
        style = NumberStyle()
        return style, parse_numbers(cells.text, style)
    found = _written_as(cells, scales=False)
    if found is None and cells.matches(_SCALED).any():
        found = _written_as(cells, scales=True)
    return found


def _written_as(cells: Cells, *, scales: bool) -> tuple[NumberStyle, Numbers] | None:
    parts = _take_apart(cells.text, scales)
    if not cells.enough(parts.ok) or (scales and not _scales_are_meant(parts, cells)):
        return None
    unit = _common_unit(parts, cells)
    known = parts.ok & ((parts.unit == "") | (parts.unit == unit))
    if not cells.enough(known):
        return None
    bodies = Cells(parts.body.filter(pa.array(known)), cells.counts[known])
    decimal, thousands = _separators(bodies, unit)
    spelled = _spelled(cells, unit, scales) if unit not in ("", "%", _NO_UNIT) else None
    style = NumberStyle(decimal, thousands, spelled, unit == "%", scales)
    numbers = parse_numbers(cells.text, style)
    return (style, numbers) if cells.enough(numbers.ok) else None


def _scales_are_meant(parts: _Parts, cells: Cells) -> bool:
    """Whether endings like `k` and `M` multiply: many numbers, and money, two different endings, or a `k`."""
    found = set(parts.exponent.filter(pa.array(parts.scaled & parts.ok)).to_pylist())
    money = any(unit in CURRENCIES for unit in set(parts.unit[parts.ok].tolist()))
    return len(cells) >= _FEWEST_NUMBERS and bool(found) and (money or len(found) > 1 or "e3" in found)


def parse_numbers(text: pa.Array, style: NumberStyle) -> Numbers:
    """Reads trimmed cells as `style` says; a cell that has one reading only is read whatever the separators are."""
    if not style.scales:
        # Digits alone mean the same in every style.
        simple = _PLAIN if style == NumberStyle() else _DIGITS
        if np.asarray(pc.match_substring_regex(text, simple), dtype=bool).all():
            return _finish(text, np.ones(len(text), dtype=bool), np.zeros(len(text), dtype=bool))
    parts = _take_apart(text, style.scales)
    unit = "%" if style.percent else same_unit(style.unit) if style.unit else ""
    known = parts.ok & ((parts.unit == "") | (parts.unit == unit))
    body, ok = _plain_bodies(parts.body, style)
    return _finish(
        pc.binary_join_element_wise(body, parts.exponent, pa.scalar("", pa.large_string())), ok & known, parts.negative
    )


def _finish(text: pa.Array, ok: np.ndarray, negative: np.ndarray) -> Numbers:
    safe = pc.if_else(pa.array(ok), text, "0")
    signless = pc.utf8_ltrim(safe, characters="+")
    values = np.array(pc.cast(signless, pa.float64()), dtype=float)
    whole = np.asarray(pc.match_substring_regex(pc.utf8_ltrim(safe, characters="+-"), _WHOLE), dtype=bool)
    values[negative & (values != 0)] *= -1
    finite = np.isfinite(values)
    values[~finite] = 0.0
    return Numbers(values, ok & finite, whole & ok)


def _take_apart(text: pa.Array, scales: bool) -> _Parts:
    text = text.cast(pa.large_string())
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        for odd, plain in _ODD:
            text = pc.replace_substring(text, odd, plain)
    found = pc.extract_regex(text, _GRAMMAR)
    ok = np.asarray(found.is_valid())
    part = {
        name: pc.fill_null(pc.struct_field(found, name), pa.scalar("", pa.large_string())) for name in found.type.names
    }
    opened, closed = _given(part["open"]) | _given(part["bracket"]), _given(part["close"])
    signs = [_given(part[name]) for name in ("before", "inner", "after")]
    minus = [np.asarray(pc.equal(part[name], "-")) for name in ("before", "inner", "after")]
    prefix, (suffix, powers) = _units(part["prefix"], False)[0], _units(part["suffix"], scales)
    scaled = powers != ""
    one_power = ~(scaled & _given(part["exponent"]))
    one_unit = (prefix == "") | (suffix == "") | (prefix == suffix)
    one_sign = (opened.astype(int) + signs[0] + signs[1] + signs[2]) <= 1
    return _Parts(
        ok=ok
        & (opened == closed)
        & ~(_given(part["open"]) & _given(part["bracket"]))
        & one_unit
        & one_sign
        & one_power,
        body=part["body"],
        # As an exponent rather than a factor, so that 1.1M is the float nearest to 1100000.
        exponent=pc.if_else(pa.array(scaled), pa.array(powers.tolist(), pa.large_string()), part["exponent"]),
        scaled=scaled,
        unit=np.where(prefix == "", suffix, prefix),
        negative=opened | minus[0] | minus[1] | minus[2],
    )


def _given(part: pa.Array) -> np.ndarray:
    return np.asarray(pc.not_equal(part, ""))


def _units(part: pa.Array, scales: bool) -> tuple[np.ndarray, np.ndarray]:
    """The unit of each cell, and its scale as an exponent (`e3`) where `scales` are looked for."""
    encoded = pc.dictionary_encode(part)
    split = [split_scale(word) if scales else ("", word) for word in encoded.dictionary.to_pylist()]
    places = np.asarray(encoded.indices)
    powers = np.array([power for power, _ in split], dtype=object)
    names = np.array([same_unit(word) if word else "" for _, word in split], dtype=object)
    return names[places], powers[places]


def _common_unit(parts: _Parts, cells: Cells) -> str:
    """The unit that most cells with a unit carry; empty when none does or when it may be part of a code."""
    given = parts.ok & (parts.unit != "")
    if not given.any():
        return ""
    names, place = np.unique(parts.unit[given].astype(str), return_inverse=True)
    rows = np.bincount(place, weights=cells.counts[given])
    unit = str(names[int(np.argmax(rows))])
    mine = parts.unit == unit
    if (unit in UNITS and not (len(unit) == 1 and unit.isalpha())) or unit in CURRENCIES:
        return unit
    # "12A" and "4G" are codes; "12 widgets" in every cell of many is a number of widgets.
    in_every_cell = cells.share(mine) >= _EVERY and mine.sum() >= _FEWEST_NUMBERS and (len(unit) > 1 or unit in UNITS)
    return unit if in_every_cell else _NO_UNIT


def _spelled(cells: Cells, unit: str, scales: bool) -> str:
    """The most frequent spelling of `unit` in the cells."""
    found = pc.extract_regex(cells.text, _GRAMMAR)
    votes: dict[str, int] = {}
    for name in ("prefix", "suffix"):
        words = pc.fill_null(pc.struct_field(found, name), pa.scalar("", pa.large_string())).to_pylist()
        for word, count in zip(words, cells.counts.tolist(), strict=True):
            plain = split_scale(word)[1] if scales else word
            if plain and same_unit(plain) == unit:
                votes[plain] = votes.get(plain, 0) + count
    return min(votes, key=lambda word: (-votes[word], len(word), word), default=unit)


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
