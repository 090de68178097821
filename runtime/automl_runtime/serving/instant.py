"""One row as JSON, answered where it is read: no task, no ASGI messages, no queue.

An instant answer is what `ScoringRoute` answers, header by header. Whatever is not plain (another form, a wish in a
header, a wrong cell, a caller who is not admitted) is left to it: `None` means that nothing has happened yet.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from automl_runtime.serving.answers import JSON
from automl_runtime.serving.asgi import ALWAYS
from automl_runtime.serving.compression import pack, packing
from automl_runtime.serving.counters import Counters
from automl_runtime.serving.formats import JSON_FORM, negotiate
from automl_runtime.serving.live import LiveModel
from automl_runtime.serving.prediction_log import PredictionLog
from automl_runtime.serving.requests import BadRequest, keys_are_unique

__all__ = ["LONGEST_BODY", "Headers", "InstantAnswer", "InstantRoute"]

_LOG = logging.getLogger("automl_runtime.serving")

LONGEST_BODY: Final = 16 * 1024
"""Bytes of a request that may be read on the event loop in one go."""
_WISHES: Final = frozenset({b"content-encoding", b"expect", b"x-forwarded-for", b"x-priority", b"x-timeout-ms"})
"""Headers that ask for more than a plain answer."""
_TOLD: Final = ((b"content-type", JSON.encode()), *ALWAYS)

Headers = Sequence[tuple[bytes, bytes]]


class InstantAnswer(NamedTuple):
    """An answer with status 200."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


class InstantRoute:
    """Answers plain requests of one path with the model that is live; used from one event loop."""

    def __init__(self, live: LiveModel, counters: Counters, predictions: PredictionLog | None = None) -> None:
        self._live, self._counters, self._predictions = live, counters, predictions

    def answer(self, headers: Headers, body: bytes, name: str, admit: Callable[[], Any]) -> InstantAnswer | None:
        """The answer to the request `name`; None where it is not plain.

        Args:
            headers: of the request, names in lower case.
            body: of the request.
            name: of the request.
            admit: raises `BadRequest` where the caller must not ask; called once, before anything is predicted.
        """
        told = dict(headers)
        if self._live.split is not None or self._live.paused is not None or not _WISHES.isdisjoint(told):
            return None
        served = self._live.current
        try:
            if negotiate(told.get(b"content-type"), told.get(b"accept")) is not JSON_FORM:
                return None
            record = served.scorer.record
            raw = None if record is None else _read(body)
            clean = None if record is None or raw is None else record.clean(raw)
            if record is None or raw is None or clean is None:
                return None
            admit()
            content = record.answer_clean(clean)
        except BadRequest:
            return None
        except Exception:  # noqa: BLE001 -- the long way meets it again, and answers 500
            _LOG.debug("no instant answer", exc_info=True)
            return None
        self._counters.rows.inc()
        if self._predictions is not None:
            moment, size = time.time(), len(body)
            self._predictions.offer(name, moment, served.bundle, [raw], many=False, body=content, size=size)
        return _packed(content, told)


def _read(body: bytes) -> dict[str, object] | None:
    """The row in `body`; None where it is none, or not one alone."""
    try:
        row = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if type(row) is not dict or "rows" in row or "columns" in row or not keys_are_unique(body, len(row)):
        return None
    return row


def _packed(content: bytes, told: Mapping[bytes, bytes]) -> InstantAnswer:
    more: list[tuple[bytes, bytes]] = []
    coding = packing(told.get(b"accept-encoding"), len(content))
    if coding is not None:
        content = pack(content, coding)
        more = [(b"content-encoding", coding.encode()), (b"vary", b"accept, accept-encoding")]
    return InstantAnswer([*_TOLD, (b"content-length", b"%d" % len(content)), *more], content)
