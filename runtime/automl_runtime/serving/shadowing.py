"""A second version that scores the same requests where it can harm nobody: in a thread of its own, when there is time.

Its queue is bounded by requests and bytes. A shadow that hangs fills it, and what comes then is dropped and counted;
the thread is a daemon, so that it holds up no shutdown.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from automl_runtime.serving.answers import BatchScorer

__all__ = ["Shadow"]

_LOG = logging.getLogger("automl_runtime.serving")
_MOST = 256
_MOST_BYTES = 16 * 1024 * 1024


class Shadow:
    """Scores requests that were answered already."""

    def __init__(
        self,
        scorer: BatchScorer,
        on_answer: Callable[[Any, bytes | None], None],
        on_drop: Callable[[], None],
        *,
        most: int = _MOST,
    ) -> None:
        """Starts its thread.

        Args:
            scorer: of the second version; used by this thread alone.
            on_answer: gets what `see` was given and the answer, None where the shadow failed; in the thread.
            on_drop: is called for each request that finds the queue full.
            most: requests that may wait.
        """
        self._scorer, self._on_answer, self._on_drop = scorer, on_answer, on_drop
        self._queue: queue.Queue[tuple[bytes, bool, Any] | None] = queue.Queue(most)
        self._bytes = 0
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._run, name="shadow", daemon=True).start()

    def see(self, body: bytes, explain: bool, token: Any) -> None:
        """Lets the shadow score the body of a request later, if there is room; never waits."""
        with self._lock:
            if self._bytes + len(body) > _MOST_BYTES:
                self._on_drop()
                return
            self._bytes += len(body)
        try:
            self._queue.put_nowait((body, explain, token))
        except queue.Full:
            self._left(body)
            self._on_drop()

    def close(self) -> None:
        """Ends the thread after the request that it is at; does not wait for it."""
        self._closed = True
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            # It finds out by itself after the next request.
            return

    def _run(self) -> None:
        while not self._closed:
            entry = self._queue.get()
            if entry is None:
                return
            body, explain, token = entry
            self._left(body)
            started = time.perf_counter()
            self._on_answer(token, self._scored(body, explain))
            # At most half of the time of a core: those that answer wait for the interpreter meanwhile.
            time.sleep(min(1.0, time.perf_counter() - started))

    def _scored(self, body: bytes, explain: bool) -> bytes | None:
        try:
            ask = self._scorer.ask(body, explain)
            answer = self._scorer.instant(ask) or self._scorer.answers([ask])[0]
        except Exception as error:  # noqa: BLE001 -- whatever a shadow does is counted, and harms nobody
            answer = error
        if isinstance(answer, Exception):
            _LOG.warning("The shadow failed: %s: %s", type(answer).__name__, answer)
            return None
        return answer.body

    def _left(self, body: bytes) -> None:
        with self._lock:
            self._bytes -= len(body)
