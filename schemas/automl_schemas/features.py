"""`experiments/features.jsonl`: the features that were proposed for a project, one a line."""

from __future__ import annotations

from typing import Literal

from automl_schemas.base import Contract
from automl_schemas.decision import Decider

__all__ = ["Fate", "TriedFeature"]


Fate = Literal["helps", "does not help", "refused", "not judged"]
"""`refused`: its values are not those of a feature. `not judged`: there is no score to gain (groups, strange rows)."""


class TriedFeature(Contract):
    """A proposed feature and its fate."""

    name: str
    columns: list[str]
    """Of a row, that it reads."""
    why: str
    by: Decider
    """Who proposed it."""
    fate: Fate
    note: str = ""
    """Why it was refused or not judged."""
    metric: str = ""
    """In which gains are counted."""
    gain: float | None = None
    """Mean over repeated folds of the training rows; above zero is better."""
    interval: tuple[float, float] | None = None
    """95 %."""
    p: float | None = None
    """That it gains nothing, corrected for the number of proposals."""
    isolation: str = ""
    """How far its code was kept apart while it ran."""
    kept: bool = False
    """Whether it became part of `custom_features.py`."""
