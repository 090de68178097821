"""How well the name and the values of one column fit a wish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from automl_agent.grounding.labels import LabelMatch, labels_of, match_labels
from automl_agent.grounding.thesaurus import NEUTRAL
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import Relation, relate, tokens
from automl_schemas.catalog import ColumnEntry

__all__ = ["NameMatch", "name_match", "value_match"]

_NEAR: Final = 0.6
_TABLE: Final = 0.6
_EXACT: Final = 1.1
"""Score of a name that is the phrase, word for word: it beats every other match clearly."""


@dataclass(frozen=True, slots=True)
class NameMatch:
    """A name against a phrase: 0 (nothing in common) to 1.1 (the same words); `reversed` when it means the opposite."""

    score: float
    reversed: bool = False


def name_match(wish: Wish, column: ColumnEntry, table: str = "") -> NameMatch:
    """How the name of `column` fits the phrase of `wish`; words that it lacks count in part when `table` has them."""
    parts = tokens(column.name)
    if not parts or not wish.words:
        return NameMatch(0.0)
    strengths = {word: _best(word, parts) for word, _ in wish.words}
    heads = [(_best(word, parts), weight) for word, weight in wish.heads]
    weights = sum(weight for _, weight in wish.words)
    around = tokens(table) or ("",)
    average = sum(weight * max(_counted(strengths[word].strength), _TABLE * _counted(_best(word, around).strength)) for word, weight in wish.words) / weights
    head, head_relation = max(((_counted(found.strength) * weight, found) for found, weight in heads), key=lambda item: item[0], default=(0.0, Relation(0.0)))
    if head == 0:
        return NameMatch(0.0)
    if all(found.strength >= 0.95 for word, found in strengths.items()) and _explained(wish, parts) == 1.0 and not head_relation.reversed:
        return NameMatch(_EXACT - 0.001 * len(parts))
    score = (0.45 * average + 0.55 * head) * (0.8 + 0.2 * _explained(wish, parts))
    return NameMatch(score, head_relation.reversed != _denied(parts))


def _best(word: str, parts: tuple[str, ...]) -> Relation:
    return max((relate(word, part) for part in parts), key=lambda relation: relation.strength)


def _counted(strength: float) -> float:
    return strength if strength >= _NEAR else 0.0


def _explained(wish: Wish, parts: tuple[str, ...]) -> float:
    """Share of the name's parts that the request speaks of, or that say nothing."""
    known = [part for part in parts if part in NEUTRAL or part.isdigit() or any(relate(word, part).strength >= _NEAR for word in wish.context)]
    return len(known) / len(parts)


def _denied(parts: tuple[str, ...]) -> bool:
    return len(parts) > 1 and parts[0] in {"not", "non", "no", "never"}


def value_match(wish: Wish, column: ColumnEntry) -> LabelMatch | None:
    """The label of `column` that the wish names, with the weight of the word that names it."""
    labels = labels_of(column)
    if not labels or column.type in {"boolean", "integer", "number"}:
        return None
    if wish.positive is not None:
        named = match_labels(tuple((word, 1.0) for word in tokens(wish.positive)), labels)
        if named is not None:
            return named
    own = tuple((word, weight) for word, weight in wish.heads if word != "count")
    return match_labels(own, labels)
