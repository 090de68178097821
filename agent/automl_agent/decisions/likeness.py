"""Which column is meant, by sentence embeddings, where rules are in doubt or find none and no model is asked.

Embeddings know what is spoken of together, not what is meant: they decide only where one column is clearly the nearest,
by the phrase and by the whole request alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from automl_schemas.catalog import ColumnEntry
from automl_schemas.requirement import Requirement

from automl_agent.decisions.cases import Case, close_to, settled_as, settled_beyond_words
from automl_agent.grounding import Grounded
from automl_agent.grounding.candidates import content_of
from automl_agent.grounding.likeness import Embedder, Likeness, leads, likeness_of
from automl_agent.grounding.wishes import Kind, wish_of

__all__ = ["nearest_of_all", "nearest_of_close"]

_NEAR: Final = 0.35
"""Cosine from which a column is believed that no rule finds: one in 200 sentences about other data reaches it."""
_MOST_COLUMNS: Final = 500
"""A text takes some hundredths of a second; the names of more columns are seldom words."""
_STANDS: Final = "the words fit it best, and none that they fit nearly as well is clearly nearer in meaning"
_GIVES_WAY: Final = "the words fit it nearly as well, and it is clearly nearer in meaning"


def nearest_of_all(case: Case, embedder: Embedder, answers: Mapping[str, str]) -> tuple[Requirement, Grounded] | None:
    """The target that is clearly the nearest where rules find none; None when none is, or one that does not work.

    It is near enough by itself, and the words of the request have to do with its table.
    """
    columns = _that_can_hold(wish_of(case.requirement).kind, case)
    if not 0 < len(columns) <= _MOST_COLUMNS:
        return None
    found = _likeness(case, embedder, columns)
    best, *others = sorted(found, key=lambda id_: -found[id_].least)
    if found[best].least < _NEAR or not all(leads(found[best], found[other]) for other in others):
        return None
    settled = settled_beyond_words(case, best, answers)
    if settled is not None:
        why = "no column is called like what is asked; this one is the nearest in meaning"
        other = others[0] if others else None
        case.record.add("target", "rule", best, why, alternative=other, evidence=_said(found, best, others))
    return settled


def nearest_of_close(
    case: Case, embedder: Embedder, found: Grounded, answers: Mapping[str, str]
) -> tuple[Requirement, Grounded] | None:
    """Another target than the rules' uncertain one, that the words fit nearly as well; None when the rules' stands."""
    close = close_to(case, found)
    if close is None:
        return None
    likeness = _likeness(case, embedder, close.columns)
    best = max(likeness, key=lambda id_: likeness[id_].least)
    is_nearer = best != close.own and leads(likeness[best], likeness[close.own])
    settled = settled_as(case, case.requirement, best, answers) if is_nearer else None
    chosen, why = (close.own, _STANDS) if settled is None else (best, _GIVES_WAY)
    others = [id_ for id_ in (close.own, best, *likeness) if id_ != chosen]
    evidence = f"{_said(likeness, chosen, others)}; {close.own}: {close.fits}"
    case.record.add("target", "rule", chosen, why, alternative=others[0], evidence=evidence)
    return settled


def _that_can_hold(kind: Kind, case: Case) -> dict[str, ColumnEntry]:
    return {
        f"{table.name}.{column.name}": column
        for table in case.catalog.tables
        for column in table.columns
        if (table.name, column.name) not in case.left_out and _can_hold(kind, column)
    }


def _can_hold(kind: Kind, column: ColumnEntry) -> bool:
    content = content_of(column)
    if content is None or column.role in {"id", "key"} or column.personal is not None or column.distinct < 2:
        return False
    if kind == "binary":
        return column.distinct == 2
    return kind == "any" or content == {"number": "number", "label": "classes"}[kind]


def _likeness(case: Case, embedder: Embedder, columns: Mapping[str, ColumnEntry]) -> dict[str, Likeness]:
    request = case.requirement.request
    return likeness_of(embedder, case.requirement.target or request, request, columns)


def _said(found: Mapping[str, Likeness], best: str, others: list[str]) -> str:
    named = [best, *others[:1]]
    told = ", ".join(f"{id_} {found[id_]}" for id_ in named)
    return f"similarity to the phrase and to the request: {told}"
