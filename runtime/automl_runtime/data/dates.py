"""Dates and times by format: the one parser behind every `date_formats` of a plan.

Formats are those of `strptime` (`%Y %y %m %d %b %B %a %A %H %I %M %S %f %p %z` and literals), read more exactly: the
calendar is checked, names of months may be English, German, French, Spanish or Italian, a day may carry `st nd rd th`,
a fraction may have nine digits, and a zone may be `Z`, `UTC` or an offset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.distinct import word_set

__all__ = [
    "ISO_DATES",
    "ISO_TIMES",
    "MONTHS",
    "WEEKDAYS",
    "ZONES",
    "Moments",
    "extract_parts",
    "parse_clock",
    "parse_moments",
]

MICROSECONDS_PER_DAY: Final = 86_400_000_000
ISO_DATES: Final = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
)
"""The clean form; understood whatever the formats of the column are."""
ISO_TIMES: Final = ("%H:%M:%S", "%H:%M")

_MONTH_NAMES: Final = (
    "jan january januar janvier janv enero ene gennaio gen jän jänner",
    "feb february februar février févr fevrier fev fevr febrero febbraio febb",
    "mar march märz maerz mrz mär mars marzo",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag",
    "jun june juni juin junio giugno giu",
    "jul july juli juillet juil julio luglio lug",
    "aug august août aout agosto ago",
    "sep sept september septembre septiembre settembre set",
    "oct october okt oktober octobre octubre ottobre ott",
    "nov november novembre noviembre",
    "dec december dez dezember décembre déc decembre diciembre dic dicembre",
)
MONTHS: Final = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()}
WEEKDAYS: Final = word_set(
    "mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday montag "
    "mo dienstag di mittwoch mi donnerstag do freitag fr samstag sonnabend sa sonntag so lundi mardi mercredi "
    "jeudi vendredi samedi dimanche"
)
ZONES: Final = {
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), 0),
    **{"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420},
    **{"CET": 60, "CEST": 120, "EET": 120, "EEST": 180, "BST": 60, "MSK": 180, "JST": 540},
}
"""Minutes east of Greenwich."""
_UNKNOWN_ZONE: Final = 10**6
_Read = Callable[[dict[str, np.ndarray]], tuple[np.ndarray, np.ndarray]]

# Latin only: compiling all letters of Unicode takes RE2 a millisecond.
_LETTERS: Final = r"[A-Za-z\x{00C0}-\x{017E}]"
_PARTS: Final = {
    "%Y": r"(?P<Y>\d{4})",
    "%y": r"(?P<y>\d{2})",
    "%m": r"(?P<m>\d{1,2})",
    "%d": r"(?P<d>\d{1,2})",
    "%b": rf"(?P<b>{_LETTERS}+)",
    "%B": rf"(?P<b>{_LETTERS}+)",
    "%a": rf"{_LETTERS}+",
    "%A": rf"{_LETTERS}+",
    "%H": r"(?P<H>\d{1,2})",
    "%I": r"(?P<I>\d{1,2})",
    "%M": r"(?P<M>\d{2})",
    "%S": r"(?P<S>\d{2})",
    "%f": r"(?P<f>\d{1,9})",
    "%p": r"(?P<p>[aApP])\.?[mM]\.?",
    "%z": r"(?P<z>[Zz]|[A-Z]{3,4}|[+-]\d{2}(?::?\d{2})?)",
}


@dataclass(frozen=True, slots=True)
class Moments:
    """Parsed cells: microseconds since 1970 (of the day for clock times), 0 where not `ok`."""

    micros: np.ndarray
    ok: np.ndarray
    by: np.ndarray
    """Place of the format that read the cell, -1 where none did."""


def parse_moments(text: pa.Array, formats: Sequence[str]) -> Moments:
    """Reads trimmed cells as dates by the first of `formats` that fits; offsets are taken off, so the result is UTC."""
    return _first_fit(text, formats, _moment)


def parse_clock(text: pa.Array, formats: Sequence[str]) -> Moments:
    """Reads trimmed cells as times of day or durations by the first of `formats` that fits."""
    return _first_fit(text, formats, _clock)


def extract_parts(text: pa.Array, form: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The numbers of the directives of `form` (keys `Y m d H ...`) for the cells that have its shape, and which do.

    Nothing is checked but the shape; arrays are as long as the number of cells that have it.
    """
    found = pc.extract_regex(text, _pattern(form))
    shaped = np.asarray(found.is_valid())
    some = found.filter(pa.array(shaped))
    return {name: _numbers(name, pc.struct_field(some, name)) for name in found.type.names}, shaped


