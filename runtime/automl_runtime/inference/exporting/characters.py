"""What the characters of texts are, as tables that a graph can look into."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from automl_runtime.features.text import CAPITAL, CURRENCY, DIGIT, LETTER
from automl_runtime.inference.texts import lower
from automl_runtime.kernels.ngrams import character_class

__all__ = ["LINKS", "SPACE", "WORD", "Characters", "characters"]

SPACE, WORD = 0, 2
"""See `kernels.ngrams.character_class`."""
LINKS: Final = ("http://", "https://", "www.")
_FILLED: Final = 0x33480
"""Below, what has no name yet may get one, as the next emoji; above, hardly anything has one."""
_PRIVATE: Final = 0xF0000
"""From here on there are no characters but those that people agree on themselves."""
_STATISTICS: Final = (DIGIT, CAPITAL, LETTER, CURRENCY)


@dataclass(frozen=True, slots=True)
class Characters:
    """The characters of Unicode; each has a row in each table, then come one row for any other and one for none.

    `points` are code points in lower case, 32 for white space; `counted` says whether a character is a digit, a
    capital, a letter, a sign of a currency, `!` or `?`; `blank` whether words end there as `str.split` sees it;
    `linked` which of the characters of `LINKS` it is, in either case, else 0.
    """

    known: list[str]
    points: NDArray[np.int32]
    classes: NDArray[np.uint8]
    counted: NDArray[np.uint8]
    blank: NDArray[np.bool_]
    linked: NDArray[np.uint8]


@lru_cache(maxsize=1)
def characters() -> Characters:
    """The tables, by the Unicode of the running Python: 208,000 characters."""
    known = [chr(point) for point in range(_PRIVATE) if _is_known(point)]
    # What is not there is neither letter nor white space, and in no n-gram that a model knows.
    every = [*known, "\ufffe", " "]
    points = np.array([ord(lower(char)) for char in every], dtype=np.int32)
    table = character_class()
    classes = table[np.minimum(points, len(table) - 1)]
    marks = [_marked(pattern.findall("".join(every)), every) for pattern in _STATISTICS]
    return Characters(
        known,
        np.where(classes == SPACE, np.int32(ord(" ")), points),
        classes,
        np.column_stack([*marks, *(_marked([mark], every) for mark in "!?")]),
        np.array([char.isspace() for char in every]),
        np.array([_linked(char) for char in every], dtype=np.uint8),
    )


def _is_known(point: int) -> bool:
    kind = unicodedata.category(chr(point))
    return kind != "Cs" and (point < _FILLED or kind != "Cn")


def _marked(chosen: Iterable[str], every: list[str]) -> NDArray[np.uint8]:
    found = set(chosen)
    return np.array([char in found for char in every], dtype=np.uint8)


def _linked(char: str) -> int:
    folded = char.casefold()
    return ord(folded) if len(folded) == 1 and folded in "".join(LINKS) else 0
