"""From a phrase ("ratio of support calls to tenure") to the feature that it means, by rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from automl_runtime.errors import RequestError, shorten

from automl_agent.feature_code.forms import Field, make
from automl_agent.feature_code.proposal import Proposal
from automl_agent.grounding.words import codes, content_words, fold, relate, tokens

__all__ = ["understand"]

_EXAMPLES: Final = (
    "'ratio of A to B', 'A per B', 'A minus B', 'sum of A, B and C', 'days between A and B', 'log of A', "
    "'length of A', 'is A missing', 'A above 10', 'A is VALUE', 'weekend of A', 'month of A'"
)
_NEAR: Final = 0.6
_LEAST: Final = 0.55
_TIE: Final = 0.03
_LITERAL: Final = 0.2
"""What it counts that all words stand in the name as they were said."""
_NUMBER: Final = r"(?P<value>-?\d[\d,]*(?:\.\d+)?)"
_WHETHER: Final = r"(?:whether |if |is |are |the )*"
_A, _B = r"(?P<a>.+?)", r"(?P<b>.+?)"
_UNIT: Final = r"(?P<unit>seconds|minutes|hours|days|weeks|months|years)"
_PART: Final = r"(?P<part>year|quarter|month|day|hour|minute)"

_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    (rf"(?:the )?(?:ratio|quotient|rate) (?:of|between) {_A} (?:to|and|over|by) {_B}", "ratio"),
    (rf"(?:the )?(?:share|proportion|fraction|percentage|part) of {_A} (?:in|of|to|among|over|on) {_B}", "ratio"),
    (rf"{_A} (?:per|for each|for every|divided by|relative to|in relation to) {_B}", "ratio"),
    (rf"{_A} ?/ ?{_B}", "ratio"),
    (rf"(?:the )?(?:number of )?{_UNIT} (?:between|from|since) {_A} (?:and|to|until|till) {_B}", "unit"),
    (rf"(?:the )?(?:time|duration|interval) (?:between|from) {_A} (?:and|to|until|till) {_B}", "days"),
    (rf"(?:the )?(?:difference|gap|distance) (?:between|of) {_A} (?:and|to) {_B}", "difference"),
    (rf"{_A} (?:minus|less) {_B}", "difference"),
    (rf"{_A} [-−–] {_B}", "difference"),
    (rf"(?:the )?product of {_A} and {_B}", "product"),
    (rf"{_A} (?:times|multiplied by|[*×x]) {_B}", "product"),
    (r"(?:the )?(?:sum|total) of (?P<all>.+)", "sum"),
    (r"(?P<all>.+ (?:plus|\+) .+)", "sum"),
    (r"(?:the )?(?:mean|average) of (?P<all>.+)", "mean"),
    (r"(?:the )?(?:largest|maximum|max|highest|greatest) of (?P<all>.+)", "largest"),
    (r"(?:the )?(?:smallest|minimum|min|lowest|least) of (?P<all>.+)", "smallest"),
    (r"how many of (?P<all>.+) (?:are|is) (?:missing|empty|unknown)", "missing_among"),
    (r"(?:the )?number of (?:missing|empty|unknown)(?: values)? (?:in|among|of) (?P<all>.+)", "missing_among"),
    (r"(?:how many|the number|number|count) of (?P<all>.+) (?:are|is) (?:yes|true|there|set)", "yes"),
    (rf"(?:the )?(?:log|logarithm) of {_A}", "log"),
    (rf"(?:the )?(?:square root|root) of {_A}", "root"),
    (rf"(?:the )?square of {_A}|(?P<a2>.+?) squared", "square"),
    (rf"(?:the )?absolute (?:value of )?{_A}", "absolute"),
    (rf"(?:the )?(?:number of words|words|word count) (?:in|of) {_A}", "words"),
    (rf"(?:the )?(?:length|number of characters|size) (?:of|in) {_A}", "length"),
    (rf"{_WHETHER}{_A} (?:is |are )?(?:missing|empty|unknown|not there|not known)", "missing"),
    (rf"missing {_A}", "missing"),
    (rf"{_WHETHER}{_A} (?:is |are )?(?:at least|no less than|>=|≥) {_NUMBER}", "least"),
    (rf"{_WHETHER}{_A} (?:is |are )?(?:at most|no more than|up to|<=|≤) {_NUMBER}", "most"),
    (rf"{_WHETHER}{_A} (?:is |are )?(?:above|over|(?:greater|more|larger|higher) than|>) {_NUMBER}", "above"),
    (rf"{_WHETHER}{_A} (?:is |are )?(?:below|under|less than|smaller than|lower than|fewer than|<) {_NUMBER}", "below"),
    (rf"{_WHETHER}{_A} (?:is |falls |was )?(?:on|at) (?:a |the )?weekend", "weekend"),
    (rf"(?:the )?weekend of {_A}", "weekend"),
    (rf"(?:the )?(?:weekday|day of the week|day of week) of {_A}", "weekday"),
    (rf"(?:the )?day of the year of {_A}", "day_of_year"),
    (rf"(?:the )?{_PART} of {_A}", "part"),
    (rf"{_WHETHER}{_A} (?:mentions|contains|includes) (?P<label>.+)", "mentions"),
    (rf"{_WHETHER}{_A} (?:is|equals|==?) (?P<label>.+)", "is"),
)  # fmt: skip
"""Tried in order; of a phrase that several fit, the first whose columns are found counts."""


@dataclass(frozen=True, slots=True)
class _Match:
    field: Field
    score: float


def understand(phrase: str, fields: Sequence[Field], *, taken: Collection[str] = ()) -> Proposal:
    """The proposal of a person who says `phrase`; its `why` says what was understood.

    Columns are named as in the data, or in other words for them; names in quotes are taken as they stand.

    Raises:
        RequestError: if no form fits, or a column is not found or not told from another; the message names them.
    """
    text = " ".join(phrase.split()).strip(" .?!")
    problem: RequestError | None = None
    for pattern, form in _readings():
        found = re.fullmatch(pattern, text, re.IGNORECASE)
        if found is None:
            continue
        try:
            return _proposal(form, {key: part for key, part in found.groupdict().items() if part}, fields, taken)
        except RequestError as error:
            problem = problem or error
    if problem is not None:
        raise problem
    raise RequestError(f"{shorten(phrase)} is no feature that the rules know.", hint=f"Say {_EXAMPLES}.")


def _readings() -> Iterator[tuple[str, str]]:
    """Each pattern with its first column as short and as long as it can be: "fee per month per visit"."""
    for pattern, form in _PATTERNS:
        yield pattern, form
        if _A in pattern and _B in pattern:
            yield pattern.replace(_A, "(?P<a>.+)"), form


def _proposal(form: str, parts: dict[str, str], fields: Sequence[Field], taken: Collection[str]) -> Proposal:
    named = [parts[key] for key in ("a", "a2", "b") if key in parts]
    if "all" in parts:
        named = [part for part in re.split(r"\s*(?:,|\band\b|\bplus\b|\+)\s*", parts["all"]) if part]
    chosen = [_column(words, fields) for words in named]
    if "all" in parts and len(chosen) < 2:
        raise RequestError(f"{shorten(parts['all'])} names one column; this takes two or more, as 'A, B and C'.")
    if len({field.name for field in chosen}) < len(chosen):
        raise RequestError(
            f"{' and '.join(map(shorten, named))} are both understood as the column {shorten(chosen[0].name)}.",
            hint="Name the columns as they are written in the data, in quotes.",
        )
    form = {"unit": parts.get("unit", ""), "part": parts.get("part", "")}.get(form, form).lower()
    if form == "difference" and all(field.type in ("date", "datetime") for field in chosen):
        form, chosen = "days", chosen[::-1]
    value: float | str | None = None
    if "value" in parts:
        value = float(parts["value"].replace(",", ""))
        value = int(value) if value.is_integer() else value
    if "label" in parts:
        value = _label(parts["label"], chosen[0]) if form == "is" else parts["label"].strip("'\"`")
    columns = [field.name for field in fields]
    return make(form, chosen, columns=columns, taken=taken, value=value, by="person")


def _column(words: str, fields: Sequence[Field]) -> Field:
    """The field that `words` name: literally, else the one whose name is nearest to them."""
    bare = words.strip(" '\"`")
    same: tuple[Callable[[str], str], ...] = (str, str.casefold, lambda name: " ".join(tokens(name)))
    for spelled in same:
        literal = [field for field in fields if spelled(field.name) == spelled(bare)]
        if len(literal) == 1:
            return literal[0]
    matches = sorted((_Match(field, _score(bare, field.name)) for field in fields), key=lambda match: -match.score)
    near = [match for match in matches if match.score >= max(_LEAST, matches[0].score - _TIE)]
    if len(near) == 1:
        return near[0].field
    shown = [match.field.name for match in (near or matches)[:6]]
    what = "could be several columns" if near else "is no column that a row to predict has"
    raise RequestError(
        f"{shorten(bare)} {what}: {', '.join(map(shorten, shown))}.",
        hint="Name the column as it is written in the data, in quotes.",
    )


def _score(phrase: str, name: str) -> float:
    """How well the words of the phrase are found in the name, and how much of the name they explain (0 to 1.2)."""
    words, parts = content_words(phrase), tokens(name)
    if codes(phrase) & codes(name):
        return 1.0
    if not words or not parts:
        return 0.0
    found = [max(_strength(word, part) for part in parts) for word in words]
    explained = [max(_strength(word, part) for word in words) for part in parts]
    score = 0.75 * sum(found) / len(found) + 0.25 * sum(explained) / len(explained)
    return score + _LITERAL if set(words) <= set(parts) else score


def _strength(word: str, part: str) -> float:
    strength = relate(word, part).strength
    return strength if strength >= _NEAR else 0.0


def _label(words: str, field: Field) -> str:
    """The value of a category as the data spell it."""
    bare = words.strip(" '\"`")
    for label in field.labels:
        if fold(label) == fold(bare):
            return label
    if not field.labels:
        return bare
    raise RequestError(
        f"{shorten(bare)} is no frequent value of {shorten(field.name)}.",
        hint=f"Its values: {', '.join(map(shorten, field.labels[:10]))}.",
    )
