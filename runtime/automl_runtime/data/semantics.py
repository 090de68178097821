"""Integers that are something else: epoch seconds, clock times like 1730, compact dates, codes."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import pyarrow.compute as pc

from automl_runtime.data.distinct import ENOUGH, Cells, word_set
from automl_runtime.data.naming import looks_like_id, tokens

__all__ = ["is_code", "is_compact_date", "is_epoch", "is_hhmm"]

_SECONDS_1990: Final = 631_152_000
_SECONDS_2000: Final = 946_684_800
_SECONDS_2040: Final = 2_208_988_800
_YEAR: Final = 31_556_952
_MOMENT_WORDS: Final = word_set(
    "time date datetime timestamp ts epoch unix utc at created updated modified registration since started ended "
    "when zeit datum stamp seen login posted"
)
_CLOCK_WORDS: Final = word_set(
    "time hhmm hrmn clock dep arr departure arrival start end begin finish open close opening closing uhrzeit "
    "zeit heure hora tod"
)
_PHONE_WORDS: Final = word_set("phone phones telephone telefon tel mobile cell cellphone fax handy msisdn whatsapp")
_POST_WORDS: Final = word_set("zip zipcode postal postcode plz postleitzahl")
_CODE_WORDS: Final = word_set("iban ean upc isbn ssn barcode fips gtin imei")


def is_code(name: str, cells: Cells) -> bool:
    """Whether digits are a code by name and length: telephone numbers, postal codes, article numbers.

    >>> import pyarrow as pa
    >>> is_code("zip code", Cells(pa.array(["94105", "10001"]), np.array([1, 1])))
    True
    >>> is_code("mobile minutes", Cells(pa.array(["94", "100"]), np.array([1, 1])))
    False
    """
    words = set(tokens(name))
    if words & _CODE_WORDS:
        return True
    digits = np.asarray(pc.utf8_length(pc.replace_substring_regex(cells.text, r"\D", "")))
    if words & _PHONE_WORDS:
        return cells.share((digits >= 7) & (digits <= 15)) >= ENOUGH
    return bool(words & _POST_WORDS) and cells.share((digits >= 3) & (digits <= 9)) >= ENOUGH


def is_epoch(name: str, values: np.ndarray, counts: np.ndarray) -> Literal["s", "ms"] | None:
    """Whether whole numbers are seconds or milliseconds since 1970, all between 1990 and 2040.

    The name must say that it is a moment; without that, milliseconds need 20 different values from 2000 on within 30
    years, seconds the same and a name that does not say id.
    """
    if len(values) == 0:
        return None
    for unit, scale in (("s", 1), ("ms", 1000)):
        seconds = values / scale
        inside = (seconds >= _SECONDS_1990) & (seconds < _SECONDS_2040)
        if counts[inside].sum() < ENOUGH * counts.sum():
            continue
        named = bool(_MOMENT_WORDS & set(tokens(name)))
        spread = float(seconds[inside].max() - seconds[inside].min())
        telling = len(values) >= 20 and 86_400 < spread < 30 * _YEAR and bool((seconds[inside] >= _SECONDS_2000).all())
        if named or (telling and not looks_like_id(name)):
            return "s" if unit == "s" else "ms"
    return None


def is_hhmm(name: str, values: np.ndarray, counts: np.ndarray) -> bool:
    """Whether whole numbers are clock times like 1730: the name must say so, and no value may have minutes above 59.

    Of numbers that are no clock times two in five would have; 20 different ones without leave no doubt.
    """
    if not _CLOCK_WORDS & set(tokens(name)) or len(values) < 20:
        return False
    valid = (values >= 0) & (values <= 2400) & (values % 100 < 60)
    hours = np.unique(values[valid] // 100)
    return bool(counts[valid].sum() >= 0.999 * counts.sum() and len(hours) >= 4 and (values[valid] >= 100).sum() >= 15)


def is_compact_date(values: np.ndarray, counts: np.ndarray) -> bool:
    """Whether whole numbers are dates like 20210630, all between 1900 and 2100."""
    year, month, day = values // 10_000, values // 100 % 100, values % 100
    valid = (year >= 1900) & (year < 2100) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    return bool(len(values) >= 3 and counts[valid].sum() >= ENOUGH * counts.sum())
