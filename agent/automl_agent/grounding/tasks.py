"""The kind of task and the metric that follow from the words and from the target."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from automl_runtime.errors import RequestError
from automl_schemas.catalog import ColumnEntry
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import MetricSpec
from automl_schemas.vocabulary import MetricName, TaskType, default_metric
from rapidfuzz import process

from automl_agent.grounding.candidates import Candidate
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import content_words, relate, stem, tokens
from automl_agent.requirements.text import word_set

__all__ = ["FITTING", "TaskChoice", "choose_metric", "choose_task", "metric_question"]

_CLASSIFIED: Final[tuple[MetricName, ...]] = ("roc_auc", "log_loss", "f1", "accuracy", "balanced_accuracy")
FITTING: Final[dict[TaskType, tuple[MetricName, ...]]] = {
    "binary": ("roc_auc", "average_precision", "log_loss", "f1", "accuracy", "balanced_accuracy"),
    "multiclass": _CLASSIFIED,
    "multilabel": ("f1", "log_loss", "accuracy"),
    "regression": ("rmse", "mae", "mape", "r2"),
    "forecast": ("rmse", "mae", "mape", "r2", "pinball"),
    "clustering": ("silhouette",),
    "anomaly": ("roc_auc", "average_precision"),
}
"""Metrics that each task can be judged by."""

_CLASS_WORDS: Final = word_set("""
    grade class category level type group tier band label stage priority severity kind digit species segment bracket
    urgency
""")
_NUMBER_WORDS: Final = word_set("""
    score point points number count amount price cost age position rank place placing ranking year years room rooms
    minutes hours days sum total quantity value size length weight height duration time long late old much many sale
    sales demand income
""")
_ORDINAL_WORDS: Final = word_set("""
    quality rating star stars satisfaction evaluation grade mark stage risk
""")
_CODES: Final = word_set("code class type category cat group label status kind outcome state")
_RANKS: Final = word_set("position rank ranking place placing placement standing")
_FEW: Final = 10
_MOST_CELLS: Final = 200
"""Different cells of lists that could be classes."""


@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A task, and a question when it was a near tie."""

    task: TaskType
    question: Question | None = None


def choose_task(requirement: Requirement, candidate: Candidate, wish: Wish, answer: str | None = None) -> TaskChoice:
    """Binary, multiclass, multilabel or regression, from the words first and from the values of the target where words
    are silent.

    Raises:
        RequestError: if `answer` is no task that the target allows.
    """
    column = candidate.column
    if column.listed is not None and candidate.sql is None:
        return _of_lists(requirement, candidate, answer)
    if candidate.content == "classes":
        default: TaskType = "binary" if candidate.sql is not None or column.distinct == 2 else "multiclass"
    else:
        default = "regression"
    unsure = (
        candidate.content == "number"
        and column.type == "integer"
        and 2 < column.distinct <= _FEW
        and requirement.task is None
    )
    if unsure and wish.metric is None:
        spoken = _spoken(wish, column)
        unsure, default = (
            spoken is None,
            spoken or ("multiclass" if _speaks(wish, candidate, _ORDINAL_WORDS) else "regression"),
        )
    allowed: list[TaskType] = (
        ["multiclass", "regression"]
        if column.type in {"integer", "number"} and 2 < column.distinct <= 50
        else [default]
    )
    if answer is not None:
        return TaskChoice(_settled(answer, allowed), _question(candidate, allowed, default))
    return TaskChoice(default, _question(candidate, allowed, default) if unsure and wish.metric is None else None)


def _of_lists(requirement: Requirement, candidate: Candidate, answer: str | None) -> TaskChoice:
    """Each label of a cell for itself, unless somebody wants whole cells; asked where words leave it open."""
    column, listed = candidate.column, candidate.column.listed
    assert listed is not None
    allowed: list[TaskType] = ["multilabel", "multiclass"] if column.distinct <= _MOST_CELLS else ["multilabel"]
    question = Question(
        id="task",
        text=f"{listed.several:,} cells of {column.name!r} list several labels. Is each label told for itself?",
        options=[
            Option(value=task, label=label)
            for task, label in (
                ("multilabel", f"each of {len(listed.labels)} labels: a row may have none, one or several"),
                ("multiclass", f"one of {column.distinct:,} different cells, each as a whole"),
            )
            if task in allowed
        ],
        default="multilabel",
        impact="Labels get a probability each; whole cells share one probability among them.",
    )
    if answer is not None:
        return TaskChoice(_settled(answer, allowed), question)
    asked = len(allowed) > 1 and requirement.task != "multilabel"
    return TaskChoice("multilabel", question if asked else None)


