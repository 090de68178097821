"""What became of the requests under a traffic rule: counts of each version, predictions, outcomes delivered later.

One SQLite file that all workers of a service share. Predictions and outcomes are only ever added; the oldest leave when
there are more than the file is to hold. Counts and sums of losses are kept for good: a test that forgot its
first outcomes would no longer be valid.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from automl_runtime.errors import DataError
from automl_runtime.registry.sequential import Moments

__all__ = ["Arm", "Delivered", "Ledger", "Outcome", "Prediction"]

_BUCKETS = 64
_FIRST = 1e-4
"""Seconds up to which a request falls into the first bucket; each of the others is a quarter wider."""
_WIDER = math.log(1.25)
_MOST_KEYS = 1_000_000
_TABLES = """
CREATE TABLE IF NOT EXISTS predictions (
    place INTEGER PRIMARY KEY, id TEXT, version TEXT, rule TEXT, key INTEGER, answer TEXT
);
CREATE INDEX IF NOT EXISTS by_id ON predictions (id);
CREATE INDEX IF NOT EXISTS by_key ON predictions (rule, key);
CREATE TABLE IF NOT EXISTS outcomes (place INTEGER PRIMARY KEY, id TEXT UNIQUE, at REAL, outcome TEXT);
CREATE TABLE IF NOT EXISTS tested (
    rule TEXT, version TEXT, key INTEGER, PRIMARY KEY (rule, version, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS arms (rule TEXT, version TEXT, content TEXT, PRIMARY KEY (rule, version)) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Arm:
    """What a version did under a rule."""

    requests: int = 0
    rows: int = 0
    errors: int = 0
    """Requests that it failed on, and that the version in production did not refuse."""
    seconds: list[int] = field(default_factory=lambda: [0] * _BUCKETS)
    """Requests by how long they took."""
    losses: Moments = field(default_factory=Moments)
    compared: int = 0
    """Rows that a shadow scored as well."""
    agreed: int = 0
    """Of them, with the same label, or the same number but for rounding."""
    difference: float = 0.0
    """Sum of the differences of probabilities or numbers."""
    largest: float = 0.0
    dropped: int = 0
    """Requests that a shadow did not get to."""

    def answered(self, seconds: float, rows: int) -> None:
        """Counts an answer."""
        self.requests += 1
        self.rows += rows
        bucket = int(math.log(max(seconds, _FIRST) / _FIRST) / _WIDER)
        self.seconds[min(bucket, _BUCKETS - 1)] += 1

    def failed(self) -> None:
        """Counts a request that it failed on."""
        self.requests += 1
        self.errors += 1

    def quantile(self, share: float) -> float | None:
        """Seconds within which this share of the answers was given, to a quarter; None before the first."""
        wanted, seen = share * sum(self.seconds), 0
        for bucket, count in enumerate(self.seconds):
            seen += count
            if count and seen >= wanted:
                return _FIRST * math.exp(_WIDER * (bucket + 1))
        return None

    def add(self, other: Arm) -> None:
        """Counts what another worker counted."""
        self.requests += other.requests
        self.rows += other.rows
        self.errors += other.errors
        self.seconds = [mine + its for mine, its in zip(self.seconds, other.seconds, strict=True)]
        self.losses = Moments(
            self.losses.n + other.losses.n,
            self.losses.total + other.losses.total,
            self.losses.squares + other.losses.squares,
        )
        self.compared += other.compared
        self.agreed += other.agreed
        self.difference += other.difference
        self.largest = max(self.largest, other.largest)
        self.dropped += other.dropped

    @classmethod
    def of_text(cls, text: str) -> Arm:
        """What was written as JSON."""
        content = json.loads(text)
        return cls(**{**content, "losses": Moments(**content["losses"])})


@dataclass(frozen=True, slots=True)
class Prediction:
    """One answered row."""

    id: str
    version: str
    key: int | None
    """Hash of the key."""
    answer: str
    """As JSON."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came true, of a prediction or of the newest prediction for a key."""

    outcome: Any
    id: str | None = None
    key: int | None = None


@dataclass(slots=True)
class Delivered:
    """What became of outcomes that were delivered."""

    taken: int = 0
    repeated: int = 0
    """Predictions that had an outcome already, which stands."""
    unknown: list[int] = field(default_factory=list)
    """Places of those whose prediction is not known, or no longer."""


class Ledger:
    """The file at `path`; may be used from several threads and processes."""

    def __init__(self, path: Path, most: int = 100_000) -> None:
        """Keeps the newest `most` predictions and outcomes."""
        self._path, self._most = path, most

    def write(self, rule: str, arms: Mapping[str, Arm], predictions: Sequence[Prediction]) -> None:
        """Adds counts and predictions.

        Raises:
            DataError: if the file cannot be written.
        """
        with self._open() as database:
            for version, arm in arms.items():
                self._add(database, rule, version, arm)
            database.executemany(
                "INSERT INTO predictions (id, version, rule, key, answer) VALUES (?, ?, ?, ?, ?)",
                [(p.id, p.version, rule, p.key, p.answer) for p in predictions[-self._most :]],
            )
            self._trim(database, "predictions")

    def deliver(
        self, rule: str, at: float, outcomes: Sequence[Outcome], loss: Callable[[Any, Any], float]
    ) -> Delivered:
        """Takes outcomes, and adds the losses of the predictions under `rule` to their versions.

        A key counts once for each version, with the first of its outcomes: those of one key are not independent.

        Args:
            rule: id of the rule that is in force.
            at: seconds since 1970.
            outcomes: what came true.
            loss: of an answer, given an outcome.

        Raises:
            DataError: if the file cannot be written.
        """
        done, arms = Delivered(), dict[str, Arm]()
        with self._open() as database:
            keys = database.execute("SELECT COUNT(*) FROM tested WHERE rule = ?", (rule,)).fetchone()[0]
            for place, outcome in enumerate(outcomes):
                found = self._found(database, rule, outcome)
                if not found:
                    done.unknown.append(place)
                    continue
                text = json.dumps(outcome.outcome)
                new = database.execute(
                    "INSERT OR IGNORE INTO outcomes (id, at, outcome) VALUES (?, ?, ?)", (found[0][0], at, text)
                )
                if not new.rowcount:
                    done.repeated += 1
                    continue
                done.taken += 1
                for _, version, key, answer in found:
                    if key is None or (keys < _MOST_KEYS and self._is_new(database, rule, version, key)):
                        arms.setdefault(version, Arm()).losses.add(loss(json.loads(answer), outcome.outcome))
            for version, arm in arms.items():
                self._add(database, rule, version, arm)
            self._trim(database, "outcomes")
        return done

    def arms(self, rule: str) -> dict[str, Arm]:
        """The counts of each version under `rule`.

        Raises:
            DataError: if the file cannot be read.
        """
        if not self._path.exists():
            return {}
        with self._open() as database:
            rows = database.execute("SELECT version, content FROM arms WHERE rule = ?", (rule,)).fetchall()
        return {version: Arm.of_text(content) for version, content in rows}

    def _found(
        self, database: sqlite3.Connection, rule: str, outcome: Outcome
    ) -> list[tuple[str, str, int | None, str]]:
        identity = outcome.id
        if identity is None:
            newest = database.execute(
                "SELECT id FROM predictions WHERE rule = ? AND key = ? ORDER BY place DESC LIMIT 1", (rule, outcome.key)
            ).fetchone()
            if newest is None:
                return []
            identity = newest[0]
        return database.execute(
            "SELECT id, version, key, answer FROM predictions WHERE id = ? AND rule = ?", (identity, rule)
        ).fetchall()

    def _is_new(self, database: sqlite3.Connection, rule: str, version: str, key: int) -> bool:
        return bool(database.execute("INSERT OR IGNORE INTO tested VALUES (?, ?, ?)", (rule, version, key)).rowcount)

    def _add(self, database: sqlite3.Connection, rule: str, version: str, arm: Arm) -> None:
        row = database.execute("SELECT content FROM arms WHERE rule = ? AND version = ?", (rule, version)).fetchone()
        total = Arm() if row is None else Arm.of_text(row[0])
        total.add(arm)
        database.execute("INSERT OR REPLACE INTO arms VALUES (?, ?, ?)", (rule, version, json.dumps(asdict(total))))
        # Which keys were tested under rules of the past is of no use.
        database.execute("DELETE FROM tested WHERE rule != ?", (rule,))

    def _trim(self, database: sqlite3.Connection, table: str) -> None:
        newest = database.execute(f"SELECT MAX(place) FROM {table}").fetchone()[0]
        database.execute(f"DELETE FROM {table} WHERE place <= ?", ((newest or 0) - self._most,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction of its own; others wait for it for five seconds at most."""
        try:
            database = sqlite3.connect(self._path, timeout=5.0, isolation_level=None)
            try:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                database.executescript(_TABLES)
                database.execute("BEGIN IMMEDIATE")
                yield database
                database.execute("COMMIT")
            finally:
                database.close()
        except sqlite3.Error as error:
            raise DataError(f"{self._path} cannot be used: {error}.", hint="Delete it: counts begin anew.") from error
