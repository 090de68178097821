"""An assumption that somebody can settle."""

from __future__ import annotations

from pydantic import Field

from automl_schemas.base import Contract

__all__ = ["Option", "Question"]


class Option(Contract):
    """One way to answer a question."""

    value: str
    """What `--answer id=value` takes."""
    label: str
    """What a person reads, evidence included."""


class Question(Contract):
    """A near tie, with the answer that is taken when nobody gives one."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_.-]*$")
    text: str
    options: list[Option] = Field(min_length=1)
    default: str
    impact: str
    """What the choice changes, in one sentence."""
