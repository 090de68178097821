"""Words, their stems, and how near a word of a request is to a part of a column name."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from rapidfuzz.distance import OSA

from automl_agent.grounding.thesaurus import ABBREVIATIONS, CONCEPTS, DOMAINS, IRREGULAR, JOINED, SHORT_WORDS
from automl_agent.requirements.text import word_set

__all__ = [
    "NOT_RELATED",
    "Relation",
    "codes",
    "content_words",
    "domains",
    "fold",
    "is_event",
    "is_known",
    "is_negated",
    "is_word",
    "main_words",
    "relate",
    "says_nothing",
    "spoken_parts",
    "stem",
    "tokens",
]


@dataclass(frozen=True, slots=True)
class Relation:
    """How strongly a word and a name part go together (0 to 1), and whether one means the opposite of the other."""

    strength: float
    reversed: bool = False


NOT_RELATED: Final = Relation(0.0)
_EXACT: Final = 1.0
_STEM: Final = 0.97
_ABBREVIATION: Final = 0.92
_DERIVED: Final = 0.88
_SKELETON: Final = 0.85
_COMPOUND: Final = 0.83
_SYNONYM: Final = 0.8
_OPPOSITE: Final = 0.78
_TYPO: Final = 0.78
_PREFIX: Final = 0.74
_ROOT: Final = 5
"""Letters that a word and a form of it share at least, where only that makes them the same."""
_SUFFIXES: Final = {""} | word_set("""
    e al y er or ion ation ment ive able ible ence ance ent ant ful ness ity is ed ing ery age ure ship ist ial ally
    ly ulent ption lation led ling ic tic ted ting ian ee ists ability abl bility bl ble ibility ibl ution olution ve
    ved ving ised ized ise ize isation ization s es
""")
_STOP: Final = word_set("""
    until till when while during the a an of for in on at to by with from and or but will would shall should can could
    may might must is are was were be been being has have had do does did it its their our your his her my me us we
    you they he she i this that these those who whom which what whether if how when than then as so too very
    much more most least each every any all some again ever still soon about into onto over under up out off per
    please get gets got going likely really actually also just only there them one ones
""")
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_NEGATIONS: Final = frozenset({"not", "no", "never", "without", "cannot", "nt", "non"})


def fold(text: str) -> str:
    """`text` in lower case without accents; German umlauts become two letters.

    >>> fold("Gekündigt"), fold("Région")
    ('gekuendigt', 'region')
    """
    text = text.translate(_UMLAUTS)
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


@cache
def tokens(name: str) -> tuple[str, ...]:
    """The words of a column or table name; "no show" and the like are one word.

    >>> tokens("arrDelay_min"), tokens("Paid on time?"), tokens("HTTPStatus2")
    (('arr', 'delay', 'min'), ('paid', 'ontime'), ('http', 'status', '2'))
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", " ", name)
    return _joined(re.findall(r"[^\W_]+", fold(spaced)))


@cache
def _joints() -> dict[tuple[str, str], str]:
    return {(stem(first), stem(second)): word for (first, second), word in JOINED.items()}


def _joined(parts: list[str]) -> tuple[str, ...]:
    joined: list[str] = []
    i = 0
    while i < len(parts):
        pair = (stem(parts[i]), stem(parts[i + 1])) if i + 1 < len(parts) else None
        if pair is not None and pair in _joints():
            joined.append(_joints()[pair])
            i += 2
        else:
            joined.append(parts[i])
            i += 1
    return tuple(joined)


@cache
def content_words(phrase: str) -> tuple[str, ...]:
    """The words of a phrase that carry meaning, negations left out."""
    plain = re.sub(r"(?<=\w)'(?:s|t|re|ve|ll|d)\b", "", fold(phrase.replace("n't", " not")))
    return tuple(
        word for word in _joined(re.findall(r"[^\W_]+", plain)) if word not in _STOP and word not in _NEGATIONS
    )


@cache
def codes(text: str) -> frozenset[str]:
    """Words of letters and digits, which are names rather than words: "PM2.5" and "pm25" are the same code.

    >>> sorted(codes("daily NO2 and PM2.5, final grade G3"))
    ['g3', 'no2', 'pm25']
    """
    return frozenset(
        re.sub(r"\W", "", code) for code in re.findall(r"(?<![^\W_])[a-z]+\d+(?:\.\d+)?[a-z]?(?![^\W_])", fold(text))
    )


