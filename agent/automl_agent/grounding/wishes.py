"""What a request wants of a column, as weighted words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from automl_schemas.requirement import Requirement, Threshold
from automl_schemas.vocabulary import MetricName, TaskType

from automl_agent.grounding.thesaurus import FRAME, MEASURES, WEAK
from automl_agent.grounding.words import codes, content_words, fold, is_event, is_negated, relate, stem
from automl_agent.requirements.text import word_set

__all__ = ["Kind", "Wish", "wish_of"]

Kind = Literal["binary", "label", "number", "any"]
"""What a column has to hold: two classes, any classes, numbers, or whatever stands there."""

_KINDS: Final[dict[TaskType, Kind]] = {
    "binary": "binary", "multiclass": "label", "multilabel": "label", "regression": "number", "forecast": "number",
}  # fmt: skip
_LABEL_METRICS: Final[frozenset[MetricName]] = frozenset(
    {"roc_auc", "average_precision", "log_loss", "f1", "accuracy", "balanced_accuracy"}
)
_NUMBER_METRICS: Final[frozenset[MetricName]] = frozenset({"rmse", "mae", "mape", "r2", "pinball"})
_COUNTING: Final = re.compile(r"\bhow many\b|\bnumber of\b|\bcount of\b", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"\b(?:will|would|be|is|are|to|we|they|it|should|can|do|does|did|how|and|or)\b|,")
_ASKED: Final = re.compile(
    r"\w+ (?:does|did|do|will|would|is|are|can|should|has) (?:an?|the|each|every|they|it|he|she|this|our)\b"
)
_AFTER_NOUN: Final = re.compile(
    r"\s+(?:of|in|on|at|per|after|before|during|when|while|for|with|by|from)\s+", re.IGNORECASE
)
_MODIFIER: Final = 0.42
"""How far a word that only describes the noun is believed alone."""
_MEASURED: Final = 0.8
"""The same, when the noun is only how it is measured: "fuel consumption"."""
_HOW_MANY_UNITS: Final = re.compile(r"\bhow many (seconds|minutes|hours|days|nights|weeks|months|years)\b")
_EXISTS: Final = word_set("needed need required necessary used involved available there present included given")
"""Predicates that say no more than that the subject is there: "is a lift needed"."""
_ENTITY_WEIGHT, _FRAME_WEIGHT, _WEAK_WEIGHT = 0.25, 0.1, 0.4


@dataclass(frozen=True, slots=True)
class Wish:
    """The target phrase of a request, ready to be compared with names and values."""

    phrase: str
    kind: Kind
    words: tuple[tuple[str, float], ...]
    """Content words of the phrase with their weights."""
    heads: tuple[tuple[str, float], ...]
    """The words of which at least one must be found, with how surely it is the one that counts."""
    context: frozenset[str]
    """All content words of the request: they explain further parts of a name."""
    codes: frozenset[str]
    """Words of letters and digits in the phrase ("g3")."""
    acronyms: frozenset[str]
    """First letters of words that follow each other in the request and touch the phrase ("clv")."""
    entity: tuple[str, ...]
    event: bool
    """The phrase is about something that happens or not."""
    plain: bool
    """The phrase is a noun with what describes it, no part of a sentence."""
    negated: bool
    positive: str | None
    threshold: Threshold | None
    metric: MetricName | None
    horizon_days: float | None
    step: tuple[str, ...]
    """Words for the step of a forecast ("hour")."""


def wish_of(requirement: Requirement) -> Wish:
    """The wish of a requirement that has a target or a threshold."""
    phrase = requirement.target or ""
    entity = tuple(word for word in content_words(requirement.entity or "") if not is_event(word))
    words = _phrase_words(phrase, entity)
    if words == entity:
        entity = ()
    measure = tuple(word for word in _measure(requirement) if word not in words)
    weighted = tuple((word, _weight(word, entity)) for word in words)
    weighted += tuple((word, _WEAK_WEIGHT) for word in measure)
    context = {*words, *content_words(requirement.request), *content_words(requirement.description or "")}
    if _COUNTING.search(requirement.request):
        context.add("count")
    heads = (*_heads(phrase, weighted, requirement), *((word, 0.85) for word in measure))
    plain = requirement.task is None and not _SENTENCE.search(fold(phrase))
    event = plain and any(is_event(word) for word, weight in heads if weight >= 0.9)
    return Wish(
        phrase=phrase,
        kind=_kind(requirement),
        words=_measured(weighted, requirement),
        heads=heads,
        context=frozenset(context),
        codes=codes(phrase),
        acronyms=_acronyms(requirement.request, words),
        entity=entity,
        event=event,
        plain=_is_plain(requirement),
        negated=is_negated(phrase) and requirement.task in {None, "binary"},
        positive=requirement.positive,
        threshold=requirement.threshold,
        metric=requirement.metric,
        horizon_days=requirement.horizon_days,
        step=(requirement.frequency,) if requirement.frequency else (),
    )


def _measured(words: tuple[tuple[str, float], ...], requirement: Requirement) -> tuple[tuple[str, float], ...]:
    """Of "how long until the boats are back" the measure counts most; the sentence around it is told in many ways."""
    if not _asks_how(requirement) or requirement.task not in {"regression", "forecast"}:
        return words
    return tuple((word, weight if i == 0 else 0.5 * weight) for i, (word, weight) in enumerate(words))


def _measure(requirement: Requirement) -> tuple[str, ...]:
    """What something is counted in: "the length of a game in moves"."""
    for phrase in (requirement.target, requirement.entity_phrase):
        match = re.search(r"\bin\s+([a-z]+)\)?$", fold(phrase or ""))
        if match is not None and requirement.task != "binary":
            return content_words(match[1])
    return ()


def _is_plain(requirement: Requirement) -> bool:
    return (
        not _asks_how(requirement)
        and requirement.threshold is None
        and not _SENTENCE.search(fold(requirement.target or ""))
    )


def _asks_how(requirement: Requirement) -> bool:
    return re.search(r"\bhow\s+\w+", requirement.request, re.IGNORECASE) is not None


def _phrase_words(phrase: str, entity: tuple[str, ...]) -> tuple[str, ...]:
    words = content_words(phrase)
    if words and entity and all(word in _EXISTS for word in words):
        return entity
    staff = any(relate(word, "employee").strength >= 0.78 for word in (*words, *entity))
    return tuple("attrition" if staff and word == "turnover" else word for word in words)


def _acronyms(request: str, words: tuple[str, ...]) -> frozenset[str]:
    spoken = content_words(request)
    windows = [spoken[i : i + size] for size in (2, 3, 4, 5) for i in range(len(spoken) - size + 1)]
    return frozenset("".join(word[0] for word in window) for window in windows if window[-1] in words)


def _kind(requirement: Requirement) -> Kind:
    if requirement.task in _KINDS:
        return _KINDS[requirement.task]
    if requirement.threshold is not None:
        return "binary"
    if requirement.metric in _LABEL_METRICS:
        return "label"
    return "number" if requirement.metric in _NUMBER_METRICS else "any"


def _weight(word: str, entity: tuple[str, ...]) -> float:
    if any(stem(word) == stem(part) for part in entity):
        return _ENTITY_WEIGHT
    if word in FRAME:
        return _FRAME_WEIGHT
    return _WEAK_WEIGHT if word in WEAK else 1.0


def _heads(
    phrase: str, words: tuple[tuple[str, float], ...], requirement: Requirement
) -> tuple[tuple[str, float], ...]:
    """The last word of a plain noun phrase; of a predicate or a longer phrase every word, the first one most."""
    telling = [(word, weight) for word, weight in words if weight == 1.0]
    if not telling:
        telling = [(word, weight) for word, weight in words if weight > _ENTITY_WEIGHT] or list(words)
    heads: list[tuple[str, float]]
    counted = _COUNTING.search(phrase) is not None
    if requirement.task == "binary" or counted or _asks_how(requirement) or _SENTENCE.search(fold(phrase)):
        others = 0.6 if requirement.task in {None, "multiclass"} and _ASKED.match(fold(phrase)) else 0.85
        heads = [(word, 1.0 if i == 0 else others) for i, (word, _) in enumerate(telling)]
    else:
        before_of = content_words(_AFTER_NOUN.split(phrase)[0])
        own = [word for word, _ in telling if word in before_of]
        last = own[-1] if own else telling[-1][0] if telling else ""
        modifier = _MEASURED if last in MEASURES else _MODIFIER
        heads = [(word, 1.0 if word == last else 0.9 if is_event(word) else modifier) for word, _ in telling]
        weak = [word for word, weight in words if weight == _WEAK_WEIGHT and before_of[-1:] == (word,) and word != last]
        heads.extend((word, 0.95 if word == "time" else 0.78) for word in weak)
    heads.extend((word, 0.7) for word, weight in words if weight == _ENTITY_WEIGHT and (word, weight) not in telling)
    unit = _HOW_MANY_UNITS.search(fold(requirement.request))
    if unit is not None:
        heads.extend(((unit[1], 1.0), ("duration", 0.9)))
    elif _COUNTING.search(requirement.request):
        heads.append(("count", 0.8))
    return tuple(heads)
