"""The request path under a traffic rule: which version answers, and what is noted of it.

Without a rule none of this runs. What is noted is kept in memory, and written to the ledger off the request path.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from automl_runtime.registry.ledger import Arm, Prediction
from automl_runtime.registry.traffic import TrafficRule
from automl_runtime.serving.answers import Answer
from automl_runtime.serving.asgi import Disconnected, Receive
from automl_runtime.serving.dispatching import TimedOut
from automl_runtime.serving.live import LARGE_BODY, Asked, Served
from automl_runtime.serving.requests import BadRequest, parse_body
from automl_runtime.serving.shadowing import Shadow

__all__ = ["Notes", "Split", "hash_of", "key_of", "rows_of"]

_LOG = logging.getLogger("automl_runtime.serving")
_MOST_PENDING = 64 * 1024 * 1024
"""Bytes of answers that wait to be written; more are counted, but not remembered."""
_MOST_ROWS = 1_000
"""Rows of one request that are remembered for their outcomes."""


def key_of(value: object) -> str | None:
    """A key as text, however JSON wrote it; None where there is none.

    >>> key_of(7), key_of(7.0), key_of("7"), key_of(None)
    ('7', '7', '7', None)
    """
    if value is None or value == "":
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def hash_of(rule: TrafficRule, key: str) -> int:
    """What the ledger knows of `key`: no key can be read out of it without the salt."""
    text = f"{rule.salt}\0ledger\0{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)


def rows_of(body: bytes) -> list[dict[str, Any]]:
    """The predictions in the body of an answer."""
    content = msgspec.json.decode(body)
    found: list[dict[str, Any]] = content.get("predictions", content.get("forecast", [content]))
    return found


class _Part(NamedTuple):
    """The rows of a request that one version answers."""

    served: Served
    body: bytes
    keys: Sequence[str | None]
    places: Sequence[int] | None
    """Where they stand in the request; None: it is one row, or all of them."""


@dataclass(slots=True)
class _Note:
    """An answer that is to be remembered."""

    id: str
    version: str
    body: bytes
    keys: Sequence[str | None]
    places: Sequence[int] | None


class Notes:
    """Counts and answers of one process that the ledger does not have yet. Safe to use from several threads."""

    def __init__(self, rule: TrafficRule) -> None:
        self._rule = rule
        self._lock = threading.Lock()
        self._arms: dict[str, Arm] = {}
        self._notes: list[_Note] = []
        self._bytes = 0

    def answered(self, note: _Note, seconds: float, rows: int) -> None:
        """Notes an answer."""
        with self._lock:
            self._arms.setdefault(note.version, Arm()).answered(seconds, rows)
        self.remember(note)

    def remember(self, note: _Note) -> None:
        """Keeps what was predicted, while there is room."""
        with self._lock:
            if self._bytes + len(note.body) <= _MOST_PENDING:
                self._notes.append(note)
                self._bytes += len(note.body)

    def failed(self, version: str) -> None:
        """Notes a request that a version failed on."""
        with self._lock:
            self._arms.setdefault(version, Arm()).failed()

    def count(self, version: str, arm: Arm) -> None:
        """Notes what was counted elsewhere."""
        with self._lock:
            self._arms.setdefault(version, Arm()).add(arm)

    def take(self) -> tuple[dict[str, Arm], list[Prediction]]:
        """All that was noted since; it is forgotten here. Takes its time, for another thread."""
        with self._lock:
            arms, self._arms = self._arms, {}
            notes, self._notes, self._bytes = self._notes, [], 0
        return arms, [prediction for note in notes for prediction in self._predictions(note)]

    def _predictions(self, note: _Note) -> list[Prediction]:
        rows = rows_of(note.body)[:_MOST_ROWS]
        one = note.places is None and b'"predictions"' not in note.body[:14]
        places = range(len(rows)) if note.places is None else note.places
        keys = note.keys if len(note.keys) == len(rows) else [note.keys[0] if note.keys else None] * len(rows)
        return [
            Prediction(
                note.id if one else f"{note.id}.{place}",
                note.version,
                None if key is None else hash_of(self._rule, key),
                msgspec.json.encode(row).decode(),
            )
            for place, key, row in zip(places, keys, rows, strict=False)
        ]


class Split:
    """A rule at work on the requests of one model; used on one event loop."""

    def __init__(self, rule: TrafficRule, control: Served, challenger: Served | None, *, most_rows: int) -> None:
        """`most_rows` is what a request may hold."""
        self.rule = rule
        self.notes = Notes(rule)
        self._control, self._challenger, self._most_rows = control, challenger, most_rows
        self._shadow: Shadow | None = None
        if rule.kind == "shadow" and challenger is not None:
            self._shadow = Shadow(challenger.scorer, self._compared, self._dropped)

    async def answer(self, asked: Asked, receive: Receive) -> Answer:
        """The answer, with `prediction_id`; of the version that the rule gives the key to.

        Where the challenger fails and production does not, production's answer is given.
        """
        identity = secrets.token_hex(8)
        if len(asked.body) > LARGE_BODY and self.rule.column is not None:
            parts = await asyncio.get_running_loop().run_in_executor(None, self._parts, asked, identity)
        else:
            parts = self._parts(asked, identity)
        answers = [await self._answered(part, identity, asked, receive) for part in parts]
        body = answers[0].body if len(answers) == 1 else _merged(answers, parts)
        rows = sum(answer.rows for answer in answers)
        return Answer(b'%b,"prediction_id":"%b"}' % (body[:-1], identity.encode()), rows)

    def close(self) -> None:
        """Lets the shadow go; what waits for it is dropped."""
        if self._shadow is not None:
            self._shadow.close()

    def _parts(self, asked: Asked, identity: str) -> list[_Part]:
        rule = self.rule
        if rule.column is not None:
            return self._parts_by_column(asked, identity, rule.column)
        key = None
        if rule.header is not None:
            name = rule.header.encode()
            given = next((value for header, value in asked.headers if header == name), None)
            key = None if given is None else key_of(given.decode("utf-8", "replace"))
        return [_Part(self._arm(key, identity), asked.body, [key], None)]

    def _parts_by_column(self, asked: Asked, identity: str, column: str) -> list[_Part]:
        rows, many, columns = parse_body(asked.body, most_rows=self._most_rows)
        if columns is not None:
            # Nobody can tell the keys apart without taking the columns apart: production answers.
            return [_Part(self._control, asked.body, [None], None)]
        keys = [key_of(row.get(column)) for row in rows]
        arms = [self._arm(key, f"{identity}.{place}") for place, key in enumerate(keys)] or [self._control]
        if all(arm is arms[0] for arm in arms):
            return [_Part(arms[0], self._body(arms[0], asked, rows, many), keys, None)]
        found = []
        for arm in (arms[0], next(arm for arm in arms if arm is not arms[0])):
            places = [place for place, its in enumerate(arms) if its is arm]
            mine = [rows[place] for place in places]
            found.append(_Part(arm, self._body(arm, asked, mine, True, whole=False), [keys[p] for p in places], places))
        return found

    def _body(
        self, arm: Served, asked: Asked, rows: Sequence[Mapping[str, object]], many: bool, *, whole: bool = True
    ) -> bytes:
        """These rows as the version takes them: without the key, where that is no column of its own."""
        column = self.rule.column
        foreign = not any(known.name == column for known in arm.bundle.schema.columns)
        if foreign:
            taken = [{name: value for name, value in row.items() if name != column} for row in rows]
        elif whole:
            return asked.body
        else:
            taken = [dict(row) for row in rows]
        return msgspec.json.encode({"rows": taken} if many else taken[0])

    def _arm(self, key: str | None, identity: str) -> Served:
        """The version that answers this key; without one, a draw."""
        if self._challenger is None or self.rule.kind not in ("ab", "canary"):
            return self._control
        return self._challenger if self.rule.chosen(identity if key is None else key) else self._control

    async def _answered(self, part: _Part, identity: str, asked: Asked, receive: Receive) -> Answer:
        served, started = part.served, time.perf_counter()
        version = served.bundle.manifest.model_version
        try:
            _, answer = await served.answer(asked._replace(body=part.body), receive)
        except (Disconnected, BadRequest, asyncio.CancelledError) as refusal:
            if served is self._control or not isinstance(refusal, BadRequest):
                raise
            return await self._instead(part, identity, asked, receive, refusal)
        except Exception as error:
            if served is self._control or isinstance(error, TimedOut):
                self.notes.failed(version)
                raise
            return await self._instead(part, identity, asked, receive, error)
        note = _Note(identity, version, answer.body, part.keys, part.places)
        self.notes.answered(note, time.perf_counter() - started, answer.rows)
        if self._shadow is not None and self.rule.chosen(part.keys[0] or identity):
            self._shadow.see(part.body, asked.explain, note)
        return answer

    async def _instead(self, part: _Part, identity: str, asked: Asked, receive: Receive, error: Exception) -> Answer:
        """What production answers where the challenger failed; a request that it refuses too is the client's fault."""
        body = part.body
        if self.rule.column is not None:
            rows, many, _ = parse_body(asked.body, most_rows=self._most_rows)
            mine = rows if part.places is None else [rows[place] for place in part.places]
            body = self._body(self._control, asked, mine, many, whole=part.places is None)
        answer = await self._answered(part._replace(served=self._control, body=body), identity, asked, receive)
        version = part.served.bundle.manifest.model_version
        self.notes.failed(version)
        _LOG.error("%s failed; production answered in its place: %s: %s", version, type(error).__name__, error)
        return answer

    def _compared(self, note: _Note, body: bytes | None) -> None:
        """Counts what a shadow made of a request."""
        assert self.rule.challenger is not None
        version = self.rule.challenger
        if body is None:
            self.notes.failed(version)
            return
        self.notes.count(version, compared(note.body, body))
        self.notes.remember(_Note(note.id, version, body, note.keys, note.places))

    def _dropped(self) -> None:
        assert self.rule.challenger is not None
        self.notes.count(self.rule.challenger, Arm(dropped=1))


