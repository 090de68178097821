"""Yes and no in words."""

from __future__ import annotations

from typing import Final

from automl_runtime.data.distinct import Cells, fold

__all__ = ["ALWAYS_FALSE", "ALWAYS_TRUE", "boolean_labels", "boolean_words"]

ALWAYS_TRUE: Final = ("true",)
ALWAYS_FALSE: Final = ("false",)
"""The clean form in JSON; understood whatever the words of the column are."""

_PAIRS: Final = (
    ("true", "false"),
    ("yes", "no"),
    ("y", "n"),
    ("t", "f"),
    ("on", "off"),
    ("ja", "nein"),
    ("j", "n"),
    ("ja", "nee"),
    ("ja", "nej"),
    ("oui", "non"),
    ("si", "no"),
    ("sí", "no"),
    ("sì", "no"),
    ("sim", "não"),
    ("sim", "nao"),
    ("tak", "nie"),
    ("да", "нет"),
    ("wahr", "falsch"),
    ("vrai", "faux"),
    ("verdadero", "falso"),
    ("vero", "falso"),
    ("1", "0"),
    ("1.0", "0.0"),
    ("✓", "✗"),
)
_TRUE: Final = frozenset(pair[0] for pair in _PAIRS)
_FALSE: Final = frozenset(pair[1] for pair in _PAIRS)
_DIGITS: Final = frozenset(["0", "1", "0.0", "1.0"])
_CLEAR: Final = frozenset(["true", "false", "yes", "no"])
_MOST_SPELLINGS: Final = 200
_RARE: Final = 0.005


def boolean_words(cells: Cells) -> tuple[list[str], list[str]] | None:
    """The words for yes and for no that the cells consist of, case-folded and sorted; None when they say more.

    Digits count only beside words: a column of 0 and 1 holds integers. Where a clear word stands alone (`yes` or
    nothing), its opposite is added.
    """
    if len(cells) > _MOST_SPELLINGS:
        return None
    rows: dict[str, int] = {}
    for text, count in zip(cells.text.to_pylist(), cells.counts.tolist(), strict=True):
        rows[fold(text)] = rows.get(fold(text), 0) + count
    true, false = sorted(_TRUE & rows.keys()), sorted(_FALSE & rows.keys())
    words = {*true, *false}
    odd = [word for word in rows if word not in words]
    if not words or words <= _DIGITS or not _only_slips(odd, rows):
        return None
    if true and false:
        return (true, false) if _some_pair(words) else None
    if len(words - _DIGITS) != 1 or not words <= _CLEAR:
        return None
    opposite = {**dict(_PAIRS[:2]), **{no: yes for yes, no in _PAIRS[:2]}}[next(iter(words))]
    return (true or [opposite], false or [opposite])


def boolean_labels(cells: Cells, words: tuple[list[str], list[str]]) -> list[str]:
    """The words for no and for yes in their most frequent spelling; the first in the alphabet among equals.

    Args:
        cells: distinct texts with their counts.
        words: what `boolean_words` found, yes first.
    """
    rows: dict[str, int] = {}
    for text, count in zip(cells.text.to_pylist(), cells.counts.tolist(), strict=True):
        spelling = " ".join(text.split())
        rows[spelling] = rows.get(spelling, 0) + count
    labels = []
    for meaning in (words[1], words[0]):
        spellings = [spelling for spelling in rows if fold(spelling) in meaning]
        labels.append(min(spellings, key=lambda spelling: (-rows[spelling], spelling), default=meaning[0]))
    return labels


def _some_pair(words: set[str]) -> bool:
    """Whether one word at least stands beside its opposite (`on` and `no` alone are not yes and no)."""
    return any(yes in words and no in words for yes, no in _PAIRS)


def _only_slips(odd: list[str], rows: dict[str, int]) -> bool:
    """Whether the other words are single typing errors in a long column, rather than further classes."""
    total = sum(rows.values())
    slips = sum(rows[word] for word in odd)
    return slips <= _RARE * total and all(rows[word] <= 2 for word in odd)
