"""Which column is meant, by a model, where rules are in doubt or find none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from automl_schemas.requirement import Requirement

from automl_agent.decisions.cases import Case, close_to, place_of, settled_as, settled_beyond_words
from automl_agent.decisions.choosing import NONE, Choice, choose
from automl_agent.decisions.digest import described, predictable
from automl_agent.decisions.recording import Record
from automl_agent.grounding import Grounded

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["choose_among_all", "contest"]

_QUESTION: Final = (
    "Which column of the data holds what the request wants to know? Choose `none of them` when none does."
)


def choose_among_all(
    case: Case, model: LanguageModel, answers: Mapping[str, str]
) -> tuple[Requirement, Grounded] | None:
    """The target that the model finds where rules find none; None when it finds none, or one that does not work."""
    requirement = case.requirement
    asks_number = requirement.task in {"regression", "forecast"}
    options = predictable(case.catalog, case.meanings, left_out=case.left_out, numbers_only=asks_number)
    if not options:
        return None
    chosen = choose(model, _QUESTION, {**options, NONE: "the data are about something else"}, _asked(requirement))
    if chosen.value in (None, NONE):
        case.record.add("target", "rule", "", "nothing fits the words", evidence=f"model: {chosen.why_not or NONE}")
        return None
    settled = settled_beyond_words(case, str(chosen.value), answers)
    if settled is None:
        why = "the request is not about that table, or no task fits the column"
        case.record.add("target", "rule", "", why, alternative=chosen.value, evidence=f"model: {chosen.meaning}")
    if settled is not None:
        _note(case.record, chosen, str(chosen.value), alternative=None, against="rules found no column for the words")
    return settled


def contest(
    case: Case, model: LanguageModel, found: Grounded, answers: Mapping[str, str]
) -> tuple[Requirement, Grounded] | None:
    """Another target than the rules' uncertain one, of those that come near it; None when the rules' stands.

    Only columns that the words fit nearly as well are options, and the model must prefer one in either order.
    """
    close = close_to(case, found)
    if close is None:
        return None
    own, fits = close.own, close.fits
    options = {id_: _described(case, id_) for id_ in close.columns}
    chosen = choose(model, _QUESTION, options, _asked(case.requirement))
    other = chosen.value
    settled = None if other in (None, own) else settled_as(case, case.requirement, str(other), answers)
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


def _described(case: Case, value: str) -> str:
    column = place_of(case.catalog, value)[1]
    return described(column, case.meanings.get(column.name))
