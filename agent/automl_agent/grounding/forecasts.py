"""Settles a forecast on its data: moment, series, step, horizon, and what will be known ahead."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from automl_runtime.data.assemble import Assembled
from automl_runtime.data.frequency import Frequency, infer_frequency, named_frequency
from automl_runtime.data.relations import table_spec
from automl_runtime.data.training_columns import TrainingColumn, join_prefixes, target_name
from automl_runtime.errors import RequestError, TrainingError, shorten
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import DroppedColumn, JoinSpec, ProjectSpec, TaskSpec

from automl_agent.grounding.ahead import KNOWN_AHEAD, candidates, choose, part_of_time
from automl_agent.grounding.moments import Moment, find_moment
from automl_agent.grounding.words import content_words, relate, tokens
from automl_agent.requirements.text import word_set

__all__ = ["FORECAST_QUESTIONS", "Settled", "settle_forecast", "wide"]

FORECAST_QUESTIONS: Final = ("series", "frequency", "aggregate", "horizon", KNOWN_AHEAD)
"""The questions that only a forecast has."""

_LEAST_HISTORY: Final = 4
"""Horizons that the data must span: one is the holdout, the others are what the engine asks for."""
_MOST_CANDIDATES: Final = 8
_UNIQUE: Final = 0.999
_FEWEST_MOMENTS: Final = 3
_REGULAR: Final = 0.5
_DEFAULT_HORIZON: Final = {"hour": 48, "day": 28, "week": 8, "month": 6, "quarter": 4, "year": 3}
_USUAL_HORIZON: Final = 24
_TOTAL: Final = re.compile(r"\b(?:total|overall|altogether|in total|combined|whole company|aggregate)\b", re.IGNORECASE)
_EACH: Final = re.compile(r"\b(?:per|by|for (?:each|every)|in (?:each|every))\s+(?P<each>[\w-]+)", re.IGNORECASE)
_NEAR: Final = 0.7
_AVERAGED: Final = word_set("""
    price prices temperature temp rate ratio share percent percentage pct level speed age score mean average avg
    humidity pressure voltage load index intensity concentration rating
