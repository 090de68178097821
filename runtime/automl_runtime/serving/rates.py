"""How often somebody may ask: token buckets that all workers of a service share."""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["RATES", "SharedBuckets"]

RATES = "AUTOML_RATES"
"""Environment variable: the file in which the workers of a service count requests together."""

_SLOT = struct.Struct("dd")
_SLOTS = 4096


class SharedBuckets:
    """A bucket of tokens for each name, in a file that several processes map.

    A bucket holds as many requests as are allowed in a minute, and fills evenly. Names share 4,096 slots by their hash:
    two of them may land in one, and are then limited together.
    """

    def __init__(self, path: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Maps the file at `path`, made when it is absent; None: memory of this process alone.

        `clock` gives seconds that are the same in all processes of a machine.
        """
        self._clock = clock
        self._file = -1 if path is None else os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        size = _SLOTS * _SLOT.size
        if self._file >= 0 and os.fstat(self._file).st_size < size:
            os.ftruncate(self._file, size)
        self._map = mmap.mmap(self._file, size)

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            os.close(self._file)

    def take(self, name: str, per_minute: int) -> float:
        """Takes a token from the bucket of `name`.

        Returns:
            0.0, or the seconds after which there will be one; nothing is taken then.
        """
        place = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) % _SLOTS * _SLOT.size
        now = self._clock()
        with _held(self._file, place):
            tokens, since = _SLOT.unpack_from(self._map, place)
            rate = per_minute / 60
            # A slot that was never used holds zeros.
            tokens = per_minute if since == 0.0 else min(per_minute, tokens + max(0.0, now - since) * rate)
            if tokens < 1.0:
                _SLOT.pack_into(self._map, place, tokens, now)
                return float((1.0 - tokens) / rate)
            _SLOT.pack_into(self._map, place, tokens - 1.0, now)
        return 0.0


@contextmanager
def _held(file: int, place: int) -> Iterator[None]:
    """Holds the lock of one slot of a file."""
    if file < 0 or sys.platform == "win32":
        yield
        return
    import fcntl

    fcntl.lockf(file, fcntl.LOCK_EX, _SLOT.size, place)
    try:
        yield
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN, _SLOT.size, place)
