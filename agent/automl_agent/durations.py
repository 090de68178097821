"""Durations as people write them."""

from __future__ import annotations

import re

from automl_runtime.errors import RequestError, shorten

__all__ = ["parse_duration"]

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Seconds in `60s`, `2m`, `1.5h` or a bare number of seconds.

    >>> parse_duration("2m")
    120.0

    Raises:
        RequestError: if it is none of these, or not above zero.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text.lower())
    if match is None or float(match[1]) == 0:
        raise RequestError(f"{shorten(text)} is not a duration; write `60s`, `2m` or `1h`.")
    return float(match[1]) * _UNITS[match[2]]
