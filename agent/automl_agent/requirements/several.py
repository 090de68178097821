"""Requests for all labels that a row has: "multi-label classification of genres", "which of these defects occur"."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from automl_agent.requirements.intent import Intent, about_phrase, with_entity
from automl_agent.requirements.phrases import is_plural
from automl_agent.requirements.speech import strip_courtesy
from automl_agent.requirements.text import bare, tidy

__all__ = ["several_labels"]

_NAMED: Final = re.compile(
    r"^(?P<before>.*?)\bmulti[- ]?label\b\s*(?:(?:text|document|image)\s+)?(?:classif\w+|predictions?|learning|tagging"
    r"|model\w*|task|problem)?\s*(?:(?:of|for|on|to predict|:|,|-)\s*)?(?P<what>.*)$",
    re.IGNORECASE,
)
_OCCUR: Final = re.compile(
    r"^(?:(?:predict|tell|say|find|find out|detect|know|see)\s+(?:me\s+|us\s+)?)?(?:which|what)\s+"
    r"(?:(?:ones?\s+)?of\s+)?(?:(?:the|these|those|our|my)\s+)?(?P<what>[\w-]+(?:\s[\w-]+)?)\s+"
    r"(?:(?:will|would|may|might|can|do|does|did)\s+)?"
    r"(?:occurs?|occurred|appl(?:y|ies)|fits?|appears?|(?:(?:is|are|be)\s+)?(?:present|there|found|visible))\b"
    r"(?:\s+(?:to|on|in|at|with)\s+(?P<owner>[^,|]+))?$",
    re.IGNORECASE,
)


def several_labels(segment: str) -> Intent | None:
    """The intent of a request that says in words that a row has several labels; None when it does not.

    >>> several_labels("which of these defects occur on a plate").target
    'defects'
    """
    plain = strip_courtesy(segment)
    occurs = _OCCUR.match(plain)
    if occurs is not None and is_plural(occurs["what"].split()[-1]):
        intent = Intent(task="multilabel", target=bare(occurs["what"]))
        return intent if occurs["owner"] is None else with_entity(intent, occurs["owner"])
    named = _NAMED.match(plain)
    if named is None:
        return None
    what = tidy(named["what"])
    return replace(about_phrase(what), task="multilabel") if what else None
