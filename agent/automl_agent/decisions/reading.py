"""What a request says besides its target, where rules found nothing: read by a model, and held against the words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from automl_runtime.errors import RequestError
from automl_schemas.catalog import DataCatalog
from automl_schemas.requirement import Requirement
from pydantic import BaseModel, Field

from automl_agent.decisions.recording import Record
from automl_agent.grounding.exclusions import excluded_columns
from automl_agent.grounding.topics import speaks_of
from automl_agent.grounding.words import content_words, stem

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["READ", "fill_gaps", "is_quoted", "record_rules"]

READ: Final = ("request.entity", "request.horizon", "request.exclude", "request.known_before")
"""The ids of what is read here."""
_TIME_LIMIT: Final = re.compile(
    r"\b(?:before|beforehand|ahead of|prior to|until|yet|in advance|by the time|at the time|at the moment|after"
    r"|afterwards?|during|already)\b",
    re.IGNORECASE,
)
_NEGATION: Final = re.compile(
    r"\b(?:without|except|excluding|ignor\w+|leav\w+|skip\w*|avoid\w*|omit\w*|drop\w*|not|don't|never|nothing|no|hide)\b",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|seven|ten|twelve|next|coming|tomorrow|tonight|fortnight|half)\b",
    re.IGNORECASE,
)
_UNIT: Final = re.compile(
    r"\b(?:hours?|days?|weeks?|months?|quarters?|years?|fortnights?|tomorrow|tonight)\b", re.IGNORECASE
)
_BEFORE: Final = re.compile(r"\b(?:befor|ahead|prior|until|after|dure|by the time|at the (?:time|moment))\b")
"""In stems."""
_NOT_YET: Final = re.compile(r"\bnot\b.*\byet\b|\bstill to\b")
_LONGEST_EVENT: Final = 8
_LONGEST_AHEAD: Final = 3_660.0


class Reading(BaseModel):
    """What a request says besides what is to be predicted."""

    thing: str = Field(description="what one prediction is about: one noun copied from the request, or empty")
    known_before: str = Field(
        description="the event, copied from the request, before which everything that is used must be known; "
        "empty when the request sets no such limit"
    )
    leave_out: list[str] = Field(description="columns, copied from the request, that must not be used; mostly empty")
    look_ahead: float | None = Field(description="how many days ahead to look; null when the request does not say")


def fill_gaps(requirement: Requirement, catalog: DataCatalog, model: LanguageModel, record: Record) -> Requirement:
    """`requirement` with what the model read where the rules found nothing, each recorded.

    A phrase must stand in the request as it is; a limit in time, a span or an exclusion also needs a word that can say
    so; what is to be left out must be the name of a column.
    """
    words = requirement.request
    open_ = {
        "request.entity": requirement.entity is None,
        "request.known_before": requirement.known_before is None and _TIME_LIMIT.search(words) is not None,
        "request.exclude": not requirement.exclude and _NEGATION.search(words) is not None,
        "request.horizon": requirement.horizon_days is None
        and _SPAN.search(words) is not None
        and _UNIT.search(words) is not None,
    }
    if not any(open_.values()):
        return requirement
    read = model.decide("What does the request say?", Reading, data={"request": words})
    if read is None:
        for id_, is_open in open_.items():
            if is_open:
                record.add(id_, "rule", "", "nothing was found by rules", evidence=f"model: {model.reason}")
        return requirement
    found = {
        "request.entity": _entity(read, words, catalog),
        "request.known_before": _event(read, words),
        "request.exclude": _exclusions(read, words, catalog),
        "request.horizon": _horizon(read),
    }
    said = {
        "request.entity": read.thing,
        "request.known_before": read.known_before,
        "request.exclude": ", ".join(read.leave_out),
        "request.horizon": "" if read.look_ahead is None else f"{read.look_ahead:g}",
    }
    update: dict[str, object] = {}
    for id_, is_open in open_.items():
        value = found[id_] if is_open else None
        if value:
            shown = ", ".join(value) if isinstance(value, list) else f"{value}"
            record.add(id_, "model", shown, "read in the request, where rules found nothing", evidence=f"in: {words}")
            update[_FIELDS[id_]] = value
        elif is_open and said[id_]:
            why = "the request does not say it in these words, or no column is called so"
            record.add(id_, "rule", "", "nothing was found by rules", alternative=said[id_], evidence=f"model: {why}")
    return requirement.model_copy(update=update)


_FIELDS: Final = {
    "request.entity": "entity",
    "request.known_before": "known_before",
    "request.exclude": "exclude",
    "request.horizon": "horizon_days",
}


def record_rules(requirement: Requirement, record: Record) -> None:
    """Records what rules read in the request, where nothing else was recorded."""
    for id_, name in _FIELDS.items():
        if id_ not in record:
            value = getattr(requirement, name)
            shown = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
            record.add(id_, "rule", shown, "read in the request" if shown else "the request does not say")


def is_quoted(phrase: str, request: str) -> bool:
    """Whether the words of `phrase` stand in `request`, one after the other.

    >>> is_quoted("the boat leaves", "what is known before the boat leaves"), is_quoted("boats", "the boat leaves")
    (True, False)
    """
    own, whole = _words(phrase), _words(request)
    return bool(own) and any(whole[i : i + len(own)] == own for i in range(len(whole) - len(own) + 1))


def _words(text: str) -> list[str]:
    return [stem(word) for word in re.findall(r"[^\W_]+", text.casefold())]


def _entity(read: Reading, words: str, catalog: DataCatalog) -> str | None:
    """The noun, where the request holds it and the data speak of it."""
    named = content_words(read.thing)
    if not 1 <= len(named) <= 2 or not is_quoted(read.thing, words):
        return None
    spoken = any(speaks_of(word, table, "") for word in named for table in catalog.tables)
    return read.thing.strip() if spoken else None


def _event(read: Reading, words: str) -> str | None:
    """The event, where the request puts it beside a word that sets a limit: "before boarding", "has not left yet"."""
    event = read.known_before.strip()
    if len(_words(event)) > _LONGEST_EVENT or not is_quoted(event, words):
        return None
    own, whole = _words(event), _words(words)
    start = next(i for i in range(len(whole)) if whole[i : i + len(own)] == own)
    before, after = " ".join(whole[max(start - 4, 0) : start]), " ".join(whole[start : start + len(own) + 5])
    return event if _BEFORE.search(before) or _NOT_YET.search(after) else None


def _exclusions(read: Reading, words: str, catalog: DataCatalog) -> list[str]:
    return [phrase for phrase in read.leave_out if is_quoted(phrase, words) and _names_columns(phrase, catalog)]


def _names_columns(phrase: str, catalog: DataCatalog) -> bool:
    try:
        return bool(excluded_columns([phrase], catalog))
    except RequestError:
        return False


def _horizon(read: Reading) -> float | None:
    days = read.look_ahead
    return days if days is not None and 0 < days <= _LONGEST_AHEAD else None
