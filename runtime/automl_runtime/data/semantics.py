"""Integers that are something else: epoch seconds, clock times like 1730, compact dates, codes."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from automl_runtime.data.distinct import ENOUGH
from automl_runtime.data.naming import looks_like_id, tokens

__all__ = ["is_code_name", "is_compact_date", "is_epoch", "is_hhmm"]

_SECONDS_1990: Final = 631_152_000
_SECONDS_2000: Final = 946_684_800
_SECONDS_2040: Final = 2_208_988_800
_YEAR: Final = 31_556_952
_MOMENT_WORDS: Final = frozenset(
    "time date datetime timestamp ts epoch unix utc at created updated modified registered since started ended when zeit "
    "datum stamp seen login posted".split()
)
_CLOCK_WORDS: Final = frozenset(
    "time hhmm hrmn clock dep arr departure arrival start end begin finish open close opening closing uhrzeit zeit heure "
    "hora tod".split()
)
_CODE_WORDS: Final = frozenset(
    "zip zipcode postal postcode plz postleitzahl phone telephone telefon tel mobile cell fax iban ean upc isbn ssn "
    "barcode fips".split()
)


def is_code_name(name: str) -> bool:
    """Whether a column is called like a code that is written in digits but is no quantity.

    >>> is_code_name("Zip code"), is_code_name("phone_no"), is_code_name("price")
    (True, True, False)
    """
    return bool(_CODE_WORDS & set(tokens(name)))


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
        if named or (telling and not looks_like_id(name) and not is_code_name(name)):
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
