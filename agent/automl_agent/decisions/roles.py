"""Columns that only name a row, where rules are in doubt: named by a model, judged by the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from automl_runtime.data.assemble import IDENTITY, Assembled, TrainingColumn
from automl_schemas.spec import DroppedColumn, ProjectSpec

from automl_agent.decisions.choosing import name_twice
from automl_agent.decisions.judging import Bench

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["Roles", "doubtful_names", "name_roles"]

_FEW, _MANY = 0.3, 0.999
_WORSE: Final = 1.001
_MOST: Final = 20
_QUESTION: Final = (
    "Which of the `columns` only name or number a row or a thing, so that nothing can be learnt from their values?"
)


@dataclass(slots=True)
class Roles:
    """Columns that name rows, and why others that the model named stay."""

    drops: list[DroppedColumn] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    why_not: str = ""


def doubtful_names(
    spec: ProjectSpec, columns: Sequence[TrainingColumn], distinct: Mapping[str, int], rows: int
) -> list[TrainingColumn]:
    """Features that could be names of rows: whole numbers or words that rarely repeat.

    Args:
        spec: what is settled.
        columns: those of the training table.
        distinct: number of different values by the name of a column.
        rows: of the training table.
    """
    dropped = {(drop.table, drop.column) for drop in spec.data.drop}
    fixed = {spec.task.time, spec.task.group, IDENTITY, *spec.task.series, *spec.data.tables[0].key}
    fixed.add(spec.target.column if spec.target else None)
    return [
        column
        for column in columns
        if not column.prefix
        and column.aggregate is None
        and column.type in ("integer", "category")
        and column.name not in fixed
        and (column.table, column.source_name) not in dropped
        and f"{column.table}.{column.column}" not in spec.data.keep
        and _FEW * rows <= distinct.get(column.name, 0) <= _MANY * rows
    ]


def name_roles(
    model: LanguageModel,
    spec: ProjectSpec,
    assembled: Assembled,
    train: np.ndarray,
    doubtful: Sequence[TrainingColumn],
    meanings: Mapping[str, str],
) -> Roles:
    """The doubtful columns that the model twice calls names of rows, if a small model is not worse without each.

    Args:
        model: who is asked.
        spec: what is settled.
        assembled: the training table.
        train: mask of its training rows; the others are not looked at.
        doubtful: columns to judge.
        meanings: descriptions by the name of a column.
    """
    shown = {column.name: f"{column.type}; {meanings.get(column.column or '', '')}" for column in doubtful[:_MOST]}
    named = name_twice(model, _QUESTION, shown, {"request": spec.request})
    if isinstance(named, str):
        return Roles(why_not=named)
    surely = named[0]
    bench = Bench.of(spec, assembled, train)
    if bench is None:
        return Roles(why_not="there are too few rows to judge it by")
    roles = Roles()
    for column in (each for each in doubtful if each.name in surely):
        before, after = bench.without([column.name])
        if after <= before * _WORSE:
            reason = f"identifier: by the judgement of the language model (loss {before:.4g}, without it {after:.4g})"
            roles.drops.append(DroppedColumn(table=column.table, column=column.source_name, reason=reason))
            bench.drop(column.name)
        else:
            roles.kept[column.name] = f"the loss on inner folds is {before:.4g} with it, {after:.4g} without"
    return roles