def _first_fit(text: pa.Array, formats: Sequence[str], read: _Read) -> Moments:
    micros = np.zeros(len(text), dtype=np.int64)
    ok = np.zeros(len(text), dtype=bool)
    by = np.full(len(text), -1, dtype=np.int16)
    for place, form in enumerate(formats):
        open_cells = np.flatnonzero(~ok)
        if len(open_cells) == 0:
            break
        parts, shaped = extract_parts(text.take(pa.array(open_cells)) if ok.any() else text, form)
        if not shaped.any():
            continue
        values, valid = read(parts)
        hits = open_cells[shaped][valid]
        micros[hits], ok[hits], by[hits] = values[valid], True, place
    return Moments(micros, ok, by)


@lru_cache(maxsize=512)
def _pattern(form: str) -> str:
    pieces = re.findall(r"%[A-Za-z]|.", form)
    pairs = pairwise(pieces)
    compact = any(one[0] == two[0] == "%" and one[1] in "YymdHM" and two[1] in "mdHMS" for one, two in pairs)
    out = []
    for place, piece in enumerate(pieces):
        if piece in _PARTS:
            part = _PARTS[piece].replace("{1,2}", "{2}") if compact else _PARTS[piece]
            if piece == "%M" and place == 0:
                part = part.replace("{2}", "{1,2}")
            if piece == "%d" and ("%b" in pieces or "%B" in pieces):
                part += "(?:st|nd|rd|th|er)?"
            out.append(part)
        elif piece == " ":
            # "5 PM" and "5PM", "Oct 30" and "Oct  30" are written alike.
            loose = pieces[place + 1 : place + 2] in (["%p"], ["%z"])
            out.append(" *" if loose else " +")
        else:
            out.append(re.escape(piece))
    return "^" + "".join(out) + "$"


def _numbers(name: str, part: pa.Array) -> np.ndarray:
    if name == "b":
        return _mapped(part, lambda word: MONTHS.get(word.casefold(), 0))
    if name == "p":
        return _mapped(part, lambda word: 12 if word in "pP" else 0)
    if name == "z":
        return _mapped(part, _offset_minutes)
    if name == "f":
        # Nanoseconds are cut to microseconds.
        part = pc.utf8_slice_codeunits(pc.utf8_rpad(part, 9, "0"), 0, 6)
    return np.asarray(pc.cast(part, pa.int64()))


def _mapped(part: pa.Array, value: Callable[[str], int]) -> np.ndarray:
    encoded = pc.dictionary_encode(part)
    numbers = np.array([value(word) for word in encoded.dictionary.to_pylist()], dtype=np.int64)
    return numbers[np.asarray(encoded.indices)] if len(numbers) else np.zeros(0, dtype=np.int64)


def _offset_minutes(zone: str) -> int:
    if zone[0] not in "+-":
        return ZONES.get(zone.upper(), _UNKNOWN_ZONE)
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def _moment(parts: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    size = len(next(iter(parts.values())))
    if "y" in parts:
        year = parts["y"] + np.where(parts["y"] < 69, 2000, 1900)
    else:
        year = parts.get("Y", np.zeros(size, dtype=np.int64))
    month = parts.get("m", parts.get("b", np.ones(size, dtype=np.int64)))
    day = parts.get("d", np.ones(size, dtype=np.int64))
    valid = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    first = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    valid &= day <= length
    if "z" in parts:
        valid &= parts["z"] != _UNKNOWN_ZONE
    days = first.astype("datetime64[D]").astype(np.int64) + day - 1
    micros, in_day = _clock(parts, size)
    moment = days * MICROSECONDS_PER_DAY + micros - parts.get("z", 0) * 60_000_000
    return np.where(valid, moment, 0), valid & in_day


def _clock(parts: dict[str, np.ndarray], size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    zeros = np.zeros(size if size is not None else len(next(iter(parts.values()))), dtype=np.int64)
    hour, minute, second = (parts.get(name, zeros) for name in "HMS")
    valid = (hour <= 23) & (minute <= 59) & (second <= 59)
    if "I" in parts:
        valid &= (parts["I"] >= 1) & (parts["I"] <= 12)
        hour = parts["I"] % 12 + parts.get("p", zeros)
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + parts.get("f", zeros)
    return micros, valid
