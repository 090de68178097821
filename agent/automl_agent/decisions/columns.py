"""Which columns become known too late, where the request says before what everything must be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import pandas as pd
from automl_runtime.data.assemble import IDENTITY, TrainingColumn
from automl_runtime.data.leak_names import is_planned
from automl_schemas.spec import DroppedColumn, ProjectSpec

from automl_agent.decisions.choosing import name_twice
from automl_agent.untrusted import clean

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["Verdict", "called_late", "known_too_late", "open_columns", "speaks_for"]

_MOST: Final = 40
_MOST_KEYS: Final = 6
_ROWS: Final = 20_000
_SAME: Final = 0.99
_MOST_FLAGGED: Final = 0.6
_OFTEN: Final = 3
"""Rows that a thing must have on average before its attributes can be told from what happens to it."""
_LATE: Final = (
    "Name the `columns` whose value nobody can know before the event, because the event itself makes it: results, "
    "counts, times and costs of what happened during or after it. Do not name what was planned, chosen or true before. "
    "Example: for the event `exam`, of room, subject, planned_minutes, student_age, minutes_used, points, passed one "
    "names minutes_used, points, passed."
)
_EARLY: Final = (
    "Name the `columns` whose value is already known before the event starts: what was planned, booked or chosen, who "
    "and what takes part, where and when it is to happen. Do not name results, counts, times and costs of what "
    "happened during or after it. Example: for the event `exam`, of minutes_used, points, room, subject, passed, "
    "planned_minutes, student_age one names room, subject, planned_minutes, student_age."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Columns that are known too late by the model's judgement, and why others that it named stay."""

    drops: list[DroppedColumn]
    kept: dict[str, str]
    why_not: str = ""
    """Why nothing of what the model said counts."""


def known_too_late(
    model: LanguageModel,
    spec: ProjectSpec,
    columns: Sequence[TrainingColumn],
    frame: pd.DataFrame,
    *,
    event: str,
    meanings: Mapping[str, str],
) -> Verdict:
    """The columns of the base table that the model calls known only after `event`, and that nothing speaks for.

    A column stays when its name says that it was planned, or when it is the same in all rows of one thing: then it does
    not depend on how one event ended.

    Args:
        model: who is asked.
        spec: what is settled; columns under `data.drop` and `data.keep` are not asked about.
        columns: those of the training table.
        frame: its training rows.
        event: before which everything must be known, in the words of the request.
        meanings: descriptions by the name of a column.
    """
    asked = open_columns(spec, columns)
    if not asked or spec.target is None:
        return Verdict([], {})
    flagged = called_late(model, asked, spec.target.column, event=event, meanings=meanings)
    if isinstance(flagged, str):
        return Verdict([], {}, flagged)
    drops, kept = [], {}
    for column in asked:
        name = _named(column)
        if name not in flagged:
            continue
        against = speaks_for(column, [other for other in columns if other.column not in flagged], frame)
        if against is not None:
            kept[name] = against
        else:
            drops += _drops(column, columns, spec, event)
    return Verdict(drops, kept)


def called_late(
    model: LanguageModel, asked: Sequence[TrainingColumn], target: str, *, event: str, meanings: Mapping[str, str]
) -> set[str] | str:
    """The names of those `asked` about, and of `target`, that the model calls known only after `event`; or why none is.

    It must name them in either order when asked what is known too late, and never when asked what is known in time. The
    target stands among the columns: who does not call it known too late is not believed, nor is who calls nearly
    everything so. Of more than 40 the first 40 are asked about.
    """
    shown = {_named(column): _shown(column, meanings) for column in asked[:_MOST]} | {target: "?"}
    late = name_twice(model, _LATE, shown, {"event": event})
    early = late if isinstance(late, str) else name_twice(model, _EARLY, shown, {"event": event})
    if isinstance(late, str) or isinstance(early, str):
        return late if isinstance(late, str) else str(early)
    flagged = late[0] - early[1]
    if target not in flagged:
        return "it does not call the target known only afterwards"
    if len(flagged) > max(_MOST_FLAGGED * len(shown), 2):
        return f"it calls {len(flagged)} of {len(shown)} columns known too late"
    return flagged


def _named(column: TrainingColumn) -> str:
    return column.name if column.prefix or column.column is None else column.column


def _drops(
    column: TrainingColumn, columns: Sequence[TrainingColumn], spec: ProjectSpec, event: str
) -> list[DroppedColumn]:
    """The column, and what is looked up by it."""
    reason = f"leak: known only after {event}, by the judgement of the language model"
    looked_up = {
        join.child
        for join in spec.data.joins
        if join.cardinality == "n:1" and join.parent == column.table and column.name in join.parent_columns
    }
    others = [other for other in columns if other.prefix and other.table in looked_up]
    return [
        DroppedColumn(table=one.prefix or one.table, column=one.source_name, reason=reason) for one in (column, *others)
    ]


def open_columns(spec: ProjectSpec, columns: Sequence[TrainingColumn]) -> list[TrainingColumn]:
    """The features of the base table that are neither fixed, dropped nor kept by name."""
    dropped = {(drop.table, drop.column) for drop in spec.data.drop}
    fixed = {spec.task.time, spec.task.group, spec.data.cutoff, IDENTITY, *spec.task.series}
    fixed |= {spec.target.column if spec.target else None, *spec.data.tables[0].key}
    return [
        column
        for column in columns
        if not column.prefix
        and column.aggregate is None
        and column.name not in fixed
        and (column.table, column.source_name) not in dropped
        and f"{column.table}.{column.column}" not in spec.data.keep
    ]


def _shown(column: TrainingColumn, meanings: Mapping[str, str]) -> str:
    meaning = meanings.get(column.column or "")
    return column.type + (f"; {clean(meaning)}" if meaning else "")


def speaks_for(column: TrainingColumn, columns: Sequence[TrainingColumn], frame: pd.DataFrame) -> str | None:
    """Evidence that a column is known before, which a model's word does not outweigh; None where there is none."""
    if is_planned(column.column or column.name):
        return "its name says that it was planned"
    rows = frame if len(frame) <= _ROWS else frame.sample(_ROWS, random_state=0)
    if column.name not in rows:
        return None
    keys = [
        other.name
        for other in columns
        if not other.prefix
        and (other.role == "key" or is_planned(other.column or other.name))
        and other.name in rows
        and other.name != column.name
    ]
    narrow = sorted(keys, key=lambda name: -int(rows[name].nunique()))[:_MOST_KEYS]
    for names in [*([name] for name in narrow), *map(list, combinations(narrow, 2))]:
        if _is_same_within(rows, column.name, names):
            return f"it is the same in all rows of one {' and '.join(names)}"
    return None


def _is_same_within(rows: pd.DataFrame, name: str, keys: list[str]) -> bool:
    if rows[name].nunique() < 2:
        return False
    groups = rows.groupby(keys, observed=True, dropna=True)[name]
    sizes, values = groups.size(), groups.nunique(dropna=False)
    shared = sizes >= 2
    if sizes[shared].sum() < 0.5 * len(rows) or len(sizes) * _OFTEN > len(rows):
        return False
    return bool(sizes[shared & (values <= 1)].sum() >= _SAME * sizes[shared].sum())
