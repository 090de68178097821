"""What the name of a column says about when it becomes known."""

from __future__ import annotations

from automl_runtime.data.naming import singular, token_score, tokens, word_set

__all__ = ["is_planned", "names_event", "names_outcome", "shares_stem"]

_PLANNED = word_set(
    """
    sched schedule scheduled plan planned expect expected due promise promised forecast forecasted
    predicted booked requested estimated initial target budget deadline
    """
)
_OUTCOME = word_set(
    """
    status result outcome final finish finished actual end ended complete completed completion close
    closed resolve resolved resolution cancel cancelled canceled cancellation deactivate deactivated
    terminate terminated reason refund refunded return returned deliver delivered arrive arrived arrival
    win won winner score point rank ranking standing place position elapsed duration exit left settle
    settled paid payout award awarded
    """
)
_GENERIC = word_set(
    """
    time date day month year hour minute second number no id code name type total count sum mean min max
    last first value amount rate percent flag is has of in the a an per order text avg median new old by
    at on
    """
)


def _words(name: str) -> set[str]:
    return {singular(word) for word in tokens(name)}


def is_planned(name: str) -> bool:
    """Whether a name says that it was fixed beforehand.

    >>> is_planned("scheduled_end"), is_planned("end_time")
    (True, False)
    """
    return any(word in _PLANNED for word in tokens(name))


def names_outcome(name: str) -> bool:
    """Whether a name holds a word for how something ended.

    >>> names_outcome("final_score"), names_outcome("colour")
    (True, False)
    """
    return bool((_words(name) | set(tokens(name))) & _OUTCOME)


def names_event(name: str, event: str) -> bool:
    """Whether a name holds a word of the event before which everything must be known, or its abbreviation.

    >>> names_event("adm_time", "the admission"), names_event("ward", "the admission")
    (True, False)
    """
    words = [word for word in _words(event) if word not in _GENERIC and len(word) > 3]
    return any(token_score(own, word) >= 0.8 for own in _words(name) - _GENERIC for word in words)


def shares_stem(name: str, target: str) -> bool:
    """Whether a name has a telling word in common with the name of the target.

    >>> shares_stem("bid_time", "bid_total"), shares_stem("order_time", "wait_time")
    (True, False)
    """
    own, other = _words(name) - _GENERIC, _words(target) - _GENERIC
    return any(token_score(one, two) >= 0.9 for one in own for two in other)
