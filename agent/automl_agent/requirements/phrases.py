"""Pieces of an English sentence about what is to be predicted: subject, predicate, noun phrase, threshold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from automl_schemas.requirement import Threshold

from automl_agent.requirements.comparisons import AFTER, COMPARISON, operator_after, operator_in
from automl_agent.requirements.numbers import COUNT, parse_count, unit_name
from automl_agent.requirements.text import bare, singular, tidy, word_set

__all__ = [
    "CLASS_NOUNS",
    "Clause",
    "entity_of",
    "head_noun",
    "is_plural",
    "noun_phrase",
    "predicate",
    "split_clause",
    "split_threshold",
]

CLASS_NOUNS: Final = word_set("""
    species type kind sort class category group genre language sentiment digit letter character brand breed variety
    colour color topic department intent emotion author origin country segment grade level stage status state label
    priority severity tier band bracket bucket quality reason cause product plan disease diagnosis family style
    material mood theme queue team desk size shape symbol activity gesture posture role profession occupation party
    cultivar model make subject section region sector industry
""")
"""Nouns that name one of several classes: "which species", "the type of"."""

_CONTAINERS: Final = word_set("""
    number amount count quantity volume total sum share percentage proportion fraction size degree lot rate ratio
    average mean median maximum minimum cost price length duration risk probability
