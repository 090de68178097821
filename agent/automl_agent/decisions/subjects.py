"""How each kind of open question is put to a model: in words of ours, about names and statistics, without a cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from automl_schemas.catalog import ColumnEntry
from automl_schemas.question import Option, Question

from automl_agent.grounding.words import content_words, is_word, tokens

__all__ = ["SUBJECTS", "Example", "Subject", "View", "Way", "subject_of"]

_MOST_WORDS: Final = 3
_TASKS: Final = {
    "multiclass": ("grade", "the numbers stand for grades, levels, classes or kinds"),
    "regression": ("amount", "the numbers count or measure something"),
}
_ANY_ROW: Final = "a new row of any thing, also of one that was seen"
_CELLAR: Final = {
    "request": "how warm will the cellar be?",
    "target": "cellar_celsius: number, 90 different, 4 to 19",
}


@dataclass(frozen=True, slots=True)
class View:
    """What the descriptions of the answers may draw on."""

    request: str
    target: ColumnEntry | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way to answer a question, as a model sees it."""

    value: str
    """What `--answer id=value` takes."""
    name: str
    gloss: str


@dataclass(frozen=True, slots=True)
class Example:
    """A question of the same kind whose answer is known; who gives another is not asked about the data."""

    data: Mapping[str, str]
    options: Mapping[str, str]
    right: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of question."""

    words: str
    example: Example
    ways: Callable[[Question, View], list[Way]]


def subject_of(id_: str) -> Subject | None:
    """How the question `id_` is put to a model; None for what nobody can tell from names, as whether a day is known."""
    return SUBJECTS.get(id_.partition(".")[0])


def _as_they_are(question: Question, _: View) -> list[Way]:
    """The labels of the rules, which hold words of ours, counts, and names of columns and tables."""
    return [Way(option.value, option.value, option.label) for option in question.options]


def _of_the_task(question: Question, _: View) -> list[Way]:
    return [Way(option.value, *_TASKS.get(option.value, (option.value, ""))) for option in question.options]


def _of_the_entity(question: Question, _: View) -> list[Way]:
    return [
        Way(option.value, option.value, _ANY_ROW if option.value == "rows" else "a new one, never seen before")
        for option in question.options
    ]


def _of_the_metric(question: Question, _: View) -> list[Way]:
    return [Way(option.value, option.value.replace("_", " "), option.label) for option in question.options]


def _of_the_classes(question: Question, view: View) -> list[Way]:
    """The classes by their shares; by their names only where those say no more than our own words do."""
    counts = {} if view.target is None else {value.value: value.count for value in view.target.stats.top}
    rows = max(sum(counts.values()), 1)
    named = all(_can_be_said(option, view.request) for option in question.options)
    return [
        Way(
            option.value,
            option.value if named else f"class {number}",
            f"{100 * counts.get(option.value, 0) / rows:.1f} % of the rows",
        )
        for number, option in enumerate(question.options, start=1)
    ]


def _can_be_said(option: Option, request: str) -> bool:
    """Whether a class is a number, a letter or two, or made of words that the request or our own lists hold.

    The name of a class is a cell: anything else in it could be an order, or about somebody.
    """
    label = option.value.strip()
    if re.fullmatch(r"[-+]?\d{1,6}(?:\.\d{1,4})?|\w{1,2}", label):
        return True
    said = set(content_words(request))
    parts = tokens(label)
    return 0 < len(parts) <= _MOST_WORDS and all(part in said or is_word(part) for part in parts)


SUBJECTS: Final[Mapping[str, Subject]] = {
    "task": Subject(
        "Is the target a grade, level or kind, or is it a count or an amount?",
        Example(
            {
                "request": "how many litres will each tank lose?",
                "target": "litres_lost: integer, 14 different, 0 to 13",
            },
            dict(_TASKS.values()),
            "amount",
        ),
        _of_the_task,
    ),
    "entity": Subject(
        "What will be new when the model is used: a thing that was never seen, or a row of one that was?",
        Example(
            {"request": "what will the next visit cost, for patients whom we have not met before?"},
            {"patient": "a new one, never seen before", "rows": _ANY_ROW},
            "patient",
        ),
        _of_the_entity,
    ),
    "positive": Subject(
        "Which class of the target is the outcome that the request asks about?",
        Example(
            {"request": "which pumps will break down?", "target": "condition: category, 2 different"},
            {"working": "91.0 % of the rows", "broken": "9.0 % of the rows"},
            "broken",
        ),
        _of_the_classes,
    ),
    "metric": Subject(
        "By which measure does the request want the model to be judged?",
        Example(
            {"request": "predict the rent; the usual difference in euros counts, a rare big one does not"},
            {"rmse": "errors are squared: a few large ones weigh most", "mae": "the usual error, in the target's unit"},
            "mae",
        ),
        _of_the_metric,
    ),
    "shards": Subject(
        "Several files have the same columns. Are they parts of one list, or lists of different things?",
        Example(
            {"question": "orders_january, orders_february, orders_march have the same columns. Parts of one table?"},
            {"separate": "tables of their own", "stack": "parts of one table `orders`"},
            "stack",
        ),
        _as_they_are,
    ),
    "series": Subject(
        "Does the request want one forecast for each of something, or a single one over everything?",
        Example(
            {"request": "how much bread will every bakery need next week?"},
            {"bakery": "one series for each bakery", "none": "one series, over all rows"},
            "bakery",
        ),
        _as_they_are,
    ),
    "frequency": Subject(
        "How long is one step of the forecast that the request wants?",
        Example(
            {"request": "how many parcels will arrive tomorrow, and on the days after?"},
            {"day": "a day", "month": "a month"},
            "day",
        ),
        _as_they_are,
    ),
    "aggregate": Subject(
        "Several rows fall into one step of time. Does their sum or their average make sense?",
        Example(
            _CELLAR,
            {"sum": "they are added up", "mean": "they are averaged"},
            "mean",
        ),
        _as_they_are,
    ),
    "gaps": Subject(
        "For some steps of time there is no row. Did nothing happen then, or was it not measured?",
        Example(
            _CELLAR,
            {"missing": "nobody knows what happened then", "zero": "nothing happened then: they count as 0"},
            "missing",
        ),
        _as_they_are,
    ),
    "horizon": Subject(
        "How many steps ahead does the request want to look?",
        Example(
            {
                "request": "how much bread is needed on each day of the coming week?",
                "question": "How many steps ahead?",
            },
            {"7": "7 x day", "28": "28 x day"},
            "7",
        ),
        _as_they_are,
    ),
}
"""By the first part of the id. What is not here is left to the rules and the person: no name tells it."""
