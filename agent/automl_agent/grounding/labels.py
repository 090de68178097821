"""The values of a column as labels: which one a phrase means, which one says yes, which one a threshold draws."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from automl_schemas.catalog import ColumnEntry
from automl_schemas.requirement import Threshold
from automl_schemas.vocabulary import ColumnType

from automl_agent.grounding.words import content_words, fold, relate, tokens
from automl_agent.requirements.numbers import NUMBER, parse_number
from automl_agent.requirements.text import word_set

__all__ = [
    "Label",
    "LabelMatch",
    "are_codes",
    "bound_of",
    "clean_value",
    "initials_match",
    "label_named",
    "labels_of",
    "match_labels",
    "says_no",
    "spelled_label",
    "threshold_label",
    "yes_label",
]

Label = str | bool | int | float
"""A value as it stands in the clean table."""

_MOST_LABELS: Final = 50
_YES: Final = word_set("""
    yes y true t 1 1.0 ja j oui o si s positive pos + wahr vrai on
""")
_NO: Final = word_set("""
    no n false f 0 0.0 nein non negative neg - falsch faux off none never
""")
_SILENT: Final = (_YES | _NO) - {"positive", "pos", "negative", "neg", "on", "off"}
"""Labels that name nothing."""
_PART: Final = 0.92
"""Worth of one word of a label that has several."""
_OPPOSITE: Final = 0.9
"""Worth of a label that means the opposite, against one that means the same."""
_DENIAL: Final = re.compile(r"^(?:not|non|no|un|never)[\s_-]*")
_BOUND: Final = re.compile(
    rf"\s*(?P<op><=|>=|<|>|≤|≥|=<|=>|-(?=\s)|under|below|less than|up to|at most|over|above|more than|at least"
    rf"|greater than)?\s*[$€£]?\s*(?P<number>{NUMBER})"
    r"\s*(?:[$€£]|usd|eur|dollars?|euros?)?\s*(?P<after>\+|-|or more|or less|and more|and above|and over|and below"
    r"|or above|or below)?\s*\.?\s*",
    re.IGNORECASE,
)
_MORE: Final = frozenset(
    {
        ">",
        ">=",
        "≥",
        "=>",
        "over",
        "above",
        "more than",
        "at least",
        "greater than",
        "+",
        "or more",
        "and more",
        "and above",
        "and over",
        "or above",
    }
)
_LESS: Final = frozenset(
    {"<", "<=", "≤", "=<", "-", "under", "below", "less than", "up to", "at most", "or less", "and below", "or below"}
)


@dataclass(frozen=True, slots=True)
class LabelMatch:
    """The label that a phrase means; `reversed` when it says the opposite, `literal` when the phrase spells it out."""

    label: str
    strength: float
    reversed: bool = False
    literal: bool = False


def labels_of(column: ColumnEntry) -> list[str]:
    """The values of a column that has few of them, most frequent first; empty when it has many."""
    if column.type in {"text", "date", "datetime", "time", "empty"} and column.distinct > 20:
        return []
    if column.distinct > _MOST_LABELS or column.type in {"date", "datetime", "time"}:
        return []
    return [entry.value for entry in column.stats.top]


def match_labels(words: tuple[tuple[str, float], ...], labels: list[str]) -> LabelMatch | None:
    """The label that one of `words` (with weights) names, or that means the same; else one that means the opposite."""
    found = [
        LabelMatch(label, relation.strength * weight * (1.0 if len(parts) == 1 else _PART), opposite)
        for label in labels
        for parts in [_telling(label)]
        for word, weight in words
        for part in parts
        for relation in [relate(word, part)]
        for opposite in [relation.reversed != _denies(parts)]
    ]
    best = max(found, key=lambda match: match.strength * (_OPPOSITE if match.reversed else 1.0), default=None)
    return best if best is not None and best.strength >= 0.5 else None


def _telling(label: str) -> tuple[str, ...]:
    return () if fold(label).strip() in _SILENT else tuple(part for part in tokens(label) if not part.isdigit())


def _denies(parts: tuple[str, ...]) -> bool:
    return parts[0] in {"not", "non", "no", "never"} and len(parts) > 1


def label_named(phrase: str, labels: list[str]) -> str | None:
    """The label that `phrase` spells, or names best; None when none comes near."""
    for label in labels:
        if fold(label).strip() == fold(phrase).strip():
            return label
    match = match_labels(tuple((word, 1.0) for word in content_words(phrase)), labels)
    return match.label if match is not None and match.strength >= 0.7 and not match.reversed else None


def spelled_label(phrase: str, labels: list[str]) -> str | None:
    """The longest label of several words that stands as it is in `phrase` ("non functional"); None when none does."""
    spoken = _spaced(phrase)
    return max((label for label in labels if " " in label.strip() and _spaced(label) in spoken), key=len, default=None)


def _spaced(text: str) -> str:
    return f" {' '.join(re.findall('[^_ ,;.()/-]+', fold(text)))} "


def initials_match(phrase: str, labels: list[str]) -> str | None:
    """The one-letter label that a word of `phrase` begins with ("malignant" and M of M/B); None when none does."""
    letters = {fold(label): label for label in labels if len(label.strip()) == 1 and label.strip().isalpha()}
    if len(letters) != len(labels) or {*letters} <= {"y", "n"} or {*letters} <= {"t", "f"}:
        return None
    for word in content_words(phrase):
        if word[0] in letters:
            return letters[word[0]]
    return None


def yes_label(labels: list[str]) -> str | None:
    """Which of two labels says yes: yes, true, 1, "earned" beside "not earned"; None when neither pair is known."""
    if len(labels) != 2:
        return None
    yes = [label for label in labels if fold(label).strip() in _YES]
    no = [label for label in labels if fold(label).strip() in _NO]
    if len(yes) == 1 and (len(no) == 1 or _is_number(labels)):
        return yes[0]
    if len(no) == 1 and not yes:
        return next(label for label in labels if label not in no)
    first, second = sorted(labels, key=len)
    return first if _DENIAL.match(fold(second)) and _DENIAL.sub("", fold(second)) == fold(first).strip() else None


def _is_number(labels: list[str]) -> bool:
    return all(re.fullmatch(r"-?\d+(?:\.\d+)?", label.strip()) for label in labels)


def are_codes(labels: list[str]) -> bool:
    """Whether labels say nothing by themselves: numbers, single letters, yes and no."""
    return all(
        len(label.strip()) == 1
        or fold(label).strip() in _YES | _NO
        or re.fullmatch(r"[-+]?\d+(?:\.\d+)?", label.strip())
        for label in labels
    )


def threshold_label(threshold: Threshold, labels: list[str]) -> str | None:
    """The label beyond `threshold`: `>50K` of `<=50K` and `>50K`; None when they draw no such line."""
    bounds = [(label, bound_of(label)) for label in labels]
    if not 2 <= len(labels) <= 4 or any(bound is None for _, bound in bounds):
        return None
    more = threshold.op in {">", ">="}
    for label, bound in bounds:
        assert bound is not None
        value, is_more = bound
        if is_more == more and any(
            abs(value * scale - threshold.value) <= 0.021 * threshold.value for scale in (1, 1000)
        ):
            return label
    return None


def says_no(label: str) -> bool:
    """Whether a label denies: no, none, never, "not readmitted"."""
    return fold(label).strip() in _NO or tokens(label)[:1] in {("not",), ("no",), ("never",), ("none",)}


def bound_of(label: str) -> tuple[float, bool] | None:
    """The number in a label like `>50K`, and whether it holds what is above; None when it is no such label."""
    match = _BOUND.fullmatch(label)
    if match is None:
        return None
    words = {(match["op"] or "").casefold(), (match["after"] or "").casefold()} - {""}
    if not words or (words & _MORE and words & _LESS):
        return None
    return parse_number(match["number"], thousands_first=True), bool(words & _MORE)


def clean_value(label: str, type_: ColumnType) -> Label:
    """`label`, a value in the catalog's spelling, as it stands in the clean table.

    >>> clean_value("true", "boolean"), clean_value("1", "integer"), clean_value("Yes", "category")
    (True, 1, 'Yes')
    """
    if type_ == "boolean":
        return fold(label).strip() in _YES
    if type_ in {"integer", "number"}:
        number = float(label)
        return int(number) if type_ == "integer" or number.is_integer() else number
    return label