def _spoken(wish: Wish, column: ColumnEntry) -> TaskType | None:
    """The task that the words for the target speak of, else one that the name of the column does.

    Numbers that a text beside the data lists as codes are classes.
    """
    words = {stem(word) for word in content_words(wish.phrase)}
    if column.codes or words & {stem(word) for word in _CLASS_WORDS}:
        return "multiclass"
    if words & {stem(word) for word in _NUMBER_WORDS}:
        return "regression"
    return "multiclass" if set(tokens(column.name)) & _CODES else None


def _speaks(wish: Wish, candidate: Candidate, vocabulary: frozenset[str]) -> bool:
    words = {
        stem(word) for word in (*content_words(wish.phrase), *content_words(candidate.column.name.replace("_", " ")))
    }
    return bool(words & {stem(word) for word in vocabulary})


def _settled(answer: str, allowed: list[TaskType]) -> TaskType:
    for task in allowed:
        if task == answer:
            return task
    nearest = process.extractOne(answer, allowed)
    raise RequestError(
        f"task={answer!r} does not fit the target; allowed: {', '.join(allowed)}.",
        hint=f"Did you mean {nearest[0]}?" if nearest else None,
    )


def _question(candidate: Candidate, allowed: list[TaskType], default: TaskType) -> Question:
    column = candidate.column
    labels = {
        "multiclass": f"{column.distinct} classes: predict one of them",
        "regression": f"a number from {column.stats.min} to {column.stats.max}: predict how much",
    }
    return Question(
        id="task",
        text=f"Are the {column.distinct} values of {column.name!r} classes or a quantity?",
        options=[Option(value=task, label=labels.get(task, task)) for task in allowed],
        default=default,
        impact="Classes get probabilities and log_loss; a quantity gets a number and rmse.",
    )


def choose_metric(
    requirement: Requirement, task: TaskType, wish: Wish | None, answer: str | None = None
) -> tuple[MetricSpec, list[str]]:
    """The metric that was asked, else the usual one of the task; with sentences about what was assumed.

    Raises:
        RequestError: if the metric does not fit the task.
    """
    if answer is not None:
        if answer not in FITTING[task]:
            nearest = process.extractOne(answer, FITTING[task])
            raise RequestError(
                f"metric={answer!r} does not fit a {task} task.",
                hint=f"Allowed: {', '.join(FITTING[task])}; nearest: {nearest[0]}.",
            )
        name = next(metric for metric in FITTING[task] if metric == answer)
        return MetricSpec(name=name, goal=requirement.goal if name == requirement.metric else None), []
    if requirement.metric is not None:
        if requirement.metric not in FITTING[task]:
            raise RequestError(
                f"{requirement.metric} does not fit a {task} task, which this is; it is judged by"
                f" {', '.join(FITTING[task])}.",
                hint=_HINTS.get(task, "Leave the metric out, or take one of these."),
            )
        return MetricSpec(name=requirement.metric, goal=requirement.goal), []
    if task == "regression" and wish is not None and _is_rank(wish):
        return MetricSpec(name="mae"), ["a position is judged in places: metric mae"]
    return MetricSpec(name=default_metric(task)), []


def metric_question(task: TaskType, metric: MetricSpec) -> Question:
    """The question which metric judges a task: open where the request weighs errors without naming one."""
    return Question(
        id="metric",
        text="Which metric judges the model?",
        options=[Option(value=name, label=_SAYS[name]) for name in FITTING[task]],
        default=metric.name,
        impact="It is what the search optimises.",
    )


_SAYS: Final[dict[MetricName, str]] = {
    "roc_auc": "cases are put into the right order, from the likeliest to the least likely",
    "average_precision": "those at the top of the list are the right ones: rare cases, few false alarms",
    "log_loss": "the probabilities themselves are right",
    "f1": "cases that are missed and false alarms count alike",
    "accuracy": "the share of right answers",
    "balanced_accuracy": "each class counts the same, however rare it is",
    "rmse": "errors are squared: a few large ones weigh most",
    "mae": "the usual error, in the target's unit",
    "mape": "the error as a percentage of the true value",
    "r2": "the share of the variation that is explained",
    "pinball": "quantiles: how far too high and too low",
    "silhouette": "how far groups lie apart",
}
_HINTS: Final[dict[TaskType, str]] = {
    "regression": 'For a number say for example "within 10 %" or "RMSE under 5".',
    "forecast": 'For a forecast say for example "MAPE under 10 %" or "RMSE under 5".',
    "multilabel": 'For several labels a row say for example "F1 above 0.7".',
    "binary": 'For yes and no say for example "AUC above 0.85" or "at least 90 % accurate".',
    "multiclass": 'For classes say for example "at least 90 % accurate" or "log loss under 0.5".',
}


def _is_rank(wish: Wish) -> bool:
    return (
        any(relate(word, rank).strength >= 0.95 for word, _ in wish.words for rank in _RANKS)
        and re.search(r"\b(?:stars?|points?)\b", wish.phrase) is None
    )
