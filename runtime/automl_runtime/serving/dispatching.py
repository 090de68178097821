"""Dynamic batching: requests that wait while the model works are scored together, each is answered exactly once.

One dispatcher for each model, on the event loop. It never waits for company: an idle model is used at once, and what
comes meanwhile forms the next batch (the zero delay of Triton's batcher). How long a batch takes is learned as
`a * rows + b` (BentoML's cost model); a latency goal bounds batches by additive increase and multiplicative decrease
(Clipper, NSDI 2017).
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

from automl_runtime.errors import AutomlError

__all__ = [
    "BatchPolicy",
    "CostModel",
    "Dispatcher",
    "DispatcherCounts",
    "OnBatch",
    "Overloaded",
    "Priority",
    "TimedOut",
]

T = TypeVar("T")
R = TypeVar("R")
OnBatch = Callable[[int, float, int], None]
"""Takes the rows of a batch, its seconds, and the rows that waited when it ended."""

_MOST_ANSWERED = 1_000
"""Deadlines of answered requests that are kept before they are cleared away."""


class Priority(IntEnum):
    """How urgent a request is; what waits rises by one level for each `BatchPolicy.ageing_seconds`."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


class Overloaded(AutomlError):
    """A request that is not taken, because too many wait."""

    def __init__(self, message: str, *, status: int, retry_after: float) -> None:
        """`status`: 429 when the queue of its priority is full, 503 when it could not be answered in time."""
        super().__init__(message)
        self.status = status
        self.retry_after = max(1, math.ceil(retry_after))
        """Whole seconds after which the queue will be shorter."""


