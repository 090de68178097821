"""The model that answers at the moment, and how it is exchanged while requests are under way.

A request stays with the version that read it: each version has a scorer and a dispatcher of its own, and the exchange
is one assignment on the event loop. Nothing fails, and no answer mixes two versions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from automl_runtime.errors import AutomlError, BundleError
from automl_runtime.registry.bundle import Bundle
from automl_runtime.registry.pausing import Pause
from automl_runtime.serving.answers import Answer, BatchScorer, Form
from automl_runtime.serving.asgi import Receive, answer_or_hang_up
from automl_runtime.serving.dispatching import BatchPolicy, Dispatcher, OnBatch, Priority
from automl_runtime.serving.forecasts import ForecastScorer
from automl_runtime.serving.pausing import pause_of
from automl_runtime.serving.record_scorer import RecordFeatures
from automl_runtime.serving.scorer import Features, Limits, Scorer

__all__ = ["LARGE_BODY", "Asked", "LiveModel", "ModelSource", "Served", "Splitting", "follow"]

_LOG = logging.getLogger("automl_runtime.serving")
LARGE_BODY = 256 * 1024
"""Bodies above are read off the event loop."""


class ModelSource(Protocol):
    """Where the model of a service comes from."""

    def stamp(self) -> Hashable:
        """Another value when `open` may give another model; cheap."""
        ...

    def open(self) -> tuple[Bundle, Features | None, RecordFeatures | None]:
        """The verified bundle that is to answer now, what makes its features, and the same for one row, if there is."""
        ...

    def versions(self) -> dict[str, Any]:
        """`versions`, oldest first, and the `aliases` that point at them."""
        ...

    def folder(self) -> Path | None:
        """Folder of the versions, where it is noted as well that none of them is to answer; None: there is none."""
        ...


class Asked(NamedTuple):
    """A request for an answer, as it came."""

    body: bytes
    explain: bool
    priority: Priority
    timeout: float | None
    headers: Sequence[tuple[bytes, bytes]]
    form: Form | None = None
    """None: rows as JSON, and so is the answer."""


@dataclass(slots=True)
class Served:
    """One version, ready to answer."""

    bundle: Bundle
    scorer: BatchScorer
    policy: BatchPolicy
    on_batch: OnBatch | None = None
    _dispatcher: Dispatcher[Any, Answer] | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def dispatcher(self) -> Dispatcher[Any, Answer]:
        """That of the running event loop, made at the first request."""
        loop = asyncio.get_running_loop()
        if self._dispatcher is None or self._loop is not loop:
            self._dispatcher = Dispatcher(self.scorer.answers, self.policy, on_batch=self.on_batch)
            self._loop = loop
        return self._dispatcher

    async def answer(self, asked: Asked, receive: Receive) -> tuple[Any, Answer]:
        """What `asked` asks for, as the scorer has read it, and the answer of this version.

        Raises:
            BadRequest: if it cannot be answered.
            Overloaded: if too much waits.
            TimedOut: if it was not answered in time.
            Disconnected: if the client went away meanwhile.
        """
        if len(asked.body) > LARGE_BODY:
            loop = asyncio.get_running_loop()
            ask = await loop.run_in_executor(None, self.scorer.ask, asked.body, asked.explain, asked.form)
        else:
            ask = self.scorer.ask(asked.body, asked.explain, asked.form)
            instant = self.scorer.instant(ask)
            if instant is not None:
                return ask, instant
        weight = self.scorer.weight(ask)
        answer = self.dispatcher.submit(ask, weight, priority=asked.priority, timeout=asked.timeout)
        return ask, await answer_or_hang_up(answer, receive)

    async def close(self) -> None:
        """Answers what was taken, and takes nothing more."""
        if self._dispatcher is not None:
            await self._dispatcher.close()


class Splitting(Protocol):
    """Several versions behind one name."""

    async def answer(self, asked: Asked, receive: Receive) -> Answer:
        """The answer of one of them."""
        ...


@dataclass(slots=True)
class LiveModel:
    """A model under a name that does not change, whatever version of it answers."""

    limits: Limits
    policy: BatchPolicy
    current: Served
    on_batch: OnBatch | None = None
    split: Splitting | None = None
    """What answers instead of `current` while there is a traffic rule."""
    paused: Pause | None = None
    """Why nothing is answered, while that is so."""
    on_exchange: list[Callable[[Served], None]] = field(default_factory=list)
    """Called on the event loop after each exchange."""

    @classmethod
    def of(
        cls,
        bundle: Bundle,
        features: Features | None,
        record_features: RecordFeatures | None,
        limits: Limits,
        policy: BatchPolicy,
        on_batch: OnBatch | None = None,
    ) -> LiveModel:
        """Answers with `bundle` until it is exchanged; `on_batch` is told of the batches of every version."""
        return cls(limits, policy, _served(bundle, features, record_features, limits, policy, on_batch), on_batch)

    def prepare(
        self, bundle: Bundle, features: Features | None, record_features: RecordFeatures | None = None
    ) -> Served:
        """A version that can take over; takes its time, for another thread.

        Raises:
            BundleError: if it is a model of another kind, which its clients could not read.
        """
        task = self.current.bundle.manifest.task
        if bundle.manifest.task != task:
            raise BundleError(f"{bundle.folder} is a {bundle.manifest.task} model; this service answers as {task}.")
        return _served(bundle, features, record_features, self.limits, self.policy, self.on_batch)

    def exchange(self, served: Served) -> None:
        """Lets `served` answer all requests that come from now on; those under way end as they began."""
        self.current = served
        for tell in self.on_exchange:
            tell(served)


def _served(
    bundle: Bundle,
    features: Features | None,
    record_features: RecordFeatures | None,
    limits: Limits,
    policy: BatchPolicy,
    on_batch: OnBatch | None,
) -> Served:
    if bundle.manifest.task == "forecast":
        return Served(bundle, ForecastScorer(bundle, features, limits), policy, on_batch)
    return Served(bundle, Scorer(bundle, features, limits, record_features), policy, on_batch)


async def follow(live: LiveModel, source: ModelSource, *, every: float = 0.5) -> None:
    """Exchanges the model of `live` whenever `source` has another one, and pauses it; runs until it is cancelled.

    A model that cannot be opened or trusted is logged, and the one that answers goes on.

    Args:
        live: what is exchanged.
        source: what is followed.
        every: seconds between two looks.
    """
    known = source.stamp()
    while True:
        await asyncio.sleep(every)
        live.paused = pause_of(source)
        stamp = source.stamp()
        if stamp == known:
            continue
        known = stamp
        try:
            served = await asyncio.to_thread(lambda: live.prepare(*source.open()))
        except AutomlError as error:
            _LOG.error("The model is not exchanged: %s", error)
            continue
        before = live.current.bundle.manifest.model_version
        if served.bundle.manifest.model_version != before:
            live.exchange(served)
            _LOG.info("%s answers in place of %s", served.bundle.manifest.model_version, before)
