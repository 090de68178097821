"""Whether strange rows or strange stretches of time are looked for, settled on the words and on the data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pandas as pd
from automl_runtime.data.assemble import Assembled
from automl_runtime.data.frequency import infer_frequency
from automl_runtime.data.training_columns import TrainingColumn, join_prefixes, target_name
from automl_runtime.errors import DataError, RequestError, TrainingError, shorten
from automl_schemas.catalog import DataCatalog, TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import DroppedColumn, ProjectSpec, TaskSpec

from automl_agent.grounding.case import Case, Settled
from automl_agent.grounding.moments import year_and_month
from automl_agent.grounding.series import REGULAR, choose_series, regularity
from automl_agent.grounding.structure import time_column
from automl_agent.grounding.timeline import TIMELINE_QUESTIONS, moment_of, settle, settle_series_and_step
from automl_agent.requirements.groups import ODD

__all__ = ["ANOMALIES", "ANOMALY_QUESTIONS", "as_rows", "settle_anomalies"]

ANOMALIES: Final = "anomalies"
ANOMALY_QUESTIONS: Final = (ANOMALIES, *TIMELINE_QUESTIONS)
"""The questions of a search for anomalies that are settled on the data."""

Says = Literal["time", "series", "rows", "nothing"]

_UNITS: Final = r"(?P<unit>minute|hour|day|week|month|quarter|year)s|nights|weekends|shifts|moments|periods"
_MOMENTS: Final = re.compile(rf"\b{ODD}\s+(?:[\w-]+\s+)?(?:{_UNITS})\b", re.IGNORECASE)
"""Unusual hours, strange days."""
_IN_TIME: Final = re.compile(
    r"\b(?:over|in|through|across) time\b|\btime[- ]?series\b|\b(?:sub)?sequences?\b|\bstretch(?:es)?\b|\bepisodes?\b"
    r"|\bspik(?:e|es|ing)\b|\bbursts?\b|\bdrift(?:s|ing)?\b|\bseasonal\b|\bperiods? of time\b|\btime periods?\b",
    re.IGNORECASE,
)
_OF_SERIES: Final = re.compile(
    r"\b(?:per|each|every)\s+[\w-]+|\b(?:readings?|measure(?:ments?|s)|sensors?|telemetry|signals?|meters?|gauges?"
    r"|probes?|hourly|daily|weekly|monthly|consumption|throughput)\b",
    re.IGNORECASE,
)
_OF_ROWS: Final = re.compile(r"\b(?:rows?|records?|entries|single|individual(?:ly)?)\b", re.IGNORECASE)
_DATED: Final = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}:\d{2}"
_FEWEST_STEPS: Final = 20
_HELD_OUT: Final = 0.2
"""The share of the rows that is set aside, the last of them."""
_NUMBERS: Final = ("integer", "number", "time")


def as_rows(spec: ProjectSpec) -> ProjectSpec:
    """`spec` with its rows looked at one by one, as they are before anything is known of the time."""
    task = TaskSpec(type=spec.task.type, entity=spec.task.entity, contamination=spec.task.contamination)
    training = spec.training.model_copy(update={"validation": "random", "holdout_from": None})
    return spec.model_copy(update={"task": task, "training": training})


def settle_anomalies(
    spec: ProjectSpec,
    judged: ProjectSpec,
    assembled: Assembled,
    catalog: DataCatalog,
    *,
    requirement: Requirement | None = None,
    answers: Mapping[str, str] | None = None,
) -> Settled:
    """`judged`, with `task.time` and its company where strange stretches of time are looked for.

    The words decide where they are plain; else rows that are evenly spaced in time are taken as series, and what else
    was possible is asked. A spec that was given has decided already.

    Args:
        spec: as it was given, or grounded.
        judged: the same with its columns judged, as `as_rows` has it.
        assembled: the table of `judged`.
        catalog: the tables.
        requirement: what was asked; None when the spec was given.
        answers: id -> value.

    Raises:
        RequestError: if time is asked for and the data have none, too little of it, or no number; or an answer is none
            of the options.
        DataError: if time is asked for and the cells that would tell it cannot be read.
    """
    answers = answers or {}
    judged = judged.model_copy(update={"training": spec.training})
    table = catalog.table(spec.data.tables[0].name)
    says, answer = _says(requirement), answers.get(ANOMALIES)
    if answer not in (None, "time", "rows"):
        raise RequestError(f"--answer {ANOMALIES}={answer}: allowed are time, rows.")
    wanted = answer == "time" or spec.task.anomalies_in_time or (says == "time" and answer is None)
    if requirement is None and answer is None and not wanted:
        return Settled(judged)
    time = spec.task.time or time_column(table, events_only=True) or year_and_month(table)
    if time is None:
        return _without_time(judged, table, assembled.frame, wanted=wanted, answers=answers)
    case = _case(spec, judged, assembled, table, time, requirement, answers)
    decided, question = _decide(case, says)
    if question is not None:
        case.ask(question)
    if answer is not None or spec.task.anomalies_in_time:
        decided = answer != "rows"
    if not decided:
        _refuse_answers(answers)
        said = f"its rows are looked at one by one; {time!r} only dates them"
        return Settled(judged, case.settled.questions, [said] if question is not None else [])
    _settle_time(case, len(assembled.frame))
    _settle_data(case)
    return case.settled


def _says(requirement: Requirement | None) -> Says:
    words = "" if requirement is None else requirement.request
    if _IN_TIME.search(words) or _MOMENTS.search(words):
        return "time"
    if _OF_ROWS.search(words):
        return "rows"
    return "series" if _OF_SERIES.search(words) else "nothing"


def _without_time(
    judged: ProjectSpec, table: TableEntry, frame: pd.DataFrame, *, wanted: bool, answers: Mapping[str, str]
) -> Settled:
    """Rows, where no column dates them; says so of one that nearly does.

    Raises:
        RequestError: if time was asked for.
        DataError: if a column would date them, were its cells readable.
    """
    nearly = _nearly_dated(table, frame)
    rows = f"Look for strange rows instead, with --answer {ANOMALIES}=rows."
    if wanted and nearly is not None:
        raise DataError(
            f"Strange stretches of time need dates, and {table.name} has none that can be relied on: {nearly}.",
            hint=f"Correct these cells, or empty them. {rows}",
        )
    if wanted:
        raise RequestError(
            f"Strange stretches of time need dates, and {table.name} has no column of dates or times.", hint=rows
        )
    _refuse_answers(answers)
    return Settled(judged, [], [] if nearly is None else [f"the rows have no place in time: {nearly}"])


def _nearly_dated(table: TableEntry, frame: pd.DataFrame) -> str | None:
    """What keeps a column that is read as words from being one of dates."""
    for column in table.columns:
        if column.type not in ("category", "text") or column.name not in frame:
            continue
        cells = frame[column.name].dropna().astype("str")
        dated = cells.str.contains(_DATED)
        if 0.5 <= dated.mean() < 1:
            wrong = shorten(str(cells[~dated].iloc[0]))
            return f"{1 - dated.mean():.0%} of the cells of {column.name} are no dates, as {wrong}"
    return None


def _refuse_answers(answers: Mapping[str, str]) -> None:
    """An answer that is about series would be lost without a word."""
    for name in TIMELINE_QUESTIONS:
        if name in answers:
            raise RequestError(
                f"--answer {name}: the rows are looked at one by one, so there is no such question.",
                hint=f"Look at them in time with --answer {ANOMALIES}=time.",
            )


def _case(
    spec: ProjectSpec,
    judged: ProjectSpec,
    assembled: Assembled,
    table: TableEntry,
    time: str,
    requirement: Requirement | None,
    answers: Mapping[str, str],
) -> Case:
    moment = moment_of(spec.task, time, table, assembled.frame)
    frame = assembled.frame.assign(**{moment.name: moment.values})
    frame = frame[moment.values.notna()].reset_index(drop=True)
    asked = None if requirement is None else _MOMENTS.search(requirement.request)
    task = spec.task.model_copy(update={"frequency": asked["unit"]} if asked is not None else {})
    case = Case(
        Settled(judged.model_copy(update={"task": task})),
        requirement,
        answers,
        table,
        frame,
        assembled.columns,
        moment,
        target_name(spec) or "",
    )
    settle(case, time=moment.name, time_sql=moment.sql)
    return case


def _decide(case: Case, says: Says) -> tuple[bool, Question | None]:
    """Whether stretches of time are looked for, and the question where it is a near tie."""
    if says in ("time", "rows") and ANOMALIES not in case.answers:
        return says == "time", None
    evenly = _is_evenly_spaced(case)
    if says == "nothing" and not evenly and ANOMALIES not in case.answers:
        return False, None
    return evenly, _question(case.moment.name, "time" if evenly or says == "time" else "rows")


def _question(time: str, default: str) -> Question:
    return Question(
        id=ANOMALIES,
        text=f"The rows are dated by {time!r}. What is strange: a stretch of time, or a row by itself?",
        options=[
            Option(value="time", label="a stretch of time: each number beside its season and what came before"),
            Option(value="rows", label="a row by itself, whenever it is"),
        ],
        default=default,
        impact="In time, a usual number at an unusual hour is found too, and new rows need their past.",
    )


def _is_evenly_spaced(case: Case) -> bool:
    """Whether most rows are one step after another of their series, and there are enough of them."""
    series = choose_series(replace(case, settled=Settled(case.settled.spec)))
    moments = case.frame[case.moment.name]
    codes = case.frame.groupby(series, dropna=False).ngroup() if series else pd.Series(0, index=moments.index)
    try:
        grid = infer_frequency(moments, codes.to_numpy(np.int64))
    except TrainingError:
        return False
    enough = int(np.ptp(grid.steps(moments))) + 1 >= _FEWEST_STEPS
    numbers = any(column.type in _NUMBERS for column in _measured(case, series))
    return enough and numbers and regularity(moments, codes.to_numpy(np.int64), grid) >= REGULAR


def _measured(case: Case, series: Sequence[str]) -> list[TrainingColumn]:
    """The columns that are looked at: neither left out nor part of what names a row."""
    data = case.settled.spec.data
    out = {(drop.table, drop.column) for drop in data.drop}
    named = {case.moment.name, *case.moment.parts, *series, case.target, *(data.tables[0].key)}
    return [
        column
        for column in case.columns
        if column.name not in named and (column.prefix or column.table, column.source_name) not in out
    ]


def _settle_time(case: Case, rows: int) -> None:
    """Series, step and window; says which rows have no place in time."""
    undated = rows - len(case.frame)
    if undated:
        case.settled.assumed.append(f"{undated:,} of {rows:,} rows without a readable {case.moment.name} are left out")
    if not len(case.frame):
        raise RequestError(f"No row of {case.table.name} has a readable {case.moment.name}.")
    frequency = settle_series_and_step(case)
    _refuse_personal(case)
    if not any(column.type in _NUMBERS for column in _measured(case, case.task.series)):
        raise RequestError(
            f"{case.table.name} has no column of numbers that could be strange in time.",
            hint=f"Look for strange rows instead, with --answer {ANOMALIES}=rows.",
        )
    steps = int(np.ptp(frequency.steps(case.frame[case.moment.name]))) + 1
    if steps < _FEWEST_STEPS:
        raise RequestError(
            f"{case.table.name} spans {steps} steps of one {frequency.name}; anomalies in time need {_FEWEST_STEPS}.",
            hint=f"Look for strange rows instead, with --answer {ANOMALIES}=rows.",
        )
    most, width = int((1 - _HELD_OUT) * steps) // 2, case.task.window_steps
    if width is not None and width > most:
        raise RequestError(
            f"`task.window_steps` is {width:,}; the training rows span {2 * most:,} steps, so {most:,} is the most."
        )
    case.settled.assumed.insert(0, f"strange stretches of time are looked for, by {case.moment.name}")


def _refuse_personal(case: Case) -> None:
    """The model keeps the end of each series under its name, which must be nobody's."""
    for column in case.columns:
        if column.name in case.task.series and column.personal is not None:
            raise RequestError(
                f"Series cannot be told apart by {column.name}: it holds personal data ({column.personal}), and the "
                "model would keep them.",
                hint="Put a number in its place, give --answer series=..., or look for strange rows with "
                f"--answer {ANOMALIES}=rows.",
            )


def _settle_data(case: Case) -> None:
    """The holdout is the end of the data; tables that are counted over time tell of the time to come, and are out."""
    spec = case.settled.spec
    base = spec.data.tables[0].name
    own = {case.moment.name, *case.moment.parts, *case.task.series, case.target}
    reached, joins = {base}, []
    prefixes = dict(zip(join_prefixes(spec.data.joins, base), spec.data.joins, strict=True))
    for prefix, join in prefixes.items():
        if join.cardinality != "1:n" and join.parent in reached:
            joins.append(join)
            reached |= {prefix, join.child}
    drops: list[DroppedColumn] = [
        drop
        for drop in spec.data.drop
        if drop.table in reached and not (drop.table == base and drop.column in own and drop.reason != "asked")
    ]
    tables = [table for table in spec.data.tables if table.name in reached]
    data = spec.data.model_copy(update={"joins": joins, "tables": tables, "drop": drops})
    training = spec.training.model_copy(update={"validation": "temporal"})
    case.settled.spec = spec.model_copy(update={"data": data, "training": training})