def is_negated(phrase: str) -> bool:
    """Whether a phrase says no: "not show up", "won't pay"; "no show" is a word of its own."""
    plain = fold(phrase.replace("n't", " not"))
    words = _joined(re.findall(r"[^\W_]+", plain))
    fails_to = re.search(r"\bfail(?:s|ed)? to\b", plain) is not None
    return fails_to or any(word in _NEGATIONS for word in words)


@cache
def stem(word: str) -> str:
    """The stem of an English word: plural, -ing, -ed and a final e removed.

    >>> stem("prices"), stem("pricing"), stem("rented"), stem("companies"), stem("left")
    ('pric', 'pric', 'rent', 'company', 'leav')
    """
    if word in IRREGULAR:
        return IRREGULAR[word].removesuffix("e") if len(IRREGULAR[word]) > 4 else IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith("sses"):
        word = word[:-2]
    elif word.endswith("s") and len(word) > 3 and word[-2] not in "sui":
        word = word[:-1]
    for suffix in ("ing", "ed"):
        rest = word.removesuffix(suffix)
        if rest != word and len(rest) >= 3 and re.search(r"[aeiouy]", rest):
            word = rest
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            elif re.fullmatch(r"[^aeiou][aeiou][^aeiouywx]", word):
                word += "e"
            break
    return word.removesuffix("e") if len(word) > 4 else word


@cache
def _concepts(*, named: bool = False) -> dict[str, list[tuple[int, bool]]]:
    """Stem -> the concepts it stands for, each with whether it is on the side of the opposite.

    Words marked `>` stand for a concept in a request only ("what it makes"), so `named` leaves them out.
    """
    index: dict[str, list[tuple[int, bool]]] = {}
    for number, line in enumerate(CONCEPTS):
        same, _, opposite = line.partition(";")
        for side, words in ((False, same), (True, opposite)):
            for word in words.split():
                if not (named and word.startswith(">")):
                    index.setdefault(stem(word.removeprefix(">")), []).append((number, side))
    return index


@cache
def domains(word: str) -> frozenset[int]:
    """The walks of life that `word` belongs to."""
    plain = stem(word)
    return frozenset(number for number, line in enumerate(DOMAINS) if plain in {stem(part) for part in line.split()})


@cache
def relate(word: str, token: str) -> Relation:
    """How a word of a request and a part of a name go together.

    In falling order: the same word, the same stem, a known abbreviation, a derived form (arrive, arrival), a compound
    that holds the word, a synonym, a likely slip of the pen, a prefix as abbreviation.
    """
    if word == token:
        return Relation(_EXACT)
    direct = _direct(word, token)
    if direct > 0:
        return Relation(direct)
    if _denies(word, token):
        return Relation(_DERIVED, reversed=True)
    long_form = ABBREVIATIONS.get(token)
    concept = _by_concept(stem(word), stem(long_form or token))
    if concept.strength > 0:
        return concept if long_form is None else Relation(concept.strength * _ABBREVIATION, concept.reversed)
    return Relation(max(_compound(word, token), _typo(word, token), _prefix(word, token)))


def _direct(word: str, token: str) -> float:
    first, second = stem(word), stem(token)
    if first == second:
        return _STEM
    if stem(ABBREVIATIONS.get(token, "")) == first or stem(ABBREVIATIONS.get(word, "")) == second:
        return _ABBREVIATION
    return _DERIVED if _derived(word, token) else 0.0


def _denies(first: str, second: str) -> bool:
    """Whether one word is the other with "un" or "non" before it ("unsafe", "safe")."""
    longer, shorter = (first, second) if len(first) > len(second) else (second, first)
    rest = longer.removeprefix("non") if longer.startswith("non") else longer.removeprefix("un")
    return rest != longer and len(shorter) >= 4 and stem(rest) == stem(shorter)


def _derived(first: str, second: str) -> bool:
    shared = 0
    while shared < min(len(first), len(second)) and first[shared] == second[shared]:
        shared += 1
    return any(n >= 4 and first[n:] in _SUFFIXES and second[n:] in _SUFFIXES for n in (shared, shared - 1))


