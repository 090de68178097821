"""Settles a forecast on its data: moment, series, step, horizon, and what will be known ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from automl_runtime.data.assemble import Assembled
from automl_runtime.data.frequency import Frequency, infer_frequency, named_frequency
from automl_runtime.data.training_columns import join_prefixes, target_name
from automl_runtime.errors import RequestError
from automl_schemas.catalog import DataCatalog
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import DroppedColumn, ProjectSpec

from automl_agent.grounding.ahead import KNOWN_AHEAD, candidates, choose
from automl_agent.grounding.case import Case, Settled
from automl_agent.grounding.series import REGULAR, regularity
from automl_agent.grounding.timeline import TIMELINE_QUESTIONS, moment_of, settle, settle_series_and_step

__all__ = ["FORECAST_QUESTIONS", "settle_forecast"]

FORECAST_QUESTIONS: Final = (*TIMELINE_QUESTIONS, "gaps", "horizon", KNOWN_AHEAD)
"""The questions of a forecast."""

_LEAST_HISTORY: Final = 4
"""Horizons that the data must span: one is the holdout, the others are what the engine asks for."""
_UNIQUE: Final = 0.999
_DEFAULT_HORIZON: Final = {"hour": 48, "day": 28, "week": 8, "month": 6, "quarter": 4, "year": 3}
_USUAL_HORIZON: Final = 24


def settle_forecast(
    spec: ProjectSpec,
    assembled: Assembled,
    drops: Sequence[DroppedColumn],
    catalog: DataCatalog,
    *,
    requirement: Requirement | None = None,
    answers: Mapping[str, str] | None = None,
) -> Settled:
    """The spec with everything settled that `engine.fit` asks of a forecast, and all else dropped, with the reason.

    Args:
        spec: of the forecast; what it settles already stays.
        assembled: the table of `wide(spec)`.
        drops: columns of it that are out already: leaks, identifiers, what was asked.
        catalog: the tables.
        requirement: what was asked; None when the spec was given.
        answers: id -> value.

    Raises:
        RequestError: if the data are too short or too coarse for what was asked, or an answer is none of the options.
    """
    if spec.training.interpretable:
        raise RequestError(
            "A forecast cannot be made of interpretable models only.",
            hint="Leave that wish out; naive forecasts, which say all about themselves, are on the leaderboard.",
        )
    table = catalog.table(spec.data.tables[0].name)
    if spec.task.time is None:
        raise RequestError("`task.time` names no column: a forecast needs the moments of its rows.")
    moment = moment_of(spec.task, spec.task.time, table, assembled.frame)
    case = Case(
        Settled(spec),
        requirement,
        answers or {},
        table,
        assembled.frame.assign(**{moment.name: moment.values})[moment.values.notna()].reset_index(drop=True),
        assembled.columns,
        moment,
        target_name(spec) or "",
    )
    settle(case, time=moment.name, time_sql=moment.sql)
    frequency = settle_series_and_step(case)
    _settle_gaps(case, frequency)
    _settle_horizon(case, frequency)
    _settle_ahead(case, drops)
    return case.settled


def _settle_gaps(case: Case, frequency: Frequency) -> None:
    """What steps without a row mean: of events that are added up, that there were none."""
    filled = case.frame[case.frame[case.target].notna()]
    steps = pd.Series(frequency.steps(filled[case.moment.name]), index=filled.index, name="step")
    codes = np.zeros(len(filled), dtype=np.int64)
    if case.task.series:
        codes = filled.groupby(case.task.series, sort=False, dropna=False).ngroup().to_numpy()
    rows = pd.DataFrame({"series": codes, "step": steps}).drop_duplicates()
    first = rows.groupby("series")["step"].min()
    every = int((steps.max() - first + 1).sum())
    missing = every - len(rows)
    if not missing:
        if "gaps" in case.answers:
            raise RequestError("--answer gaps: every step of every series has a row, so there are none.")
        return
    raw = case.frame[case.moment.name].drop_duplicates()
    alone = np.zeros(len(raw), dtype=np.int64)
    are_events = regularity(raw, alone, infer_frequency(raw, alone)) < REGULAR
    default = "zero" if case.task.gaps == "zero" or (case.task.aggregate == "sum" and are_events) else "missing"
    case.ask(
        Question(
            id="gaps",
            text=f"{missing:,} of {every:,} steps have no row. What does that mean?",
            options=[
                Option(value="missing", label="nobody knows what happened then"),
                Option(value="zero", label="nothing happened then: they count as 0"),
            ],
            default=default,
            impact="Zeros lower what is learned and count in the score; unknown steps do neither.",
        )
    )
    answer = case.answers.get("gaps", default)
    if answer not in ("missing", "zero"):
        raise RequestError(f"--answer gaps={answer}: allowed are missing, zero.")
    settle(case, gaps=answer)
    said = "count as 0" if answer == "zero" else "are gaps, not zeros"
    case.settled.assumed.append(f"{missing:,} of {every:,} steps have no row; they {said}")


def _settle_horizon(case: Case, frequency: Frequency) -> None:
    moments = case.frame.loc[case.frame[case.target].notna(), case.moment.name]
    steps = frequency.steps(moments)
    total = int(steps.max() - steps.min()) + 1
    most = (total - 2) // _LEAST_HISTORY
    if most < 1:
        raise RequestError(f"{case.table.name} spans {total} steps of one {frequency.name}: too few for a forecast.")
    days = case.requirement.horizon_days if case.requirement is not None else case.task.horizon_days
    said = case.task.horizon or (frequency.count(days) if days is not None else None)
    if said is None or "horizon" in case.answers:
        usual = min(said or _DEFAULT_HORIZON.get(frequency.name, _USUAL_HORIZON), most)
        case.ask(_horizon_question(usual, most, frequency.name), sure=days is not None)
        said = _whole(case.answers.get("horizon", str(usual)))
    if said > most:
        raise RequestError(
            f"The data span {total:,} steps of one {frequency.name}; to look {said:,} ahead, and to check it on rows "
            f"that no model has seen, {_LEAST_HISTORY * said + 2:,} are needed.",
            hint=f"Ask for at most {most:,}, or add older rows.",
        )
    unit = frequency.name if said == 1 or " " in frequency.name else f"{frequency.name}s"
    case.settled.assumed.append(f"the next {said:,} {unit if ' ' not in unit else f'steps of {unit}'} are forecast")
    settle(case, horizon=said, horizon_days=days)


def _horizon_question(usual: int, most: int, step: str) -> Question:
    counts = sorted({1, max(1, usual // 2), usual, min(2 * usual, most)})
    return Question(
        id="horizon",
        text="How many steps ahead?",
        options=[Option(value=str(count), label=f"{count} x {step}") for count in counts],
        default=str(usual),
        impact=f"The further ahead, the wider the intervals. Any whole number up to {most:,} is possible.",
    )


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise RequestError(f"--answer horizon={text}: a whole number of steps, 1 or more, is needed.")
    return int(text)


def _settle_ahead(case: Case, drops: Sequence[DroppedColumn]) -> None:
    spec = case.settled.spec
    out = {(drop.table, drop.column) for drop in drops}
    own = {case.target, case.moment.name, *case.moment.parts, *case.task.series}
    dropped = {
        column.name
        for column in case.columns
        if {(column.prefix or column.table, column.source_name), (column.table, column.column or "")} & out
    }
    found, why = candidates(case.columns, case.frame, case.frame[case.moment.name], case.task.series, own | dropped)
    if case.task.aggregate is not None:
        within = [column for column in found if _varies_within(case, column.name)]
        why |= {column.name: "differs between the rows of one step" for column in within}
        found = [column for column in found if column not in within]
    kept = [c.name for c in case.columns if {f"{c.prefix or c.table}.{c.source_name}", c.name} & set(spec.data.keep)]
    said = case.requirement.known_ahead if case.requirement is not None else case.task.known_ahead
    if case.requirement is None and case.task.known_ahead:
        ahead = list(case.task.known_ahead)
    else:
        ahead, question = choose(found, case.frame, case.target, said, case.answers.get(KNOWN_AHEAD), kept)
        if question is not None:
            case.ask(question, sure=bool(said))
            case.settled.could_be_ahead = [column.name for column in found]
    settle(case, known_ahead=ahead)
    if ahead:
        case.settled.assumed.append(f"known for the steps ahead: {', '.join(ahead)}")
    reasons = why | {column.name: "not known ahead" for column in found if column.name not in ahead}
    fresh = [
        DroppedColumn(table=column.prefix or column.table, column=column.source_name, reason=reasons[column.name])
        for column in case.columns
        if column.name in reasons and column.name not in own
    ]
    in_use = {(column.prefix or column.table, column.source_name) for column in case.columns if column.name in own}
    before = [drop for drop in drops if (drop.table, drop.column) not in in_use]
    _settle_data(case, [*before, *fresh], ahead)


def _varies_within(case: Case, name: str) -> bool:
    """Whether rows that become one step of a series differ in a column."""
    moments = case.frame[case.moment.name]
    steps = named_frequency(str(case.task.frequency), moments).steps(moments)
    keys = [pd.Series(steps, name="step"), *(case.frame[key] for key in case.task.series)]
    counts = case.frame[name].groupby(keys, sort=False).nunique(dropna=False)
    return bool((counts > 1).mean() > 1 - _UNIQUE)


def _settle_data(case: Case, drops: Sequence[DroppedColumn], ahead: Sequence[str]) -> None:
    """The tables that something known ahead comes from, and the joins on the way to them."""
    spec = case.settled.spec
    data = spec.data
    base = data.tables[0].name
    prefixes = dict(zip(join_prefixes(data.joins, base), data.joins, strict=True))
    wanted = {column.prefix for column in case.columns if column.name in ahead and column.prefix}
    for prefix, join in reversed(list(prefixes.items())):
        if prefix in wanted and join.parent != base:
            wanted |= {name for name, other in prefixes.items() if join.parent in (name, other.child)}
    joins = [join for prefix, join in prefixes.items() if prefix in wanted]
    names = {base, *(join.child for join in joins)}
    kept = [drop for drop in drops if drop.table in names | wanted]
    settled = data.model_copy(
        update={"joins": joins, "tables": [table for table in data.tables if table.name in names], "drop": kept}
    )
    training = spec.training.model_copy(update={"validation": "temporal"})
    case.settled.spec = spec.model_copy(update={"data": settled, "training": training})
