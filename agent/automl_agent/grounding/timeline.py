"""The moment, the series and the step of rows in time: what forecasts and anomalies in time have in common."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from automl_runtime.data.assemble import run_sql
from automl_runtime.data.frequency import Frequency, infer_frequency, named_frequency
from automl_runtime.errors import DataError, RequestError, TrainingError, shorten
from automl_schemas.catalog import TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.spec import TaskSpec

from automl_agent.grounding.case import Case
from automl_agent.grounding.moments import Moment, find_moment
from automl_agent.grounding.series import REGULAR, asks_for_total, choose_series, regularity, usual_step
from automl_agent.grounding.words import tokens
from automl_agent.requirements.text import word_set

__all__ = ["TIMELINE_QUESTIONS", "moment_of", "settle", "settle_series_and_step"]

TIMELINE_QUESTIONS: Final = ("series", "frequency", "aggregate")
_AVERAGED: Final = word_set("""
    price prices temperature temp rate ratio share percent percentage pct level speed age score mean average avg
    humidity pressure voltage load index intensity concentration rating
""")


def settle(case: Case, **changes: object) -> None:
    """Records keys of the task."""
    task = case.task.model_copy(update=changes)
    case.settled.spec = case.settled.spec.model_copy(update={"task": task})


def moment_of(task: TaskSpec, time: str, table: TableEntry, frame: pd.DataFrame) -> Moment:
    """The moment of each row of `frame`: what `task` says, else from the column `time` of `table` and its companions.

    Raises:
        RequestError: if `task.time_sql` cannot be run, or there is no column `time`.
    """
    if task.time_sql is None:
        if time not in frame.columns:
            raise RequestError(f"`task.time` is {shorten(time)}, which {table.name} does not have.")
        return find_moment(table, frame, time)
    sql = f"SELECT CAST({task.time_sql} AS TIMESTAMP) AS moment FROM rows"
    try:
        made = run_sql(sql, {"rows": pa.Table.from_pandas(frame, preserve_index=False)})["moment"]
    except DataError as error:
        said = f"`task.time_sql` {shorten(task.time_sql)} cannot be run: {error.message}"
        raise RequestError(said) from error
    parts = [name for name in frame.columns if f'"{name}"' in task.time_sql]
    return Moment(time, task.time_sql, tuple(parts), made.astype("datetime64[us]"))


def settle_series_and_step(case: Case) -> Frequency:
    """Settles what tells series apart, how long a step is, and what becomes of rows that fall into one.

    Raises:
        RequestError: if the moments are too few or too coarse, or an answer is none of the options.
    """
    series = choose_series(case)
    settle(case, series=series)
    frequency = _choose_step(case)
    moments, keys = case.frame[case.moment.name], [case.frame[name] for name in series]
    places = pd.Series(frequency.steps(moments), name="step")
    repeated = pd.concat([places, *keys], axis=1).duplicated().any()
    aggregate = _choose_aggregate(case) if repeated else None
    if aggregate is None and "aggregate" in case.answers:
        raise RequestError("--answer aggregate: each step of a series has one row, so there is nothing to add up.")
    settle(case, frequency=frequency.name, aggregate=aggregate)
    if series:
        count = len(case.frame[series].drop_duplicates())
        case.settled.assumed.append(f"{count:,} series, told apart by {' + '.join(series)}")
    if aggregate is not None:
        how = "added up" if aggregate == "sum" else "averaged"
        case.settled.assumed.append(f"the rows of each {frequency.name} are {how}")
    if case.moment.sql is not None:
        case.settled.assumed.append(f"the moment of a row is joined from {' and '.join(case.moment.parts)}")
    return frequency


def _choose_step(case: Case) -> Frequency:
    moments = case.frame[case.moment.name]
    codes = np.zeros(len(moments), dtype=np.int64)
    if case.task.series:
        codes = case.frame.groupby(case.task.series, sort=False, dropna=False).ngroup().to_numpy()
    try:
        found = infer_frequency(moments, codes)
    except TrainingError as error:
        raise RequestError(f"{case.table.name}: {error.message}", hint=error.hint) from error
    asked = case.answers.get("frequency") or case.task.frequency
    regular = regularity(moments, codes, found) >= REGULAR
    if not regular or "frequency" in case.answers:
        default = asked or usual_step(moments)
        case.ask(_step_question(default), sure=case.task.frequency is not None)
        asked = asked or default
    if asked is None:
        return found
    wanted = named_frequency(asked, moments)
    if _seconds(wanted) < 0.9 * _seconds(found) and regular:
        raise RequestError(
            f"{case.table.name} has a row for each {found.name}: there is nothing to say of each {wanted.name}.",
            hint=f"Ask for each {found.name}, or give finer data.",
        )
    return wanted


def _step_question(default: str) -> Question:
    steps = dict.fromkeys((default, "hour", "day", "week", "month"))
    return Question(
        id="frequency",
        text="The rows are not evenly spaced. How long is one step?",
        options=[Option(value=step, label=f"a {step}") for step in steps],
        default=default,
        impact="Rows that fall into one step become one.",
    )


def _seconds(frequency: Frequency) -> float:
    return frequency.size * (30.4 * 86_400 if frequency.months else 1e-9)


def _choose_aggregate(case: Case) -> str:
    forecast = case.task.type == "forecast"
    parts = set(tokens(case.target))
    kind = next((column.type for column in case.columns if column.name == case.target), "number")
    averaged = bool(parts & _AVERAGED) or kind == "time" or not forecast
    total = asks_for_total(case.requirement)
    default = case.task.aggregate or ("mean" if averaged and not total else "sum")
    question = Question(
        id="aggregate",
        text=f"Several rows fall into one step. What becomes of their {case.target if forecast else 'numbers'}?",
        options=[Option(value="sum", label="they are added up"), Option(value="mean", label="they are averaged")],
        default=default,
        impact="Quantities add up; prices, rates and temperatures do not.",
    )
    case.ask(question, sure=total)
    answer = case.answers.get("aggregate", default)
    if answer not in ("sum", "mean"):
        raise RequestError(f"--answer aggregate={answer}: allowed are sum, mean.")
    return answer
