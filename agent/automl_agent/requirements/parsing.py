"""From the words of a request to a `Requirement`, by rules alone."""

from __future__ import annotations

from typing import Final

from automl_runtime.errors import RequestError, shorten
from automl_schemas.requirement import Requirement

from automl_agent.requirements.mentions import take_data, take_exclusions, take_known_before, take_name
from automl_agent.requirements.metrics import take_metric
from automl_agent.requirements.reading import read_intent
from automl_agent.requirements.service import take_interpretable, take_latency, take_rate
from automl_agent.requirements.speech import correct_typos
from automl_agent.requirements.text import Text
from automl_agent.requirements.times import take_budget, take_frequency, take_horizon

__all__ = ["HOW_TO_SAY_IT", "parse_request"]

HOW_TO_SAY_IT: Final = 'Say what to predict, for example: "predict which customers will churn, AUC above 0.85".'
_LONGEST: Final = 20_000


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
    words = Text(text)
    words.body = correct_typos(words.body)
    data, name = take_data(words), take_name(words)
    rate, latency = take_rate(words), take_latency(words)
    metric = take_metric(words)
    known_before = take_known_before(words)
    exclude = take_exclusions(words)
    interpretable = take_interpretable(words)
    horizon, budget = take_horizon(words), take_budget(words)
    frequency = take_frequency(words)
    intent = read_intent(words)
    if intent is None:
        raise RequestError(f"{shorten(' '.join(text.split()))} does not say what to predict.", hint=HOW_TO_SAY_IT)
    return Requirement(
        request=" ".join(text.split()),
        project_name=name,
        task=intent.task,
        target=None if intent.target is None else words.restore(intent.target),
        positive=None if intent.positive is None else words.restore(intent.positive),
        threshold=intent.threshold,
        entity=intent.entity,
        entity_phrase=None if intent.entity_phrase is None else words.restore(intent.entity_phrase),
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
        clusters=intent.clusters,
    )
