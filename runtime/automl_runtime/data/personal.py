"""Personal data: found by what columns are called and what their values look like, and masked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from automl_schemas.vocabulary import ColumnType, PersonalData

from automl_runtime.data.distinct import word_set
from automl_runtime.data.given_names import GIVEN_NAMES
from automl_runtime.data.naming import singular, tokens

__all__ = ["detect", "luhn", "mask", "mask_text"]

_EMAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_EMAIL_WITHIN: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LONG_NUMBER: Final = re.compile(r"\+?\d(?:[ ().-]{0,2}\d){6,}")
"""Seven digits or more: phone numbers, cards, accounts."""
_PHONE: Final = re.compile(r"(?:\+|00)?[\d\s().\-/]{6,24}(?:\s?(?:x|ext\.?)\s?\d{1,6})?", re.IGNORECASE)
_CLEAR_PHONE: Final = re.compile(
    r"\+\d[\d\s().\-/]{6,20}|\(\d{2,5}\)\s?\d[\d\s\-/]{4,12}|\d{3}[-.]\d{3}[-.]\d{4}(?:\s?x\d+)?|(?:\d{2} ){4}\d{2}"
)
_CARD: Final = re.compile(r"\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5}")
_NAME: Final = re.compile(r"[^\W\d_][\w.'’\-]*(?:,? [^\W\d_][\w.'’\-]*){0,4}")
_STREET: Final = re.compile(
    r"\b(?:st|street|ave|avenue|rd|road|blvd|boulevard|ln|lane|dr|drive|ct|court|pl|place|way|terrace|highway|hwy|square|"
    r"rue|via|calle|plaza|avenida|rua)\b|(?:straße|strasse|str\.|weg|platz|allee|gasse|laan|straat)\b",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"(?=.*\d)(?=.*[^\W\d_]{2}).+ .+", re.DOTALL)

_PHONE_WORDS: Final = word_set(
    "phone phones telephone telefon tel mobile cell cellphone fax handy whatsapp msisdn telefono telephone "
    "rufnummer gsm"
)
_CARD_WORDS: Final = word_set("card cc creditcard pan kreditkarte karte tarjeta carte")
_ADDRESS_WORDS: Final = word_set(
    "address addr street strasse straße anschrift adresse direccion indirizzo endereco residence"
)
_NAME_WORDS: Final = word_set(
    "firstname lastname surname forename givenname fullname familyname middlename maidenname vorname nachname "
    "familienname prenom nombre apellido apellidos cognome sobrenome username"
)
_PARTS_OF_NAME: Final = word_set("first last given family full middle maiden sur fore")
_PEOPLE: Final = word_set(
    "customer client person patient employee user student teacher driver passenger contact owner author buyer "
    "seller guest member subscriber applicant doctor manager player holder cardholder sender recipient agent rep "
    "staff worker tenant policyholder insured kunde patientin mitarbeiter"
)
_TITLES: Final = word_set("mr mrs ms miss dr prof herr frau mme mlle sr sra")
_MOST: Final = 0.8
_SOME_NAMES: Final = 0.1
_MANY_NAMES: Final = 0.35


def detect(name: str, type_: ColumnType, values: Sequence[str]) -> PersonalData | None:
    """What kind of personal data a column holds; None when its values are not, whatever it is called.

    Args:
        name: Name of the column.
        type_: Its clean type; dates, times and booleans are never personal here.
        values: Distinct clean values as text; a few hundred are enough.
    """
    if type_ not in ("category", "text", "integer", "number") or not values:
        return None
    words = {singular(word) for word in tokens(name)} | set(tokens(name))
    digits_only = type_ in ("integer", "number")
    if _is_card(words, values):
        return "card"
    if _is_phone(words, values, digits_only):
        return "phone"
    if digits_only:
        return None
    if _share(values, _EMAIL) >= _MOST:
        return "email"
    if _is_address(words, values):
        return "address"
    return "name" if _is_name(words, values) else None


def mask(value: str, kind: PersonalData) -> str:
    """`value` as it may be shown: the same value gives the same mask, and what identifies is gone.

    >>> mask("jane.doe@mail.example.com", "email"), mask("+49 170 555 0123", "phone"), mask("Jane Doe", "name")
    ('j***@***.com', '*** 123', 'J*** D***')
    """
    if kind == "email":
        user, _, host = value.partition("@")
        return f"{user[:1]}***@***.{host.rpartition('.')[2]}" if host else f"{value[:1]}***"
    if kind in ("phone", "card"):
        digits = re.sub(r"\D", "", value)
        keep = 4 if kind == "card" else 3
        return f"*** {digits[-keep:]}" if len(digits) > keep + 2 else "***"
    if kind == "name":
        return " ".join(f"{word[0]}***" for word in value.split()[:4]) or "***"
    return "***"


def mask_text(text: str) -> str:
    """Free text without mail addresses and long numbers.

    >>> mask_text("write to jane@example.com or call 0170 5550123")
    'write to ***@*** or call 0000 0000000'
    """
    return _LONG_NUMBER.sub(lambda match: re.sub(r"\d", "0", match[0]), _EMAIL_WITHIN.sub("***@***", text))


def luhn(digits: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1, annex B).

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = 0
    for place, char in enumerate(reversed(digits)):
        number = int(char) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0 and bool(digits)


def _share(values: Sequence[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.fullmatch(value.strip()) is not None for value in values) / len(values)


def _is_card(words: set[str], values: Sequence[str]) -> bool:
    if _share(values, _CARD) < _MOST:
        return False
    numbers = [re.sub(r"\D", "", value) for value in values]
    valid = sum(13 <= len(number) <= 19 and luhn(number) for number in numbers) / len(numbers)
    # One number in ten passes by chance: few values need the name of the column too.
    return valid >= 0.9 and (len(values) >= 5 or bool(words & _CARD_WORDS))


def _is_phone(words: set[str], values: Sequence[str], digits_only: bool) -> bool:
    named = bool(words & _PHONE_WORDS)
    if not named:
        return not digits_only and _share(values, _CLEAR_PHONE) >= 0.9 and len(values) >= 5
    lengths = [len(re.sub(r"\D", "", value)) for value in values]
    plausible = sum(7 <= length <= 15 for length in lengths) / len(values)
    return plausible >= _MOST and _share(values, _PHONE) >= _MOST


def _is_address(words: set[str], values: Sequence[str]) -> bool:
    numbered = _share(values, _NUMBERED)
    streets = sum(_STREET.search(value) is not None for value in values) / len(values)
    if words & _ADDRESS_WORDS:
        return numbered >= 0.6 or (streets >= 0.5 and len(values) >= 5)
    return numbered >= _MOST and streets >= 0.6 and len(values) >= 5


def _is_name(words: set[str], values: Sequence[str]) -> bool:
    if _share(values, _NAME) < _MOST:
        return False
    known = sum(_first_known(value) for value in values) / len(values)
    several = sum(" " in value.strip() for value in values) / len(values)
    cased = sum(value[:1].isupper() for value in values) / len(values)
    if words & _NAME_WORDS or ("name" in words and words & _PARTS_OF_NAME):
        return cased >= 0.5 or known >= _SOME_NAMES
    if words & _PEOPLE and ("name" in words or len(words) == 1):
        return cased >= 0.5 and (several >= 0.5 or known >= _SOME_NAMES) and len(values) > 2
    if "name" in words or "names" in words:
        return known >= _SOME_NAMES and len(values) >= 3
    return known >= _MANY_NAMES and several >= _MOST and cased >= _MOST and len(values) >= 10


def _first_known(value: str) -> bool:
    """Whether a given name comes first, a title before it or the family name ("Doe, Jane") left out."""
    words = [word.strip(".").casefold() for word in value.replace(",", " , ").split()]
    if "," in words:
        words = words[words.index(",") + 1 :]
    words = [word for word in words if word not in _TITLES]
    return bool(words) and words[0] in GIVEN_NAMES
