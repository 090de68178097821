"""Answers that are kept for a while: least recently used ones go first, and so do old ones."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["CacheCounts", "ResultCache"]

T = TypeVar("T")

_OF_ENTRY = 200
"""Bytes that an entry costs besides its key and value."""


@dataclass(slots=True)
class CacheCounts:
    """What became of the questions to a cache."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0
    expired: int = 0


class ResultCache(Generic[T]):
    """Values by key, bounded in bytes and in age. Thread-safe.

    A cache belongs to one version of a model: with the version it goes, so that no answer is ever stale.
    """

    def __init__(self, most_bytes: int, seconds: float = 300.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Empty.

        Args:
            most_bytes: what all entries may take together; 0 keeps nothing.
            seconds: after which an entry is no longer given out.
            clock: seconds that only grow.
        """
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._entries: OrderedDict[Hashable, tuple[T, float, int]] = OrderedDict()
        self._guard = threading.Lock()
        self.bytes = 0
        """What the entries take."""
        self.counts = CacheCounts()
        self.on_lookup: Callable[[bool], None] = lambda _hit: None
        """Gets whether a key was known, for each that was asked for."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Hashable) -> T | None:
        """The value of `key`, None when there is none or it is too old."""
        with self._guard:
            found = self._found(key)
        self.on_lookup(found is not None)
        return found

    def _found(self, key: Hashable) -> T | None:
        found = self._entries.get(key)
        if found is None:
            self.counts.misses += 1
            return None
        value, until, size = found
        if until <= self._clock():
            del self._entries[key]
            self.bytes -= size
            self.counts.expired += 1
            self.counts.misses += 1
            return None
        self._entries.move_to_end(key)
        self.counts.hits += 1
        return value

    def put(self, key: Hashable, value: T, size: int) -> None:
        """Keeps `value`, whose key and content take `size` bytes; what was least recently asked for makes room."""
        size += _OF_ENTRY
        with self._guard:
            known = self._entries.pop(key, None)
            if known is not None:
                self.bytes -= known[2]
            if size > self._most_bytes:
                return
            self._entries[key] = (value, self._clock() + self._seconds, size)
            self.bytes += size
            while self.bytes > self._most_bytes:
                _, (_, _, freed) = self._entries.popitem(last=False)
                self.bytes -= freed
                self.counts.evicted += 1