class TimedOut(AutomlError):
    """A request that was not answered within its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPolicy:
    """How requests are put together, and when they are refused."""

    most_rows: int = 4096
    """Rows of the largest batch; a request that is larger is a batch by itself."""
    queue_rows: tuple[int, int, int, int] = (400_000, 400_000, 200_000, 100_000)
    """Rows that may wait in each priority."""
    goal_seconds: float | None = None
    """From coming in to the answer; None: batches are bounded by `most_rows` alone."""
    ageing_seconds: float = 0.25
    timeout_seconds: float = 30.0


@dataclass(slots=True)
class CostModel:
    """Seconds of a batch as a line in its rows, by least squares in which old batches count less and less."""

    keep: float = 0.95
    """The weight of what is known when one more batch has been seen."""
    largest: int = 0
    """Rows of the largest batch so far."""
    _weight: float = 0.0
    _rows: float = 0.0
    _seconds: float = 0.0
    _squares: float = 0.0
    _products: float = 0.0

    def add(self, rows: int, seconds: float) -> None:
        """Learns from a batch."""
        self.largest = max(self.largest, rows)
        self._weight = self.keep * self._weight + 1.0
        self._rows = self.keep * self._rows + rows
        self._seconds = self.keep * self._seconds + seconds
        self._squares = self.keep * self._squares + rows * rows
        self._products = self.keep * self._products + rows * seconds

    def line(self) -> tuple[float, float]:
        """Seconds for each row, and for each batch besides; both 0 before the first batch, never below 0."""
        if not self._weight:
            return 0.0, 0.0
        rows, seconds = self._rows / self._weight, self._seconds / self._weight
        spread = self._squares / self._weight - rows * rows
        if spread <= 1e-9 * max(1.0, rows * rows):
            # All batches were of one size: no telling what a row costs. A first one of a single row, slow as first
            # ones are, must not make a large one look hopeless.
            return 0.0, seconds
        slope = max(0.0, (self._products / self._weight - rows * seconds) / spread)
        slope = min(slope, seconds / max(rows, 1.0))
        return slope, max(0.0, seconds - slope * rows)

    def seconds(self, rows: int, batches: int = 1) -> float:
        """What so many rows in so many batches will take."""
        slope, fixed = self.line()
        return slope * rows + fixed * batches


@dataclass(slots=True)
class DispatcherCounts:
    """What became of the requests; every one that was submitted is in exactly one of the last five."""

    submitted: int = 0
    batches: int = 0
    rows: int = 0
    answered: int = 0
    failed: int = 0
    refused: int = 0
    timed_out: int = 0
    cancelled: int = 0


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T, R]):
    item: T
    rows: int
    level: Priority
    since: float
    deadline: float
    answer: asyncio.Future[R]
    queued: bool = True


@dataclass(slots=True)
class _Queue(Generic[T, R]):
    """The requests of one priority in the order in which they came; those that went away are skipped."""

    waiting: deque[_Waiting[T, R]] = field(default_factory=deque)
    rows: int = 0

    def head(self) -> _Waiting[T, R] | None:
        while self.waiting and (not self.waiting[0].queued or self.waiting[0].answer.done()):
            self.waiting.popleft()
        return self.waiting[0] if self.waiting else None


class Dispatcher(Generic[T, R]):
    """Scores items in batches on a thread of its own; made and used on one event loop."""

    def __init__(
        self,
        score: Callable[[list[T]], Sequence[R | Exception]],
        policy: BatchPolicy | None = None,
        *,
        executor: Executor | None = None,
        on_batch: OnBatch | None = None,
    ) -> None:
        """Starts nothing before the first request.

        Args:
            score: gives an answer, or the error of that item alone, for each item of a batch, in order. When it raises
                for a batch of several, the items are scored one by one, so that a bad one harms itself only.
            policy: bounds; None for the usual ones.
            executor: where `score` runs; None: a thread of the dispatcher.
            on_batch: is told of each batch that ended.
        """
        self._score = score
        self._policy = policy or BatchPolicy()
        self._executor = executor or ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._owns_executor = executor is None
        self._on_batch = on_batch
        self._loop = asyncio.get_running_loop()
        self._queues: tuple[_Queue[T, R], ...] = tuple(_Queue() for _ in Priority)
        self._deadlines: list[tuple[float, int, _Waiting[T, R]]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._number = itertools.count()
        self._busy: tuple[float, int] | None = None
        self._open = 0
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.cap = self._policy.most_rows
        """Rows of the largest batch at the moment."""
        self.cost = CostModel()
        self.counts = DispatcherCounts()

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for the model."""
        return sum(queue.rows for queue in self._queues)

    def submit(
        self, item: T, rows: int = 1, *, priority: Priority = Priority.NORMAL, timeout: float | None = None
    ) -> asyncio.Future[R]:
        """The answer to `item`, to come. Cancelling it takes the item out of the queue.

        Args:
            item: what `score` takes.
            rows: what it counts for, 1 at least.
            priority: smaller ones go first.
            timeout: seconds from now after which the answer is a `TimedOut`; None: those of the policy.

        Raises:
            Overloaded: if it is not taken; nothing is queued then.
        """
        now = self._loop.time()
        allowed = self._policy.timeout_seconds if timeout is None else timeout
        self.counts.submitted += 1
        self._admit(rows, priority, allowed)
        self._open += 1
        answer: asyncio.Future[R] = self._loop.create_future()
        entry = _Waiting(item, rows, priority, now, now + allowed, answer)
        queue = self._queues[priority]
        queue.waiting.append(entry)
        queue.rows += rows
        answer.add_done_callback(lambda done: self._left(entry, done))
        self._watch(entry)
        self._idle.clear()
        if self._busy is None:
            self._dispatch()
        return answer

    async def close(self) -> None:
        """Takes nothing more, and returns when all that was taken has been answered."""
        self._closed = True
        await self._idle.wait()
        if self._alarm is not None:
            self._alarm.cancel()
        if self._owns_executor:
            self._executor.shutdown(wait=False)

    def predicted_wait(self, priority: Priority = Priority.LOW) -> float:
        """Seconds until a request of this priority would be begun, if nothing more urgent came."""
        ahead = sum(self._queues[level].rows for level in Priority if level <= priority)
        busy = 0.0
        if self._busy is not None:
            started, rows = self._busy
            busy = max(0.0, self.cost.seconds(rows) - (self._loop.time() - started))
        return busy + self.cost.seconds(ahead, math.ceil(ahead / self.cap))

    def _admit(self, rows: int, priority: Priority, allowed: float) -> None:
        if self._closed:
            self.counts.refused += 1
            raise Overloaded("The service is stopping.", status=503, retry_after=1.0)
        wait = self.predicted_wait(priority)
        # What is larger than any batch so far takes as long as that at least; more is not known.
        if wait + self.cost.seconds(min(rows, self.cost.largest)) > allowed:
            self.counts.refused += 1
            raise Overloaded(
                f"About {wait:.1f} s of work wait, and the request allows {allowed:g} s.", status=503, retry_after=wait
            )
        queue = self._queues[priority]
        if queue.rows and queue.rows + rows > self._policy.queue_rows[priority]:
            self.counts.refused += 1
            raise Overloaded(
                f"{queue.rows:,} rows of this priority wait; at most {self._policy.queue_rows[priority]:,} may.",
                status=429,
                retry_after=wait,
            )

    def _dispatch(self) -> None:
        """Gives the model the next batch, if one waits."""
        batch = self._next_batch()
        if not batch:
            self._busy = None
            self._idle.set()
            return
        rows = sum(entry.rows for entry in batch)
        self._busy = (self._loop.time(), rows)
        items = [entry.item for entry in batch]
        running = self._loop.run_in_executor(self._executor, self._scored, items)
        running.add_done_callback(lambda done: self._finish(batch, rows, done))

    def _next_batch(self) -> list[_Waiting[T, R]]:
        now = self._loop.time()
        batch: list[_Waiting[T, R]] = []
        rows = 0
        while True:
            heads = [head for queue in self._queues if (head := queue.head()) is not None]
            if not heads:
                return batch
            first = min(heads, key=lambda entry: (self._rank(entry, now), entry.since))
            if batch and rows + first.rows > self.cap:
                return batch
            rows += first.rows
            first.queued = False
            queue = self._queues[first.level]
            queue.waiting.popleft()
            queue.rows -= first.rows
            batch.append(first)

    def _rank(self, entry: _Waiting[T, R], now: float) -> float:
        return entry.level - (now - entry.since) / self._policy.ageing_seconds

    def _scored(self, items: list[T]) -> Sequence[R | Exception]:
        """Answers of a batch; runs in the executor."""
        try:
            answers = self._score(items)
            if len(answers) != len(items):
                raise RuntimeError(f"{len(answers)} answers for {len(items)} items")
        except Exception as error:  # noqa: BLE001 -- whatever the model raises is the answer to its request
            if len(items) == 1:
                return [error]
            return [self._scored([item])[0] for item in items]
        return answers

    def _finish(self, batch: list[_Waiting[T, R]], rows: int, done: asyncio.Future[Sequence[R | Exception]]) -> None:
        now = self._loop.time()
        if self._busy is not None:
            seconds = now - self._busy[0]
            self.cost.add(rows, seconds)
            if self._on_batch is not None:
                self._on_batch(rows, seconds, self.waiting_rows)
        self.counts.batches += 1
        self.counts.rows += rows
        error = done.exception() if not done.cancelled() else asyncio.CancelledError()
        answers = [error] * len(batch) if error is not None else done.result()
        for entry, answer in zip(batch, answers, strict=True):
            if entry.answer.done():
                continue
            if isinstance(answer, BaseException):
                entry.answer.set_exception(answer)
            else:
                entry.answer.set_result(answer)
        self._adjust(batch, rows, now)
        self._dispatch()

    def _adjust(self, batch: Sequence[_Waiting[T, R]], rows: int, now: float) -> None:
        """Smaller batches when the goal was missed, larger ones while full ones reach it."""
        goal = self._policy.goal_seconds
        if goal is None:
            return
        if now - min(entry.since for entry in batch) > goal:
            self.cap = max(1, self.cap * 3 // 4)
        elif rows >= self.cap * 3 // 4:
            self.cap = min(self._policy.most_rows, self.cap + max(1, self._policy.most_rows // 64))

    def _left(self, entry: _Waiting[T, R], done: asyncio.Future[R]) -> None:
        """Takes account of a request that has been answered, or that was cancelled or timed out before."""
        self._open -= 1
        if entry.queued:
            entry.queued = False
            self._queues[entry.level].rows -= entry.rows
        if done.cancelled():
            self.counts.cancelled += 1
        elif isinstance(done.exception(), TimedOut):
            self.counts.timed_out += 1
        elif done.exception() is not None:
            self.counts.failed += 1
        else:
            self.counts.answered += 1

    def _watch(self, entry: _Waiting[T, R]) -> None:
        if len(self._deadlines) > _MOST_ANSWERED and len(self._deadlines) > 2 * self._open:
            # Those that were answered long before their deadline; behind a slow one they would pile up.
            self._deadlines = [kept for kept in self._deadlines if not kept[2].answer.done()]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (entry.deadline, next(self._number), entry))
        self._set_alarm()

    def _set_alarm(self) -> None:
        """One timer for the next deadline; entries that were answered before are dropped on the way."""
        while self._deadlines and self._deadlines[0][2].answer.done():
            heapq.heappop(self._deadlines)
        if not self._deadlines:
            return
        nearest = self._deadlines[0][0]
        if self._alarm is None or self._alarm.cancelled() or self._alarm.when() > nearest:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = self._loop.call_at(nearest, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = self._loop.time()
        while self._deadlines and self._deadlines[0][0] <= now:
            entry = heapq.heappop(self._deadlines)[2]
            if not entry.answer.done():
                allowed = entry.deadline - entry.since
                entry.answer.set_exception(TimedOut(f"The request was not answered within {allowed:g} s."))
        self._set_alarm()