""")


@dataclass(slots=True)
class Settled:
    """A spec whose task is settled, what was asked on the way, and what was assumed, in sentences."""

    spec: ProjectSpec
    questions: list[Question] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
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
        return self.settled.spec.task

    def ask(self, question: Question) -> None:
        self.settled.questions.append(question)


def wide(spec: ProjectSpec, catalog: DataCatalog) -> ProjectSpec:
    """The spec of the table with every column that a forecast could see, in which leaks are looked for.

    Rows that are counted over time are left out, and so is the same data at another grain: both would tell of the time
    that is to be forecast.
    """
    base = spec.data.tables[0].name
    own = {column.name.casefold() for column in catalog.table(base).columns}
    kept: list[JoinSpec] = []
    reached = {base}
    for join in spec.data.joins:
        again = _is_again(catalog.table(join.child), join, own)
        if join.parent in reached and join.cardinality != "1:n" and not again:
            kept.append(join)
            reached.add(join.child)
    tables = [table for table in spec.data.tables if table.name in reached]
    for join in _calendars(catalog, base, spec.task.time, reached):
        kept.append(join)
        tables.append(table_spec(catalog.table(join.child)))
    task = TaskSpec(type="regression", entity=spec.task.entity, time=_plain_time(spec, catalog.table(base)))
    data = spec.data.model_copy(update={"tables": tables, "joins": kept, "cutoff": None, "cutoff_sql": None})
    training = spec.training.model_copy(update={"validation": "temporal" if task.time else "random"})
    return spec.model_copy(update={"task": task, "data": data, "training": training})


def _calendars(catalog: DataCatalog, base: str, time: str | None, reached: set[str]) -> list[JoinSpec]:
    """Tables with one row for each date that the rows of the base table span, as a list of holidays is."""
    own = next((column for column in catalog.table(base).columns if column.name == time), None)
    found = []
    for table in catalog.tables if own is not None and own.type == "date" else ():
        for column in table.columns:
            key = any(key.columns == [column.name] and key.unique == 1.0 for key in table.keys)
            if table.name not in reached and key and column.type == "date" and _spans(column, own):
                found.append(
                    JoinSpec(
                        child=table.name,
                        parent=base,
                        child_columns=[column.name],
                        parent_columns=[str(time)],
                        cardinality="n:1",
                    )
                )
                break
    own_names = {column.name.casefold() for column in catalog.table(base).columns}
    return [join for join in found if not _is_again(catalog.table(join.child), join, own_names)]


def _is_again(table: TableEntry, join: JoinSpec, own: set[str]) -> bool:
    """Whether a table holds mostly what the base table holds too: the same data at another grain."""
    names = [column.name.casefold() for column in table.columns if column.name not in join.child_columns]
    return sum(name in own for name in names) > len(names) / 2


def _spans(column: ColumnEntry, own: ColumnEntry | None) -> bool:
    if own is None:
        return False
    ends = [column.stats.min, own.stats.min, column.stats.max, own.stats.max]
    low, own_low, high, own_high = map(str, ends)
    return None not in ends and low <= own_low and own_high <= high


def _plain_time(spec: ProjectSpec, table: TableEntry) -> str | None:
    return spec.task.time if any(column.name == spec.task.time for column in table.columns) else None


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
    table = catalog.table(spec.data.tables[0].name)
    moment = _moment(spec, table, assembled.frame)
    case = _Case(
        Settled(spec),
        requirement,
        answers or {},
        table,
        assembled.frame.assign(**{moment.name: moment.values})[moment.values.notna()].reset_index(drop=True),
        assembled.columns,
        moment,
        target_name(spec) or "",
    )
    _settle(case, time=moment.name, time_sql=moment.sql)
    frequency = _settle_series_and_step(case)
    _settle_horizon(case, frequency)
    _settle_ahead(case, drops)
    return case.settled


def _settle(case: _Case, **changes: object) -> None:
    task = case.task.model_copy(update=changes)
    case.settled.spec = case.settled.spec.model_copy(update={"task": task})


def _moment(spec: ProjectSpec, table: TableEntry, frame: pd.DataFrame) -> Moment:
    if spec.task.time is None:
        raise RequestError("`task.time` names no column: a forecast needs the moments of its rows.")
    if spec.task.time_sql is None:
        return find_moment(table, frame, spec.task.time)
    import duckdb

    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as con:
        con.register("rows", frame)
        try:
            made = con.sql(f"SELECT CAST({spec.task.time_sql} AS TIMESTAMP) AS moment FROM rows").df()["moment"]
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise RequestError(f"`task.time_sql` {shorten(spec.task.time_sql)} cannot be run: {reason}") from error
    parts = [name for name in frame.columns if f'"{name}"' in spec.task.time_sql]
    return Moment(spec.task.time, spec.task.time_sql, tuple(parts), made.astype("datetime64[us]"))


def _settle_series_and_step(case: _Case) -> Frequency:
    series = _choose_series(case)
    _settle(case, series=series)
    frequency = _choose_step(case)
    moments, keys = case.frame[case.moment.name], [case.frame[name] for name in series]
    places = pd.Series(frequency.steps(moments), name="step")
    repeated = pd.concat([places, *keys], axis=1).duplicated().any()
    aggregate = _choose_aggregate(case) if repeated else None
    if aggregate is None and "aggregate" in case.answers:
        raise RequestError("--answer aggregate: each step of a series has one row, so there is nothing to add up.")
    _settle(case, frequency=frequency.name, aggregate=aggregate)
    if series:
        count = len(case.frame[series].drop_duplicates())
        case.settled.assumed.append(f"{count:,} series, told apart by {' + '.join(series)}")
    if aggregate is not None:
        how = "added up" if aggregate == "sum" else "averaged"
        case.settled.assumed.append(f"the rows of each {frequency.name} are {how}")
    if case.moment.sql is not None:
        case.settled.assumed.append(f"the moment of a row is joined from {' and '.join(case.moment.parts)}")
    return frequency


def _choose_series(case: _Case) -> list[str]:
    fitting = _series_candidates(case)
    if "series" in case.answers:
        chosen = _answered_series(case.answers["series"], [column.name for column in fitting])
    elif case.requirement is None and case.task.series:
        return list(case.task.series)
    else:
        chosen = None
    if not fitting:
        return chosen or []
    exact = _naming(case, [column.name for column in fitting])
    named = _named(case.requirement, fitting)
    default = named or exact
    if case.requirement is not None and _TOTAL.search(case.requirement.request):
        default = []
    listed = [list(names) for names in dict.fromkeys(tuple(n) for n in (default, exact, named, []))]
    listed += [[column.name] for column in fitting if [column.name] not in listed]
    options = [Option(value=",".join(names) or "none", label=_series_label(names)) for names in listed]
    question = Question(
        id="series",
        text="Several rows fall into one step of the forecast. Is it one series for each of something, or over all?",
        options=options,
        default=",".join(default) or "none",
        impact="Every series is forecast; rows of one series that fall into one step are added up or averaged.",
    )
    case.ask(question)
    return default if chosen is None else chosen


def _series_label(names: Sequence[str]) -> str:
    return f"one series for each {' + '.join(names)}" if names else "one series, over all rows"


def _series_candidates(case: _Case) -> list[TrainingColumn]:
    """Columns that differ between rows of the same step, and come back at others; those with fewest values first."""
    frame, moments, steps = case.frame, case.frame[case.moment.name], _likely_steps(case)
    if not steps.duplicated().any():
        return []
    taken = {case.target, case.moment.name, *case.moment.parts}
    found = []
    for column in case.columns:
        kind = column.type in ("category", "text", "boolean") or (column.type == "integer" and column.role != "number")
        if column.prefix or column.name in taken or not kind or column.aggregate is not None:
            continue
        distinct = frame[column.name].nunique()
        if distinct < 2 or len(frame) < _FEWEST_MOMENTS * distinct:
            continue
        pairs = pd.DataFrame({"step": steps, "value": frame[column.name]}).drop_duplicates()
        if len(pairs) > 1.5 * steps.nunique() and not part_of_time(frame[column.name], moments):
            found.append((distinct, column.name, column))
    return [column for _, _, column in sorted(found, key=lambda item: item[:2])[:_MOST_CANDIDATES]]


def _likely_steps(case: _Case) -> pd.Series:
    """The step of each row, as far as it can be told before the series are known."""
    moments = case.frame[case.moment.name]
    asked = case.answers.get("frequency") or case.task.frequency
    if asked is None:
        distinct = moments.drop_duplicates()
        alone = np.zeros(len(distinct), dtype=np.int64)
        if len(distinct) < _FEWEST_MOMENTS:
            return moments
        if _regularity(distinct, alone, infer_frequency(distinct, alone)) >= _REGULAR:
            return moments
        asked = _usual_step(moments)
    return pd.Series(named_frequency(asked, moments).steps(moments), index=moments.index)


def _naming(case: _Case, names: Sequence[str]) -> list[str]:
    """The fewest columns that, with the moment, name a row; the ones of the base table's key first."""
    preferred = [name for name in case.task.series if name in names]
    tried: list[tuple[str, ...]] = [tuple(preferred)] if preferred else [()]
    tried += [pair for size in (1, 2, 3) for pair in combinations(names, size)]
    for columns in tried:
        if (~case.frame[[case.moment.name, *columns]].duplicated()).mean() >= _UNIQUE:
            return list(columns)
    return []


