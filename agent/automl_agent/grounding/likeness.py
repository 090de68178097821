"""How near a request and a column are in meaning, by sentence embeddings: evidence beside the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from automl_schemas.catalog import ColumnEntry

from automl_agent.grounding.thesaurus import ABBREVIATIONS
from automl_agent.grounding.words import says_nothing, tokens

__all__ = ["LEAD", "Embedder", "Likeness", "leads", "likeness_of"]

LEAD: Final = 0.1
"""How much nearer than another a column must be, by the phrase and by the whole request."""
_DIGITS: Final = 2
"""Products of matrices differ from machine to machine in the last digits, which must not decide."""


class Embedder(Protocol):
    """What turns texts into vectors."""

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """texts x components, each row of length 1; the texts do not influence each other."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosines, rounded to two digits: of a column with the phrase of the target, and with the whole request."""

    phrase: float
    request: float

    @property
    def least(self) -> float:
        """The lower of both."""
        return min(self.phrase, self.request)

    def __str__(self) -> str:
        return f"{self.phrase:.2f} and {self.request:.2f}"


def likeness_of(
    embedder: Embedder, phrase: str, request: str, columns: Mapping[str, ColumnEntry]
) -> dict[str, Likeness]:
    """How near each of `columns` is to what was asked, under the keys of `columns`."""
    texts = [_said(column) for column in columns.values()]
    found = embedder.vectors([phrase, request, *texts])
    cosines = np.round((found[2:] @ found[:2].T).astype(np.float64), _DIGITS)
    return {name: Likeness(float(row[0]), float(row[1])) for name, row in zip(columns, cosines, strict=True)}


def leads(first: Likeness, other: Likeness) -> bool:
    """Whether `first` is clearly nearer than `other`, whichever words it is compared with."""
    nearer = min(first.phrase - other.phrase, first.request - other.request)
    return round(nearer, _DIGITS) >= LEAD


def _said(column: ColumnEntry) -> str:
    """A column's name in words, or what a text beside the data says of it where the name says nothing."""
    if column.meaning is not None and says_nothing(column.name):
        return column.meaning
    return " ".join(ABBREVIATIONS.get(part, part) for part in tokens(column.name)) or column.name
