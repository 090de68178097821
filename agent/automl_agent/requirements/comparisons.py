"""Comparisons in words: "at least", "no more than", "above", ">="."""

from __future__ import annotations

import re
from typing import Final

from automl_schemas.vocabulary import Operator

__all__ = ["AFTER", "COMPARISON", "operator_after", "operator_in"]

_LARGER: Final = "more|greater|higher|larger|bigger|longer|older|later|heavier|taller|farther|further|better"
_SMALLER: Final = "less|lower|smaller|fewer|shorter|younger|earlier|lighter|cheaper|worse"
_BY_OPERATOR: Final[dict[Operator, str]] = {
    ">=": rf">=|=>|≥|⩾|at (?:the )?(?:very )?least|not? (?:{_SMALLER}) (?:than|as)|not (?:below|under)"
    r"|(?:an? )?min(?:imum|imal|imally)?\b(?: of\b)?",
    "<=": rf"<=|=<|≤|⩽|at (?:the )?(?:very )?most|not? (?:{_LARGER}) (?:than|as)|not (?:above|over|beyond)"
    r"|not? (?:to )?exceed(?:ing)?|(?:an? )?max(?:imum|imal|imally)?\b(?: of\b)?|up to|within",
    ">": rf">|(?:{_LARGER}) (?:than|as)|above|over|beyond|exceed(?:s|ing)?|superior to|upwards? of|north of"
    rf"|in excess of"
    r"|beat(?:s|ing)?|surpass(?:es|ing)?|bigger|past",
    "<": rf"<|(?:{_SMALLER}) (?:than|as)|below|under|beneath|inferior to|south of",
}
COMPARISON: Final = "|".join(
    f"(?:{pattern})" if pattern[0] in "<>" else rf"\b(?:{pattern})(?!\w)" for pattern in _BY_OPERATOR.values()
)
"""Any comparison; `operator_in` says which."""
AFTER: Final = (
    r"(?:\s*\+(?!\w)|\s+(?:or|and) (?:more|better|higher|above|over|up|older|later|less|lower|below|under|fewer"
    r"|younger)\b|\s+(?:(?:at )?(?:the )?(?:least|most)|min(?:imum)?|max(?:imum)?|tops)\b)"
)
"""A comparison after the number: "15 or more", "2h max", "15+"."""


def operator_in(text: str) -> Operator | None:
    """The operator that a text in the form of `COMPARISON` stands for.

    >>> operator_in("no more than"), operator_in("above"), operator_in("minimum of"), operator_in("tree")
    ('<=', '>', '>=', None)
    """
    for operator, pattern in _BY_OPERATOR.items():
        if re.fullmatch(rf"\s*(?:{pattern})\s*", text, re.IGNORECASE):
            return operator
    return None


def operator_after(text: str) -> Operator:
    """The operator that a text in the form of `AFTER` stands for.

    >>> operator_after("or more"), operator_after("max")
    ('>=', '<=')
    """
    return "<=" if re.search(r"less|lower|below|under|fewer|younger|most|max|tops", text, re.IGNORECASE) else ">="
