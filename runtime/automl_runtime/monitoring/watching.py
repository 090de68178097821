"""Watches what a model is asked, window by window, and raises an alert when it has moved away from training.

A column has moved when its population stability index over a window is large (an effect) and larger than chance
explains (Benjamini and Hochberg, Controlling the False Discovery Rate, 1995, over all columns of the window). An alert
needs that in several windows one after the other, and ends when as many were calm, by a lower bar.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np

from automl_runtime.kernels.arrays import Floats
from automl_runtime.monitoring.counting import BinnedColumn, RowCounts
from automl_runtime.monitoring.distances import jensen_shannon, wasserstein
from automl_runtime.monitoring.drift import stability
from automl_runtime.monitoring.reference import Reference, psi
from automl_runtime.monitoring.shared_state import SharedState

__all__ = ["Alert", "ColumnDrift", "DriftPolicy", "DriftReport", "DriftWatch"]

_PREDICTION: Final = "\0prediction"
"""A name that no column has."""
_LABEL: Final = "\0prediction of "
"""What stands before the name of a label, for columns may be called as labels are."""


@dataclass(frozen=True, slots=True)
class DriftPolicy:
    """When a window of rows is judged, and when that is an alert."""

    rows: int = 500
    """A window has at least so many."""
    seconds: float = 60.0
    """And is open at least so long."""
    level: float = 0.01
    """Share of those columns that chance alone may name."""
    moved: float = 0.1
    """The index from which a column has moved."""
    settled: float = 0.05
    """The index from which one that is in an alert stays there."""
    windows: int = 2
    """So many in a row raise an alert, and so many end it."""


@dataclass(frozen=True, slots=True)
class Alert:
    """That columns have moved, or are back."""

    active: bool
    number: int
    """How many there have been."""
    since: float | None
    """Seconds since 1970."""
    columns: tuple[str, ...]
    """`prediction` is that of the model, `prediction of <label>` the probability of one of its labels."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How far a column, the prediction, or that of a label is from what it was in training."""

    column: str
    kind: Literal["number", "category", "length"]
    rows: int
    """Rows that it was looked at in."""
    psi: float
    jensen_shannon: float
    """In bits, 0 to 1."""
    wasserstein: float | None
    """In standard deviations of the training rows; None: of categories, and of columns that did not vary."""
    p_value: float
    """How often chance alone makes an index as large."""
    missing: tuple[float, float]
    """Shares of rows without a value: in training, and now."""
    mean: tuple[float, float] | None
    """In training, and now."""
    judged: bool
    """Whether it can raise an alert: moments cannot, for time goes on."""
    alert: bool


@dataclass(frozen=True, slots=True)
class DriftReport:
    """What a watch has seen: the columns by their index over the last window that was judged and the open one."""

    rows: int
    """All that were counted since `since`."""
    skipped: int
    """Rows that came too fast to be counted."""
    since: float
    window_rows: int
    """Rows that the figures of the columns are of."""
    windows: int
    """How many were judged."""
    enough: bool
    """Whether there are rows enough to judge."""
    columns: tuple[ColumnDrift, ...]
    """Largest index first."""
    prediction: ColumnDrift | None
    labels: tuple[ColumnDrift, ...]
    """Of a model of several labels the probability of each, largest index first."""
    alert: Alert


class _Streak(msgspec.Struct):
    """Windows in a row in which a column had moved, or was calm."""

    moved: int = 0
    calm: int = 0
    alert: bool = False


class _State(msgspec.Struct):
    since: float
    opened: float
    total: bytes
    window: bytes
    last: bytes | None = None
    skipped: int = 0
    windows: int = 0
    largest: float = 0.0
    """The largest index of the last window that was judged."""
    alerts: int = 0
    alert_since: float | None = None
    streaks: dict[str, _Streak] = msgspec.field(default_factory=dict)


