"""Open questions as tools show them, and answers as tools take them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from automl_runtime.errors import visible
from automl_schemas.base import Contract
from automl_schemas.question import Question
from pydantic import Field

from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import Request

__all__ = ["Asked", "Choice", "Settled", "answers_in", "asked_of", "taken_back"]

_LABEL: Final = 200
_ESCAPED: Final = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}")


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
            choices=[
                Choice(value=visible(option.value), label=plain(option.label, _LABEL)) for option in question.options
            ],
            default=visible(question.default),
            taken=visible(given.get(question.id, question.default)),
            impact=plain(question.impact, _LABEL),
        )
        for question in questions
    ]


def answers_in(settled: Sequence[Settled]) -> dict[str, str]:
    """The answers by the ids of their questions; the last one counts."""
    return {answer.id: taken_back(answer.value) for answer in settled}


def taken_back(text: str) -> str:
    """What `visible` showed, with the signs that it wrote as escapes; other text stays."""
    return _ESCAPED.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    sign = chr(min(int(found.group()[2:], 16), sys.maxunicode))
    return sign if visible(sign) == found.group() else found.group()
