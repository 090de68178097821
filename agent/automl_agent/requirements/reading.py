"""Finds the sentence of a request that says what is to be predicted, and reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from automl_schemas.vocabulary import TaskType

from automl_agent.requirements.clauses import read_apart, read_complement, read_question
from automl_agent.requirements.groups import anomalies, clusters
from automl_agent.requirements.intent import Intent, about_phrase, with_entity, with_threshold
from automl_agent.requirements.phrases import CLASS_NOUNS, head_noun, is_plural, split_clause
from automl_agent.requirements.several import several_labels
from automl_agent.requirements.speech import GENERIC_KIND, SMALL_TALK, find_verb, strip_courtesy
from automl_agent.requirements.text import Text, bare, tidy, word_set

__all__ = ["read_intents"]

_TARGET_IS: Final = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!multi[- ])\b(?:target|label|dependent|outcome|response|y)(?:[\s_-](?:column|variable|field"
        r"|feature))?\s*(?:(?:is|are|will be|should be|stands in|called)\b|[=:])\s*(?:in\s+)?(?:the\s+)?(?:(?:column"
        r"|field)\s+)?(?P<target>[^|,]+)",
        r"\b(?:column|variable|field) to (?:predict|forecast|classify|model)\s*(?:\bis\b|="
        r"|:)\s*(?:the\s+)?(?P<target>[^|,]+)",
        r"\b(?:use|take|with|treat|have)\s+(?:the\s+)?(?:column\s+)?(?P<target>[^|,]{1,60}?)\s+as\s+(?:(?:the|our"
        r"|a)\s+)?(?:target|label|dependent variable|outcome)\b",
        r"(?:^|(?<=[|,]))\s*(?:the\s+)?(?:column\s+)?(?P<target>[^|,]{1,60}?)\s+is\s+(?:(?:the|our"
        r"|my)\s+)?(?:target|label|dependent variable)\b",
        r"\b(?:predict|forecast|estimate|classify|model)\s+(?:the\s+)?(?:values?\s+(?:in"
        r"|of)\s+)?(?:the\s+)?(?:column|field|variable)\s+(?:(?:called"
        r"|named)\s+)?(?P<target>(?!\d)[^|,]+?)(?=\s+(?:of|from|in|using|with)\s|[|,]|$)",
        r"(?:^|(?<=[|,]))\s*(?:target\s+)?column\s*(?:\bis\b|:|=)\s*(?P<target>[^|,]+)",
        r"(?:^|(?<=[|,(]))\s*(?:(?:it|that|which) is )?(?:in )?(?:the )?(?P<target>(?:first|second|third|last|final"
        r"|\d+(?:st|nd|rd|th)) column)\b",
    )
]
_FORMULA: Final = re.compile(r"(?P<target>[^|~,]{1,60}?)\s*~\s*[^|]*")
_POSITIVE: Final = re.compile(
    r"(?:[\s,]|\b(?:where|with|and|the)\b)*\b(?:positive(?: class| label| case| outcome)?"
    r"|class of interest)\s*(?:(?:is|being|should be|are)\b|[=:])\s*(?P<after>[^|,]+)|(?:^|(?<=[|,]))\s*(?:(?:with"
    r"|where|and)\s+)?(?P<before>[^|,]{1,40}?)\s+(?:(?:is|as|being|counts as)\b|=)\s+(?:the\s+)?positive(?: class"
    r"| label| case)?\b",
    re.IGNORECASE,
)
_TASK_WORDS: Final[tuple[tuple[TaskType, re.Pattern[str]], ...]] = (
    ("multilabel", re.compile(r"\bmulti[- ]?label\b", re.IGNORECASE)),
    ("multiclass", re.compile(r"\bmulti[- ]?class\b|\bmultinomial\b", re.IGNORECASE)),
    (
        "binary",
        re.compile(
            r"\bbinary\b|\byes\s?/\s?no\b|\byes or no\b|\btrue\s?/\s?false\b|\bor not\b|\blogistic regression\b"
            r"|\by/n\b",
            re.IGNORECASE,
        ),
    ),
    ("regression", re.compile(r"\bregress(?:ion|or|ing)?\b", re.IGNORECASE)),
    ("forecast", re.compile(r"\bforecast\w*\b|\btime[- ]series\b", re.IGNORECASE)),
    ("multiclass", re.compile(r"\bclassif\w+\b|\bcategori[sz]\w*\b", re.IGNORECASE)),
)
_NOMINAL: Final = re.compile(
    r"^(?P<what>.*?)[\s-]*\b(?P<noun>predict(?:ions?|or)|pr[eé]visions?|forecast(?:s|ing|er)?|classif(?:ication"
    r"|ier)|detect(?:ion|or)|estimat(?:ion|or|e)|regress(?:ion|or)|recogni(?:tion|[sz]er)|prognosis|model(?:l?ing)?"
    r"|scor(?:ing|er)|filter(?:ing)?|projections?|analysis|analytics|propensity|prevention"
    r"|early warning)\b(?:\s+(?:model|system|tool|service|task|problem|project|api))?(?:\s*(?P<link>of|for|on|in"
    r"|about|per|by|to|across|from|with|at)\s+(?P<of>.+))?$",
    re.IGNORECASE,
)
_RELATIVE_START: Final = re.compile(
    r"^(?:[\w'-]+\s+){0,5}?[\w'-]+\s+(?:who|that|likely to|at (?:high )?risk of|about to|going to|prone to)\s",
    re.IGNORECASE,
)
_TASK_VERB: Final = re.compile(r"(?:predict|forecast|classif|estimat)", re.IGNORECASE)
_QUESTION: Final = re.compile(r"(?:how (?:many|much)|which|what|who)\b", re.IGNORECASE)
_VAGUE: Final = word_set("""
    something anything everything nothing stuff thing things it this that them data dataset future number numbers
    result results value values useful interesting good nice great ml ai machine learning model models prediction
    predictions insight insights pattern patterns magic what me us help a the some any my our good best simple well
    accurate accurately possible cool please to do for with can one of and in new new- all
