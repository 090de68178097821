"""What is to be predicted, as one record."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from automl_schemas.requirement import Threshold
from automl_schemas.vocabulary import TaskType

from automl_agent.requirements.phrases import entity_of, head_noun, noun_phrase, split_threshold
from automl_agent.requirements.text import bare, singular, tidy

__all__ = ["Intent", "about_phrase", "with_entity", "with_threshold"]


@dataclass(frozen=True, slots=True)
class Intent:
    """The core of a request; everything that was not said is None."""

    task: TaskType | None = None
    target: str | None = None
    positive: str | None = None
    threshold: Threshold | None = None
    entity: str | None = None
    entity_phrase: str | None = None
    clusters: int | None = None
    contamination: float | None = None


def about_phrase(words: str, task: TaskType | None = None) -> Intent:
    """The intent behind a noun phrase: "the median value of a house"."""
    target, owner = noun_phrase(words)
    intent = Intent(task=task, target=target or None)
    if owner is not None:
        return with_entity(intent, owner)
    contact = re.search(r"\s(?:an?|the|each|every|any|our|this|my)\s", words)
    subject = entity_of(words[contact.start() :]) if contact is not None else None
    return intent if subject is None else replace(intent, entity=subject, entity_phrase=subject)


def with_entity(intent: Intent, words: str) -> Intent:
    """`intent` about the things that `words` name ("customers of the online shop")."""
    phrase = bare(words)
    noun = head_noun(phrase)
    if (
        len(noun) < 3
        or "/" in phrase
        or noun in {"it", "they", "someone", "somebody", "anyone", "he", "she", "you", "we", "one", "data", "there"}
    ):
        return intent
    return replace(intent, entity=singular(noun), entity_phrase=tidy(phrase))


def with_threshold(intent: Intent) -> Intent:
    """`intent` with a threshold in its target ("earns more than 50,000") set aside; it then asks for yes or no."""
    if intent.target is None or intent.task in {"regression", "forecast"}:
        return intent
    threshold, rest = split_threshold(intent.target)
    if threshold is None:
        return intent
    return replace(intent, task="binary", target=rest or intent.entity, threshold=threshold)
