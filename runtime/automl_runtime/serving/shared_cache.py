"""Answers that several services keep together on Redis. Whatever fails there costs time at most, never an answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from automl_runtime.errors import MissingExtraError, RequestError

__all__ = ["SharedCache"]

_LOG = logging.getLogger("automl_runtime.serving")
_PATIENCE: Final = 0.05
"""Seconds that Redis may take to say anything."""
_MOST_FAILURES: Final = 3
_PAUSE, _LONGEST_PAUSE = 5.0, 60.0
"""Seconds for which it is left alone after failures; twice as long each time that it fails again."""
_WEIGHT: Final = 0.1
"""Of the newest look-up in the mean of their times."""


class SharedCache:
    """Values by key on a Redis server, forgotten after a while. Thread-safe; nothing here raises after construction.

    After three failures one after the other the server is left alone (a circuit breaker): a line of the log says so,
    and another when it answers again.
    """

    def __init__(
        self,
        url: str,
        *,
        seconds: float = 300.0,
        salt: str = "",
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connects when it is first asked.

        Args:
            url: as `redis://:password@host:6379/0`, `rediss://...` or `unix:///path`.
            seconds: after which a value is forgotten.
            salt: part of all keys: what is written under another one is not found.
            patience: seconds that the server may take.
            clock: seconds that only grow.

        Raises:
            MissingExtraError: if the package `redis` is not installed.
            RequestError: if `url` is none of Redis.
        """
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise MissingExtraError(package="redis", extra="redis") from error
        try:
            # Values are bytes; what fails is the breaker's business, so that nothing is tried again.
            self._client: Any = redis.Redis.from_url(
                url, socket_timeout=patience, socket_connect_timeout=patience, retry=Retry(NoBackoff(), 0)
            )
        except ValueError as error:
            raise RequestError(
                "The URL of the shared cache is none of Redis.", hint="Write redis://HOST:PORT/NUMBER, or unix:///PATH."
            ) from error
        self._errors = (redis.RedisError, OSError)
        self._seconds, self._clock = seconds, clock
        self.salt = salt
        self.lookup_seconds: float | None = None
        """A moving mean of what asking takes; None before anything was found out."""
        self._connected = False
        self.on_failure: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._failures, self._pause, self._until, self._open = 0, _PAUSE, 0.0, False

    @property
    def rests(self) -> bool:
        """Whether the server is left alone at the moment."""
        return self._open and self._clock() < self._until

    def get(self, keys: Sequence[bytes]) -> list[bytes | None] | None:
        """The value of each key, None where there is none; None for all when the server cannot be asked."""
        start = time.perf_counter()
        found = self._tried(lambda: self._client.mget(keys))
        if found is None:
            self._connected = False
            return None
        taken = time.perf_counter() - start
        if self._connected:
            known = self.lookup_seconds
            self.lookup_seconds = taken if known is None else known + _WEIGHT * (taken - known)
        # What it took to connect says nothing of the look-ups to come.
        self._connected = True
        return cast("list[bytes | None]", found)

    def forget_times(self) -> None:
        """Lets the next look-up alone say what asking takes."""
        self.lookup_seconds = None

    def put(self, values: Mapping[bytes, bytes]) -> None:
        """Keeps `values` by key, if the server can be asked."""

        def write() -> bool:
            with self._client.pipeline(transaction=False) as pipeline:
                for key, value in values.items():
                    pipeline.set(key, value, px=max(1, int(self._seconds * 1000)))
                pipeline.execute()
            return True

        self._tried(write)

    def close(self) -> None:
        """Lets the connections go."""
        self._client.close()

    def _tried(self, call: Callable[[], Any]) -> Any:
        with self._lock:
            if self._open:
                now = self._clock()
                if now < self._until:
                    return None
                # One may try; the others go on without.
                self._until = now + self._pause
        try:
            found = call()
        except self._errors as error:
            self._failed(error)
            return None
        self._worked()
        return found

    def _failed(self, error: Exception) -> None:
        self.on_failure()
        with self._lock:
            self._failures += 1
            if self._failures < _MOST_FAILURES:
                return
            first, self._open = not self._open, True
            pause = self._pause
            self._until = self._clock() + pause
            self._pause = min(2 * pause, _LONGEST_PAUSE)
        if first:
            kind = type(error).__name__
            _LOG.error("The shared cache fails (%s: %s); answers are computed without it, meanwhile.", kind, error)

    def _worked(self) -> None:
        with self._lock:
            again, self._open = self._open, False
            self._failures, self._pause = 0, _PAUSE
        if again:
            _LOG.warning("The shared cache answers again.")
