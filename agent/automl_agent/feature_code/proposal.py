"""What a proposed feature is, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from automl_runtime.events import finite

__all__ = ["By", "Fate", "Judged", "Proposal"]

By = Literal["rule", "model", "person"]
"""Who proposes: our rules, a language model, or the person at the keyboard."""

Fate = Literal["helps", "does not help", "refused", "not judged"]
"""`refused`: its values are not those of a feature. `not judged`: there is no score to gain (groups, strange rows)."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One function `def name(rows: pd.DataFrame) -> pd.Series` that passed the list of what is allowed."""

    name: str
    code: str
    """The function alone, as it goes into `custom_features.py`."""
    columns: tuple[str, ...]
    """The columns of a row that it reads."""
    why: str
    by: By


@dataclass(frozen=True, slots=True)
class Judged:
    """A proposal and its fate."""

    proposal: Proposal
    fate: Fate
    note: str = ""
    """Why it was refused or not judged."""
    metric: str = ""
    """In which gains are counted: that of the project, log loss where it judges labels."""
    gain: float | None = None
    """Mean over the folds; above zero is better, whichever way the metric goes."""
    interval: tuple[float, float] | None = None
    """95 %, of this proposal alone."""
    p: float | None = None
    """That it gains nothing; corrected for the number of proposals of its round."""
    isolation: str = ""
    """How far its code was kept apart while it ran."""

    def to_json(self) -> dict[str, Any]:
        """As a flat JSON object."""
        record: dict[str, Any] = finite(asdict(self))
        proposal: dict[str, Any] = record.pop("proposal")
        return proposal | record
