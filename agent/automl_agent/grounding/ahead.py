"""What will be known when a forecast is made: holidays, promotions and prices; weather only if somebody says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from automl_runtime.data.training_columns import TrainingColumn
from automl_runtime.errors import RequestError, shorten
from automl_schemas.question import Option, Question
from rapidfuzz import process

from automl_agent.grounding.words import relate, tokens
from automl_agent.requirements.text import word_set

__all__ = ["KNOWN_AHEAD", "candidates", "choose", "part_of_time"]

KNOWN_AHEAD: Final = "known_ahead"

_PLANNED: Final = word_set("""
    holiday holidays vacation feast feiertag ferien workday weekend promo promos promotion promotions promoted aktion
    discount discounts rabatt markdown campaign campaigns kampagne event events school scheduled planned plan planned
    coupon offer advertised advertising closure fest festival bankholiday
""")
_PRICES: Final = word_set("price prices preis tariff tarif fare")
_OPENING: Final = word_set("open opened closed closing")
_TOPICS: Final = {
    "weather": word_set("""
        weather temp temperature feels humid humidity wind rain precipitation snow sun sunshine cloud clouds pressure
        dew visibility storm wetter regen niederschlag schnee
    """),
    "holiday": _PLANNED,
    "promotion": _PLANNED,
    "price": _PRICES,
}
_TYPES: Final = ("integer", "number", "boolean", "category", "time")
_SEASONED: Final = 0.999
_MOST_ROWS: Final = 100_000
_RETURNS: Final = 1.5
"""Rounds in which a part of the time comes back, on average, from which on it can be told what it settles."""


def candidates(
    columns: Sequence[TrainingColumn], frame: pd.DataFrame, moments: pd.Series, series: Sequence[str], taken: set[str]
) -> tuple[list[TrainingColumn], dict[str, str]]:
    """The columns that could be known ahead, and why each of the others is none.

    Args:
        columns: of the training table with all columns.
        frame: its rows.
        moments: the moment of each row.
        series: the columns that tell series apart.
        taken: columns that have another part, or are out already.
    """
    found: list[TrainingColumn] = []
    why: dict[str, str] = {}
    for column in columns:
        if column.name in taken:
            continue
        values = frame[column.name]
        if column.role == "constant" or values.nunique(dropna=False) < 2:
            why[column.name] = "constant"
        elif column.type not in _TYPES or column.role == "id" or column.personal is not None:
            why[column.name] = "not known ahead"
        elif part_of_time(values, moments):
            why[column.name] = "part of the time, from which the model reads it"
        elif series and frame.groupby(list(series), sort=False)[column.name].nunique(dropna=False).max() == 1:
            why[column.name] = "the same in every row of a series"
        else:
            found.append(column)
    return found, why


def part_of_time(values: pd.Series, moments: pd.Series) -> bool:
    """Whether a column is a part of the date, or is settled by one alone, as a season is by the day of the year."""
    if len(values) > _MOST_ROWS:
        chosen = np.sort(np.random.default_rng(0).choice(len(values), _MOST_ROWS, replace=False))
        values, moments = values.iloc[chosen], moments.iloc[chosen]
    dates = moments.dt
    week, year = dates.isocalendar().week.astype("int64"), dates.year
    parts = {"hour": dates.hour, "weekday": dates.day_of_week, "month": dates.month, "day": dates.day, "year": year}
    numbers = pd.to_numeric(values, errors="coerce") if values.dtype.kind in "iuf" else None
    if numbers is not None and any((numbers == part).all() for part in (*parts.values(), week, dates.quarter)):
        return True
    month = year * 12 + dates.month
    # Each key with the rounds in which it comes back: what it settles must have been seen in several of them.
    keys = [
        ([parts["hour"]], dates.normalize()),
        ([parts["weekday"]], year * 53 + week),
        ([parts["day"]], month),
        ([parts["month"]], year),
        ([parts["month"], parts["day"]], year),
        ([year], month),
    ]
    codes = pd.Series(pd.factorize(values, use_na_sentinel=False)[0], index=values.index)
    return any(_settles(codes, key, rounds) for key, rounds in keys)


def _settles(codes: pd.Series, key: Sequence[pd.Series], rounds: pd.Series) -> bool:
    """Whether rows with the same key have the same code, in several rounds."""
    parts = {f"part_{number}": part.to_numpy() for number, part in enumerate(key)}
    rows = pd.DataFrame(parts | {"code": codes.to_numpy(), "round": rounds.to_numpy()})
    returns = rows.drop_duplicates([*parts, "round"]).groupby(list(parts)).size()
    if returns.mean() < _RETURNS:
        return False
    counts = rows.groupby([*parts, "code"]).size()
    largest = counts.groupby(level=list(parts)).max()
    return bool(largest.sum() >= _SEASONED * counts.sum())


def choose(
    found: Sequence[TrainingColumn],
    frame: pd.DataFrame,
    target: str,
    said: Sequence[str],
    answer: str | None,
    kept: Sequence[str] = (),
) -> tuple[list[str], Question | None]:
    """The columns that are known ahead, and the question about it; None where no column could be.

    Args:
        found: the columns that could be.
        frame: the rows.
        target: name of what is forecast.
        said: phrases of the request that name what is known, as "the weather".
        answer: `none`, `all`, or names with commas between; None where nobody has answered.
        kept: columns that were asked to stay.

    Raises:
        RequestError: if the answer names a column that is none of `found`.
    """
    names = [column.name for column in found]
    if not names:
        if answer not in (None, "none"):
            raise RequestError(f"--answer {KNOWN_AHEAD}={answer}: there is no column that could be known ahead.")
        return [], None
    default = [name for name in names if name in kept or _is_planned(name, frame[name], target) or _is_said(name, said)]
    options = {",".join(default) or "none": _label(default), "none": _label([]), "all": _label(names)}
    question = Question(
        id=KNOWN_AHEAD,
        text="Which of these will be known for the steps ahead when a forecast is made? " + ", ".join(names),
        options=[Option(value=value, label=label) for value, label in options.items()],
        default=next(iter(options)),
        impact="What is known helps, but must then be given with every forecast; names with commas between answer too.",
    )
    return (default if answer is None else _answered(answer, names)), question


def _label(names: Sequence[str]) -> str:
    return f"known ahead: {', '.join(names)}" if names else "nothing but the calendar is known"


def _answered(answer: str, names: Sequence[str]) -> list[str]:
    if answer in ("none", "all"):
        return list(names) if answer == "all" else []
    asked = [part.strip() for part in answer.split(",") if part.strip()]
    by_fold = {name.casefold(): name for name in names}
    unknown = next((name for name in asked if name.casefold() not in by_fold), None)
    if unknown is not None or not asked:
        near = process.extractOne(unknown or "", list(names))
        raise RequestError(
            f"--answer {KNOWN_AHEAD}: {shorten(unknown or answer)} is no column that could be known ahead.",
            hint=f"Possible: none, all, or some of {', '.join(names)}." + (f" Nearest: {near[0]}." if near else ""),
        )
    return [name for name in names if name in {by_fold[part.casefold()] for part in asked}]


def _is_planned(name: str, values: pd.Series, target: str) -> bool:
    parts = set(tokens(name.rpartition(".")[2]))
    two = values.nunique() <= 2
    named_day = any(part.endswith("day") and part not in ("day", "weekday") for part in parts) and two
    priced = bool(parts & _PRICES) and not set(tokens(target)) & _PRICES
    return bool(parts & _PLANNED) or named_day or priced or (two and bool(parts & _OPENING))


def _is_said(name: str, said: Sequence[str]) -> bool:
    parts = tokens(name.rpartition(".")[2])
    for word in (word for phrase in said for word in tokens(phrase)):
        topic: Mapping[str, frozenset[str]] = _TOPICS
        wanted = topic.get(word, frozenset()) | topic.get(word.removesuffix("s"), frozenset())
        if any(_like(part, other) for part in parts for other in wanted):
            return True
        if any(relate(word, part).strength >= 0.8 for part in parts):
            return True
    return False


def _like(part: str, word: str) -> bool:
    """Whether one of them begins or ends with the other, three letters at least."""
    if min(len(part), len(word)) < 3:
        return False
    return part.startswith(word) or word.startswith(part) or part.endswith(word)
