"""Columns, and expressions over columns, that could be the target of a request."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

from automl_runtime.data.same_pictures import content_column
from automl_runtime.errors import shorten
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry

from automl_agent.grounding.derived import Derived, beyond, made_binary
from automl_agent.grounding.labels import labels_of, threshold_label
from automl_agent.grounding.matching import NameMatch, name_match, value_match
from automl_agent.grounding.topics import is_about_something_else, speaks, speaks_of
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import domains, fold, relate, stem, tokens
from automl_agent.requirements.numbers import days_in, unit_name
from automl_agent.requirements.text import word_set

__all__ = ["ACCEPTED", "Candidate", "Content", "candidates", "content_of", "is_number"]

Content = Literal["classes", "number"]

ACCEPTED: Final = 0.45
"""Score from which a candidate is believed."""
_DOUBT: Final = 0.6
_RUNNING: Final = 0.85
"""Worth of whole numbers that look like a count of the rows, but are not called so."""
_ID_WORDS: Final = word_set("id ids no nr num number code key index ref reference row serial uid uuid")
_AHEAD: Final = 0.07
_FUTURE: Final = word_set("next future later ahead forward upcoming coming following")
_TODAY: Final = word_set("now current today last previous prev past")
_FEW_CLASSES: Final = 30
_MOST_CLASSES: Final = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible target: a column as it stands, or an expression over one.

    `name` is the column that results; `label` the value that the phrase named; `reversed` whether a yes in the column
    means a no to the phrase.
    """

    table: TableEntry
    column: ColumnEntry
    score: float
    content: Content
    evidence: str
    name: str
    sql: str | None = None
    label: str | None = None
    reversed: bool = False

    @property
    def id(self) -> str:
        """What `--answer target=` takes."""
        return f"{self.table.name}.{self.name}"


def candidates(
    wish: Wish, catalog: DataCatalog, source: str = "", excluded: Collection[tuple[str, str]] = ()
) -> list[Candidate]:
    """Every column that could be meant, the best first; equal scores keep the order of the catalog.

    A name that only means the same as the phrase counts less where table and request are about different things.
    """
    found: list[Candidate] = []
    for table in catalog.tables:
        elsewhere = is_about_something_else(wish, table, source)
        bonus = _table_bonus(wish, table)
        for column in table.columns:
            if (table.name, column.name) in excluded or not _usable(column) or _names_content(column, table):
                continue
            filled = (1 - 0.4 * column.missing / max(column.rows, 1)) * (_RUNNING if column.role == "id" else 1.0)
            last = 0.01 if column.position == len(table.columns) - 1 else 0.0
            for candidate in _forms(wish, table, column):
                weight = 1.0 if candidate.sql is not None else filled
                if candidate.score > 0:
                    doubt = (
                        _DOUBT
                        if candidate.score < 1 and _is_doubtful(wish, candidate, source, elsewhere=elsewhere)
                        else 1.0
                    )
                    ahead = _ahead_bonus(wish, column)
                    found.append(replace(candidate, score=doubt * (candidate.score * weight + bonus + last + ahead)))
    return sorted(found, key=lambda candidate: -round(candidate.score, 6))


def _ahead_bonus(wish: Wish, column: ColumnEntry) -> float:
    """A little for a column that looks as far ahead as the request ("rate_in_3m"), against one of today."""
    if wish.horizon_days is None:
        return 0.0
    parts = tokens(column.name)
    if set(parts) & _TODAY:
        return -_AHEAD
    spans = {days_in(f"{number} {unit}") for number, unit in pairwise(parts) if number.isdigit() and unit_name(unit)}
    months = {30.0 * float(number) for number, unit in pairwise(parts) if number.isdigit() and unit == "m"}
    return _AHEAD if set(parts) & _FUTURE or wish.horizon_days in spans | months else 0.0


