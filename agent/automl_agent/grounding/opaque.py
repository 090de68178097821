"""Targets whose name says nothing: found by where they stand, what they hold, and what else could be meant."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from automl_agent.grounding.candidates import ACCEPTED, Candidate, content_of, is_number, table_supported
from automl_agent.grounding.labels import are_codes, initials_match, labels_of
from automl_agent.grounding.thesaurus import GENERIC_TARGETS, NEUTRAL
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import fold, relate, tokens
from automl_runtime.errors import RequestError
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry

__all__ = ["is_nameless", "nameless", "placed"]

_PLACEHOLDER: Final = re.compile(r"(?:col|column|unnamed|var|variable|field|feature|attr|attribute|x|v|f|c|a|z|spalte|champ)?[\s_:.-]*\d*|[a-z]{1,2}\d*", re.IGNORECASE)
_PLACE: Final = re.compile(
    r"\b(?:(?P<word>first|second|third|fourth|fifth|last|final|rightmost|leftmost)\s+(?:column|field|variable|attribute|col)"
    r"|(?:column|field|col)\s+(?:no\.?|number|nr\.?|#)?\s*(?P<number>\d{1,3})|(?P<ordinal>\d{1,3})(?:st|nd|rd|th)\s+(?:column|field|col))\b",
    re.IGNORECASE,
)
_PLACES: Final = {"first": 0, "leftmost": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1, "final": -1, "rightmost": -1}
_SAYS_NOTHING: Final = frozenset("data dataset table train training test valid sample sheet file input set part all full raw clean export dump final merged total new extract records rows".split())


def placed(wish: Wish, catalog: DataCatalog) -> Candidate | None:
    """The column that the request names by its place ("the last column"); None when it names none.

    Raises:
        RequestError: if the table has no such column, or there are several tables.
    """
    match = _PLACE.search(wish.phrase)
    if match is None:
        return None
    if len(catalog.tables) > 1:
        names = ", ".join(table.name for table in catalog.tables)
        raise RequestError(f"{wish.phrase!r} could be in any of {names}.", hint="Name the column, or the table as table.column.")
    table = catalog.tables[0]
    place = _PLACES[match["word"].casefold()] if match["word"] else int(match["number"] or match["ordinal"]) - 1
    if not -len(table.columns) <= place < len(table.columns):
        raise RequestError(f"There is no {match[0]}: {table.name} has {len(table.columns)} columns.")
    column = table.columns[place]
    content = content_of(column)
    if content is None:
        raise RequestError(f"The {match[0]}, {column.name!r}, holds {column.type}; a target holds classes or numbers.")
    return Candidate(table, column, 1.1, content, f"is the {match[0]}", column.name)


def is_nameless(column: ColumnEntry) -> bool:
    """Whether the name of `column` is a placeholder (`col_4`, `V7`) or says just "target"."""
    return _is_placeholder(column) or _is_generic(column)


def _is_placeholder(column: ColumnEntry) -> bool:
    return _PLACEHOLDER.fullmatch(column.name.strip()) is not None


def _is_generic(column: ColumnEntry) -> bool:
    parts = tokens(column.name)
    telling = [part for part in parts if part not in NEUTRAL or part in GENERIC_TARGETS]
    return bool(telling) and all(part in GENERIC_TARGETS for part in telling)


def nameless(wish: Wish, catalog: DataCatalog, source: str, excluded: Collection[tuple[str, str]] = ()) -> list[Candidate]:
    """Columns with a name that says nothing and that fit what is asked, the best first.

    One is believed only when nothing speaks against it: it holds the kind of values asked for, its table is about what
    the request is about or says nothing of that, and its labels, if they are words, are what the request names.
    """
    found = [
        Candidate(table, column, score, content_of(column) or "classes", evidence, column.name, label=initials_match(wish.phrase, labels_of(column)))
        for table in catalog.tables
        for column in table.columns
        if (table.name, column.name) not in excluded and is_nameless(column) and _fits(wish, column)
        for score, evidence in [_judge(wish, table, column, source)]
        if score >= ACCEPTED
    ]
    return sorted(found, key=lambda candidate: (-candidate.score, -candidate.column.position))


def _fits(wish: Wish, column: ColumnEntry) -> bool:
    if column.role in {"id", "key", "constant", "empty"} or column.personal is not None or wish.threshold is not None:
        return False
    content = content_of(column)
    if wish.kind == "binary":
        return content == "classes" and column.distinct == 2
    if wish.kind == "label":
        return content == "classes" or (column.type == "integer" and column.distinct <= 30)
    if wish.kind == "number":
        return is_number(column) and column.distinct > 2
    return content is not None


def _judge(wish: Wish, table: TableEntry, column: ColumnEntry, source: str) -> tuple[float, str]:
    labels = labels_of(column)
    if initials_match(wish.phrase, labels) is not None:
        return 0.62, f"holds {'/'.join(sorted(labels))}"
    if wish.kind == "binary" and not are_codes(labels):
        return 0.0, ""
    rivals = [other for other in table.columns if other is not column and is_nameless(other) and _fits(wish, other)]
    edge = column.position in {0, len(table.columns) - 1}
    supported = table_supported(wish, table, source)
    if not supported and _is_about_something_else(wish, table):
        return 0.0, ""
    if _is_generic(column) and (supported or wish.kind in {"binary", "label"}):
        return 0.5 + 0.06 * supported + 0.04 * edge, f"called {column.name!r}, the only thing to be predicted"
    if not edge or (not supported and (rivals or wish.kind in {"number", "any"})):
        return 0.0, ""
    last = column.position == len(table.columns) - 1
    return 0.46 + 0.06 * supported + 0.03 * last + 0.03 * (not rivals), f"is the {'last' if last else 'first'} column, and no other name fits"


def _is_about_something_else(wish: Wish, table: TableEntry) -> bool:
    """Whether the table's name speaks, and of nothing that the request speaks of."""
    parts = [part for part in tokens(table.name) if len(part) > 2 and part not in _SAYS_NOTHING and not part.isdigit()]
    if not parts:
        return False
    return not any(relate(word, part).strength >= 0.7 for word in wish.context for part in parts) and any(fold(part).isalpha() for part in parts)
