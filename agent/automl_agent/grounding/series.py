"""Which columns tell series apart: those that the data ask for, or that the request names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from automl_runtime.data.frequency import Frequency, infer_frequency, named_frequency
from automl_runtime.data.training_columns import TrainingColumn
from automl_runtime.errors import RequestError, shorten
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement

from automl_agent.grounding.ahead import part_of_time
from automl_agent.grounding.case import Case
from automl_agent.grounding.words import content_words, relate, tokens

__all__ = ["REGULAR", "asks_for_total", "choose_series", "regularity", "usual_step"]

REGULAR: Final = 0.65
"""The share of moments one step after another from which on rows are evenly spaced."""
_MOST_CANDIDATES: Final = 8
_UNIQUE: Final = 0.999
_FEWEST_MOMENTS: Final = 3
_TOTAL: Final = re.compile(r"\b(?:total|overall|altogether|in total|combined|whole company|aggregate)\b", re.IGNORECASE)
_EACH: Final = re.compile(r"\b(?:per|by|for (?:each|every)|in (?:each|every))\s+(?P<each>[\w-]+)", re.IGNORECASE)
_NEAR: Final = 0.7
_DIFFERING: Final = 1.1
"""Values of a column for each step, on average, from which on it may tell series apart."""


def asks_for_total(requirement: Requirement | None) -> bool:
    """Whether the words ask for one series over everything."""
    return requirement is not None and _TOTAL.search(requirement.request) is not None


def choose_series(case: Case) -> list[str]:
    """The columns that tell series apart: answered, named in the request, or needed to name a row."""
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
    if asks_for_total(case.requirement):
        default = []
    listed = [list(names) for names in dict.fromkeys(tuple(n) for n in (default, exact, named, []))]
    listed += [[column.name] for column in fitting if [column.name] not in listed]
    options = [Option(value=",".join(names) or "none", label=_series_label(names)) for names in listed]
    question = Question(
        id="series",
        text="Several rows fall into one step. Is it one series for each of something, or over all?",
        options=options,
        default=",".join(default) or "none",
        impact="Each series is looked at by itself; its rows that fall into one step are added up or averaged.",
    )
    case.ask(question, sure=bool(named) or asks_for_total(case.requirement))
    return default if chosen is None else chosen


def _series_label(names: Sequence[str]) -> str:
    return f"one series for each {' + '.join(names)}" if names else "one series, over all rows"


def _series_candidates(case: Case) -> list[TrainingColumn]:
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
        if len(pairs) > _DIFFERING * steps.nunique() and not part_of_time(frame[column.name], moments):
            found.append((distinct, column.name, column))
    return [column for _, _, column in sorted(found, key=lambda item: item[:2])[:_MOST_CANDIDATES]]


def _likely_steps(case: Case) -> pd.Series:
    """The step of each row, as far as it can be told before the series are known."""
    moments = case.frame[case.moment.name]
    asked = case.answers.get("frequency") or case.task.frequency
    if asked is None:
        distinct = moments.drop_duplicates()
        alone = np.zeros(len(distinct), dtype=np.int64)
        if len(distinct) < _FEWEST_MOMENTS:
            return moments
        if regularity(distinct, alone, infer_frequency(distinct, alone)) >= REGULAR:
            return moments
        asked = usual_step(moments)
    return pd.Series(named_frequency(asked, moments).steps(moments), index=moments.index)


def _naming(case: Case, names: Sequence[str]) -> list[str]:
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


def regularity(moments: pd.Series, codes: np.ndarray, frequency: Frequency) -> float:
    """The share of moments that are one step after another of their series, or at the same step."""
    rows = pd.DataFrame({"series": codes, "step": frequency.steps(moments)}).drop_duplicates()
    rows = rows.sort_values(["series", "step"])
    apart = rows["step"].diff()[rows["series"].diff() == 0]
    return float((apart == 1).mean()) if len(apart) else 0.0


def usual_step(moments: pd.Series) -> str:
    """The step that suits rows without an even distance, by the time that they span."""
    days = (moments.max() - moments.min()).total_seconds() / 86_400
    return "day" if days >= 60 else "hour" if days >= 4 else "minute"
