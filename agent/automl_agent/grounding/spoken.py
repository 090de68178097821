"""Targets that the request calls by name while its sentence is built in a way that no rule reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry

from automl_agent.grounding.candidates import Candidate, content_of
from automl_agent.grounding.labels import labels_of
from automl_agent.grounding.thesaurus import FRAME, MEASURES, NEUTRAL, WEAK
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import content_words, fold, relate, tokens
from automl_agent.requirements.text import word_set

__all__ = ["spoken_columns"]

_SAME: Final = 0.78
"""How near a word must be to the part of a name that tells most: the word itself, or one that means the same."""
_NEAR: Final = 0.74
_LATER: Final = 0.01
_LINKS: Final = word_set("per of in on at by to from for the a is has was")
_PLAIN: Final = word_set("""
    someone somebody person people customer client user patient passenger one work works go goes come comes live
    lives belong belongs happen happens fall falls take takes make makes find found use used need needs want know
    say tell think look see give put let keep try ask turn become start begin begins stay stays stand stands lie
    lies run runs
""")
"""Words that say nothing of what a column holds."""


def spoken_columns(wish: Wish, catalog: DataCatalog, excluded: Collection[tuple[str, str]]) -> list[Candidate]:
    """The columns whose names the target phrase spells, the earliest first, when nothing else in it is unaccounted for.

    Every telling part of a name must be a word of the phrase, or of the request around it; every telling word of the
    phrase must be one of the name, of its table, of another column, of a class, or of the entity.
    """
    phrase = content_words(wish.phrase)
    found = []
    for table in catalog.tables:
        for column in table.columns:
            content = content_of(column)
            fits = content is not None and column.role not in {"id", "key"} and column.personal is None
            if not fits or (table.name, column.name) in excluded or content is None:
                continue
            place = _place(phrase, wish, column)
            if place is not None and not any(_unaccounted(phrase, wish, table, column)):
                score = 1.0 - _LATER * place
                found.append(Candidate(table, column, score, content, f"named {column.name!r}", column.name))
    found = [candidate for candidate in found if _holds(wish, candidate)]
    return sorted((_labelled(wish, candidate) for candidate in found), key=lambda candidate: -candidate.score)


def _telling(name: str) -> list[str]:
    parts = [part for part in tokens(name) if not part.isdigit()]
    telling = [part for part in parts if part not in NEUTRAL and part not in WEAK]
    return telling or [part for part in parts if part not in _LINKS]


def _place(phrase: tuple[str, ...], wish: Wish, column: ColumnEntry) -> int | None:
    """Where in the phrase the name begins to be spelled; None when it is not."""
    places = []
    for part in _telling(column.name):
        near = [(relate(word, part).strength, -i) for i, word in enumerate(phrase) if not relate(word, part).reversed]
        strength, place = max(near, default=(0.0, 0))
        around = max((relate(word, part).strength for word in wish.context), default=0.0)
        if max(strength, around) < _NEAR:
            return None
        if strength >= _SAME:
            places.append(-place)
    return min(places, default=None)


def _unaccounted(phrase: tuple[str, ...], wish: Wish, table: TableEntry, column: ColumnEntry) -> Iterator[str]:
    known = [*tokens(table.name), *wish.entity]
    known += [part for other in table.columns for part in tokens(other.name)]
    known += [word for label in labels_of(column) for word in fold(label).split()]
    for word in phrase:
        if word in _PLAIN | WEAK | FRAME | MEASURES or word.isdigit():
            continue
        if not any(relate(word, part).strength >= _NEAR for part in known):
            yield word


def _holds(wish: Wish, candidate: Candidate) -> bool:
    """Whether the column holds what is asked for: classes of any number when a kind of thing is."""
    if wish.kind == "number":
        return candidate.content == "number"
    if wish.kind == "binary":
        return candidate.column.distinct == 2
    return wish.kind == "any" or candidate.content == "classes"


def _labelled(wish: Wish, candidate: Candidate) -> Candidate:
    """With the class that the phrase names, where it names one of two."""
    if candidate.column.distinct != 2:
        return candidate
    named = [
        label for label in labels_of(candidate.column) if set(fold(label).split()) & set(content_words(wish.phrase))
    ]
    return replace(candidate, label=named[0]) if len(named) == 1 else candidate
