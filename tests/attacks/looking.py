"""What may not be seen: by a model, on a terminal, in a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def steering(text: str) -> list[str]:
    """The signs of `text` that nobody sees or that steer a terminal: control, zero-width, bidirectional, tags."""
    return [f"U+{ord(sign):04X}" for sign in text if unicodedata.category(sign) in _UNSEEN and sign not in "\n\t"]


def hidden(text: str) -> list[str]:
    """As `steering`, and long runs of variation selectors, in which whole sentences can be written."""
    selectors = [sign for sign in text if any(ord(sign) in span for span in _SELECTORS)]
    return [*steering(text), *(f"U+{ord(sign):04X}" for sign in selectors if len(selectors) > 2)]


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in JSON, keys too, each with where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"{path} key", key
            yield from texts(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, f"{path}[]")