""")
_GREETING: Final = word_set("""
    hi hello hey hallo yo thanks bye ok okay test yes no help foo bar bonjour servus moin ciao hola
""")
_TOO_LONG_BARE: Final = 9


def read_intents(text: Text) -> list[Intent]:
    """The ways to read what is left in `text`, the surest first; none when nothing is asked that can be predicted."""
    hint = _task_hint(text.body)
    positive = _take_positive(text)
    stated = _take_stated_target(text)
    found = [intent for _, intent in sorted(_readings(text.segments()), key=lambda reading: reading[0])]
    finished = [_finished(intent, stated, hint, positive) for intent in found or [Intent()]]
    return list(dict.fromkeys(intent for intent in finished if _says_something(intent)))


def _finished(intent: Intent, stated: str | None, hint: TaskType | None, positive: str | None) -> Intent:
    if stated is not None:
        kept = (
            intent.task if intent.task in {"binary", "multiclass", "regression", "forecast"} and intent.target else None
        )
        intent = replace(with_threshold(replace(intent, target=stated, task=kept)), task=kept)
    intent = _hinted(intent, hint)
    if positive is not None:
        intent = replace(intent, positive=positive)
    return with_threshold(intent)


def _task_hint(body: str) -> TaskType | None:
    for task, pattern in _TASK_WORDS:
        if pattern.search(body):
            return task
    return None


def _hinted(intent: Intent, hint: TaskType | None) -> Intent:
    """The named kind of model fills in a task that the sentence left open."""
    if hint == "forecast" and intent.task in {None, "regression"} and intent.target:
        return replace(intent, task="forecast")
    if intent.task is None and hint is not None and intent.target:
        return replace(intent, task=hint)
    if hint == "binary" and intent.task == "multiclass":
        return replace(intent, task="binary")
    return intent


def _take_positive(text: Text) -> str | None:
    match = _POSITIVE.search(text.body)
    if match is None:
        return None
    text.remove(*match.span())
    return bare(match["after"] or match["before"]) or None


def _take_stated_target(text: Text) -> str | None:
    formula = _FORMULA.search(text.body)
    if formula is not None:
        target = strip_courtesy(tidy(formula["target"]))
        verb = find_verb(target)
        text.remove(*formula.span())
        return bare(verb[1] if verb is not None and verb[2] else target) or None
    for pattern in _TARGET_IS:
        match = pattern.search(text.body)
        if match is not None:
            target = bare(re.split(r"\s+(?:of the|in the|and the|and we|which|that|column)\b", match["target"])[0])
            if target and not _is_vague(target):
                text.remove(*match.span())
                return target
    return None


def _readings(segments: list[str]) -> Iterator[tuple[int, Intent]]:
    """Every way to read the segments, with a rank: the smaller, the surer."""
    for raw in segments:
        segment = strip_courtesy(raw)
        for part in (segment, *_after_commas(segment)):
            yield from ((rank, intent) for rank, intent in _read_segment(part) if _says_something(intent))
    if len(segments) >= 1:
        yield from _bare_readings(segments)


def _after_commas(segment: str) -> list[str]:
    return [strip_courtesy(tidy(segment[match.end() :])) for match in re.finditer(r"[,:]\s+", segment)]


def _says_something(intent: Intent) -> bool:
    return intent.task in {"clustering", "anomaly"} or (intent.target is not None and not _is_vague(intent.target))


def _read_segment(segment: str) -> Iterator[tuple[int, Intent]]:
    for rank, reader in ((0, several_labels), (0, clusters), (0, anomalies), (0, read_apart)):
        intent = reader(segment)
        if intent is not None and (reader is several_labels or not _TASK_VERB.match(segment)):
            yield rank, intent
    talk = SMALL_TALK.search(segment) is not None and not _TASK_VERB.match(segment)
    verb = None if talk else find_verb(segment)
    if verb is not None and verb[2]:
        intent = read_complement(verb[0], verb[1])
        if intent is not None:
            yield 1, intent
    intent = read_question(segment)
    if intent is not None and not talk:
        yield 2, intent
    if verb is not None and not verb[2]:
        intent = read_complement(verb[0], verb[1])
        if intent is not None:
            yield (3 if _QUESTION.match(segment) else 2), intent
    nominal = _nominal(segment)
    if nominal is not None:
        yield 3, nominal
    if _RELATIVE_START.match(segment):
        intent = read_complement("detect", segment)
        if intent is not None:
            yield 4, intent


def _nominal(segment: str) -> Intent | None:
    """ "churn prediction", "a price forecast for flats", "prediction about the churn of our members"."""
    match = _NOMINAL.match(segment)
    if match is None:
        return None
    what, of = bare(match["what"]), match["of"]
    what = GENERIC_KIND.sub("", f"{what} ").strip()
    noun = match["noun"].casefold()
    task: TaskType | None = None
    if noun.startswith("detect"):
        task = "multiclass" if head_noun(what) in CLASS_NOUNS else "binary"
    if what and not _is_vague(what):
        intent = Intent(task=task, target=what)
        return with_entity(intent, of) if of else intent
    if of is None:
        return None
    question = read_question(of)
    return question or about_phrase(of, task)


def _bare_readings(segments: list[str]) -> Iterator[tuple[int, Intent]]:
    """A request that is nothing but a phrase: "churn", "house prices", "income over 30k yes/no"."""
    for segment in (strip_courtesy(raw) for raw in segments):
        words = segment.split()
        talk = SMALL_TALK.search(segment) or {word.strip("',").casefold() for word in words} <= _GREETING
        if not words or talk or len(words) > _TOO_LONG_BARE or find_verb(segment) is not None:
            continue
        if read_question(segment) is not None or re.match(
            r"(?:i|we|you|they|it|he|she|my|our|there|this|that|thanks?)\b", segment, re.IGNORECASE
        ):
            continue
        yield 6, _bare(segment)
        return


def _bare(segment: str) -> Intent:
    clause = split_clause(segment)
    if clause is not None and clause.subject and clause.predicate and is_plural(clause.subject.split()[-1]):
        return with_entity(Intent(task="binary", target=clause.phrase), clause.subject)
    return about_phrase(segment)


def _is_vague(target: str) -> bool:
    """Whether a target says nothing: "something useful", "a good model"."""
    words = {word.casefold() for word in re.findall(r"[^\W_]+", target)}
    return words <= _VAGUE
