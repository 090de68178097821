"""How the rows of the base table hang together: time, series, entities that repeat; and what validation follows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from automl_runtime.errors import RequestError
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import JoinSpec, Validation
from automl_schemas.vocabulary import TaskType

from automl_agent.grounding.candidates import Candidate
from automl_agent.grounding.moments import year_and_month
from automl_agent.grounding.pictures import content_of_pictures
from automl_agent.grounding.words import content_words, relate, tokens
from automl_agent.requirements.text import word_set

__all__ = ["Structure", "is_series", "moments_of", "structure_of", "time_column"]

_ATTRIBUTES: Final = word_set("""
    birth born dob birthday signup signed sign joined join registered registration since started start hired hire
    opened created creation first renewal expiry expires expiration built valid last updated end ended left closed
    cancelled deactivated terminated updated modified
""")
"""Words of dates that tell something about an entity rather than when the row was observed."""
_CALENDAR: Final = word_set("""
    hour hr weekday dow month year yr season holiday workday working weekend week quarter day dom doy minute
    feiertag monat jahr stunde
""")
_PERSONS: Final = (
    "customer",
    "patient",
    "user",
    "student",
    "employee",
    "subject",
    "person",
    "member",
    "client",
    "subscriber",
)


@dataclass(frozen=True, slots=True)
class Structure:
    """What the spec's task and validation say about the rows."""

    validation: Validation
    time: str | None = None
    group: str | None = None
    series: list[str] = field(default_factory=list)
    known_ahead: list[str] = field(default_factory=list)
    question: Question | None = None


def structure_of(
    requirement: Requirement,
    task: TaskType,
    target: Candidate,
    catalog: DataCatalog,
    joins: list[JoinSpec],
    answer: str | None = None,
) -> Structure:
    """Time, groups, series and validation of a task on the table of `target`.

    A forecast is validated in time; so is a prediction from what is known before an event, or for a time ahead, when
    the rows have an order in time. Rows that repeat an entity stay together. Classes are stratified.
    """
    table = target.table
    if task == "forecast":
        time = moments_of(table)
        series = _series(requirement, table, time, target.column.name)
        taken = {target.column.name, time, *series}
        ahead = [column.name for column in table.columns if _is_calendar(column.name)]
        return Structure("temporal", time, None, series, [name for name in ahead if name not in taken])
    group = _repeated_entity(requirement, table, target.column.name)
    time = _order(requirement, table, catalog, joins, moments=group is not None or not _has_own_key(table))
    if time is not None:
        return Structure("temporal", time)
    plain: Validation = "stratified" if task in {"binary", "multiclass", "multilabel"} else "random"
    if group is None:
        return _of_pictures(table, plain)
    question = _group_question(table, group)
    if answer is not None and answer not in {group, "rows"}:
        raise RequestError(f"entity={answer!r} is no option.", hint=f"Options: {group}, rows.")
    return (
        Structure(plain, question=question)
        if answer == "rows"
        else Structure("grouped", None, group, question=question)
    )


def _of_pictures(table: TableEntry, plain: Validation) -> Structure:
    """Pictures that show the same stay together; rows without pictures are on their own."""
    shown = content_of_pictures(table)
    if shown is None:
        return Structure(plain)
    column = next(column for column in table.columns if column.name == shown)
    return Structure("grouped" if column.distinct < column.rows - column.missing else plain, None, shown)


def _order(
    requirement: Requirement, table: TableEntry, catalog: DataCatalog, joins: list[JoinSpec], *, moments: bool
) -> str | None:
    """The time that rules a split, when the words look ahead: from before an event, or a while for `moments`."""
    if requirement.known_before is not None:
        return time_column(table, events_only=True) or _joined_time(table, catalog, joins)
    return time_column(table, events_only=True) if requirement.horizon_days is not None and moments else None


def time_column(table: TableEntry, *, events_only: bool) -> str | None:
    """The column of `table` that orders its rows in time; None when there is none.

    Args:
        table: where to look.
        events_only: leave out dates about an entity, such as a birth or a sign-up.
    """
    times = [column for column in table.columns if column.type in {"date", "datetime"} and column.distinct > 2]
    if events_only:
        times = [column for column in times if not set(tokens(column.name)) & _ATTRIBUTES]
    if not times and not events_only:
        times = [
            column
            for column in table.columns
            if column.type == "integer" and tokens(column.name) in {("year",), ("yr",)} and column.distinct > 5
        ]
    best = max(
        times,
        key=lambda column: (-column.missing, column.type == "datetime", column.distinct, -column.position),
        default=None,
    )
    return None if best is None else best.name


