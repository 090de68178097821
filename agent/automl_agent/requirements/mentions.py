"""Parts of a request that point at things: the data, columns to leave out, the event before which all must be known."""

from __future__ import annotations

import re
from typing import Final

from automl_agent.requirements.text import Text, bare, tidy

__all__ = ["take_data", "take_exclusions", "take_known_before", "take_name"]

_EXTENSION: Final = (
    r"\.(?:csv|tsv|txt|data|xlsx?|parquet|feather|arrow|jsonl?|ndjson|db|sqlite3?|duckdb|zip|gz|tgz|tar|bz2|xz|zst"
    r"|xml|html?)"
)
_PREPOSITION: Final = (
    r"(?:\b(?:from|in|inside|using|on|at|under|with|use|read|see|find(?: them)? in|load)\b|\bdata(?:set)?(?: is"
    r"| are| lives?| lies?| sits?)?(?: in| at)?\s*[:=]?)(?:\s+(?:the\s+)?(?:our\s+|my\s+)?(?:data(?:set)?|files?"
    r"|folder|directory|table|csv|path|everything|what is)(?:\s+(?:in|at|from|under|below|inside|is|are))*)*\s*[:=]?"
)
_ROOTED: Final = r"(?:\.{1,2}[/\\]|~[/\\]|/(?=\w)|[A-Za-z]:[/\\]|\\\\)[^\s,;|\"'`]*"
_RELATIVE: Final = rf"[\w.-]+(?:[/\\][\w.-]+)+/?|[\w-]+(?:\.[\w-]+)*{_EXTENSION}\b(?:\.(?:gz|bz2|xz|zst))?"
_PATH: Final = re.compile(rf"(?:{_PREPOSITION}\s*)?(?<![\w/\\.])(?P<path>{_ROOTED})(?=[\s,;|)]|$)", re.IGNORECASE)
_NAMED: Final = re.compile(rf"{_PREPOSITION}\s+(?P<path>{_RELATIVE}|\.)(?=[\s,;|)]|$)", re.IGNORECASE)
_QUOTED: Final = re.compile(rf"{_PREPOSITION}\s+(?P<path>qqx\d+xqq)", re.IGNORECASE)
_NOT_A_PATH: Final = re.compile(
    r"(?:and|or|yes|no|true|false|pass|fail|male|female|win|loss|his|her|he|she|s|km|kwh|mwh|eur|usd|kg|l|m|h|s|min"
    r"|hour|day|week|month|year|second|person|on|off|w|o|n|a|spam|ham|good|bad|high|low)(?:/\w+)+|\w+/(?:h|s|min"
    r"|hour|day|week|month|year|second|person|m2|m3|kg|l|no|no?t|low|bad|ham)",
    re.IGNORECASE,
)

_KNOWN: Final = re.compile(
    r"(?:\b(?:and|but|please|we (?:may|can|should)|you (?:may|can|should)|it (?:may|can|should"
    r"|must))\s+)*(?:\b(?:only|just|solely)\s+)?\b(?:using|from|based on|based upon|given|with|use|on the basis of"
    r"|taking|considering|relying on|rely on|knowing)?\s*(?:only|just|solely|nothing but|exclusively)?\s*(?:using"
    r"|from|on)?\s*(?:only\s+)?(?:what(?:ever)?|everything|anything|all|things?|nothing|(?:the )?(?:information"
    r"|data|facts|features|columns|values|inputs|fields|details|info|informations)|that which)\s*(?:that "
    r"|which )?(?:is |are |was |were |we |you |one |can be |i |has been |have been |would be |already )*(?:known?"
    r"|knew|available|have|had|recorded|there|visible|measured|has|at hand|collected)?\s*(?:about (?:it"
    r"|them)\s*)?(?:only\s+)?(?:already\s+)?(?P<when>before|prior to|ahead of|until|up to|at the time of"
    r"|at the moment of|by the time of|at)\s+(?P<event>[^|,;()]+)",
    re.IGNORECASE,
)
_BEFORE_START: Final = re.compile(
    r"\b(?:known|available)\s+(?P<when>before|prior to|ahead of|at the time of|at)\s+(?P<event>[^|,;()]+)",
    re.IGNORECASE,
)
_EVENT_END: Final = re.compile(
    r"\s+(?:predict|forecast|estimate|classify|tell|how|which|whether|if|who|please|and|but|with|using|without|from"
    r"|to|happens?|takes? place|begins?|occurs?)\b.*$",
    re.IGNORECASE,
)

