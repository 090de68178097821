"""Targets whose name says nothing: found by where they stand, what they hold, and what else could be meant."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from automl_runtime.errors import RequestError
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry

from automl_agent.grounding.candidates import ACCEPTED, Candidate, content_of, is_number
from automl_agent.grounding.labels import are_codes, initials_match, labels_of
from automl_agent.grounding.matching import is_generic
from automl_agent.grounding.topics import is_about, is_about_something_else, speaks
from automl_agent.grounding.wishes import Wish

__all__ = ["is_nameless", "nameless", "placed"]

_PLACEHOLDER: Final = re.compile(
    r"(?:col|column|unnamed|var|variable|field|feature|attr|attribute|x|v|f|c|a|z|spalte|champ)?[\s_:.-]*\d*"
    r"|[a-z]{1,2}\d*",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(
    r"\b(?:(?P<word>first|second|third|fourth|fifth|last|final|rightmost|leftmost)\s+(?:column|field|variable"
    r"|attribute|col)"
    r"|(?:column|field|col)\s+(?:no\.?|number|nr\.?|#)?\s*(?P<number>\d{1,3})|(?P<ordinal>\d{1,3})(?:st|nd|rd"
    r"|th)\s+(?:column|field|col))\b",
    re.IGNORECASE,
)
_PLACES: Final = {
    "first": 0,
    "leftmost": 0,
    "second": 1,
    "third": 2,
    "fourth": 3,
    "fifth": 4,
    "last": -1,
    "final": -1,
    "rightmost": -1,
}


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
        raise RequestError(
            f"{wish.phrase!r} could be in any of {names}.", hint="Name the column, or the table as table.column."
        )
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
    return _PLACEHOLDER.fullmatch(column.name.strip()) is not None or is_generic(column.name)


def nameless(
    wish: Wish, catalog: DataCatalog, source: str, excluded: Collection[tuple[str, str]] = ()
) -> list[Candidate]:
    """Columns with a name that says nothing and that fit what is asked, the best first.

    One is believed only when nothing speaks against it: it holds the kind of values asked for, its table is about what
    the request is about or says nothing of that, and its labels, if they are words, are what the request names.
    """
    found: list[Candidate] = []
    for table in catalog.tables:
        free = [column for column in table.columns if (table.name, column.name) not in excluded]
        fitting = [column for column in free if is_nameless(column) and _fits(wish, column)]
        if not fitting or is_about_something_else(wish, table, source):
            continue
        about = is_about(wish, table, source)
        if not about and speaks(table, source):
            fitting = [column for column in fitting if initials_match(wish.phrase, labels_of(column))]
        for column in fitting:
            score, evidence = _judge(wish, table, column, about=about, rivals=len(fitting) > 1)
            if score >= ACCEPTED:
                label = initials_match(wish.phrase, labels_of(column))
                content = content_of(column) or "classes"
                found.append(Candidate(table, column, score, content, evidence, column.name, label=label))
    return sorted(found, key=lambda candidate: (-candidate.score, -candidate.column.position))


def _fits(wish: Wish, column: ColumnEntry) -> bool:
    if column.role in {"id", "key", "constant", "empty"} or column.personal is not None or wish.threshold is not None:
        return False
    content = content_of(column)
    if wish.kind == "binary" or wish.event:
        return content == "classes" and column.distinct == 2
    if wish.kind == "label":
        return content == "classes" or (column.type == "integer" and column.distinct <= 30)
    if wish.kind == "number":
        return is_number(column) and column.distinct > 2
    return content is not None


def _judge(wish: Wish, table: TableEntry, column: ColumnEntry, *, about: bool, rivals: bool) -> tuple[float, str]:
    """How far a nameless column is believed, and why; 0 when it is not.

    Args:
        wish: what is asked.
        table: the table of the column.
        column: the column.
        about: the table is about what the request is about.
        rivals: other nameless columns fit as well.
    """
    labels = labels_of(column)
    if initials_match(wish.phrase, labels) is not None:
        return 0.62, f"holds {'/'.join(sorted(labels))}"
    asks_yes = wish.kind == "binary" or wish.event
    if asks_yes and not are_codes(labels):
        return 0.0, ""
    certain = about or asks_yes or wish.kind == "label"
    last = column.position == len(table.columns) - 1
    edge = last or column.position == 0
    if is_generic(column.name):
        evidence = f"called {column.name!r}, which is what is to be predicted"
        return (0.5 + 0.06 * about + 0.04 * edge, evidence) if certain else (0.0, "")
    if not edge or not certain or (rivals and not about):
        return 0.0, ""
    score = 0.46 + 0.06 * about + 0.03 * last + 0.03 * (not rivals)
    return score, f"is the {'last' if last else 'first'} column, and no other name fits"
