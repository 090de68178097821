"""Requests without a target: groups of similar rows, and rows that are unlike the others."""

from __future__ import annotations

import re
from typing import Final

from automl_agent.requirements.intent import Intent, with_entity
from automl_agent.requirements.numbers import SMALL_NUMBERS
from automl_agent.requirements.speech import strip_courtesy
from automl_agent.requirements.text import tidy

__all__ = ["ODD", "anomalies", "clusters"]

_GROUPS: Final = r"(?:groups?|segments?|clusters?|personas?|archetypes?|buckets?|types?|kinds?|parts)"
_VERB: Final = re.compile(
    r"^(?:cluster|segment|group|partition|bucket|divide|split)\s+(?P<what>[^|]+?)(?:\s+(?:by|based on|according to"
    r"|in(?:to)?|together|on|using|with|so)\b[^|]*)?$",
    re.IGNORECASE,
)
_NOUN: Final = re.compile(
    r"\b(?:(?P<owner>(?!the\b|an?\b|do\b|unsupervised\b)[\w-]+)\s+)?(?:segmentation|clustering"
    r"|cluster analysis)\b(?:\s+(?:of|for|on)\s+(?P<what>[^|,]+))?",
    re.IGNORECASE,
)
_FIND: Final = re.compile(
    r"\b(?:find|discover|identify|detect|make|create|build|form|look for|give me|show"
    r"|are there)\s+(?:me\s+)?(?:[\w-]+\s+){0,3}?"
    r"(?:groups|segments|clusters|personas|archetypes|buckets|types|kinds|parts)"
    r"\s*(?:of|among|amongst|in|within)\s+(?:similar |alike )?(?P<what>[^|,]+)|\b(?:what"
    rf"|which)\s+(?:[\w-]+\s+){{0,2}}?{_GROUPS}\s+of\s+(?P<what2>[^|,]+?)\s+(?:are there|exist|do we have"
    rf"|can (?:you|we) find|are in)\b"
    r"|\b(?:which|what)\s+(?P<alike>[\w-]+)\s+(?:are|look|behave)\s+(?:similar|alike)",
    re.IGNORECASE,
)
_COUNT: Final = re.compile(
    rf"\b(?P<count>\d{{1,3}}|two|three|four|five|six|seven|eight|nine|ten|eleven"
    rf"|twelve)\s+(?:[\w-]+\s+)?{_GROUPS}\b|\b{_GROUPS}\s*[:=]\s*(?P<after>\d{{1,3}})\b|\bk\s*=\s*(?P<k>\d{{1,3}})\b",
    re.IGNORECASE,
)
ODD: Final = (
    r"(?:anomal(?:y|ies|ous)|outl(?:ier|ying)s?|unusual|abnormal(?:ities)?|novelt(?:y|ies)|oddities|odd|strange"
    r"|weird|atypical|irregular(?:ities)?|out of the ordinary"
    r"|strangest|oddest|weirdest|spikes|glitches)"
)
"""Pattern of a word for what is unlike the others."""
_SHARE: Final = re.compile(r"\b(?P<share>\d{1,2}(?:\.\d+)?)\s*(?:%|per ?cent\b)", re.IGNORECASE)
_MOST_STRANGE: Final = 0.5
_LABEL: Final = re.compile(
    r"[\s,;]*\b(?:label(?:l?ed)? (?:by|in|is)|(?:checked|judged|compared|scored) (?:against|by|with)"
    r"|known (?:ones |cases )?(?:are )?in)\s+(?:the )?(?:columns? )?(?P<label>[\w.-]+)",
    re.IGNORECASE,
)
"""What says which rows are known to be strange."""
_WHENEVER: Final = re.compile(r"\b(?:over|in|through|across) time\b", re.IGNORECASE)
"""Names nothing that could be looked at; what it says of anomalies is read from the whole request."""
_ANOMALY: Final = re.compile(
    r"\b(?:find|detect|spot|flag|identify|discover|catch|show|look for|search for|report|highlight|are there|which"
    r"|what|any)\s+(?:me\s+)?"
    rf"(?:(?:the|all|any|some|are|is)\s+)*(?P<before>(?:(?!which|who|will)[\w-]+\s+){{0,3}}?)(?:(?:is|are|look"
    rf"|looks|behave|behaves|seem)\s+)?{ODD}\b\s*(?P<rest>[^|]*)"
    r"|\b(?P<noun>(?:anomaly|outlier|novelty)[\s-](?:detection|detector|finder|search|scoring"
    r"|model))\b\s*(?P<rest2>[^|]*)",
    re.IGNORECASE,
)
_PLACE: Final = re.compile(
    r"^(?:[\w-]+\s+){0,3}?(?:in|of|among|amongst|within|for|on|from)\s+(?P<place>.+)$", re.IGNORECASE
)


def clusters(segment: str) -> Intent | None:
    """The intent of "segment our customers into 4 groups", "customer segmentation"; None when it is something else."""
    plain = strip_courtesy(segment)
    verb, noun, find = _VERB.match(plain), _NOUN.search(plain), _FIND.search(plain)
    if verb is not None:
        what = verb["what"]
    elif noun is not None:
        what = noun["what"] or noun["owner"] or ""
    elif find is not None:
        what = find["what"] or find["what2"] or find["alike"]
    else:
        return None
    counted = _COUNT.search(segment)
    number = None
    if counted is not None:
        word = (counted["count"] or counted["after"] or counted["k"]).casefold()
        number = SMALL_NUMBERS.get(word) or int(word)
    what = tidy(re.split(r"\s+(?:by|based on|that|who|which|with|into|using|do we have|so)\b", what)[0])
    return with_entity(Intent(task="clustering", clusters=number if number is not None and number >= 2 else None), what)


def anomalies(segment: str) -> Intent | None:
    """The intent of "find the strangest 1 % of the payments", "outlier detection in the readings"; None when it is
    something else.
    """
    said, label = _SHARE.search(segment), _LABEL.search(segment)
    plain = _WHENEVER.sub(" ", _SHARE.sub(" ", _LABEL.sub("", segment)))
    match = _ANOMALY.search(" ".join(plain.split()))
    if match is None:
        return None
    rest = tidy(match["rest"] or match["rest2"] or "")
    place = _PLACE.match(rest)
    what = place["place"] if place is not None else rest or tidy(match["before"] or "")
    share = float(said["share"]) / 100 if said is not None else 0.0
    intent = Intent(
        task="anomaly",
        target=label["label"] if label is not None else None,
        contamination=share if 0 < share <= _MOST_STRANGE else None,
    )
    return with_entity(intent, what)