def _named(requirement: Requirement | None, fitting: Sequence[TrainingColumn]) -> list[str]:
    """The columns that the request names: "per store and item"; for each word the one that is nearest."""
    if requirement is None:
        return []
    each = " ".join(match["each"] for match in _EACH.finditer(requirement.request))
    words = content_words(f"{requirement.entity_phrase or requirement.entity or ''} {each}")
    named = set()
    for word in words:
        scores = [
            (max((relate(word, part).strength for part in tokens(column.name)), default=0.0), column.name)
            for column in fitting
        ]
        best = max(scores, key=lambda score: score[0], default=(0.0, ""))
        named |= {best[1]} if best[0] >= _NEAR else set()
    return [column.name for column in fitting if column.name in named]


def _answered_series(answer: str, names: Sequence[str]) -> list[str]:
    if answer == "none":
        return []
    asked = [part.strip() for part in answer.split(",") if part.strip()]
    for name in asked or [answer]:
        if name not in names:
            listed = ", ".join(names) or "no column fits"
            raise RequestError(
                f"--answer series: {shorten(name)} does not tell series apart.", hint=f"Possible: none, or {listed}."
            )
    return asked


def _choose_step(case: _Case) -> Frequency:
    moments = case.frame[case.moment.name]
    codes = np.zeros(len(moments), dtype=np.int64)
    if case.task.series:
        codes = case.frame.groupby(case.task.series, sort=False, dropna=False).ngroup().to_numpy()
    try:
        found = infer_frequency(moments, codes)
    except TrainingError as error:
        raise RequestError(f"{case.table.name}: {error.message}", hint=error.hint) from error
    asked = case.answers.get("frequency") or case.task.frequency
    regular = _regularity(moments, codes, found) >= _REGULAR
    if not regular or "frequency" in case.answers:
        default = asked or _usual_step(moments)
        case.ask(_step_question(default))
        asked = asked or default
    if asked is None:
        return found
    wanted = named_frequency(asked, moments)
    if _seconds(wanted) < 0.9 * _seconds(found) and regular:
        raise RequestError(
            f"{case.table.name} has a row for each {found.name}: no forecast for each {wanted.name} can be made.",
            hint=f"Ask for a forecast by {found.name}, or give finer data.",
        )
    return wanted