_NAME: Final = re.compile(
    r"\b(?:please )?(?:call|name) (?:it|(?:the|this) (?:project|model|repository))\s+(?P<name>[\w-]+)"
    r"|\b(?:the )?project(?: is|'s)? (?:name(?: is|[:=])|called|named)\s*(?P<called>[\w-]+)",
    re.IGNORECASE,
)
_THINGS: Final = r"(?:columns?|fields?|features?|variables?|attributes?|inputs?|predictors?|information|data|values?)"
_ORDERS: Final = r"(?:^|(?<=[|,.])|\b(?:and|but|please|then|also|so|we|you|it|i|the model)\b)\s*"
_LEAVE_OUT: Final = re.compile(
    r"(?:\b(?:and|but|please|we|you|it|the model|i)\s+)*(?:\b(?:without|excluding|ignoring|omitting|dropping"
    r"|disregarding|except(?:ing)?(?: for)?|leaving out|leave out|not using|never using|avoiding|skipping|minus"
    r"|ignore|exclude|omit|disregard|leave aside|not allowed to use)\b"
    rf"|{_ORDERS}(?:(?:should|must|may|can|shall)\s+)?(?:do not|don't|dont|not|never|cannot|can't|mustn't"
    rf"|shouldn't)\s+"
    r"(?:ever |want to |wish to |like to )?(?:be )?(?:allowed to )?(?:use|include|consider|take|look at|feed|touch"
    r"|rely on|contain|see|employ)\b"
    rf"|{_ORDERS}(?:skip|drop|remove|avoid|forget(?: about)?)\b)"
    r"\s*(?:using|use of|the use of|considering|looking at|access to|into account|knowledge of|knowing|to use|of"
    r"|:)?\s+(?P<list>[^|]+)",
    re.IGNORECASE,
)
_LEAVE: Final = re.compile(r"\bleav(?:e|ing)\s+(?P<list>[^|]{2,60}?)\s+(?:out|aside|away)\b", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(
    rf"(?:^|(?<=[|,])|\band\b|\bbut\b)\s*(?P<list>[^|,]{{2,60}}?)(?:\s+{_THINGS})?\s+(?:must|should|may|can|is|are"
    rf"|shall)\s*(?:not|never|n't)\s+(?:be\s+)?(?:used|included|considered|allowed|an? (?:input"
    rf"|feature))(?: as (?:an? )?(?:input|feature)s?)?",
    re.IGNORECASE,
)
_LIST_END: Final = re.compile(
    r"\s*(?:[,;]\s*(?:and |but )?(?:in|within|at|under|by|only|just|using|based|train|take|budget|max|from|on)\b.*"
    r"|[,;]?\s*\b(?:and |but |then |so |please )*(?:predict|forecast|estimate|classify|tell me|find|detect|i |we "
    r"|it |they |you |because|since|so that|in order|when|which|who|whether|how many|how much|as (?:it|they|that"
    r"|an? |features?|inputs?|predictors?)|for (?:the )?(?:predict|train|model|this)|to (?:predict|train|model"
    r"|forecast|estimate|classify|tell|make|build)|from the (?:model|data|training|inputs|features)|in the (?:model"
    r"|training|data)|if|while|with(?: an?)? (?:goal|metric|accuracy|auc)|into account|please|thanks?"
    r"|thank you)\b.*)$",
    re.IGNORECASE,
)
_FROM_MODEL: Final = re.compile(
    r"\s*(?:from|in|for|as) (?:the |our |an? )?(?:model|data|training|inputs?|features?|table)\b", re.IGNORECASE
)
_SEPARATOR: Final = re.compile(
    r"\s*(?:,\s*(?:and|or|nor|neither)?\s+|,|;|&|\s(?:and/or|and|or|nor|as well as|plus)\s)\s*", re.IGNORECASE
)
_AROUND: Final = re.compile(
    rf"^(?:(?:the|any|all|our|its|their|an?|these|those|both|either|neither|other|{_THINGS}(?: (?:called|named|of"
    rf"|about|on|with|like|such as))?|called|named)\s+)+|\s+{_THINGS}$|^(?:using|use of)\s+",
    re.IGNORECASE,
)


def take_data(text: Text) -> str | None:
    """The path of the data: "from ./messy", "in data/sales", "using '/x y/z'"; None when none is named."""
    for match in _QUOTED.finditer(text.body):
        content = text.quoted(match["path"])[0]
        if re.search(rf"[/\\]|{_EXTENSION}$", content, re.IGNORECASE):
            text.remove(*match.span())
            return content
    for pattern in (_PATH, _NAMED):
        for match in pattern.finditer(text.body):
            path = match["path"].rstrip(".,;:)") or match["path"]
            if _NOT_A_PATH.fullmatch(path):
                continue
            text.remove(match.start(), match.start("path") + len(path))
            return path
    return None


def take_name(text: Text) -> str | None:
    """The name of the project: "call it boat-sales", "project name: boat-sales"; None when none is given."""
    match = _NAME.search(text.body)
    if match is None:
        return None
    text.remove(*match.span())
    return text.restore(match["name"] or match["called"])


def take_known_before(text: Text) -> str | None:
    """The event in "using only what is known before departure"; None when there is none."""
    for pattern in (_KNOWN, _BEFORE_START):
        for match in pattern.finditer(text.body):
            certain = re.search(
                r"\b(?:known?|knew|available|have|had|recorded|only|just)\b",
                match[0][: match.start("when") - match.start()],
                re.IGNORECASE,
            )
            if certain is None or (
                match["when"] in {"at", "until", "up to"} and "known" not in match[0] and "available" not in match[0]
            ):
                continue
            phrase = match["event"]
            ending = _EVENT_END.search(phrase)
            end = match.start("event") + (ending.start() if ending else len(phrase))
            event = bare(phrase[: ending.start()] if ending else phrase)
            text.remove(match.start(), end)
            return text.restore(event) or None
    return None


def take_exclusions(text: Text) -> list[str]:
    """Phrases of columns not to be used: "without using price", "ignore the id column", "excluding X, Y and Z"."""
    found: list[str] = []
    for pattern in (_LEAVE, _LEAVE_OUT, _FORBIDDEN):
        while (match := pattern.search(text.body)) is not None:
            listed = match["list"]
            ending = _LIST_END.search(listed) if pattern is _LEAVE_OUT else None
            kept = listed[: ending.start()] if ending else listed
            end = match.start("list") + len(kept) if pattern is _LEAVE_OUT else match.end()
            items = [_column_phrase(item) for item in _SEPARATOR.split(kept)]
            tail = _FROM_MODEL.match(text.body, end)
            text.remove(match.start(), tail.end() if tail else end)
            found.extend(text.restore(item) for item in items if item)
    return list(dict.fromkeys(found))


def _column_phrase(item: str) -> str:
    phrase = tidy(item)
    while True:
        shorter = tidy(_AROUND.sub("", phrase))
        if shorter in {"", phrase}:
            return phrase
        phrase = shorter
