"""Which column is meant, where rules are in doubt or find none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from automl_runtime.errors import DataError, RequestError
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.requirement import Requirement
from automl_schemas.vocabulary import TaskType

from automl_agent.decisions.choosing import NONE, Choice, choose
from automl_agent.decisions.digest import described, predictable
from automl_agent.decisions.recording import Record
from automl_agent.grounding import Grounded
from automl_agent.grounding.candidates import candidates
from automl_agent.grounding.topics import is_about
from automl_agent.grounding.wishes import wish_of

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["CERTAIN", "Case", "choose_among_all", "contest"]

CERTAIN: Final = 0.75
"""From here the rules are sure of their target, and nobody else is asked."""
_QUESTION: Final = (
    "Which column of the data holds what the request wants to know? Choose `none of them` when none does."
)
_FEW: Final = 15
_NEAR: Final = 0.15
"""How much worse than the best the words may fit a column that the model can prefer."""
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
    model: LanguageModel
    record: Record


def choose_among_all(case: Case, answers: Mapping[str, str]) -> tuple[Requirement, Grounded] | None:
    """The target that the model finds where rules find none; None when it finds none, or one that does not work."""
    requirement = case.requirement
    asks_number = requirement.task in {"regression", "forecast"}
    options = predictable(case.catalog, case.meanings, left_out=case.left_out, numbers_only=asks_number)
    if not options:
        return None
    chosen = choose(case.model, _QUESTION, {**options, NONE: "the data are about something else"}, _asked(requirement))
    if chosen.value in (None, NONE):
        case.record.add("target", "rule", "", "nothing fits the words", evidence=f"model: {chosen.why_not or NONE}")
        return None
    # The phrase of the rules fits nothing, so it says nothing of the column either.
    settled = _settled(case, case.requirement.model_copy(update={"target": None}), str(chosen.value), answers)
    if settled is None:
        why = "the request is not about that table, or no task fits the column"
        case.record.add("target", "rule", "", why, alternative=chosen.value, evidence=f"model: {chosen.meaning}")
    if settled is not None:
        _note(case.record, chosen, str(chosen.value), alternative=None, against="rules found no column for the words")
    return settled


def contest(case: Case, found: Grounded, answers: Mapping[str, str]) -> tuple[Requirement, Grounded] | None:
    """Another target than the rules' uncertain one, of those that come near it; None when the rules' stands.

    Only columns that the words fit nearly as well are options, and the model must prefer one in either order.
    """
    target = found.spec.target
    if target is None or target.is_made:
        return None
    own = f"{target.table}.{target.column}"
    fits = f"the words fit {found.certainty:.2f} of 1"
    ranked = candidates(wish_of(case.requirement), case.catalog, case.source, case.left_out)
    near = [each for each in ranked if each.sql is None and each.score >= found.certainty - _NEAR]
    options = {each.id: _described(case, each.id) for each in near}
    if own not in options or len(options) < 2:
        return None
    chosen = choose(case.model, _QUESTION, options, _asked(case.requirement))
    other = chosen.value
    settled = None if other in (None, own) else _settled(case, case.requirement, str(other), answers)
    if settled is None:
        said = {own: "it chose the same", None: chosen.why_not}.get(other, "what it chose does not fit")
        case.record.add("target", "rule", own, fits, alternative=None if other == own else other, evidence=said)
        return None
    _note(case.record, chosen, str(other), alternative=own, against=f"{own}: {fits}")
    return settled


def _asked(requirement: Requirement) -> dict[str, str]:
    return {"request": requirement.request}


def _note(record: Record, choice: Choice, value: str, *, alternative: str | None, against: str) -> None:
    why = f"the model reads the request as: {choice.meaning}"
    record.add("target", "model", value, why, alternative=alternative, evidence=f"chosen in either order; {against}")


def _settled(
    case: Case, requirement: Requirement, value: str, answers: Mapping[str, str]
) -> tuple[Requirement, Grounded] | None:
    """The requirement and the spec with this target.

    None when the words of the request have nothing to do with its table, or no reading of them gives a task that fits.
    """
    table, column = _place(case.catalog, value)
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


def _place(catalog: DataCatalog, value: str) -> tuple[TableEntry, ColumnEntry]:
    places = [(table, column) for table in catalog.tables for column in table.columns]
    return next((table, column) for table, column in places if f"{table.name}.{column.name}" == value)


def _described(case: Case, value: str) -> str:
    column = _place(case.catalog, value)[1]
    return described(column, case.meanings.get(column.name))