def moments_of(table: TableEntry) -> str | None:
    """The column of the moments of a series: a date or time, a year beside a month, or a year alone."""
    dated = any(column.type in {"date", "datetime"} and column.distinct > 2 for column in table.columns)
    parts = None if dated else year_and_month(table)
    return parts or time_column(table, events_only=False)


def is_series(table: TableEntry) -> bool:
    """Whether the rows of `table` are moments of one or several series: time is (part of) what names a row."""
    time = time_column(table, events_only=False)
    if time is None:
        return False
    in_key = any(time in key.columns for key in table.keys)
    return in_key and not _has_own_key(table)


def _is_calendar(name: str) -> bool:
    """Whether a column is a part of the date, known for every day to come: `hour`, `mon`, `workday`."""
    return any(
        part in _CALENDAR or part.endswith("day") or relate("month", part).strength >= 0.85 for part in tokens(name)
    )


def _has_own_key(table: TableEntry) -> bool:
    """Whether one column other than a time or a row number names the rows: they are things, not moments."""
    return any(column.role == "id" and [column.name] in [key.columns for key in table.keys] for column in table.columns)


def _joined_time(table: TableEntry, catalog: DataCatalog, joins: list[JoinSpec]) -> str | None:
    for join in joins:
        if join.parent == table.name and join.cardinality in {"1:1", "n:1"}:
            time = time_column(catalog.table(join.child), events_only=True)
            if time is not None:
                return f"{join.child}.{time}"
    return None


def _series(requirement: Requirement, table: TableEntry, time: str | None, target: str) -> list[str]:
    """The columns that, with the time, name a row; calendar parts of the time are none."""
    by_name = {column.name: column for column in table.columns}
    for key in table.keys:
        others = [name for name in key.columns if name != time and not _is_calendar(name)]
        if (
            time in key.columns
            and others
            and all(by_name[name].role != "number" or by_name[name].type == "integer" for name in others)
        ):
            return others
    if time is None or by_name[time].distinct >= 0.9 * table.rows:
        return []
    if any(
        [time, *rest]
        for key in table.keys
        if time in key.columns
        for rest in [[name for name in key.columns if name != time]]
    ):
        return []
    entity = content_words(requirement.entity or "")
    fitting = [
        column
        for column in table.columns
        if column.name not in {time, target}
        and column.role in {"category", "key"}
        and _fills(column, by_name[time], table)
    ]
    named = [
        column.name
        for column in fitting
        if any(relate(word, part).strength >= 0.7 for word in entity for part in tokens(column.name))
    ]
    return named[:1] or [column.name for column in fitting[:1]]


def _fills(column: ColumnEntry, time: ColumnEntry, table: TableEntry) -> bool:
    """Whether `column` times the moments is about the number of rows."""
    return column.distinct > 1 and 0.8 <= column.distinct * time.distinct / max(table.rows, 1) <= 1.25


def _repeated_entity(requirement: Requirement, table: TableEntry, target: str) -> str | None:
    """The column that names the entity, when several rows share its values."""
    words = content_words(requirement.entity or "") or _PERSONS
    for column in table.columns:
        if (
            column.name in (target, content_of_pictures(table))
            or column.role not in {"key", "id", "category"}
            or column.type in {"number", "boolean"}
        ):
            continue
        repeats = 10 <= column.distinct <= 0.77 * (column.rows - column.missing)
        named = any(relate(word, part).strength >= 0.78 for word in words for part in tokens(column.name))
        if repeats and named and (column.role == "key" or requirement.entity is not None):
            return column.name
    return None


def _group_question(table: TableEntry, group: str) -> Question:
    column = next(column for column in table.columns if column.name == group)
    return Question(
        id="entity",
        text=f"{table.rows:,} rows share {column.distinct:,} values of {group!r}. What is new when the model is used?",
        options=[
            Option(value=group, label=f"a new {group}: its rows never stand on both sides of a split"),
            Option(value="rows", label="a new row of any of them: rows are split one by one"),
        ],
        default=group,
        impact="Scores of rows whose sisters were seen in training are higher than those of new ones.",
    )
