"""How well the name and the values of one column fit a wish."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from automl_schemas.catalog import ColumnEntry

from automl_agent.grounding.labels import LabelMatch, labels_of, match_labels, spelled_label
from automl_agent.grounding.thesaurus import GENERIC_TARGETS, NEUTRAL
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import (
    NOT_RELATED,
    Relation,
    codes,
    content_words,
    is_event,
    main_words,
    relate,
    says_nothing,
    tokens,
)

__all__ = ["NameMatch", "is_generic", "name_match", "value_match"]

_NEAR: Final = 0.6
_TABLE: Final = 0.6
"""Worth of a word that the table's name has and the column's lacks."""
_EXACT: Final = 1.1
"""Score of a name that is the phrase, word for word: it beats every other match clearly."""
_CODE: Final = 1.04
_ACRONYM: Final = 0.85
_SPELLED: Final = 0.6
"""Score of a name of several words that all stand somewhere in the request."""
_FILLERS: Final = frozenset({"column", "col", "variable", "var", "value", "the", "is", "code"})
_SURE: Final = 0.83
_DESCRIBED: Final = 0.95
"""Worth of a description of a column whose name says nothing."""
_BESIDE: Final = 0.75
"""Worth of a description of a column whose name speaks for itself, and of what codes are said to mean."""
_LATER: Final = 0.85
"""Worth of the words of a description that come after its first ones."""
_GENERIC: Final = 0.95
"""Worth of a table's name for its column "target"."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name against a phrase: 0 (nothing in common) to 1.1 (the same words); `reversed` when it means the opposite."""

    score: float
    reversed: bool = False
    sure: bool = True
    """The word that counts is in the name, not just one that means the same."""
    described: bool = False
    """Not the name fits, but what a text beside the data says of the column."""


def name_match(wish: Wish, column: ColumnEntry, table: str = "") -> NameMatch:
    """How the name of `column` fits the phrase of `wish`; words that it lacks count in part when `table` has them.

    What a text beside the data says of the column counts less than its name, and nearly as much where the name says
    nothing.
    """
    own = _named(wish, column, table)
    return max(own, _meant(wish, column), key=lambda match: match.score) if own.score < 1 else own


def _meant(wish: Wish, column: ColumnEntry) -> NameMatch:
    if column.meaning is None or not wish.words:
        return NameMatch(0.0)
    worth = _DESCRIBED if says_nothing(column.name) else _BESIDE
    whole, main = tokens(column.meaning), main_words(column.meaning)
    found = [(_scored(wish, main, ()), worth)] if main else []
    # In a whole sentence some word always means nearly the same as another.
    found += [(match, worth * _LATER) for match in (_scored(wish, whole, ()),) if match.sure and whole]
    if not found:
        return NameMatch(0.0)
    match, share = max(found, key=lambda item: min(item[0].score, 1.0) * item[1])
    return NameMatch(min(match.score, 1.0) * share, match.reversed, match.sure, described=True)


def _named(wish: Wish, column: ColumnEntry, table: str) -> NameMatch:
    parts = tokens(column.name)
    if not parts or not wish.words:
        return NameMatch(0.0)
    if wish.codes & codes(column.name):
        return NameMatch(_CODE - 0.02 * len(parts))
    if (
        len(parts) >= 2
        and all(part in wish.context and len(part) > 1 for part in parts)
        and not set(parts) & set(wish.entity)
    ):
        spelled = NameMatch(_SPELLED)
        return max(_scored(wish, parts, tokens(table)), spelled, key=lambda match: match.score)
    if any(len(part) >= 3 and part in wish.acronyms for part in parts):
        return NameMatch(_ACRONYM)
    if is_generic(column.name):
        about = _scored(wish, tokens(table), ())
        return max(
            _scored(wish, parts, ()),
            NameMatch(_GENERIC * min(about.score, 1.0), about.reversed, about.sure),
            key=lambda match: match.score,
        )
    return _scored(wish, parts, tokens(table))


