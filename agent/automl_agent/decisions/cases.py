"""A request whose target is in doubt: what comes near it, and what another target makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from automl_runtime.errors import DataError, RequestError
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.requirement import Requirement
from automl_schemas.vocabulary import TaskType

from automl_agent.decisions.recording import Record
from automl_agent.grounding import Grounded
from automl_agent.grounding.candidates import candidates
from automl_agent.grounding.topics import is_about
from automl_agent.grounding.wishes import wish_of

__all__ = ["CERTAIN", "Case", "Close", "Ground", "close_to", "place_of", "settled_as", "settled_beyond_words"]

CERTAIN: Final = 0.75
"""From here the rules are sure of their target, and nobody else is asked."""
_FEW: Final = 15
_NEAR: Final = 0.15
"""How much worse than the best the words may fit a column that is preferred to it."""
_PLAIN: Final = {"target": None, "task": None, "threshold": None, "positive": None}

Ground = Callable[[Requirement, Mapping[str, str]], Grounded]


@dataclass(frozen=True, slots=True)
class Case:
    """A request whose target is in doubt."""

    requirement: Requirement
    catalog: DataCatalog
    meanings: Mapping[str, str]
    """Descriptions by the name of a column."""
    left_out: list[tuple[str, str]]
    source: str
    """Path of the data; its name says what they are about."""
    ground: Ground
    record: Record


@dataclass(frozen=True, slots=True)
class Close:
    """The rules' uncertain target and the columns that the words fit nearly as well."""

    own: str
    """The rules' target, as `table.column`."""
    columns: Mapping[str, ColumnEntry]
    """By `table.column`, the rules' target among them, at least two."""
    fits: str
    """How well the words fit it, as evidence."""


def close_to(case: Case, found: Grounded) -> Close | None:
    """What could be meant instead of the target of `found`; None where nothing comes near it."""
    target = found.spec.target
    if target is None or target.is_made:
        return None
    own = f"{target.table}.{target.column}"
    ranked = candidates(wish_of(case.requirement), case.catalog, case.source, case.left_out)
    near = [each for each in ranked if each.sql is None and each.score >= found.certainty - _NEAR]
    columns = {each.id: each.column for each in near}
    if own not in columns or len(columns) < 2:
        return None
    return Close(own, columns, f"the words fit {found.certainty:.2f} of 1")


def settled_beyond_words(case: Case, value: str, answers: Mapping[str, str]) -> tuple[Requirement, Grounded] | None:
    """As `settled_as`, of a column that the words do not name: the phrase says nothing of it."""
    return settled_as(case, case.requirement.model_copy(update={"target": None}), value, answers)


def settled_as(
    case: Case, requirement: Requirement, value: str, answers: Mapping[str, str]
) -> tuple[Requirement, Grounded] | None:
    """The requirement and the spec with this target.

    None when the words of the request have nothing to do with its table, or no reading of them gives a task that fits.
    """
    table, column = place_of(case.catalog, value)
    if not is_about(wish_of(case.requirement), table, case.source):
        return None
    for reading in _readings(requirement):
        try:
            grounded = case.ground(reading, {**answers, "target": value})
        except (RequestError, DataError):
            continue
        target = grounded.spec.target
        kind = grounded.spec.task.type
        # A sentence that asks for classes is misread when it comes to a number.
        misread = reading.task in {"binary", "multiclass"} and kind != reading.task
        if target is not None and target.sql is None and kind in _fitting(column) and not misread:
            return reading, grounded
    return None


def _readings(requirement: Requirement) -> Iterator[Requirement]:
    """As the rules read it, then without what they read of the target."""
    yield requirement
    yield requirement.model_copy(update=_PLAIN)


def _fitting(column: ColumnEntry) -> tuple[TaskType, ...]:
    if column.distinct == 2 or column.type == "boolean":
        return ("binary",)
    if column.type in ("category", "text"):
        return ("multiclass",)
    return ("multiclass", "regression", "forecast") if column.distinct <= _FEW else ("regression", "forecast")


def place_of(catalog: DataCatalog, value: str) -> tuple[TableEntry, ColumnEntry]:
    """The table and the column that `table.column` names; it exists."""
    places = [(table, column) for table in catalog.tables for column in table.columns]
    return next((table, column) for table, column in places if f"{table.name}.{column.name}" == value)
