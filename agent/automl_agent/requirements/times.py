"""Times in a request: how far ahead it looks, in which steps, and how long the work may take.

"in the next 5 minutes" looks ahead, "in 5 minutes" is a budget; "will fail within 24 hours" looks ahead again.
"""

from __future__ import annotations

import re
from typing import Final

from automl_agent.requirements.comparisons import AFTER, COMPARISON, operator_in
from automl_agent.requirements.numbers import DURATION, days_in, seconds_in, unit_name
from automl_agent.requirements.text import Text

__all__ = ["take_budget", "take_frequency", "take_horizon"]

_PERIOD: Final = r"(?:minute|hour|day|night|week|fortnight|month|quarter|year)s?\b"
_AHEAD: Final = re.compile(
    rf"(?:\b(?:with )?(?:an? |the )?(?:forecast(?:ing)? |prediction )?horizon(?: of| is|:|=)?\s*(?P<named>{DURATION})"
    r"|(?:\b(?:in|within|over|during|for|throughout|of|across|at)\s+)?(?:\b(?:the|this|our)\s+)?"
    rf"\b(?:next|coming|following|upcoming|subsequent|forthcoming)\s+(?P<next>{DURATION}|{_PERIOD})(?:'s?\b)?"
    rf"|(?P<lead>{DURATION}|\b(?:day|hour|week|month|quarter|year))[\s-]+(?:ahead|in advance|into the future"
    rf"|from now)\b"
    r"|\b(?:for )?tomorrow(?:'s)?\b)",
    re.IGNORECASE,
)
_WITHIN: Final = re.compile(
    rf"\b(?P<word>within|in)\s+(?:the\s+)?(?:first\s+)?(?:less than |under |at most )?(?P<span>{DURATION}|(?:day"
    rf"|week|fortnight|month|quarter|year)\b)"
    r"(?:\s+time\b)?(?P<since>\s+(?:of|after|from|following)\s+(?:(?:the|an?|their|his|her|being)\s+)?[\w-]+)?",
    re.IGNORECASE,
)
_ADJECTIVE: Final = re.compile(
    r"(?<![\w.,-])(?P<span>(?:\d{1,4}|one|two|three|six|twelve|thirty)[\s-](?:day|week|month|year"
    r"|hour))[\s-]+(?=[a-z])(?!budget|limit|training)",
    re.IGNORECASE,
)
_SHORT: Final = re.compile(r"(?<![a-z])(?:s|secs?|seconds?|sekunden|m|mins?|minutes?|minuten)\s*$", re.IGNORECASE)
_HOURS: Final = re.compile(r"(?<![a-z])(?:h|hrs?|hours?|stunden?|heures?)\s*$", re.IGNORECASE)
_EVENT: Final = re.compile(r"\b(?:which|who|whether|whose|that|if|will|likely|forecast\w*)\b", re.IGNORECASE)
_WORK: Final = re.compile(
    r"\b(?:train\w*|build|make|run|finish\w*|done|ready|model|budget|answers?|everything|results?)\b", re.IGNORECASE
)

_LIMIT: Final = r"(?:(?:time|training|search|compute)[\s-]?)*(?:budget|limit|cap|box(?:ed)?|out)\b"
_EFFORT: Final = (
    r"(?:train(?:ed|ing)?|run(?:s|ning)?|search(?:ing)?|comput(?:e|ing)|takes?|spend(?:ing)?|use|finish(?:ed)?|done"
    r"|ready|completed?|last|wait|have(?: only| got| just)?|'ve(?: only)?(?: got)?|give (?:it|yourself|me|us)"
    r"|allow(?:ed)?|results?|answer|time|max(?:imum)?)"
)
_OBJECT: Final = (
    r"(?:\s+(?:for|in|on|it|this|the|model|training|about|only|me|us|you|up|within|an?|search|run|trained|be|ready"
    r"|longer|time|to))*"
)
_NAMED_BUDGET: Final = re.compile(
    rf"\b{_LIMIT}(?:\s+(?:is|of|to|about)\b|[\s:=])*(?:{COMPARISON})?\s*(?P<span>{DURATION})(?:{AFTER})?"
    rf"|(?P<span2>{DURATION})\s*(?:{_LIMIT}|(?:of )?(?:training|compute|search|cpu)(?: time)?\b)",
    re.IGNORECASE,
)
_EFFORT_BUDGET: Final = re.compile(
    rf"\b{_EFFORT}\b{_OBJECT}\s*(?P<op>{COMPARISON})?\s*(?:about |ca )?(?P<span>{DURATION})(?:{AFTER})?"
    r"(?:\s+(?:on (?:it|this|training)|for (?:it|this|training|the search)|in total|to train|of training|time))?",
    re.IGNORECASE,
)
_BARE_BUDGET: Final = re.compile(
    rf"(?:\b(?:in|within|under|for)\s+|(?:(?<=[|,])|^)\s*(?:and |but "
    rf"|with )?)(?P<op>{COMPARISON})?\s*(?:the )?(?:about |ca )?(?P<span>{DURATION})(?:{AFTER})?(?=\s*(?:[|,.)]|$"
    rf"|\w))",
    re.IGNORECASE,
)

