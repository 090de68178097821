"""What the names of columns, tables and files say about each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache

__all__ = [
    "column_score",
    "core",
    "legal_name",
    "looks_like_id",
    "singular",
    "token_score",
    "tokens",
    "unique_name",
    "word_set",
]


def word_set(text: str) -> frozenset[str]:
    """The words of a text, for lists of words that are easier to read as lines."""
    return frozenset(text.split())


_ID_WORDS = word_set(
    """
    id ids no nr num nbr number numbers key code ref reference identifier uid guid uuid pk fk ident
    """
)
_GLUED = re.compile(r"^([a-z]{3,})(id|no|nr|num|number|key|code|ref)$")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_STRONG_ID_WORDS = word_set(
    """
    id ids no nr num nbr key code ref uid guid uuid pk fk identifier ident
    """
)
_CLOSE = 0.75
_SAME_WORDS = 0.86


@lru_cache(maxsize=65536)
def tokens(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case and without accents.

    >>> tokens("MemberID"), tokens("share of dues %"), tokens("réf_client2")
    (('member', 'id'), ('share', 'of', 'dues'), ('ref', 'client', '2'))
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    if plain.isascii():
        return tuple(word.lower() for word in _WORD.findall(plain))
    return tuple(word.lower() for word in re.findall(r"[^\W\d_]+|\d+", plain))


def singular(word: str) -> str:
    """`word` without the ending of an English plural.

    >>> singular("members"), singular("berries"), singular("bus"), singular("boxes")
    ('member', 'berry', 'bus', 'box')
    """
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=65536)
def core(name: str) -> tuple[str, ...]:
    """The words of a name that say what it is about: no word for "number of", singular.

    >>> core("MembID"), core("memb_no"), core("membid"), core("id"), core("members")
    (('memb',), ('memb',), ('memb',), (), ('member',))
    """
    found = []
    for word in tokens(name):
        glued = _GLUED.match(word)
        if glued and singular(word) not in _ID_WORDS:
            found.append(singular(glued.group(1)))
        elif word not in _ID_WORDS:
            found.append(singular(word))
    return tuple(found)


def looks_like_id(name: str) -> bool:
    """Whether a column is called like the number or code of something.

    >>> looks_like_id("order_id"), looks_like_id("membno"), looks_like_id("amount"), looks_like_id("number")
    (True, True, False, False)
    """
    words = tokens(name)
    if any(word in _STRONG_ID_WORDS for word in words):
        return True
    if len(words) > 1 and words[-1] == "number":
        return True
    return any(_GLUED.match(word) is not None for word in words)


@lru_cache(maxsize=65536)
def token_score(first: str, second: str) -> float:
    """How alike two words are: 1 when equal, 0.9 for a beginning, less for an abbreviation or a typing error.

    >>> token_score("memb", "member"), token_score("acct", "account"), token_score("day", "hour")
    (0.9, 0.8, 0.0)
    """
    if first == second:
        return 1.0
    short, long = sorted((first, second), key=len)
    if short.isdigit() or long.isdigit() or len(short) < 3:
        return 0.0
    if long.startswith(short):
        return 0.9
    if _abbreviates(short, long):
        return 0.8
    ratio = SequenceMatcher(None, short, long, autojunk=False).ratio()
    return ratio if ratio >= 0.85 and len(short) >= 5 else 0.0


def _abbreviates(short: str, long: str) -> bool:
    if short[0] != long[0] or len(short) > len(long) - 2 or set(short[1:]) & set("aeiou"):
        return False
    rest = iter(long)
    return all(char in rest for char in short)


def column_score(child: str, child_table: str, parent: str, parent_table: str) -> float:
    """How well the name of a column says that it points at `parent_table.parent`, from 0 to 1.

    A name that is only a word for "number" (`id`) stands for the name of its table; a column may also be called
    like the table it points at, and may say more than the key does (`billing_customer_id`).

    >>> column_score("MembID", "visits", "member_id", "members")
    0.9
    >>> column_score("user_id", "orders", "id", "users")
    1.0
    >>> column_score("id", "orders", "id", "users")
    0.0
    """
    own, key = core(child), core(parent)
    if own and own == key:
        return 1.0
    own = own or core(child_table)
    best = _points_at(own, key) if key else _points_at(own, core(parent_table))
    if key:
        best = max(best, 0.85 * _points_at(own, core(parent_table)))
    return round(best, 3)


def _points_at(own: tuple[str, ...], key: tuple[str, ...]) -> float:
    if not own or not key:
        return 0.0
    forward = [max(token_score(word, other) for other in own) for word in key]
    backward = [max(token_score(word, other) for other in key) for word in own]
    mean = sum(forward) / len(forward)
    if min(forward) >= _CLOSE:
        return max(mean, _SAME_WORDS) if min(backward) >= _CLOSE else 0.8 * mean
    return 0.5 * sum(backward) / len(backward) if min(backward) >= _CLOSE else 0.0


def legal_name(text: str) -> str:
    """`text` as the name of a table: letters, digits, `_` and `-`.

    >>> legal_name("sales 2023 (final)"), legal_name("***")
    ('sales_2023_final', 'table')
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-") or "table"


def unique_name(name: str, taken: Iterable[str]) -> str:
    """`name`, or `name_2`, `name_3` ... when it is taken.

    >>> unique_name("part", ["part", "part_2"])
    'part_3'
    """
    used = set(taken)
    if name not in used:
        return name
    number = 2
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"
