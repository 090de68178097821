"""Signs and codes of money, and units of measure, that stand beside numbers."""

from __future__ import annotations

from typing import Final

from automl_runtime.data.distinct import word_set

__all__ = ["CURRENCIES", "UNITS", "is_currency", "same_unit", "split_scale"]

_GROUPS: Final = (
    "$ us$ usd dollar dollars",
    "€ eur euro euros",
    "£ gbp",
    "¥ jpy cny rmb yen",
    "₹ inr rs rs.",
    "₽ rub руб руб.",
    "zł pln zl",
    "kč czk",
    "r$ brl",
    "kr kr. sek nok dkk",
    "chf fr. sfr sfr.",
    "₩ krw",
    "₺ try tl",
    "₪ ils",
    "a$ aud",
    "c$ ca$ cad",
    "nz$ nzd",
    "hk$ hkd",
    "s$ sgd",
    "mx$ mxn",
    "฿ thb",
    "₴ uah",
    "₦ ngn",
    "₫ vnd",
    "₱ php",
    "zar",
    "huf",
    "ron lei",
)
CURRENCIES: Final = {word: group.split()[0] for group in _GROUPS for word in group.split()}
"""Sign, code or word, case-folded -> the one name of the currency."""

UNITS: Final = word_set(
    "% km m cm mm nm mi mile ft in inch yd kg g mg µg t lb oz l ml cl h hr hour min minute s sec second ms "
    "day week month year yr kw kwh w wh v mah hz khz mhz ghz mph km/h kmh kph bpm rpm gb mb kb tb gib mib "
    "pcs pc piece px hp ps bhp cc mpg kmpl m² m2 m³ m3 ft² sqft sqm ha acre °c °f ° pa hpa kpa mbar bar psi db "
    "pt pts point ppm mol mmol/l mg/dl star item unit user person people"
)
"""Units that are believed wherever they stand behind numbers; singular, case-folded."""


def same_unit(unit: str) -> str:
    """The one name of a currency or unit: `USD` is `$`, `Months` is `month`.

    >>> same_unit("USD"), same_unit("Months"), same_unit("kg")
    ('$', 'month', 'kg')
    """
    folded = " ".join(unit.split()).casefold()
    if folded in CURRENCIES:
        return CURRENCIES[folded]
    folded = folded.rstrip(".") or folded
    if folded in CURRENCIES:
        return CURRENCIES[folded]
    plural = folded.endswith("s") and folded not in UNITS and (len(folded) > 3 or folded[:-1] in UNITS)
    return folded[:-1] if plural else folded


_SCALES: Final = {
    **dict.fromkeys(("k", "thousand", "tsd"), "e3"),
    **dict.fromkeys(("m", "mn", "mio", "mln", "million", "millions"), "e6"),
    **dict.fromkeys(("b", "bn", "mrd", "billion", "billions"), "e9"),
}


def split_scale(suffix: str) -> tuple[str, str]:
    """A word for thousand, million or billion as an exponent, and the unit after it.

    >>> split_scale("M"), split_scale("bn USD"), split_scale("k€"), split_scale("kg")
    (('e6', ''), ('e9', 'USD'), ('e3', '€'), ('', 'kg'))
    """
    word, _, unit = suffix.partition(" ")
    if word.casefold().rstrip(".") in _SCALES:
        return _SCALES[word.casefold().rstrip(".")], unit.strip()
    if suffix[:-1].casefold() in _SCALES and suffix[-1:] in CURRENCIES:
        return _SCALES[suffix[:-1].casefold()], suffix[-1:]
    return "", suffix


def is_currency(unit: str | None) -> bool:
    """Whether `unit` is a sign or code of money.

    >>> is_currency("USD"), is_currency("km"), is_currency(None)
    (True, False, False)
    """
    return unit is not None and same_unit(unit) in CURRENCIES