def _is_doubtful(wish: Wish, candidate: Candidate, source: str, *, elsewhere: bool) -> bool:
    """Whether a column only goes by another name than the phrase, and nothing else says that the two are the same.

    That is so in a table about other things, and for a quantity when the rest of the phrase is found nowhere ("price of
    oil" and the fee of a club).
    """
    match = name_match(wish, candidate.column, candidate.table.name)
    strange = bool(wish.entity) and not any(speaks_of(word, candidate.table, source) for word in wish.entity)
    if elsewhere and (not match.sure or strange):
        return True
    if strange and not match.sure and any(domains(word) for word in wish.entity) and speaks(candidate.table, source):
        return True
    if match.sure or not wish.plain or wish.kind not in {"any", "number"} or wish.event or candidate.sql is not None:
        return False
    parts = tokens(candidate.column.name)
    if any(relate(word, "duration").strength >= 0.78 for word, weight in wish.heads if weight >= 0.78):
        return False
    rest = [
        word
        for word, weight in wish.words
        if weight == 1.0 and not any(relate(word, part).strength >= 0.6 for part in parts)
    ]
    return any(not speaks_of(word, candidate.table, source) for word in rest)


def content_of(column: ColumnEntry) -> Content | None:
    """What `column` holds when it is the target as it stands, or lists labels; None when it cannot be one."""
    if column.listed is not None:
        return "classes"
    if column.type == "boolean" or (column.type in {"category", "text"} and 2 <= column.distinct <= _MOST_CLASSES):
        return "classes" if column.type != "text" or column.distinct <= column.rows / 4 else None
    if column.type in {"integer", "number", "time"}:
        return "classes" if column.distinct == 2 else "number"
    return None


def is_number(column: ColumnEntry) -> bool:
    """Whether `column` holds numbers that can be compared."""
    return column.type in {"integer", "number", "time"}


def _usable(column: ColumnEntry) -> bool:
    if column.type == "empty" or column.role == "empty" or column.personal is not None:
        return False
    if column.role == "key":
        return column.distinct <= _FEW_CLASSES and tokens(column.name)[-1:] != ("id",)
    return column.role != "id" or (is_number(column) and not set(tokens(column.name)) & _ID_WORDS)


def _names_content(column: ColumnEntry, table: TableEntry) -> bool:
    """Whether the column only says which pictures show the same."""
    return any(other.type == "image" and column.name == content_column(other.name) for other in table.columns)


def _table_bonus(wish: Wish, table: TableEntry) -> float:
    """A little for the table that is called after the entity or the step, or that has the entity as its key."""
    names = tokens(table.name)
    keys = {column for key in table.keys for column in key.columns}
    key_names = tuple(part for column in sorted(keys) for part in tokens(column))

    def near(words: tuple[str, ...], parts: tuple[str, ...]) -> bool:
        return any(relate(word, part).strength > 0.7 for word in words for part in parts)

    return 0.04 * near(wish.entity, names) + 0.03 * near(wish.entity, key_names) + 0.08 * near(wish.step, names)


def _forms(wish: Wish, table: TableEntry, column: ColumnEntry) -> Iterator[Candidate]:
    name = name_match(wish, column, table.name)
    said = f"described as {shorten(column.meaning or '')}" if name.described else f"named {column.name!r}"
    plain = Candidate(table, column, name.score, "number", said, column.name, reversed=name.reversed)
    content = content_of(column)
    if wish.threshold is not None:
        yield from _beyond_threshold(wish, plain, name)
    if wish.kind in {"binary", "label", "any"}:
        yield from _classes(wish, plain, name)
    if wish.kind in {"number", "any"} and content == "number":
        yield plain
    if wish.kind == "number" and content == "classes" and is_number(column):
        yield replace(plain, score=0.3 * name.score)


