"""What a proposed feature is, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from automl_schemas.decision import Decider
from automl_schemas.features import Fate, TriedFeature

__all__ = ["Judged", "Proposal"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One function `def name(rows: pd.DataFrame) -> pd.Series` that passed the list of what is allowed."""

    name: str
    code: str
    """The function alone, as it goes into `custom_features.py`."""
    columns: tuple[str, ...]
    """The columns of a row that it reads."""
    why: str
    by: Decider


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

    def tried(self, *, kept: bool = False) -> TriedFeature:
        """The same as a record; `kept`: it became part of the project."""
        proposal = self.proposal
        return TriedFeature(
            name=proposal.name,
            columns=list(proposal.columns),
            why=proposal.why,
            by=proposal.by,
            fate=self.fate,
            note=self.note,
            metric=self.metric,
            gain=self.gain,
            interval=self.interval,
            p=self.p,
            isolation=self.isolation,
            kept=kept,
        )