def compared(answer: bytes, shadow: bytes) -> Arm:
    """How far two answers to the same rows are apart."""
    arm = Arm(requests=1)
    for mine, its in zip(rows_of(answer), rows_of(shadow), strict=False):
        arm.rows += 1
        arm.compared += 1
        apart = _apart(mine, its)
        told = next((name for name in ("label", "labels") if name in mine), None)
        arm.agreed += apart <= _rounding(mine) if told is None else mine[told] == its.get(told)
        arm.difference += apart
        arm.largest = max(arm.largest, apart)
    return arm


def _apart(mine: Mapping[str, Any], its: Mapping[str, Any]) -> float:
    """The largest difference of two answers' probabilities, or of their numbers."""
    if "probabilities" in mine:
        one, other = mine["probabilities"], its.get("probabilities", {})
        apart = (abs((one.get(name) or 0) - (other.get(name) or 0)) for name in {*one, *other})
        return float(max(apart, default=0.0))
    names = [name for name in ("prediction", "score", "cluster") if name in mine]
    return float(max((abs((mine[name] or 0) - (its.get(name) or 0)) for name in names), default=0.0))


def _rounding(mine: Mapping[str, Any]) -> float:
    return 1e-9 * max(1.0, abs(float(mine.get("prediction") or 0.0)))


def _merged(answers: Sequence[Answer], parts: Sequence[_Part]) -> bytes:
    """One answer to rows that two versions answered, in the order of the request."""
    rows: dict[int, msgspec.Raw] = {}
    versions = []
    for answer, part in zip(answers, parts, strict=True):
        content = msgspec.json.decode(answer.body, type=_Many)
        rows |= dict(zip(part.places or (), content.predictions, strict=True))
        versions.append(content.model_version)
    told = ",".join(dict.fromkeys(versions))
    return msgspec.json.encode(_Many([rows[place] for place in sorted(rows)], told))


class _Many(msgspec.Struct):
    predictions: list[msgspec.Raw]
    model_version: str
