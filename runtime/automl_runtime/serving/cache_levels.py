"""Answers of one version of a model by row: those of this process first, then those that services share."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from automl_schemas.bundle import BundleManifest

import automl_runtime
from automl_runtime.serving.caching import ResultCache
from automl_runtime.serving.shared_cache import SharedCache

__all__ = ["CacheLevels", "row_key"]

_TRY_EVERY: Final = 30.0
"""Seconds after which a shared level that was too slow is asked again."""
_WEIGHT: Final = 0.1


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)


_pack = msgspec.msgpack.Encoder(enc_hook=_plain).encode


def row_key(values: Sequence[Any]) -> bytes:
    """A key for clean values in the order of the columns: however a row was written, it is the same row."""
    return hashlib.blake2b(_pack(list(values)), digest_size=20).digest()


class CacheLevels:
    """What is known of rows, level by level; used by one thread at a time.

    The shared level is asked only while that is faster than scoring: the times of both are averaged as they happen.
    """

    def __init__(
        self,
        local: ResultCache[bytes] | None,
        shared: SharedCache | None,
        manifest: BundleManifest,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Levels for the version that `manifest` describes: keys of the shared one begin with what tells it apart."""
        self.local, self.shared = local, shared
        self._clock = clock
        salt = "" if shared is None else shared.salt
        about = f"{automl_runtime.__version__}\0{salt}\0{manifest.model_dump_json()}"
        told = hashlib.blake2b(about.encode(), digest_size=16).hexdigest()
        self._prefix = f"automl:{manifest.model_version}:{told}:".encode()
        self._scoring_seconds: float | None = None
        self._asked_again = float("-inf")
        self.on_shared: Callable[[int, int], None] = lambda _hits, _misses: None
        """Gets how many rows the shared level knew, and how many not."""

    def get(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """What is kept for each key of `row_key`, None where nothing is."""
        found = [None if self.local is None else self.local.get(key) for key in keys]
        missing = [place for place, value in enumerate(found) if value is None]
        if self.shared is None or not missing or not self._is_worth_asking(self.shared):
            return found
        told = self.shared.get([self._prefix + keys[place] for place in missing])
        if told is not None:
            for place, value in zip(missing, told, strict=True):
                found[place] = value
                if value is not None and self.local is not None:
                    self.local.put(keys[place], value, len(keys[place]) + len(value))
            misses = told.count(None)
            self.on_shared(len(told) - misses, misses)
        return found

    def put(self, values: Mapping[bytes, bytes], seconds: float) -> None:
        """Keeps answers that scoring took `seconds` for."""
        known = self._scoring_seconds
        self._scoring_seconds = seconds if known is None else known + _WEIGHT * (seconds - known)
        if self.local is not None:
            for key, value in values.items():
                self.local.put(key, value, len(key) + len(value))
        if self.shared is not None and self._is_faster(self.shared):
            self.shared.put({self._prefix + key: value for key, value in values.items()})

    def _is_worth_asking(self, shared: SharedCache) -> bool:
        if self._is_faster(shared):
            return True
        now = self._clock()
        if now - self._asked_again < _TRY_EVERY:
            return False
        self._asked_again = now
        shared.forget_times()
        return True

    def _is_faster(self, shared: SharedCache) -> bool:
        asking, scoring = shared.lookup_seconds, self._scoring_seconds
        return asking is None or scoring is None or asking < scoring