""")
"""Nouns that say nothing without what follows "of"."""

_KINDS: Final = word_set("type kind sort class category form")
"""Nouns that say nothing but that there are several: "the type of heating"."""

_MODAL: Final = (
    r"(?:(?:is|are|was|were|be|will be|may be|might be|seems?|looks?)\s+)?(?:(?:most|more|very|highly|least"
    r"|the most|rather|not)\s+)?(?:likely|going|gonna|about|expected|set|due|bound|prone|inclined|willing|planning"
    r"|intending|ready|sure|certain|supposed|tempted)\s+(?:to|for)|(?:(?:is|are|was|were)\s+)?(?:at"
    r"|in) (?:(?:a )?(?:high|higher|great|greater|serious)\s+)?(?:risk|danger) (?:of|to|for)|(?:(?:is"
    r"|are)\s+)?on the verge of|(?:(?:will|would|shall|should|may|might)\b(?:\s+(?:probably|likely|soon|still|ever"
    r"|actually|also|then))*)|'ll\b|wo(?=n't)"
)
_PLAIN_AUX: Final = (
    r"(?:is|are|was|were|has|have|had|do|does|did|ca|can|could|must|gets?|got|gotten|tends? to|seems? to|needs?)"
)
_NEGATION: Final = r"(?:\s*(?P<not>n't|not|never|no longer|cannot)\b)?"
_PREDICATE: Final = [
    re.compile(rf"(?<!\w)(?:{aux})(?!\w(?<!n)){_NEGATION}(?:\s+|$)", re.IGNORECASE) for aux in (_MODAL, _PLAIN_AUX)
]
_BE: Final = re.compile(
    r"^(?:(?:be|been|being|become|get|have been|to|also|really|actually|soon|probably|then|likely|the ones? (?:that"
    r"|who))\b\s*)+",
    re.IGNORECASE,
)
_TAIL: Final = re.compile(
    r"[\s,]*(?:\b(?:or not|yes or no|yes/no|true or false|or otherwise|again|soon|in (?:the )?future|right now"
    r"|these days|this time|anytime soon|please|in advance|automatically|reliably|(?:a|per|each|every) (?:year"
    r"|month|week|day|hour|annum)|annually|p\.?a\.?)\b|\((?:yes/no|y/n|0/1)\))\s*$",
    re.IGNORECASE,
)
_INPUTS: Final = re.compile(
    r"[\s,]+(?:(?:based (?:up)?on|depending on|using|given|judging by|on the basis of|by means of|as a function of"
    r"|knowing|with (?:the )?help of|thanks to|according to|by looking at|by using|with the)\b|from (?!being"
    r"|leaving|now)).*$",
    re.IGNORECASE,
)
_OF: Final = re.compile(r"\s+(?:of|for|per|among|across|amongst)\s+", re.IGNORECASE)
_PLACE: Final = re.compile(
    r"\s+(?:in|on|at|during|after|before|over|by|within|inside|through|under|with|to|into|about)\s+(?=(?:the|an?"
    r"|our|each|every|my|all|this|these|their)\s)",
    re.IGNORECASE,
)
_DETERMINER: Final = re.compile(
    r"^(?:the|an?|each|every|any|all|our|my|your|their|this|that|these|those|some|given|new|future)\s", re.IGNORECASE
)
_POSSESSIVE: Final = re.compile(
    r"^(?:(?:the|an?|each|every|our|my|this)\s+)?(?P<owner>[\w-]+(?:\s[\w-]+)?)(?:'s|s')\s+(?P<rest>.+)$", re.IGNORECASE
)
_NOUN: Final = r"(?!in|of|on|at|for|to|by|from|with|and|or|next|last|same)[a-z][\w-]*"
_ARTICLE: Final = r"(?:an?|the|each|every|any|our|this|one|my)"
_AUX: Final = r"(?:will|would|is|are|was|were|has|have|had|does|do|did|can|could|should|may|might)"
_SUBJECTS: Final = (
    re.compile(rf"\b{_AUX}\s+{_ARTICLE}\s+(?P<noun>{_NOUN})(?=\s|$)", re.IGNORECASE),
    re.compile(
        rf"\b{_ARTICLE}\s+(?P<noun>{_NOUN}(?:\s{_NOUN})??)\s+(?:{_AUX}|gets?|takes?|[a-z]{{2,}}(?<![su])s)\b",
        re.IGNORECASE,
    ),
)
_UNIT_WORDS: Final = re.compile(
    r"^\s*(?:[$€£]|%|percent\b|(?:us )?dollars?\b|usd\b|euros?\b|eur\b|pounds?\b|gbp\b|chf\b|francs?\b|bucks\b"
    r"|minutes?\b|mins?\b|hours?\b|hrs?\b|seconds?\b|secs?\b|days?\b|weeks?\b|months?\b|years?(?: old)?\b|km\b|kg\b"
    r"|miles?\b|points?\b)",
    re.IGNORECASE,
)
_PER_TIME: Final = re.compile(
    r"^\s*(?:/|\b(?:a|per|each|every|pro)\s+)(?:year|yr|month|week|day|hour|annum)\b|^\s*(?:annually|yearly|monthly"
    r"|p\.?a\.?)\b",
    re.IGNORECASE,
)
_THRESHOLD: Final = re.compile(
    rf"(?:\bby\s+|\bof\s+|\bis\s+)?(?P<op>{COMPARISON})\s*[$€£]?\s*(?P<number>{COUNT})(?P<unit>\s*[$€£%]?)"
    rf"|[$€£]?(?P<number2>{COUNT})(?P<unit2>\s*[\w$€£%]*?)\s*(?P<after>{AFTER})",
    re.IGNORECASE,
)
_TELLING: Final = re.compile(
    r"^(?:longer|older|later|heavier|taller|shorter|younger|earlier|lighter|cheaper|farther|further|worth)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """ "customers of the shop | will | not | come back": who, whether it is denied, and what."""

    subject: str
    predicate: str
    negated: bool

    @property
    def phrase(self) -> str:
        """The predicate, with "not" in front when it is denied."""
        return f"not {self.predicate}" if self.negated else self.predicate


def split_clause(words: str) -> Clause | None:
    """Splits "the customers of our shop will churn" at its auxiliary; None when it has none."""
    for pattern in _PREDICATE:
        match = pattern.search(words)
        if match is None:
            continue
        subject = re.sub(
            rf"\s+(?:that|who|which)?\s*(?:{_PLAIN_AUX})?$", "", words[: match.start()].rstrip(), flags=re.IGNORECASE
        )
        negated = match["not"] is not None or " not " in f" {match[0]} "
        return Clause(tidy(subject), predicate(words[match.end() :]), negated)
    return None


def predicate(words: str) -> str:
    """What is said of the subject, without auxiliaries, inputs and adverbs of time.

    >>> predicate("be readmitted again"), predicate("have a stroke or not")
    ('readmitted', 'have a stroke')
    """
    words = tidy(_INPUTS.sub("", words))
    while True:
        shorter = tidy(_BE.sub("", _TAIL.sub("", words)))
        if shorter in {"", words}:
            return words
        words = shorter


def noun_phrase(words: str) -> tuple[str, str | None]:
    """Target and entity phrase in "the median value of a house" or "a customer's income".

    >>> noun_phrase("the median value of a house"), noun_phrase("the driver's place"), noun_phrase("number of visits")
    (('median value', 'house'), ('place', 'driver'), ('number of visits', None))
    """
    words = predicate(words)
    possessive = _POSSESSIVE.match(words)
    if possessive is not None:
        return bare(possessive["rest"]), bare(possessive["owner"])
    target, owner = words, None
    place = _PLACE.search(words)
    if place is not None:
        target, owner = words[: place.start()], words[place.end() :]
    of = _OF.search(target)
    while of is not None:
        rest = target[of.end() :]
        contained = of[0].strip().casefold() == "of" and _needs_of(target[: of.start()], rest)
        if not contained:
            target, owner = target[: of.start()], rest
            break
        of = _OF.search(target, of.end())
    owner = None if owner is None else bare(re.split(r"[(,]", _OF.split(_PLACE.split(owner)[0])[0])[0])
    return bare(target), owner or None


def _needs_of(before: str, after: str) -> bool:
    """Whether "X of Y" is one thing ("number of visits") rather than X as a property of a Y ("price of a house")."""
    return head_noun(before) in _CONTAINERS | _KINDS and _DETERMINER.match(after) is None


def head_noun(phrase: str) -> str:
    """The last noun before any preposition, singular: "customers of the online shop" -> "customer"."""
    before = re.split(r"\s+(?:of|in|from|on|at|with|who|that|which|for|to|by|and|or)\s+|,", bare(phrase))[0]
    words = [word for word in re.findall(r"[^\W\d_][\w-]*", before) if word.casefold() not in {"ones", "one"}]
    return singular(words[-1]) if words else ""


def is_plural(noun: str) -> bool:
    """Whether `noun` looks like a plural."""
    word = noun.casefold()
    return singular(word) != word


def entity_of(words: str) -> str | None:
    """The subject inside a clause: "late a flight will arrive" -> "flight"; None when there is none."""
    for pattern in _SUBJECTS:
        match = pattern.search(words)
        if match is not None:
            return singular(match["noun"].split()[-1])
    return None


def split_threshold(phrase: str) -> tuple[Threshold | None, str]:
    """The threshold in "earns more than 50,000 dollars a year", and the phrase without it.

    >>> split_threshold("earns more than 50,000 dollars a year")
    (Threshold(op='>', value=50000.0, unit=None), 'earns')
    """
    for match in _THRESHOLD.finditer(phrase):
        number = match["number"] or match["number2"]
        operator = operator_in(match["op"]) if match["op"] else operator_after(match["after"])
        if operator is None or number.casefold() in {"a", "an"}:
            continue
        telling = _TELLING.match(match["op"] or "")
        kept = telling[0] if telling else ""
        rest = phrase[match.end() :]
        if match["number2"]:
            rest = f" {match['unit2']} {rest}"
        rest = _PER_TIME.sub("", _UNIT_WORDS.sub("", rest))
        value = parse_count(number)
        said = re.match(r"\s*([a-z]+)", phrase[match.end() :] if match["number"] else match["unit2"], re.IGNORECASE)
        unit = unit_name(said[1]) if said is not None else None
        return Threshold(op=operator, value=value, unit=unit), tidy(f"{phrase[: match.start()]} {kept} {rest}")
    return None, phrase
