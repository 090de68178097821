"""What earlier rows of the same entity say: the driver's last races, the carrier's delays of the days before.

Every aggregate is taken over rows of strictly earlier days, so that no row sees its own outcome or one of its day.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from automl_schemas.question import Option, Question
from automl_schemas.spec import DroppedColumn, HistorySpec, ProjectSpec
from automl_schemas.vocabulary import ColumnType

from automl_runtime.data.assemble import Assembled
from automl_runtime.data.training_columns import target_name

__all__ = ["HISTORY", "find_histories", "history_question"]

HISTORY = "leak.history"
"""The id of the question whether outcomes are known in time."""

_MOST_ENTITIES = 4
_MOST_COLUMNS = 5
_FEWEST_DAYS = 3
_LARGEST_SHARE = 0.2
_NUMERIC: tuple[ColumnType, ...] = ("integer", "number", "boolean", "time")
_COPY = "equals the target"


def find_histories(assembled: Assembled, train: np.ndarray, spec: ProjectSpec) -> list[HistorySpec]:
    """The entities of the base table that come back on other days, and what is worth knowing of their past.

    Entities are columns that point at a looked-up table, or hold categories, and whose usual value has rows on three
    days or more. What is known of them is the target, and numbers that are dropped because they come too late for
    the row itself.

    Args:
        assembled: the training table.
        train: mask of its training rows.
        spec: with `task.time`, and with the leaks settled under `data.drop`.

    Returns:
        At most four, those with the most values first; empty when the rows have no time, or stand at a cut-off.
    """
    time, target = spec.task.time, target_name(spec)
    if time is None or target is None or spec.data.cutoff is not None or spec.task.horizon_days is not None:
        return []
    if spec.task.type not in ("regression", "binary") or spec.target is None or spec.target.sql is not None:
        return []
    if spec.target.table != spec.data.tables[0].name or time not in assembled.frame.columns:
        return []
    rows = assembled.frame[train]
    days = rows[time].dt.floor("D")
    counted = [(name, _days_of(rows[name], days)) for name in _candidates(assembled, spec)]
    found = sorted(
        ((len(counts), name) for name, counts in counted if _comes_back(counts, len(rows))),
        key=lambda item: (-item[0], item[1]),
    )
    columns = [target, *_known_too_late(assembled, spec)][:_MOST_COLUMNS]
    return [HistorySpec(entity=name, columns=columns) for _, name in found[:_MOST_ENTITIES]]


def history_question(spec: ProjectSpec, found: Sequence[HistorySpec]) -> Question:
    """Whether outcomes of earlier days may be used."""
    assert spec.target is not None
    names = ", ".join(f"`{history.entity}`" for history in found)
    return Question(
        id=HISTORY,
        text=f"May a row use what happened on earlier days to rows of the same {names}? It assumes that "
        f"`{spec.target.column}` is known by the next day.",
        options=[
            Option(value="use", label="use it: yesterday's outcomes are known today"),
            Option(value="none", label="leave it: outcomes become known later than that"),
        ],
        default="use",
        impact="The past of an entity often says most; outcomes that are not known yet would flatter the score.",
    )


def _candidates(assembled: Assembled, spec: ProjectSpec) -> list[str]:
    base = spec.data.tables[0]
    looked_up = {
        join.parent_columns[0]
        for join in spec.data.joins
        if join.parent == base.name and join.cardinality == "n:1" and len(join.parent_columns) == 1
    }
    dropped = {drop.column for drop in spec.data.drop if drop.table == base.name}
    return [
        column.name
        for column in assembled.columns
        if column.table == base.name
        and not column.prefix
        and column.aggregate is None
        and column.name not in dropped
        and base.key != [column.name]
        and column.name != target_name(spec)
        and (column.name in looked_up or column.role == "category")
    ]


def _days_of(values: pd.Series, days: pd.Series) -> np.ndarray:
    """On how many days each value has rows."""
    pairs = pd.DataFrame({"value": values.to_numpy(), "day": days.to_numpy()}).dropna().drop_duplicates()
    return np.asarray(pairs["value"].value_counts())


def _comes_back(counts: np.ndarray, rows: int) -> bool:
    if not 2 <= len(counts) <= _LARGEST_SHARE * rows:
        return False
    # Of the entities by day, not of the entities: of many drivers most may have driven once.
    return bool(2 * counts[counts >= _FEWEST_DAYS].sum() >= counts.sum())


def _known_too_late(assembled: Assembled, spec: ProjectSpec) -> list[str]:
    base = spec.data.tables[0].name
    late = {drop.column for drop in spec.data.drop if drop.table == base and _is_late(drop)}
    return [
        column.name
        for column in assembled.columns
        if not column.prefix and column.name in late and column.type in _NUMERIC and column.aggregate is None
    ]


def _is_late(drop: DroppedColumn) -> bool:
    """A copy of the target says nothing that the target itself does not."""
    return drop.reason.startswith("leak") and _COPY not in drop.reason