def _regularity(moments: pd.Series, codes: np.ndarray, frequency: Frequency) -> float:
    """The share of moments that are one step after another of their series, or at the same step."""
    rows = pd.DataFrame({"series": codes, "step": frequency.steps(moments)}).drop_duplicates()
    rows = rows.sort_values(["series", "step"])
    apart = rows["step"].diff()[rows["series"].diff() == 0]
    return float((apart == 1).mean()) if len(apart) else 0.0


def _usual_step(moments: pd.Series) -> str:
    days = (moments.max() - moments.min()).total_seconds() / 86_400
    return "day" if days >= 60 else "hour" if days >= 4 else "minute"


def _step_question(default: str) -> Question:
    steps = dict.fromkeys((default, "hour", "day", "week", "month"))
    return Question(
        id="frequency",
        text="The rows are not evenly spaced. How long is one step of the forecast?",
        options=[Option(value=step, label=f"a {step}") for step in steps],
        default=default,
        impact="Rows that fall into one step become one.",
    )


def _seconds(frequency: Frequency) -> float:
    return frequency.size * (30.4 * 86_400 if frequency.months else 1e-9)


def _choose_aggregate(case: _Case) -> str:
    parts = set(tokens(case.target))
    kind = next((column.type for column in case.columns if column.name == case.target), "number")
    averaged = bool(parts & _AVERAGED) or kind == "time"
    total = case.requirement is not None and _TOTAL.search(case.requirement.request) is not None
    default = case.task.aggregate or ("mean" if averaged and not total else "sum")
    question = Question(
        id="aggregate",
        text=f"Several rows fall into one step. What becomes of their {case.target}?",
        options=[Option(value="sum", label="they are added up"), Option(value="mean", label="they are averaged")],
        default=default,
        impact="Quantities add up; prices, rates and temperatures do not.",
    )
    case.ask(question)
    answer = case.answers.get("aggregate", default)
    if answer not in ("sum", "mean"):
        raise RequestError(f"--answer aggregate={answer}: allowed are sum, mean.")
    return answer


def _settle_horizon(case: _Case, frequency: Frequency) -> None:
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
        case.ask(_horizon_question(usual, most, frequency.name))
        said = _whole(case.answers.get("horizon", str(usual)))
    if said > most:
        raise RequestError(
            f"The data span {total:,} steps of one {frequency.name}; to look {said:,} ahead, and to check it on rows "
            f"that no model has seen, {_LEAST_HISTORY * said + 2:,} are needed.",
            hint=f"Ask for at most {most:,}, or add older rows.",
        )
    unit = frequency.name if said == 1 or " " in frequency.name else f"{frequency.name}s"
    case.settled.assumed.append(f"the next {said:,} {unit if ' ' not in unit else f'steps of {unit}'} are forecast")
    _settle(case, horizon=said, horizon_days=days)
    seen = len(pd.DataFrame({"step": steps}).drop_duplicates())
    if seen < total:
        case.settled.assumed.append(f"{total - seen:,} of {total:,} steps have no row; they are gaps, not zeros")


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


def _settle_ahead(case: _Case, drops: Sequence[DroppedColumn]) -> None:
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
            case.ask(question)
    _settle(case, known_ahead=ahead)
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


def _varies_within(case: _Case, name: str) -> bool:
    """Whether rows that become one step of a series differ in a column."""
    moments = case.frame[case.moment.name]
    steps = named_frequency(str(case.task.frequency), moments).steps(moments)
    keys = [pd.Series(steps, name="step"), *(case.frame[key] for key in case.task.series)]
    counts = case.frame[name].groupby(keys, sort=False).nunique(dropna=False)
    return bool((counts > 1).mean() > 1 - _UNIQUE)


def _settle_data(case: _Case, drops: Sequence[DroppedColumn], ahead: Sequence[str]) -> None:
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
