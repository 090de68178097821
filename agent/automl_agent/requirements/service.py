"""What the service has to bear ("100k requests/day", "p99 below 50 ms"), and whether it must explain itself."""

from __future__ import annotations

import re
from typing import Final

from automl_agent.requirements.comparisons import AFTER
from automl_agent.requirements.numbers import COUNT, NUMBER, parse_count, parse_number, seconds_in
from automl_agent.requirements.text import Text

__all__ = ["take_interpretable", "take_latency", "take_rate"]

_DAY: Final = 86400.0
_CALLS: Final = (
    r"(?:(?:api|http|inference|prediction|scoring|model) )?(?:requests?|req|calls?|quer(?:y|ies)|predictions?"
    r"|inferences?|hits|invocations?|lookups?|scorings?|scores?|evaluations?)"
)
_RATE: Final = re.compile(
    rf"(?P<number>{COUNT})\s*(?P<calls>{_CALLS})?(?:(?:\s*/\s*|\s+(?:per|an?|each|every)\s+)"
    r"(?P<unit>seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|months?)\b|\s+(?P<adverb>hourly|daily"
    r"|weekly|monthly)\b)",
    re.IGNORECASE,
)
_RATE_SHORT: Final = re.compile(rf"(?P<number>{NUMBER})\s*(?P<unit>rps|qps|tps|req/s|rpm|rpd)\b", re.IGNORECASE)
_SHORT_UNITS: Final = {"rps": 1.0, "qps": 1.0, "tps": 1.0, "req/s": 1.0, "rpm": 60.0, "rpd": _DAY}
_ADVERBS: Final = {"hourly": 3600.0, "daily": _DAY, "weekly": 7 * _DAY, "monthly": 30 * _DAY}
_ROW_CONDITION: Final = re.compile(
    r"\b(?:who|which|that|whether)\b[^|,]*\b(?:more|fewer|less|over|under)\b[^|,]*$", re.IGNORECASE
)

_LATENCY_WORD: Final = (
    r"p\s?9\d(?:[.,]\d)?|99(?:\.\d)?th percentile|latenc(?:y|ies)|response[- ]times?|reaction times?|answer(?:s|ed"
    r"|ing)?|respon(?:d|ds|ding|ses?)|repl(?:y|ies)|inference(?: time)?|(?:each|every|one|a|single) (?:prediction"
    r"|request|call|answer)|predictions?|requests?|calls?|scor(?:e|es|ing)|returns?|serving(?: time)?|real[- ]?time"
)
_LATENCY_UNIT: Final = r"(?P<unit>ms|msecs?|millis(?:econds?|ekunden?)?|µs|μs|us|microseconds?|seconds?|secs?|s)\b"
_AT_PERCENTILE: Final = r"(?:\s+(?:at )?(?:the )?p\s?9\d(?:[.,]\d)?\b)?(?:\s+latency\b)?"
_LATENCY: Final = re.compile(
    rf"\b(?:{_LATENCY_WORD})(?:\s+latency)?\b(?P<between>[^|]{{0,45}}?)"
    rf"(?P<number>{COUNT})[\s-]?{_LATENCY_UNIT}(?:{AFTER})?{_AT_PERCENTILE}",
    re.IGNORECASE,
)
_MILLISECONDS: Final = re.compile(
    r"(?P<between>(?:\b(?:in|within|under|below|less|than|at|most|max|maximum|sub|no|more|longer|over|above"
    r"|faster)\b[\s-]*|[<≤]=?\s*)*)"
    rf"(?P<number>{NUMBER})[\s-]?(?P<unit>ms|msecs?|millis(?:econds?)?)\b(?:{AFTER})?{_AT_PERCENTILE}",
    re.IGNORECASE,
)
_SLOWER: Final = re.compile(
    r"(?<!no )(?<!not )\b(?:more|longer|over|above|exceed\w*|slower|greater)\s*(?:than)?\s*$", re.IGNORECASE
)
_ABOUT_TRAINING: Final = re.compile(r"\b(?:train\w*|budget|minutes?|hours?)\b", re.IGNORECASE)

_EXPLAIN: Final = re.compile(
    r"(?<![\w-])(?:explain(?:able|ability|ed)|interpretab(?:le|ility)|understandable|comprehensible|transparen(?:t"
    r"|cy)|explicable|(?:white|glass)[- ]box|(?P<no_box>(?:no|not a|without an?|without) black[- ]box)"
    r"|understand why|human[- ]readable|simple rules|(?:able|can|could|must|have|need|want|has"
    r"|like) (?:to )?(?:be able to )?(?:explain|justify|interpret|understand)(?!\w)|explain (?=the\b|its\b|each\b"
    r"|every\b|our\b|why\b|any\b|to\b|them\b))(?:\s+(?:ai|ml)\b)?(?:\s+(?:the |its |each |every |our |any "
    r"|a )?(?:model|decisions?|predictions?|results?|outcomes?|why|how|them)\b[^|,]{0,40}|\s+(?:to|for|by) (?:the "
    r"|our |a |my )?[\w-]+)*",
    re.IGNORECASE,
)
_NOT_NEEDED: Final = re.compile(
    r"\b(?:no|not|n't|never|needn't|don't|doesn't)\b(?:\s+(?:need|needs|have|has|necessarily|required|to|be|it"
    r"|the model|matter|care|if|whether|is|an?|for|that|we))*\s*$",
    re.IGNORECASE,
)


def take_rate(text: Text) -> float | None:
    """Requests per day, or None; a number without "requests" counts only when it stands alone ("100k/day")."""
    short = _RATE_SHORT.search(text.body)
    if short is not None:
        text.cut(*short.span())
        return parse_number(short["number"], thousands_first=True) * _DAY / _SHORT_UNITS[short["unit"].casefold()]
    for match in _RATE.finditer(text.body):
        left, right = text.body[: match.start()], text.body[match.end() :]
        alone = (
            re.search(r"(?:^|[|,(])\s*(?:about |~ ?)?$", left) is not None
            and re.match(r"\s*(?:$|[|,)])", right) is not None
        )
        if _ROW_CONDITION.search(left) or not (match["calls"] or (alone and match["number"][0].isdigit())):
            continue
        seconds = _ADVERBS[match["adverb"].casefold()] if match["adverb"] else seconds_in(f"1 {match['unit']}")
        text.cut(*match.span())
        return parse_count(match["number"]) * _DAY / seconds
    return None


def take_latency(text: Text) -> float | None:
    """Milliseconds that the slowest answers may take, or None."""
    for pattern in (_LATENCY, _MILLISECONDS):
        for match in pattern.finditer(text.body):
            if _SLOWER.search(match["between"]) or _ABOUT_TRAINING.search(match["between"]):
                continue
            number = parse_count(match["number"], thousands_first=False)
            text.cut(*match.span())
            return number * _milliseconds(match["unit"].casefold())
    return None


def _milliseconds(unit: str) -> float:
    if unit.startswith(("µ", "μ", "us", "micro")):
        return 0.001
    return 1.0 if unit.startswith("m") else 1000.0


def take_interpretable(text: Text) -> bool | None:
    """True when the model must be explainable, False when it is said that it need not be, else None."""
    match = _EXPLAIN.search(text.body)
    if match is None:
        return None
    negation = _NOT_NEEDED.search(text.body[: match.start()]) if match["no_box"] is None else None
    text.cut(negation.start() if negation else match.start(), match.end())
    return negation is None
