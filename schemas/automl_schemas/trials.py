"""A line of `trials.jsonl` of a bundle: what a search executed, so that it can be executed again without its clock."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AllowInfNan

from automl_schemas.base import Contract

__all__ = ["Trial", "TrialStatus"]

TrialStatus = Literal["complete", "abandoned", "stopped", "failed"]


class Trial(Contract):
    """A configuration and how far it got: whatever the clock decided about it."""

    search: str = ""
    """Which of the searches of a task that has several: of a forecast `absolute` or `relative`, of labels `label0`."""
    model: str
    learner: str
    params: dict[str, Any] = {}
    recipe: str = ""
    """The preprocessing, for people: the learner and its parameters decide it."""
    status: TrialStatus = "complete"
    score: Annotated[float, AllowInfNan(True)] | None = None
    rounds: list[int] = []
    """Iterations of the model of each fold; of an isolation forest its trees."""
    final_rounds: int | None = None
    """Iterations of the model of all rows; None when none was fitted on all rows."""
    plan: dict[str, Any] = {}
    """What all trials of a search have in common: rows, folds, seed."""
