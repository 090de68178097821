"""Targets that are made of a column: beyond a threshold, one class of several, more than none, a date that is known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from automl_schemas.catalog import ColumnEntry
from automl_schemas.requirement import Threshold

from automl_agent.grounding.labels import Label, bound_of, clean_value, labels_of, says_no
from automl_agent.grounding.matching import NameMatch
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import tokens
from automl_agent.requirements.numbers import seconds_in

__all__ = ["Derived", "beyond", "made_binary"]

_COUNTED, _DATED, _ONE_CLASS, _NOT_NONE = 0.72, 0.8, 0.97, 0.93
_UNITS: Final = {
    **dict.fromkeys(("ms", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days", "night", "nights"), 86400.0),
    **dict.fromkeys(("week", "weeks"), 7 * 86400.0),
    **dict.fromkeys(("month", "months"), 30 * 86400.0),
    **dict.fromkeys(("year", "years"), 365 * 86400.0),
}


_SCALES: Final = {
    **dict.fromkeys(("k", "kusd", "keur", "kchf", "tsd", "teur", "thousand", "thousands"), 1e3),
    **dict.fromkeys(("m", "mio", "mn", "musd", "meur", "mchf", "million", "millions"), 1e6),
}
"""What a name says its numbers are counted in: 100 million are 100 in a column of `musd`."""


@dataclass(frozen=True, slots=True)
class Derived:
    """An expression over a column, the name of its result, and how well it fits."""

    score: float
    name: str
    sql: str
    evidence: str
    reversed: bool = False


def beyond(threshold: Threshold, column: ColumnEntry, name: NameMatch) -> Derived:
    """The quantity in `column` beyond `threshold`, in the column's own unit of time where both say one."""
    value = in_unit(threshold, column)
    inside = _is_inside(value, column)
    scaled = value / next((_SCALES[part] for part in tokens(column.name) if part in _SCALES), 1.0)
    if not inside and _is_inside(scaled, column):
        value, inside = scaled, True
    condition = f"{threshold.op} {value:.15g}"
    return Derived(
        score=name.score * (1.0 if inside else 0.5),
        name=f"{column.name} {condition}",
        sql=f"{_quoted(column.name)} {condition}",
        evidence=f"named {column.name!r}",
    )


def _is_inside(value: float, column: ColumnEntry) -> bool:
    low, high = column.stats.min, column.stats.max
    return isinstance(low, int | float) and isinstance(high, int | float) and low <= value <= high


def in_unit(threshold: Threshold, column: ColumnEntry) -> float:
    """The value of `threshold` in the unit of time that `column` names: 5 minutes are 300 in a column of `sec`."""
    own = unit_seconds(column)
    if threshold.unit is None or own is None:
        return threshold.value
    return round(threshold.value * seconds_in(f"1 {threshold.unit}") / own, 9)


def unit_seconds(column: ColumnEntry) -> float | None:
    """Seconds in the unit of time that `column` names; None when it names none."""
    for part in (*reversed(tokens(column.name)), (column.plan.unit or "").casefold()):
        if part in _UNITS:
            return _UNITS[part]
    return 60.0 if column.type == "time" else None


def made_binary(wish: Wish, column: ColumnEntry, name: NameMatch, label: str | None, score: float) -> Iterator[Derived]:
    """Yes or no made of a column that holds something else.

    Args:
        wish: what is asked.
        column: where it could be.
        name: how its name fits.
        label: the class of it that the words name, when they name one.
        score: how well the column fits in all.
    """
    labels = labels_of(column)
    if label is not None:
        yield _one_class(column, label, _ONE_CLASS * score)
    elif column.type in {"category", "text"} and 3 <= len(labels) <= 8 and name.score >= 0.6:
        yield from _not_none(wish, column, labels, name)
    elif column.type == "integer" and column.stats.min == 0 and name.score >= 0.6 and name.sure and not name.reversed:
        yield Derived(
            _COUNTED * name.score, f"{column.name} > 0", f"{_quoted(column.name)} > 0", f"counted in {column.name!r}"
        )
    elif (
        column.type in {"date", "datetime"} and 0.02 < column.missing / max(column.rows, 1) < 0.98 and name.score >= 0.5
    ):
        sql = f"{_quoted(column.name)} IS NOT NULL"
        yield Derived(_DATED * name.score, f"{column.name} is known", sql, f"dated in {column.name!r}", name.reversed)


def _not_none(wish: Wish, column: ColumnEntry, labels: list[str], name: NameMatch) -> Iterator[Derived]:
    """Of classes like NO, <30 and >30: the one that the horizon draws, else all but the no."""
    bounds = [(label, bound_of(label)) for label in labels]
    for label, bound in bounds:
        if (
            bound is not None
            and not bound[1]
            and wish.horizon_days is not None
            and bound[0] in {wish.horizon_days, wish.horizon_days * 24}
        ):
            yield _one_class(column, label, name.score)
            return
    no = [label for label in labels if says_no(label)]
    if len(no) == 1:
        sql = f"{_quoted(column.name)} <> {_literal(no[0])}"
        yield Derived(
            _NOT_NONE * name.score, f"{column.name} not {no[0]}", sql, f"named {column.name!r}", name.reversed
        )


def _one_class(column: ColumnEntry, label: str, score: float) -> Derived:
    value = clean_value(label, column.type)
    return Derived(score, f"{column.name} = {label}", f"{_quoted(column.name)} = {_literal(value)}", f"holds {label!r}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: Label) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f"{value:.15g}" if isinstance(value, int | float) else "'" + re.sub("'", "''", value) + "'"
