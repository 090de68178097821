"""From the words of a request to a `Requirement`, by rules alone."""

from __future__ import annotations

from typing import Final

from automl_runtime.errors import RequestError, shorten
from automl_schemas.requirement import Requirement

from automl_agent.requirements.ahead import take_known_ahead
from automl_agent.requirements.intent import Intent
from automl_agent.requirements.mentions import take_data, take_exclusions, take_known_before, take_name
from automl_agent.requirements.metrics import take_metric
from automl_agent.requirements.reading import read_intents
from automl_agent.requirements.service import take_interpretable, take_latency, take_rate
from automl_agent.requirements.speech import correct_typos
from automl_agent.requirements.text import Text
from automl_agent.requirements.times import take_budget, take_frequency, take_horizon

__all__ = ["HOW_TO_SAY_IT", "NothingAsked", "other_readings", "parse_request", "without_target"]

HOW_TO_SAY_IT: Final = 'Say what to predict, for example: "predict which customers will churn, AUC above 0.85".'
_LONGEST: Final = 20_000


class NothingAsked(RequestError):
    """No rule sees in a sentence what is to be predicted."""

    def __init__(self, text: str) -> None:
        """Holds `text`, the sentence as it came."""
        self.text = text
        super().__init__(f"{shorten(' '.join(text.split()))} does not say what to predict.", hint=HOW_TO_SAY_IT)


def other_readings(requirement: Requirement) -> list[Requirement]:
    """The other ways to read the sentence of `requirement`, the surer first: what is predicted, of what, which task.

    None when a document names the target, which then is not to be read in another way.
    """
    read = _read(requirement.request) if requirement.request.strip() else []
    if not read or read[0].target != requirement.target:
        return []
    fields = ("task", "target", "positive", "threshold", "entity", "entity_phrase", "clusters", "contamination")
    others = [requirement.model_copy(update={name: getattr(one, name) for name in fields}) for one in read]
    return [other for other in others if other != requirement]


def parse_request(text: str) -> Requirement:
    """What the words of `text` ask for; fields that are not mentioned are None or empty.

    Clauses are recognised and taken out one kind after the other (data, rates, latency, metric and goal, exclusions,
    horizon, budget); what is left says the task.

    Raises:
        RequestError: if nothing is asked (empty, a greeting, small talk), or a goal is impossible.

    >>> asked = parse_request("predict which subscribers will leave, AUC above 0.85, in 5 minutes")
    >>> asked.task, asked.target, asked.entity, asked.metric, asked.budget_seconds
    ('binary', 'leave', 'subscriber', 'roc_auc', 300.0)
    """
    if not text.strip():
        raise RequestError("The request is empty.", hint=HOW_TO_SAY_IT)
    if len(text) > _LONGEST:
        raise RequestError(f"The request has {len(text):,} characters; {_LONGEST:,} are allowed.", hint=HOW_TO_SAY_IT)
    read = _read(text)
    if not read:
        raise NothingAsked(text)
    return read[0]


def without_target(text: str) -> Requirement:
    """What the words of `text` ask for besides what is to be predicted."""
    return _said(text)[0]


def _read(text: str) -> list[Requirement]:
    said, words = _said(text)
    return [_with_intent(said, intent, words) for intent in read_intents(words)]


def _said(text: str) -> tuple[Requirement, Text]:
    """What is said around the task, and the words that are left."""
    text = "".join(sign for sign in text if sign.isprintable() or sign.isspace())
    words = Text(text)
    words.body = correct_typos(words.body)
    data, name = take_data(words), take_name(words)
    rate, latency = take_rate(words), take_latency(words)
    metric = take_metric(words)
    known_ahead, known_before = take_known_ahead(words), take_known_before(words)
    exclude = take_exclusions(words)
    interpretable = take_interpretable(words)
    horizon, budget = take_horizon(words), take_budget(words)
    frequency = take_frequency(words)
    said = Requirement(
        request=" ".join(text.split()),
        project_name=name,
        horizon_days=horizon,
        frequency=frequency,
        metric=metric.name if metric else None,
        goal=metric.goal if metric else None,
        requests_per_day=rate,
        p99_ms=latency,
        budget_seconds=budget,
        interpretable=interpretable,
        data=data,
        exclude=exclude,
        known_before=known_before,
        known_ahead=known_ahead,
    )
    return said, words


def _with_intent(said: Requirement, intent: Intent, words: Text) -> Requirement:
    def restored(phrase: str | None) -> str | None:
        return None if phrase is None else words.restore(phrase)

    return said.model_copy(
        update={
            "task": intent.task,
            "target": restored(intent.target),
            "positive": restored(intent.positive),
            "threshold": intent.threshold,
            "entity": intent.entity,
            "entity_phrase": restored(intent.entity_phrase),
            "clusters": intent.clusters,
            "contamination": intent.contamination,
        }
    )
