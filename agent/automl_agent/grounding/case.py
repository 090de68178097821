"""What is known of a forecast while it is settled on its data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
from automl_runtime.data.training_columns import TrainingColumn
from automl_schemas.catalog import TableEntry
from automl_schemas.question import Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import ProjectSpec, TaskSpec

from automl_agent.grounding.moments import Moment

__all__ = ["Case", "Settled"]


@dataclass(slots=True)
class Settled:
    """A spec whose task is settled, what was asked on the way, and what was assumed, in sentences."""

    spec: ProjectSpec
    questions: list[Question] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    sure: list[str] = field(default_factory=list)
    """Ids of the questions that the words of the request settle."""
    could_be_ahead: list[str] = field(default_factory=list)
    """The columns that the question `known_ahead` is about."""


@dataclass(slots=True)
class Case:
    """What is known of a forecast while it is settled."""

    settled: Settled
    requirement: Requirement | None
    answers: Mapping[str, str]
    table: TableEntry
    frame: pd.DataFrame
    columns: Sequence[TrainingColumn]
    moment: Moment
    target: str

    @property
    def task(self) -> TaskSpec:
        """What is settled so far."""
        return self.settled.spec.task

    def ask(self, question: Question, *, sure: bool = False) -> None:
        """Records a question, answered or not; `sure` where the request itself answers it."""
        self.settled.questions.append(question)
        self.settled.sure += [question.id] if sure else []