_STEP: Final = re.compile(
    r"(?:\b(?:for )?(?:each|every|per|by the|by)\s+(?:single )?(?P<unit>hour|day|night|week|month|quarter"
    r"|year)\b(?! of\b)|\b(?P<adverb>hourly|daily|nightly|weekly|monthly|quarterly|yearly|annual(?:ly)?)\b"
    r"|\b(?P<twice>hour|day|week|month|year) by (?P=twice)\b)",
    re.IGNORECASE,
)
_ADVERBS: Final = {
    "hourly": "hour", "daily": "day", "nightly": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter",
    "yearly": "year", "annual": "year", "annually": "year", "night": "day",
}  # fmt: skip


def take_horizon(text: Text) -> float | None:
    """Days ahead: "in the next 30 days", "within a quarter", "a week ahead", "90-day churn"; None when not said."""
    match = _AHEAD.search(text.body)
    if match is not None:
        span = match["named"] or match["next"] or match["lead"] or "1 day"
        text.skip(*match.span())
        return _days(span)
    for match in _WITHIN.finditer(text.body):
        if not _is_budget(text.body[: match.start()], match):
            text.skip(*match.span())
            return _days(match["span"])
    match = _ADJECTIVE.search(text.body)
    if match is None:
        return None
    text.skip(*match.span())
    return _days(match["span"])


def _days(span: str) -> float:
    plain = span.casefold().replace("-", " ").replace("night", "day").strip()
    return days_in(plain if plain[-1:] != "s" or " " in plain or plain[0].isdigit() else plain[:-1])


def _is_budget(left: str, match: re.Match[str]) -> bool:
    """Whether "in 5 minutes" is about the work: minutes always are, unless an event of the same clause takes them."""
    span, clause = match["span"], re.split(r"[|,]", left)[-1]
    if match["since"] or not (_SHORT.search(span) or _HOURS.search(span)):
        return False
    if _SHORT.search(span) and match["word"].casefold() == "in":
        return True
    return _WORK.search(clause) is not None or _EVENT.search(clause) is None


def take_budget(text: Text) -> float | None:
    """Seconds for the work: "in 5 minutes", "take at most 2h", "budget 60s"; None when not said."""
    match = _NAMED_BUDGET.search(text.body)
    if match is not None:
        text.cut(*match.span())
        return seconds_in(match["span"] or match["span2"])
    for pattern in (_EFFORT_BUDGET, _BARE_BUDGET):
        for match in pattern.finditer(text.body):
            span = match["span"]
            if not (_SHORT.search(span) or _HOURS.search(span)) or _about_rows(text.body[: match.start()], match):
                continue
            text.cut(*match.span())
            return seconds_in(span)
    return None


def _about_rows(left: str, match: re.Match[str]) -> bool:
    """Whether the duration is a condition on the rows: "which trips take more than 20 minutes"."""
    operator = operator_in(match["op"] or "")
    clause = re.split(r"[|,]", left)[-1]
    if re.search(r"(?:\b(?:not|never|no)|n't)\b[^|,]*$", clause):
        return False
    asks = re.search(r"\b(?:which|who|whether|whose|if|how)\b", clause, re.IGNORECASE) is not None
    return operator in {">", ">="} or (asks and (operator is not None or _SHORT.search(match["span"]) is None))


def take_frequency(text: Text) -> str | None:
    """The step of a forecast: "each hour", "daily"; None when not said."""
    match = _STEP.search(text.body)
    if match is None:
        return None
    word = (match["unit"] or match["adverb"] or match["twice"]).casefold()
    text.skip(*match.span())
    return _ADVERBS.get(word) or unit_name(word)
