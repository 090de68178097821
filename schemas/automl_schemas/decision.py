"""What was decided on the way from words to a spec, and by whom."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from automl_schemas.base import Contract

__all__ = ["Decider", "Decision"]

Decider = Literal["rule", "model", "person"]
"""Our rules, a language model, or the person at the keyboard."""


class Decision(Contract):
    """One choice; a run with a language model and one without have the same ids where they understood the same."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_.-]*$")
    """The id of the question that it settles, or `request...` and `columns...` for what is no question."""
    by: Decider
    choice: str
    """What was chosen; empty where there was nothing to choose."""
    why: str
    alternative: str | None = None
    """What else was proposed, or could have been chosen."""
    evidence: str | None = None
    """What spoke for the choice, or against the alternative."""
