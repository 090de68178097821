"""The text of a request while clauses are taken out of it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["BOUNDARY", "Text", "bare", "singular", "tidy", "word_set"]

BOUNDARY: Final = " | "
"""Stands where a sentence or a clause ended."""

_QUOTED: Final = re.compile(r"\"([^\"\n]{1,200})\"|`([^`\n]{1,200})`|(?<![\w'])'([^'\n]{1,200})'(?![\w'])")
_PLACEHOLDER: Final = re.compile(r"qqx(\d+)xqq")
_OUTER_QUOTES: Final = re.compile(r"\s*([\"'`])([^\"'`]*)\1\s*")
_SPEAKS: Final = re.compile(
    r"\b(?:predict\w*|forecast\w*|classif\w*|estimate|detect|which|who|whether|auc|rmse|mae|mape|f1|accuracy)\b",
    re.IGNORECASE,
)
_ABBREVIATIONS: Final = re.compile(
    r"\b(e\.g|i\.e|approx|min|max|incl|excl|no|vs|resp|etc|ca|avg|pct|st|dr)\.(?=\s)", re.IGNORECASE
)
_SENTENCE_END: Final = re.compile(
    r"(?<=[^\s|])[.!?;:]+(?=\s|$)|[!?;]+(?=\s|$)|\s[-–—]+\s|\n\s*(?:[-*•]|\d+[.)])\s+|\n\s*\n"
)
_DANGLING: Final = (
    r"(?:and|or|but|with|at|of|for|in|on|by|to|from|using|the|an?|our|that|which|is|are|be|so|it|please|thanks?"
    r"|thank you|thx|kindly|pls|plz|should|must|while|also|plus|then|as|aiming|targeting|reaching|having|,|:|-|=)"
)
_TRAILING: Final = re.compile(rf"(?:[\s,]+{_DANGLING})+[\s,.]*$|[\s,.:;=-]+$", re.IGNORECASE)
_LEADING: Final = re.compile(r"^(?:[\s,.:;=-]+|(?:and|or|but|so|then|also|that|please)\b\s*)+", re.IGNORECASE)
_DETERMINERS: Final = re.compile(
    r"^(?:(?:the|an?|each|every|any|all|both|our|my|your|their|his|her|its|this|that|these|those|some|future|given"
    r"|of)\s+)+",
    re.IGNORECASE,
)
_LEAD: Final = re.compile(
    r"(?:[\s,(:~=]|\b(?:"
    # connectives, articles, pronouns
    r"and|but|with|for|at|an?|the|in|of|by|to|as|so|that|which|where|then|also|it|its|we|i|they|you|our|my|your"
    r"|each|all|only|once"
    # what one says about a wish
    r"|must|should|shall|will|would|can|could|may|do|don't|not|be|is|are|has|have|had|need(?:s|ed)?|want(?:s|ed)?"
    r"|like|please|expect(?:s|ed|ing)?|get(?:s|ting)?|make|sure|going|able|aim(?:ing)?|target(?:ing)?|goal"
    r"|reach(?:ing)?|achiev(?:e|ing)|give me|use|using|let|prefer(?:ably)?"
    # what one says about a measure
    r"|about|around|approximately|roughly|ca|up|some|metrics?|optimi[sz](?:e|ed|ing)|maximi[sz](?:e|ing)"
    r"|minimi[sz](?:e|ing)|measured?|judged?|evaluated?|in terms|criterion|performance|minimum|quality|desired"
    r"|required|high|best|highest|lowest|good|possible|on average"
    # what one says about a service
    r"|serve[sd]?|serving|handle[sd]?|handling|support(?:s|ed|ing)?|sustain|bear|cope|deal|deploy(?:ed|ment)?|load"
    r"|traffic|rate|throughput|scale|production|service|model|api|system|results?|decisions?)\b)*$",
    re.IGNORECASE,
)
"""Words before a clause that belong to it ("it should be able to handle")."""
_IRREGULAR: Final = {
    "people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot",
    "teeth": "tooth", "geese": "goose", "criteria": "criterion", "analyses": "analysis", "diagnoses": "diagnosis",
    "wives": "wife", "lives": "life", "wolves": "wolf", "leaves": "leaf", "staff": "staff", "series": "series",
    "species": "species", "news": "news", "matrices": "matrix", "indices": "index", "buses": "bus", "gases": "gas",
}  # fmt: skip


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as text."""
    return frozenset(text.split())


