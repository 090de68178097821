"""Open questions as tools show them, and answers as tools take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from automl_schemas.base import Contract
from automl_schemas.question import Question
from pydantic import Field

from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import Request

__all__ = ["Asked", "Choice", "Settled", "answers_in", "asked_of"]

_LABEL = 200


class Choice(Contract):
    """One way to answer."""

    value: str
    label: str


class Asked(Contract):
    """Something that the data leave open; without an answer the default holds."""

    id: str
    text: str
    choices: list[Choice]
    default: str
    taken: str
    """The answer that holds now."""
    impact: str


class Settled(Request):
    """The answer to a question."""

    id: str = Field(description="The id of an open question.")
    value: str = Field(description="The value of one of its choices.")


def asked_of(questions: Iterable[Question], answers: Mapping[str, str] | None = None) -> list[Asked]:
    """`questions` for a model to read: names and values of the data shortened and without hidden characters."""
    given = answers or {}
    return [
        Asked(
            id=question.id,
            text=plain(question.text, _LABEL),
            # The value is what an answer must say, so it stays as it is.
            choices=[Choice(value=option.value, label=plain(option.label, _LABEL)) for option in question.options],
            default=question.default,
            taken=given.get(question.id, question.default),
            impact=plain(question.impact, _LABEL),
        )
        for question in questions
    ]


def answers_in(settled: Sequence[Settled]) -> dict[str, str]:
    """The answers by the ids of their questions; the last one counts."""
    return {answer.id: answer.value for answer in settled}