def _classes(wish: Wish, plain: Candidate, name: NameMatch) -> Iterator[Candidate]:
    column = plain.column
    value = value_match(wish, column)
    strength = 0.9 * value.strength if value is not None else 0.0
    score = max(name.score, strength) + 0.04 * min(name.score, strength)
    content = content_of(column)
    if column.distinct == 2 and content == "classes":
        if value is not None and strength >= 0.5:
            yield _two_classes(plain, name, value.label, value.reversed != (value.literal and wish.negated), score)
        else:
            yield _two_classes(plain, name, None, name.reversed, score)
        return
    # "satisfaction" names the column of that name before its class "satisfied".
    names_column = value is not None and not value.literal and name.sure and name.score > value.strength
    if wish.kind == "binary" or (wish.event and not names_column) or wish.positive is not None:
        label = value.label if value is not None and not value.reversed and content == "classes" else None
        if label is None and name.score >= 0.6:
            label = _subject_label(wish, column)
        made = [] if wish.threshold is not None else list(made_binary(wish, column, name, label, score))
        yield from (
            _from_derived(plain, one, literal=value is not None and value.literal and wish.negated) for one in made
        )
        if made and wish.event:
            return
    if wish.kind != "binary":
        few = wish.kind == "label" and not wish.event and column.type == "integer" and column.distinct <= _FEW_CLASSES
        if (content == "classes" and column.distinct > 2) or few:
            yield replace(plain, score=max(name.score, _listed(wish, column)), content="classes")
    elif content == "classes" and column.distinct > 2 and _names_the_one(wish, column):
        yield replace(plain, content="classes")
    if column.distinct == 1 and name.score >= 1:
        yield replace(plain, content="classes")


def _subject_label(wish: Wish, column: ColumnEntry) -> str | None:
    """The class that the sentence's subject names: "white" of "if white wins" in a column of winners."""
    labels = {fold(label).strip(): label for label in labels_of(column)}
    return next((labels[word] for word in wish.entity if word in labels), None)


def _names_the_one(wish: Wish, column: ColumnEntry) -> bool:
    """Whether the column says who it is that does something: "who wins" and `winner`."""
    parts = [part for part in tokens(column.name) if part.endswith(("er", "or"))]
    return not wish.entity and any(
        part[:3] == word[:3] and relate(word, part).strength >= 0.78 for word, _ in wish.heads for part in parts
    )


def _two_classes(plain: Candidate, name: NameMatch, label: str | None, opposite: bool, score: float) -> Candidate:
    evidence = plain.evidence if label is None or name.score >= score - 0.1 else f"holds {label!r}"
    reversed_ = opposite if label is not None else name.reversed
    return replace(plain, score=score, content="classes", evidence=evidence, label=label, reversed=reversed_)


def _from_derived(plain: Candidate, made: Derived, *, literal: bool = False) -> Candidate:
    """`literal`: the phrase spells a label that itself says no, which then is no denial."""
    reversed_ = made.reversed != literal
    return replace(
        plain,
        score=made.score,
        content="classes",
        evidence=made.evidence,
        name=made.name,
        sql=made.sql,
        reversed=reversed_,
    )


def _listed(wish: Wish, column: ColumnEntry) -> float:
    """Share of the phrase's words that are labels of `column` ("setosa, versicolor or virginica")."""
    labels = [{stem(part) for part in (*fold(label).split(), *tokens(label))} for label in labels_of(column)]
    words = [word for word, weight in wish.words if weight == 1.0]
    hits = sum(any(stem(word) in label for label in labels) for word in words)
    return 0.95 * hits / len(words) if len(words) >= 2 and hits >= 2 else 0.0


def _beyond_threshold(wish: Wish, plain: Candidate, name: NameMatch) -> Iterator[Candidate]:
    assert wish.threshold is not None
    label = threshold_label(wish.threshold, labels_of(plain.column))
    if label is not None:
        score = max(0.9, min(name.score, 1.0)) + 0.05
        yield replace(plain, score=score, content="classes", evidence=f"holds {label!r}", label=label, reversed=False)
    if is_number(plain.column) and plain.column.distinct > 2:
        yield replace(_from_derived(plain, beyond(wish.threshold, plain.column, name)), reversed=False)
