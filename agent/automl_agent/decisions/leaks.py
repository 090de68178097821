"""Columns that may give the target away, where rules leave it open: judged by a model, towards the safe side only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from automl_runtime.data.assemble import Assembled, TrainingColumn
from automl_runtime.data.duplicates import slug
from automl_schemas.question import Question
from automl_schemas.spec import ProjectSpec

from automl_agent.decisions.columns import called_late, open_columns, speaks_for
from automl_agent.decisions.judging import Bench
from automl_agent.decisions.recording import Record

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["settle_leaks"]


def settle_leaks(
    model: LanguageModel,
    spec: ProjectSpec,
    assembled: Assembled,
    train: np.ndarray,
    questions: Sequence[Question],
    meanings: Mapping[str, str],
    record: Record,
) -> dict[str, str]:
    """Question -> `drop`, for the columns that the model calls known only after the target, each recorded.

    Only what the rules would keep is asked about: a column that is dropped for nothing costs a little of the score, one
    that is kept and is not there when a prediction is made costs the project. So the loss on inner folds, which a leak
    always makes better, is written down as evidence and does not decide.

    Args:
        model: who is asked.
        spec: what is settled.
        assembled: the training table.
        train: mask of its training rows.
        questions: what is open about leaks.
        meanings: descriptions by the name of a column.
        record: gets who decided.
    """
    target = spec.target
    suspects = {
        question.id: (question, column)
        for column in assembled.columns
        for question in questions
        if question.id == f"leak.{slug(column.name)}" and question.default == "keep"
    }
    if target is None or target.sql is not None or not suspects:
        return {}
    doubtful = [column for _, column in suspects.values()]
    others = [column for column in open_columns(spec, assembled.columns) if column not in doubtful]
    late = called_late(
        model, [*doubtful, *others], target.column, event=f"{target.column} is decided", meanings=meanings
    )
    settled = {}
    bench = None if isinstance(late, str) else Bench.of(spec, assembled, train)
    for id_, (question, column) in suspects.items():
        against = late if isinstance(late, str) else _against(column, late, assembled, train)
        if against is not None:
            record.add(id_, "rule", "keep", question.impact, alternative="drop", evidence=f"model: {against}")
            continue
        settled[id_] = "drop"
        said = "named as known too late in either order, with the target, and never as known in time"
        losses = None if bench is None else bench.without([column.name])
        said += "" if losses is None else f"; loss on inner folds {losses[0]:.4g} with it, {losses[1]:.4g} without"
        why = f"known only after {target.column}"
        record.add(id_, "model", "drop", why, alternative="keep", evidence=said)
    return settled


def _against(column: TrainingColumn, late: set[str], assembled: Assembled, train: np.ndarray) -> str | None:
    if column.name not in late and column.column not in late:
        return "it does not call it known too late"
    return speaks_for(
        column, [other for other in assembled.columns if other.column not in late], assembled.frame[train]
    )
