"""What a request wants of a column, as weighted words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from automl_agent.grounding.thesaurus import FRAME, WEAK
from automl_agent.grounding.words import content_words, fold, is_event, is_negated, relate, stem
from automl_schemas.requirement import Requirement, Threshold
from automl_schemas.vocabulary import MetricName, TaskType

__all__ = ["Kind", "Wish", "wish_of"]

Kind = Literal["binary", "label", "number", "any"]
"""What a column has to hold: two classes, any classes, numbers, or whatever stands there."""

_KINDS: Final[dict[TaskType, Kind]] = {
    "binary": "binary", "multiclass": "label", "multilabel": "label", "regression": "number", "forecast": "number",
}  # fmt: skip
_LABEL_METRICS: Final[frozenset[MetricName]] = frozenset({"roc_auc", "average_precision", "log_loss", "f1", "accuracy", "balanced_accuracy"})
_NUMBER_METRICS: Final[frozenset[MetricName]] = frozenset({"rmse", "mae", "mape", "r2", "pinball"})
_COUNTING: Final = re.compile(r"\bhow many\b|\bnumber of\b|\bcount of\b", re.IGNORECASE)
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
    entity: tuple[str, ...]
    negated: bool
    positive: str | None
    threshold: Threshold | None
    metric: MetricName | None
    step: tuple[str, ...]
    """Words for the step of a forecast ("hour")."""


def wish_of(requirement: Requirement) -> Wish:
    """The wish of a requirement that has a target or a threshold."""
    phrase = requirement.target or ""
    entity = tuple(word for word in content_words(requirement.entity or "") if not is_event(word))
    words = content_words(phrase)
    weighted = tuple((word, _weight(word, entity)) for word in words)
    context = {*words, *content_words(requirement.request), *content_words(requirement.description or "")}
    if _COUNTING.search(requirement.request):
        context.add("count")
    return Wish(
        phrase=phrase,
        kind=_kind(requirement),
        words=weighted,
        heads=_heads(phrase, weighted, requirement),
        context=frozenset(context),
        entity=entity,
        negated=is_negated(phrase) and requirement.task in {None, "binary"},
        positive=requirement.positive,
        threshold=requirement.threshold,
        metric=requirement.metric,
        step=(requirement.frequency,) if requirement.frequency else (),
    )


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


def _heads(phrase: str, words: tuple[tuple[str, float], ...], requirement: Requirement) -> tuple[tuple[str, float], ...]:
    """The last word of a plain noun phrase; of a predicate or a longer phrase every word, the first one most."""
    telling = [(word, weight) for word, weight in words if weight == 1.0]
    if not telling:
        telling = [(word, weight) for word, weight in words if weight > _ENTITY_WEIGHT] or list(words)
    also = [word for word, weight in words if weight == _ENTITY_WEIGHT and (word, weight) not in telling]
    heads: list[tuple[str, float]]
    if requirement.task == "binary" or _is_sentence(phrase):
        heads = [(word, 1.0 if i == 0 else 0.85) for i, (word, _) in enumerate(telling)]
    else:
        before_of = content_words(re.split(r"\s+of\s+", phrase)[0])
        own = [word for word, _ in telling if word in before_of]
        last = own[-1] if own else telling[-1][0] if telling else ""
        heads = [(word, 1.0 if word == last else 0.55) for word, _ in telling]
    heads.extend((word, 0.7) for word in also)
    if _COUNTING.search(requirement.request):
        heads.append(("count", 0.8))
    return tuple(heads)


def _is_sentence(phrase: str) -> bool:
    return re.search(r"\b(?:will|would|be|is|are|to|we|they|it|should|can|do|does|how|and|or)\b|,", fold(phrase)) is not None


def supports(wish: Wish, names: tuple[str, ...]) -> float:
    """How well `names` (of a table, a file) fit the things that the request talks about: the strongest relation."""
    best = 0.0
    for word in wish.context:
        if word in FRAME or word in WEAK or len(word) < 3:
            continue
        best = max(best, *(relate(word, name).strength for name in names), 0.0)
    return best