@cache
def is_known(word: str) -> bool:
    """Whether `word`, or a word of four or more letters that it begins or ends with, is in the word lists."""
    known = _known()
    if stem(word) in known:
        return True
    return any(word[:n] in known or word[-n:] in known for n in range(4, len(word) - 1))


_AFTER_MAIN: Final = re.compile(
    r"[,;:()\[\].]|\b(?:of|in|per|for|before|after|with|without|from|by|at|on|to|as|when|where|which|that)\b",
    re.IGNORECASE,
)
_MEASURED: Final = re.compile(
    r"^\W*(?:the |an? )?(?:total |average |mean )?(?:amounts?|numbers?|values?|totals?|sums?|sizes?|quantit(?:y|ies)"
    r"|counts?|levels?|degrees?|types?|kinds?|names?|codes?) of ",
    re.IGNORECASE,
)


def main_words(description: str) -> tuple[str, ...]:
    """The words of a description up to what only says more of them.

    >>> main_words("Fuel consumption in litres per 100 km"), main_words("amount of the loan in euros")
    (('fuel', 'consumption'), ('the', 'loan'))
    """
    return tokens(_AFTER_MAIN.split(_MEASURED.sub("", description), maxsplit=1)[0])


def says_nothing(name: str) -> bool:
    """Whether no part of a column's name is in the word lists, as of `X7` and `c_0042`."""
    return not any(is_word(part) for part in tokens(name))


def spoken_parts(name: str, meaning: str | None) -> tuple[str, ...]:
    """The words that speak of a column: those of its name, or of its description where the name says nothing."""
    return (*tokens(name), *main_words(meaning)) if meaning is not None and says_nothing(name) else tokens(name)


def is_word(word: str) -> bool:
    """Whether `word`, or another form of it, is in the word lists as it stands."""
    return stem(word) in _known()


@cache
def _known() -> frozenset[str]:
    return frozenset({*_concepts(), *(stem(word) for line in DOMAINS for word in line.split())})


def is_event(word: str) -> bool:
    """Whether `word` is something that happens or not (a failure, a default): its concept has an opposite."""
    lines = CONCEPTS
    return any(";" in lines[number] for number, _ in _concepts().get(stem(word), ()))


def _by_concept(first: str, second: str) -> Relation:
    best = NOT_RELATED
    for number, side in _concepts_of(first):
        for other, other_side in _concepts_of(second, named=True):
            if number == other:
                found = Relation(_SYNONYM) if side == other_side else Relation(_OPPOSITE, reversed=True)
                best = max(best, found, key=lambda relation: relation.strength)
    return best


@cache
def _concepts_of(word: str, *, named: bool = False) -> list[tuple[int, bool]]:
    """The concepts of a stem, else those of a word that it is a form of: "potability" has those of "potable"."""
    index = _concepts(named=named)
    if word in index or len(word) <= _ROOT:
        return index.get(word, [])
    forms = sorted(key for key in index if key[:_ROOT] == word[:_ROOT] and _derived(word, key))
    return [concept for key in forms for concept in index[key]]


def _compound(word: str, token: str) -> float:
    """Names written in one word: "houseprice" holds "price", and so something that costs."""
    core = stem(word)
    if (
        len(core) >= 4
        and len(token) > len(core) + 2
        and (token.startswith(core) or token.endswith(core) or token.endswith(word))
    ):
        return _COMPOUND
    return 0.0


def _typo(word: str, token: str) -> float:
    shorter = min(len(word), len(token))
    if shorter < 5 or word[0] != token[0] or stem(word) in _concepts():
        return 0.0
    limit = 2 if shorter >= 8 else 1
    return _TYPO if OSA.distance(word, token, score_cutoff=limit) <= limit else 0.0


def _prefix(word: str, token: str) -> float:
    """Abbreviations by rule: the beginning of a word ("pop"), or its consonants ("mgr")."""
    shorter, longer = sorted((token, word), key=len)
    if len(shorter) < 3 or shorter in SHORT_WORDS:
        return 0.0
    if longer.startswith(shorter):
        return _PREFIX if len(longer) >= len(shorter) + 2 else 0.0
    consonants, own = (re.sub(r"(?<!^)[aeiouy]", "", text) for text in (longer, shorter))
    return _SKELETON if shorter == token == own == consonants else 0.0
