"""Chooses the target of a request among the candidates, or says why there is none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from automl_runtime.errors import DataError, RequestError
from automl_schemas.catalog import DataCatalog
from automl_schemas.question import Question
from automl_schemas.requirement import Threshold
from rapidfuzz import process

from automl_agent.grounding.candidates import ACCEPTED, Candidate, candidates, content_of
from automl_agent.grounding.derived import unit_seconds
from automl_agent.grounding.matching import name_match
from automl_agent.grounding.messages import target_question
from automl_agent.grounding.opaque import nameless, placed
from automl_agent.grounding.spoken import spoken_columns
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import fold

__all__ = ["SURE", "Target", "checked", "choose_target", "spelled_target"]

SURE: Final = 0.7
"""Score from which a candidate is believed although the sentence was read in a less likely way."""
_NEAR_TIE: Final = 0.06
_MOST_OPTIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted, and a question when other columns come close."""

    candidate: Candidate
    question: Question | None = None


def choose_target(
    wish: Wish,
    catalog: DataCatalog,
    source: str,
    excluded: Collection[tuple[str, str]],
    answer: str | None = None,
    *,
    least: float = ACCEPTED,
) -> Target | None:
    """The target that fits `wish` best; None when no column reaches the score `least`.

    Raises:
        RequestError: if `answer` names no column that can be predicted.
        DataError: if the target holds one value only.
    """
    place = placed(wish, catalog)
    found = [place] if place is not None else candidates(wish, catalog, source, excluded)
    believed = [candidate for candidate in found if candidate.score >= least]
    if least <= ACCEPTED:
        believed = believed or nameless(wish, catalog, source, excluded)
        believed = believed or _within_horizon(wish, catalog, source, excluded)
        believed = believed or _asked_noun(wish, catalog, source, excluded)
    near = [candidate for candidate in believed if candidate.score >= believed[0].score - _NEAR_TIE] if believed else []
    near = _distinct(near)[:_MOST_OPTIONS]
    if answer is not None:
        chosen = _answered(answer, catalog, found)
        return Target(
            checked(chosen), target_question(wish.phrase, _distinct([chosen, *near]), near[0] if near else chosen)
        )
    if not near:
        return None
    _refuse_other_content(near[0], wish, catalog, excluded)
    question = target_question(wish.phrase, near, near[0]) if len(near) > 1 else None
    return Target(checked(near[0]), question)


def spelled_target(wish: Wish, catalog: DataCatalog, excluded: Collection[tuple[str, str]]) -> Target | None:
    """The column whose name the request spells, whatever its sentence is like; None when there is none.

    Raises:
        DataError: if it holds one value only.
    """
    found = _distinct(spoken_columns(wish, catalog, excluded))[:_MOST_OPTIONS]
    if not found:
        return None
    question = target_question(wish.phrase, found, found[0]) if len(found) > 1 else None
    return Target(checked(found[0]), question)


def _refuse_other_content(
    best: Candidate, wish: Wish, catalog: DataCatalog, excluded: Collection[tuple[str, str]]
) -> None:
    """A column that bears the very name but holds something else must not be passed over for a similar one."""
    if best.score >= 1 or best.sql is not None:
        return
    for table in catalog.tables:
        for column in table.columns:
            if (table.name, column.name) in excluded or column is best.column:
                continue
            if name_match(wish, column, table.name).score > 1 and content_of(column) not in {best.content, None}:
                held = "numbers" if content_of(column) == "number" else "classes"
                wanted = "numbers" if best.content == "number" else "classes"
                raise RequestError(
                    f"{column.name!r} of {table.name} holds {held}; what is asked needs {wanted}.",
                    hint="Leave out the metric or the kind of task that does not fit, or name another column.",
                )


def _within_horizon(
    wish: Wish, catalog: DataCatalog, source: str, excluded: Collection[tuple[str, str]]
) -> list[Candidate]:
    """ "will it arrive within 30 minutes", "which take over an hour": a duration in a unit that its name says."""
    threshold = wish.threshold
    if threshold is None and wish.horizon_days is not None:
        threshold = Threshold(op="<=", value=wish.horizon_days, unit="day")
    if wish.kind != "binary" or threshold is None or threshold.unit is None:
        return []
    timed = replace(
        wish, threshold=threshold, words=(*wish.words, ("duration", 1.0)), heads=(*wish.heads, ("duration", 0.9))
    )
    found = candidates(timed, catalog, source, excluded)
    return [
        candidate
        for candidate in found
        if candidate.sql is not None and candidate.score >= ACCEPTED and unit_seconds(candidate.column) is not None
    ]


def _asked_noun(
    wish: Wish, catalog: DataCatalog, source: str, excluded: Collection[tuple[str, str]]
) -> list[Candidate]:
    """ "which catalyst was used": one of the catalysts, when nothing says that a catalyst was used."""
    if wish.kind != "any" or not wish.entity:
        return []
    words = tuple((word, 1.0) for word in wish.entity)
    found = candidates(replace(wish, words=words, heads=words, entity=(), event=False), catalog, source, excluded)
    return [candidate for candidate in found if candidate.score >= 1 and candidate.content == "classes"]


def _distinct(found: list[Candidate]) -> list[Candidate]:
    return list({candidate.id: candidate for candidate in reversed(found)}.values())[::-1]


def checked(candidate: Candidate) -> Candidate:
    """`candidate`, which can be learned: it holds more than one value, or is made of others.

    Raises:
        DataError: if it holds one value only.
    """
    if candidate.column.distinct < 2 and candidate.sql is None:
        value = candidate.column.stats.top[0].value if candidate.column.stats.top else None
        raise DataError(
            f"The target {candidate.column.name!r} of {candidate.table.name} holds {value!r} in all its"
            f" {candidate.column.rows:,} rows.",
            hint="A model needs at least two classes, or numbers that vary.",
        )
    return candidate


def _answered(answer: str, catalog: DataCatalog, found: list[Candidate]) -> Candidate:
    for candidate in found:
        if fold(answer) in {fold(candidate.id), fold(candidate.name)}:
            return candidate
    matching = [
        (table, column)
        for table in catalog.tables
        for column in table.columns
        if fold(answer) in {fold(f"{table.name}.{column.name}"), fold(column.name)}
    ]
    for table, column in matching:
        content = content_of(column)
        if content is not None or column.distinct < 2:
            return Candidate(table, column, 1.0, content or "classes", "was chosen", column.name)
    names = [
        f"{table.name}.{column.name}" for table in catalog.tables for column in table.columns if content_of(column)
    ]
    nearest = ", ".join(name for name, _, _ in process.extract(answer, names, limit=3))
    raise RequestError(f"target={answer!r} is no column that can be predicted.", hint=f"Nearest: {nearest}.")