class Text:
    """A request with its quotes set aside; `take` removes what has been understood.

    `body` is one line; sentences end in `|`. Quoted parts stand in it as single words that `restore` turns back.
    """

    def __init__(self, request: str) -> None:
        """Normalises `request`: compatibility forms of Unicode, straight quotes, one space between words."""
        text = unicodedata.normalize("NFKC", request)
        text = text.translate(str.maketrans("‘’‚‛“”„‟«»–−", '\'\'\'\'""""""--'))
        text = re.sub(r"(?<!\w)w/o(?!\w)", "without", re.sub(r"(?<!\w)w/(?=\s)", "with", text))
        outer = _OUTER_QUOTES.fullmatch(text)
        if outer is not None and _SPEAKS.search(outer[2]):
            text = outer[2]
        self._quoted: list[str] = []
        text = _QUOTED.sub(self._set_aside, text)
        text = _ABBREVIATIONS.sub(r"\1", text)
        self.body = " ".join(_SENTENCE_END.sub(self._boundary, text).split())

    def _set_aside(self, match: re.Match[str]) -> str:
        content = next(group for group in match.groups() if group is not None)
        if _SPEAKS.search(content) and len(content.split()) > 2:
            return f" {content} "
        self._quoted.append(content)
        return f" qqx{len(self._quoted) - 1}xqq "

    @staticmethod
    def _boundary(match: re.Match[str]) -> str:
        return f"{match[0]} " if match[0] == ":" else f"{BOUNDARY}"

    def cut(self, start: int, end: int) -> None:
        """Removes a clause with the words that lead up to it ("and it should have an")."""
        lead = _LEAD.search(self.body[:start])
        self.remove(lead.start() if lead else start, end)

    def remove(self, start: int, end: int) -> None:
        """Removes a span; a boundary stays unless a preposition goes on with the sentence."""
        rest = self.body[end:]
        goes_on = re.match(r"\s*(?:for|of|per|from|on|in|by|at)\b", rest, re.IGNORECASE)
        self.body = " ".join(f"{self.body[:start]}{' ' if goes_on else BOUNDARY}{rest}".split())

    def skip(self, start: int, end: int) -> None:
        """Removes words in the middle of a phrase; no boundary stays."""
        self.body = " ".join(f"{self.body[:start]} {self.body[end:]}".split())

    def restore(self, phrase: str) -> str:
        """`phrase` with its quoted parts back, without their quotes."""
        return _PLACEHOLDER.sub(lambda match: self._quoted[int(match[1])], phrase)

    def quoted(self, phrase: str) -> list[str]:
        """The quoted parts that occur in `phrase`."""
        return [self._quoted[int(number)] for number in _PLACEHOLDER.findall(phrase)]

    def segments(self) -> list[str]:
        """The sentences and clauses that are left, tidied, empty ones dropped."""
        parts = (tidy(part) for part in self.body.split("|"))
        return [part for part in parts if part]


def tidy(phrase: str) -> str:
    """`phrase` without the connectives and punctuation that hang over its ends.

    >>> tidy(", and the price with a")
    'the price'
    """
    phrase = " ".join(phrase.split())
    while True:
        shorter = _balanced(_LEADING.sub("", _TRAILING.sub("", phrase)).strip())
        if shorter == phrase:
            return phrase
        phrase = shorter


def _balanced(phrase: str) -> str:
    """`phrase` without brackets around all of it, or at an end and without partner."""
    if phrase.startswith("(") and (phrase.endswith(")") or ")" not in phrase):
        return phrase[1:].removesuffix(")")
    if phrase.endswith(")") and "(" not in phrase:
        return phrase[:-1]
    return phrase.removesuffix("(")


def bare(phrase: str) -> str:
    """`phrase` tidied and without leading articles and the like.

    >>> bare("the price of")
    'price'
    """
    return _DETERMINERS.sub("", tidy(phrase))


def singular(noun: str) -> str:
    """The singular of an English noun, lower case.

    >>> singular("Customers"), singular("companies"), singular("boxes"), singular("people"), singular("bus")
    ('customer', 'company', 'box', 'person', 'bus')
    """
    word = noun.casefold()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(?:ss|sh|ch|x|z)es$", word):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not re.search(r"(?:ss|us|is)$", word):
        return word[:-1]
    return word