@dataclass(slots=True)
class DriftWatch:
    """Counts the rows that one version of a model is asked, and judges them; may be used from several threads."""

    reference: Reference
    policy: DriftPolicy = field(default_factory=DriftPolicy)
    unjudged: frozenset[str] = frozenset()
    """Columns that raise no alert."""
    folder: Path | None = None
    """Where several processes count together; None: this one alone."""
    clock: Callable[[], float] = time.time
    counts: RowCounts = field(init=False)
    _state: SharedState[_State] = field(init=False)

    def __post_init__(self) -> None:
        sketches = list(self.reference.columns)
        if self.reference.prediction is not None:
            sketches.append(self.reference.prediction.model_copy(update={"name": _PREDICTION}))
        sketches += [each.model_copy(update={"name": f"{_LABEL}{each.name}"}) for each in self.reference.labels]
        self.counts = RowCounts(sketch for sketch in sketches if sketch.rows)
        # Of another reference, another file: the vectors of one fit no other.
        digest = hashlib.sha256(self.reference.model_dump_json().encode()).hexdigest()[:16]
        path = None if self.folder is None else self.folder / f"drift-{digest}"
        self._state = SharedState(_State, self._new, path)

    def vector(self, columns: Mapping[str, Any], rows: int, predictions: Sequence[Any] | None = None) -> Floats:
        """The counts of `rows` clean rows, given column by column, and of what was predicted for them.

        Of several labels a prediction is a mapping from each label to its probability.
        """
        vector = self.counts.of(columns, rows)
        predicted = self.counts.columns.get(_PREDICTION)
        if predicted is not None and predictions is not None:
            predicted.add(vector, predictions)
        for label in self.reference.labels if predictions is not None else ():
            found = self.counts.columns.get(f"{_LABEL}{label.name}")
            if found is not None:
                found.add(vector, [chances[label.name] for chances in predictions or ()])
        return vector

    def add(self, vector: Floats, *, skipped: int = 0) -> Alert | None:
        """Adds rows to the open window, and judges it when it is full.

        Returns:
            The alert, if this raised or ended it.
        """
        with self._state.held() as state:
            state.total = (np.frombuffer(state.total) + vector).tobytes()
            window = np.frombuffer(state.window) + vector
            state.window = window.tobytes()
            state.skipped += skipped
            now = self.clock()
            if window[-1] < self.policy.rows or now - state.opened < self.policy.seconds:
                return None
            before = self._alert(state).active
            self._judge(state, window)
            state.last, state.window, state.opened = state.window, self.counts.empty().tobytes(), now
            state.windows += 1
            active = any(streak.alert for streak in state.streaks.values())
            if active == before:
                return None
            state.alerts += active
            state.alert_since = now if active else None
            return self._alert(state)

    def report(self) -> DriftReport:
        """What was seen until now."""
        with self._state.held() as state:
            recent = np.frombuffer(state.window) + (np.frombuffer(state.last) if state.last is not None else 0.0)
            alert, streaks = self._alert(state), state.streaks
            rows, skipped, since, windows = np.frombuffer(state.total)[-1], state.skipped, state.since, state.windows
        found = {
            name: self._drift(name, column, recent, name in streaks and streaks[name].alert)
            for name, column in self.counts.columns.items()
        }
        prediction = found.pop(_PREDICTION, None)
        labels = [
            replace(found.pop(name), column=name.removeprefix(_LABEL)) for name in [*found] if name.startswith(_LABEL)
        ]
        return DriftReport(
            rows=int(rows),
            skipped=skipped,
            since=since,
            window_rows=int(recent[-1]),
            windows=windows,
            enough=bool(recent[-1] >= self.policy.rows),
            columns=_largest_first(found.values()),
            prediction=prediction,
            labels=_largest_first(labels),
            alert=alert,
        )

    def glance(self) -> tuple[float, bool]:
        """The largest index of the last window that was judged, and whether there is an alert; cheap."""
        with self._state.held() as state:
            return state.largest, self._alert(state).active

    def _new(self) -> _State:
        now, empty = self.clock(), self.counts.empty().tobytes()
        return _State(since=now, opened=now, total=empty, window=empty)

    def _alert(self, state: _State) -> Alert:
        names = tuple(_shown(name) for name, streak in state.streaks.items() if streak.alert)
        return Alert(bool(names), state.alerts, state.alert_since, names)

    def _judge(self, state: _State, window: Floats) -> None:
        judged = [(name, column) for name, column in self.counts.columns.items() if name not in self.unjudged]
        seen = [(name, *_tested(column, window)) for name, column in judged if column.counts(window).sum()]
        named = _discoveries([p_value for _, _, p_value in seen], self.policy.level)
        state.largest = max((index for _, index, _ in seen), default=0.0)
        for (name, index, _), unlikely in zip(seen, named, strict=True):
            streak = state.streaks.setdefault(name, _Streak())
            bar = self.policy.settled if streak.alert else self.policy.moved
            if unlikely and index > bar:
                streak.moved, streak.calm = streak.moved + 1, 0
            else:
                streak.moved, streak.calm = 0, streak.calm + 1
            if streak.moved >= self.policy.windows:
                streak.alert = True
            elif streak.calm >= self.policy.windows:
                streak.alert = False

    def _drift(self, name: str, column: BinnedColumn, vector: Floats, alert: bool) -> ColumnDrift:
        sketch, now = column.sketch, column.counts(vector)
        rows = now.sum()
        mean = column.mean(vector)
        return ColumnDrift(
            column=_shown(name),
            kind=sketch.kind,
            rows=int(rows),
            psi=psi(column.expected, now),
            jensen_shannon=jensen_shannon(column.expected, now),
            wasserstein=_moved_by(column, vector),
            p_value=_tested(column, vector)[1] if rows else 1.0,
            missing=(sketch.missing_share, float(now[-1] / rows) if rows else 0.0),
            mean=None if mean is None or sketch.mean is None else (sketch.mean, mean),
            judged=name not in self.unjudged,
            alert=alert,
        )


def _largest_first(drifts: Iterable[ColumnDrift]) -> tuple[ColumnDrift, ...]:
    return tuple(sorted(drifts, key=lambda drift: (-drift.psi, drift.column)))


def _shown(name: str) -> str:
    return name.removeprefix("\0")


def _tested(column: BinnedColumn, vector: Floats) -> tuple[float, float]:
    """The index of a column, bins with few rows put together, and how often chance makes it as large.

    Over n bins it is (1/N + 1/M) times a chi-square with n - 1 degrees of freedom (see `drift.drift_of`).
    """
    from scipy.special import chdtrc

    now = column.counts(vector)
    index, free = stability(column.expected, now)
    return index, float(chdtrc(free, index / (1 / column.expected.sum() + 1 / now.sum())))


def _moved_by(column: BinnedColumn, vector: Floats) -> float | None:
    sketch = column.sketch
    if sketch.kind == "category" or sketch.tails is None or not sketch.std:
        return None
    now = column.counts(vector)[:-2]
    distance = wasserstein(column.edges, column.expected[:-2], now, sketch.tails, column.tails(vector))
    return distance / sketch.std


def _discoveries(p_values: Sequence[float], level: float) -> list[bool]:
    """Which of the hypotheses are rejected so that on average at most `level` of those rejected were true."""
    if not p_values:
        return []
    ordered = np.sort(p_values)
    below = ordered <= level * np.arange(1, len(ordered) + 1) / len(ordered)
    bar = ordered[below].max() if below.any() else -1.0
    return [p_value <= bar for p_value in p_values]
