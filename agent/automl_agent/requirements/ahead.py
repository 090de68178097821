"""What a request says will be known: "weather known ahead", "given the promotions", "knowing the price in advance"."""

from __future__ import annotations

import re
from typing import Final

from automl_agent.requirements.text import Text, bare

__all__ = ["take_known_ahead"]

_WHEN: Final = r"(?:ahead(?: of time)?|in advance|beforehand|for the future)"
_THING: Final = r"(?P<{}>[a-z][\w-]*(?:(?:,| and|, and) (?:the )?[a-z][\w-]*| [a-z][\w-]*){{0,9}}?)"
_PATTERNS: Final = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bknown[ -]ahead\s*(?:is|are|:|=)\s*(?P<list>[^|;.]+)",
        rf"(?:[|,]|\b(?:with|when|where|assuming|given(?: that)?|and|while|if)\b)\s*(?:that\s+)?(?:the\s+)?"
        rf"{_THING.format('after')}\s+(?:(?:is|are|being|will be)\s+)?(?:already\s+)?known(?:\s+{_WHEN})?"
        r"(?=\s*(?:[|,;.)]|$))",
        rf"\bknowing\s+(?:the\s+)?{_THING.format('knowing')}(?:\s+{_WHEN})?(?=\s*(?:[|,;.)]|$))",
    )
]
_LOOKS_AHEAD: Final = re.compile(
    r"\b(?:forecast\w*|next|coming|ahead|in advance|hourly|daily|weekly|monthly|quarterly|yearly|tomorrow"
    r"|(?:each|every) (?:hour|day|week|month|quarter|year))\b",
    re.IGNORECASE,
)


def take_known_ahead(text: Text) -> list[str]:
    """The phrases of what is known when a forecast is made; empty when nothing is said."""
    for pattern in _PATTERNS if _LOOKS_AHEAD.search(text.body) else ():
        match = pattern.search(text.body)
        if match is None:
            continue
        phrase = next(found for found in match.groupdict().values() if found)
        text.remove(*match.span())
        parts = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", phrase)
        return [text.restore(part) for part in map(bare, parts) if part]
    return []
