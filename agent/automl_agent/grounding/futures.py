"""Targets that no column holds, because they lie ahead: which rows of a table follow in the next 30 days, and how much.

"Which clients will order again in the next 30 days" is answered by the dated rows that point at a client. Training
stands one horizon before the end of the data: what came before is what the model sees, what follows is the target.
Where that gives few rows, it stands at earlier moments too, one horizon apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final, Literal

from automl_runtime.data.keytext import key_pair, quote
from automl_runtime.data.naming import unique_name
from automl_runtime.data.training_columns import time_column
from automl_runtime.errors import RequestError, shorten
from automl_schemas.catalog import ColumnEntry, DataCatalog, JoinEdge, TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement

from automl_agent.grounding.candidates import is_number
from automl_agent.grounding.matching import name_match
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import content_words, relate, tokens
from automl_agent.requirements.text import word_set

__all__ = ["Future", "find_futures", "future_question", "horizon_missing", "refuse_short_history"]

_RELATED: Final = 0.74
_LEAST_AMOUNT: Final = 0.45
_NEAR_TIE: Final = 0.06
_ANY_EVENT: Final = 0.75
"""How well any dated rows fit words like churn, which only say that nothing follows."""
_HORIZONS: Final = 2
"""The data must reach back this many horizons: one to look at, one to predict."""
_ENOUGH_ROWS: Final = 2_000
_FEWEST_SNAPSHOTS: Final = 5
_MOST_SNAPSHOTS: Final = 100
_COUNT: Final = "(\n        SELECT count(*)\n        {rows})"
_COUNTING: Final = re.compile(r"\bhow many\b|\bnumber of\b|\bcount of\b", re.IGNORECASE)
_GOES_ON: Final = word_set("active return again back engaged transact")
_ENDS: Final = word_set("inactive dormant lapse idle")
_PAYING: Final = word_set("spend pay revenue turnover worth value bring expenditure spending income order buy purchase")
_MONEY: Final = (
    "total", "amount", "revenue", "turnover", "sum", "value", "paid", "price", "cost", "gross", "net", "betrag",
    "umsatz", "summe", "montant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Future:
    """A target made of the rows that follow a cut-off, for each row of `table`."""

    score: float
    table: TableEntry
    events: TableEntry
    time: ColumnEntry
    task: Literal["binary", "regression"]
    name: str
    sql: str
    cutoff: str
    """Name of the column that holds the moment of the prediction."""
    cutoff_sql: str
    snapshots: int
    """From how many moments each row of `table` is looked at."""

    @property
    def sentence(self) -> str:
        """What was assumed, in words."""
        file = self.events.files[0].rsplit("/", 1)[-1] if self.events.files else self.events.name
        often = f", at {self.snapshots} moments one horizon apart" if self.snapshots > 1 else ""
        return (
            f'{self.name!r} is told by "{self.time.name}" of {file}{often}; the model sees what came before, and rows '
            f"of {self.table.name} with nothing before are left out"
        )


def find_futures(
    requirement: Requirement, wish: Wish, catalog: DataCatalog, excluded: Collection[tuple[str, str]]
) -> list[Future]:
    """The targets that dated rows of the catalog make for a request with a horizon, the best first.

    Rows count when they point at the table that the request's entity names (at the only one that is pointed at, when
    it names none), are dated, and are called like what happens; words such as "churn" fit any of them.
    """
    if requirement.horizon_days is None or requirement.task not in {None, "binary", "regression"}:
        return []
    found = []
    for edge in catalog.joins:
        parent, child = catalog.table(edge.parent), catalog.table(edge.child)
        time = time_column(child)
        if edge.cardinality != "n:1" or time is None or (child.name, time.name) in excluded:
            continue
        if not _is_entity(requirement, parent, edge, catalog):
            continue
        future = _future(requirement, wish, edge, catalog, time)
        found += [future] if future is not None else []
    found.sort(key=lambda future: -future.score)
    return [future for future in found if future.score >= found[0].score - _NEAR_TIE]


def horizon_missing(requirement: Requirement, wish: Wish, catalog: DataCatalog) -> str | None:
    """What to add to a request that only lacks a horizon; None when that is not so."""
    if requirement.horizon_days is not None:
        return None
    dated = find_futures(requirement.model_copy(update={"horizon_days": 30.0}), wish, catalog, ())
    if not dated:
        return None
    return (
        f"The rows of {shorten(dated[0].events.name)} are dated. To predict which of them follow, say how far ahead: "
        '"... in the next 30 days".'
    )


def future_question(phrase: str, futures: list[Future]) -> Question:
    """The question which rows are meant."""
    return Question(
        id="target",
        text=f'Which rows tell "{phrase}"?',
        options=[Option(value=future.name, label=f"rows of {future.events.name}") for future in futures],
        default=futures[0].name,
        impact="It is what the model predicts; everything else follows from it.",
    )


def refuse_short_history(future: Future, horizon: float) -> None:
    """Raises RequestError if the rows of `future` do not reach back two horizons (days)."""
    days = _days_covered(future.time)
    if days is not None and days < _HORIZONS * horizon:
        raise RequestError(
            f"The rows of {shorten(future.events.name)} cover {days:.0f} days ({future.time.name}); to predict "
            f"{_days(horizon)} ahead, at least {_days(_HORIZONS * horizon)} are needed.",
            hint="Name a shorter horizon, or add older data.",
        )


def _days_covered(time: ColumnEntry) -> float | None:
    low, high = time.stats.min, time.stats.max
    if not isinstance(low, str) or not isinstance(high, str):
        return None
    return (datetime.fromisoformat(high) - datetime.fromisoformat(low)).total_seconds() / 86400


def _snapshots(rows: int, time: ColumnEntry, horizon: float) -> int:
    """As many as make enough rows, if the data reach back far enough to learn from some and to judge by others."""
    possible = int((_days_covered(time) or 0.0) / horizon) - 1
    wanted = min(ceil(_ENOUGH_ROWS / max(rows, 1)), possible, _MOST_SNAPSHOTS)
    return wanted if wanted >= _FEWEST_SNAPSHOTS else 1


def _is_entity(requirement: Requirement, parent: TableEntry, edge: JoinEdge, catalog: DataCatalog) -> bool:
    words = content_words(requirement.entity or "")
    if not words:
        return len({other.parent for other in catalog.joins if other.cardinality == "n:1"}) == 1
    parts = {part for name in (parent.name, *edge.parent_columns) for part in tokens(name)}
    return any(relate(word, part).strength >= _RELATED for word in words for part in parts)


def _future(
    requirement: Requirement, wish: Wish, edge: JoinEdge, catalog: DataCatalog, time: ColumnEntry
) -> Future | None:
    parent, child = catalog.table(edge.parent), catalog.table(edge.child)
    words = [word for word, weight in wish.heads if weight >= 0.5 and word not in wish.entity]
    ends = [relate(word, "churn") for word in words]
    gone = any(end.strength >= _RELATED and not end.reversed for end in ends) or bool(_ENDS & set(words))
    goes_on = any(end.strength >= _RELATED and end.reversed for end in ends) or bool(_GOES_ON & set(words))
    called = max((relate(word, part).strength for word in words for part in tokens(child.name)), default=0.0)
    score = max(called if called >= _RELATED else 0.0, _ANY_EVENT if gone or goes_on else 0.0)
    counted = _COUNTING.search(requirement.request) is not None
    amount = _amount(wish, child, edge) if wish.kind == "number" and not counted else None
    if wish.kind == "number" and not counted:
        score = 0.0 if amount is None else max(score, _ANY_EVENT)
    elif wish.kind not in {"binary", "any", "label"} and not counted:
        return None
    if score == 0.0:
        return None
    horizon = _days(requirement.horizon_days or 0)
    if amount is not None:
        name, value = f"{amount.name} of {child.name} in the next {horizon}", _total(amount)
    elif counted:
        name, value = f"number of {child.name} in the next {horizon}", _COUNT
    else:
        none = gone != wish.negated
        name = f"{'no ' if none else ''}{child.name} in the next {horizon}"
        value = f"{_COUNT} = 0" if none else f"{_COUNT} > 0"
    cutoff = unique_name("as_of", [column.name for column in parent.columns])
    # What stops, or comes again, was there before; of other events, a row may have been seen in other tables alone.
    seen = [_Dated(edge, child, time)] if gone or goes_on else _dated_rows(parent, edge, catalog)
    task: Literal["binary", "regression"] = "regression" if amount is not None or counted else "binary"
    return Future(
        score=score,
        table=parent,
        events=child,
        time=time,
        task=task,
        name=name,
        sql=_sql(value, parent, seen, cutoff),
        cutoff=cutoff,
        cutoff_sql=_cutoff_sql(seen),
        snapshots=_snapshots(parent.rows, time, requirement.horizon_days or 0.0),
    )


@dataclass(frozen=True, slots=True)
class _Dated:
    """Dated rows that point at a row of the table of a future."""

    edge: JoinEdge
    table: TableEntry
    time: ColumnEntry


def _dated_rows(parent: TableEntry, first: JoinEdge, catalog: DataCatalog) -> list[_Dated]:
    """The events that are predicted, then those of other tables that record when something was seen."""
    edges = [edge for edge in catalog.joins if edge.parent == parent.name and edge.cardinality == "n:1"]
    found = []
    for edge in sorted(edges, key=lambda edge: edge is not first):
        table = catalog.table(edge.child)
        time = time_column(table)
        if time is not None and (edge is first or time.role == "time"):
            found.append(_Dated(edge, table, time))
    return found


def _amount(wish: Wish, child: TableEntry, edge: JoinEdge) -> ColumnEntry | None:
    """The column of `child` that holds the quantity asked for."""
    numbers = [
        column
        for column in child.columns
        if is_number(column) and column.role not in {"id", "key"} and column.name not in edge.child_columns
    ]
    ranked = sorted(numbers, key=lambda column: -name_match(wish, column, child.name).score)
    if ranked and name_match(wish, ranked[0], child.name).score >= _LEAST_AMOUNT:
        return ranked[0]
    if not _PAYING & {word for word, _ in (*wish.words, *wish.heads)}:
        return None
    named = [(word, column) for word in _MONEY for column in numbers if word in tokens(column.name)]
    return named[0][1] if named else None


def _total(amount: ColumnEntry) -> str:
    value = f"CAST({{events}}.{quote(amount.name)} AS DECIMAL(38, 6))"
    return f"coalesce((\n        SELECT sum({value})\n        {{rows}}), 0)"


def _sql(value: str, parent: TableEntry, seen: list[_Dated], cutoff: str) -> str:
    """The target: nothing where nothing came before, so that only those are predicted who were there."""
    moment = f"{quote(parent.name)}.{quote(cutoff)}"
    alias = unique_name("events", [parent.name.casefold()])
    known = [f"EXISTS (\n        {_events(parent, dated, alias)} < {moment}\n    )" for dated in seen]
    when = f"{alias}.{quote(seen[0].time.name)}"
    until = f"{when} < {moment} + to_seconds(86400 * getvariable('horizon_days'))"
    rows = f"{_events(parent, seen[0], alias)} >= {moment}\n            AND {until}\n    "
    return f"CASE\n    WHEN {' OR '.join(known)}\n    THEN {value.format(rows=rows, events=alias)}\nEND"


def _events(parent: TableEntry, dated: _Dated, alias: str) -> str:
    """The rows that point at one of `parent`, up to where their time is compared."""
    same = _same(parent, dated, alias)
    time = f"{alias}.{quote(dated.time.name)}"
    return f"FROM {quote(dated.table.name)} AS {alias}\n        WHERE {same}\n            AND {time}"


def _same(parent: TableEntry, dated: _Dated, alias: str) -> str:
    edge = dated.edge
    types = [{column.name: column.type for column in table.columns} for table in (parent, dated.table)]
    return " AND ".join(
        " = ".join(
            key_pair(
                f"{quote(parent.name)}.{quote(upper)}",
                types[0][upper],
                f"{alias}.{quote(lower)}",
                types[1][lower],
                edge.spelling,
            )
        )
        for upper, lower in zip(edge.parent_columns, edge.child_columns, strict=True)
    )


def _cutoff_sql(seen: list[_Dated]) -> str:
    """The end of the data, less the horizon."""
    ends = []
    for dated in seen:
        step = "1 DAY" if dated.time.type == "date" else "1 SECOND"
        last = f"max(CAST({quote(dated.time.name)} AS TIMESTAMP)) + INTERVAL {step}"
        ends.append(f"(SELECT {last} FROM {quote(dated.table.name)})")
    latest = ",\n    ".join(ends)
    return f"SELECT greatest(\n    {latest}\n) - to_seconds(86400 * getvariable('horizon_days'))"


def _days(days: float) -> str:
    if days < 1:
        return f"{days * 24:g} hours"
    return "day" if days == 1 else f"{days:g} days"