def is_generic(name: str) -> bool:
    """Whether a column's name says no more than that it is to be predicted ("target", "y", "class label")."""
    telling = [part for part in tokens(name) if part not in _FILLERS]
    return bool(telling) and all(part in GENERIC_TARGETS for part in telling)


def _scored(wish: Wish, parts: tuple[str, ...], around: tuple[str, ...]) -> NameMatch:
    heads = [(word, _best(word, parts), weight) for word, weight in wish.heads]
    head, relation = max(
        ((_counted(found.strength) * weight, found) for _, found, weight in heads),
        key=lambda item: item[0],
        default=(0.0, NOT_RELATED),
    )
    if head == 0:
        return NameMatch(0.0)
    opposite = _means_the_opposite([(word, found) for word, found, _ in heads])
    own = {word: _counted(_best(word, parts).strength) for word, _ in wish.words}
    explained = _explained(wish, parts)
    if min(own.values()) >= 0.95 and _explained(wish, parts, _SURE) == 1.0 and not opposite:
        return NameMatch(_EXACT - 0.001 * len(parts))
    worth = {word: max(strength, _TABLE * _counted(_best(word, around).strength)) for word, strength in own.items()}
    average = sum(weight * worth[word] for word, weight in wish.words) / sum(weight for _, weight in wish.words)
    score = (0.45 * average + 0.55 * head) * (0.78 + 0.22 * explained)
    return NameMatch(score, opposite != _denied(parts), relation.strength >= _SURE)


def _means_the_opposite(heads: list[tuple[str, Relation]]) -> bool:
    """Whether a word of the phrase says the opposite of the name, and none that happens or not says the same."""
    related = [(word, relation) for word, relation in heads if _counted(relation.strength)]
    same = any(not relation.reversed and is_event(word) for word, relation in related)
    return any(relation.reversed for _, relation in related) and not same


def _best(word: str, parts: tuple[str, ...]) -> Relation:
    return max((relate(word, part) for part in parts), key=lambda relation: relation.strength, default=NOT_RELATED)


def _counted(strength: float) -> float:
    return strength if strength >= _NEAR else 0.0


def _explained(wish: Wish, parts: tuple[str, ...], near: float = _NEAR) -> float:
    """Share of the name's parts that the request speaks of, or that say nothing."""
    known = [
        part
        for part in parts
        if part in NEUTRAL or part.isdigit() or any(relate(word, part).strength >= near for word in wish.context)
    ]
    return len(known) / len(parts)


def _denied(parts: tuple[str, ...]) -> bool:
    return len(parts) > 1 and parts[0] in {"not", "non", "no", "never"}


def value_match(wish: Wish, column: ColumnEntry) -> LabelMatch | None:
    """The label of `column` that the wish names, with the weight of the word that names it.

    Codes go by what a text beside the data says that they mean.
    """
    if column.codes:
        by_meaning = {says: code for code, says in column.codes.items()}
        named = _label_match(wish, list(by_meaning))
        if named is not None:
            return replace(named, label=by_meaning[named.label], strength=_BESIDE * named.strength)
    labels = labels_of(column)
    if not labels or column.type in {"boolean", "integer", "number"}:
        return None
    return _label_match(wish, labels)


def _label_match(wish: Wish, labels: list[str]) -> LabelMatch | None:
    first = re.split(r"\s+or\s+|\s+vs\.?\s+", wish.phrase)[0] if wish.kind == "binary" else wish.phrase
    literal = spelled_label(first, labels)
    if literal is not None:
        return LabelMatch(literal, 1.0, literal=True)
    if wish.positive is not None:
        named = match_labels(tuple((word, 1.0) for word in content_words(wish.positive)), labels)
        if named is not None:
            return named
    chosen = set(content_words(first))
    return match_labels(tuple((word, weight) for word, weight in wish.heads if word in chosen), labels)
