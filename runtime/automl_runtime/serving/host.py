"""Many models in one process: each is loaded when it is first asked for, and let go when memory runs short."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl_runtime.errors import AutomlError
from automl_runtime.kernels.links import sigmoids
from automl_runtime.serving.dispatching import BatchPolicy, OnBatch
from automl_runtime.serving.live import LiveModel, ModelSource
from automl_runtime.serving.pausing import pause_of
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.scorer import Limits
from automl_runtime.serving.sizes import held_bytes
from automl_runtime.serving.traffic import Traffic, TrafficSource

__all__ = ["ModelHost", "ModelState", "Unavailable"]

_LOG = logging.getLogger("automl_runtime.serving")


class Unavailable(BadRequest):
    """A model that cannot be loaded; 503."""

    def __init__(self, message: str) -> None:
        super().__init__([Problem(message)], status=503)


@dataclass(slots=True)
class ModelState:
    """A model of a host, loaded or not."""

    name: str
    source: ModelSource
    live: LiveModel | None = None
    stamp: Hashable = None
    bytes: int = 0
    """What it holds in memory, 0 when it is not loaded."""
    used: float = 0.0
    """When it was last asked for, on the monotonic clock."""
    pinned: bool = False
    """Whether it stays loaded whatever happens."""
    error: str | None = None
    """Why it could not be loaded the last time."""
    loading: asyncio.Task[LiveModel] | None = field(default=None, repr=False)
    traffic: Traffic | None = None
    """The rule by which two of its versions share the requests, while it is loaded."""

    @property
    def held(self) -> int:
        """Bytes of the model, and of the version that its traffic rule holds beside it."""
        return self.bytes + (0 if self.traffic is None else self.traffic.bytes)


class ModelHost:
    """Models by name. Made and used on one event loop; models are opened in a thread, one after the other."""

    def __init__(
        self,
        sources: Mapping[str, ModelSource],
        *,
        memory_bytes: int | None = None,
        limits: Limits | None = None,
        policy: BatchPolicy | None = None,
        traffic: Mapping[str, TrafficSource] | None = None,
    ) -> None:
        """Loads nothing yet.

        Args:
            sources: where the model of each name comes from.
            memory_bytes: what loaded models may hold together, the one that is asked for last excepted; None: no bound.
            limits: of one request to a model.
            policy: how requests to a model are put together.
            traffic: of the models by name where rules come from by which two versions share the requests.
        """
        self.states = {name: ModelState(name, source) for name, source in sorted(sources.items())}
        self._memory_bytes = memory_bytes
        self._limits = limits or Limits()
        self._policy = policy or BatchPolicy()
        self._traffic = traffic or {}
        self._closing: set[asyncio.Task[None]] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="load")
        self.on_load: list[Callable[[str, LiveModel], None]] = []
        """Called on the event loop with the name and the model after each loading."""
        self.on_batch: OnBatch | None = None
        """Is told of each batch of a model that is loaded from then on."""
        self.loads = 0
        """How often a model was opened."""

    def state(self, name: str) -> ModelState:
        """What is known of a model.

        Raises:
            BadRequest: 404 if there is none of this name.
        """
        state = self.states.get(name)
        if state is None:
            raise BadRequest([Problem(f"There is no model {name[:100]!r}; GET /models lists them.")], status=404)
        return state

    async def live(self, name: str) -> LiveModel:
        """The model, loaded if it was not; several that ask at once wait for one loading.

        Raises:
            BadRequest: 404 if there is none of this name.
            Unavailable: if it cannot be loaded.
        """
        state = self.state(name)
        state.used = time.monotonic()
        if state.live is not None:
            return state.live
        if state.loading is None:
            state.loading = asyncio.create_task(self._load(state))
        # One that goes away must not end the loading for the others.
        return await asyncio.shield(state.loading)

    def warm(self) -> None:
        """Lets the compiler of kernels be loaded before the first model, which would take half a second longer."""
        self._thread.submit(sigmoids, np.zeros((1, 1)), 1.0)

    def loaded(self, name: str) -> LiveModel | None:
        """The model, if it is there and loaded; asked for as by `live`."""
        state = self.states.get(name)
        if state is None or state.live is None:
            return None
        state.used = time.monotonic()
        return state.live

    def unload(self, name: str) -> None:
        """Lets a model go; requests that are under way end with it. It is loaded again when it is asked for.

        Raises:
            BadRequest: 404 if there is none of this name.
        """
        state = self.state(name)
        if state.traffic is not None:
            # What it has counted is still written.
            closing = asyncio.create_task(state.traffic.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        state.live, state.bytes, state.pinned, state.traffic = None, 0, False, None

    async def traffic(self, name: str) -> Traffic:
        """The traffic rule of a model, which is loaded if it was not.

        Raises:
            BadRequest: 404 if there is none of this name, or it can have no rule.
            Unavailable: if it cannot be loaded.
        """
        await self.live(name)
        traffic = self.state(name).traffic
        if traffic is None:
            raise BadRequest([Problem(f"The model {name!r} has no traffic rules.")], status=404)
        return traffic

    async def follow(self, *, every: float = 0.5) -> None:
        """Exchanges loaded models whose source has another one, follows rules, pauses; runs until it is cancelled."""
        while True:
            await asyncio.sleep(every)
            for state in self.states.values():
                if state.live is None or state.loading is not None:
                    continue
                state.live.paused = pause_of(state.source)
                stamp = state.source.stamp()
                if stamp != state.stamp:
                    state.stamp = stamp
                    await self._exchange(state, state.live)
                if state.traffic is not None:
                    await state.traffic.step()

    async def close(self) -> None:
        """Answers what was taken, and takes nothing more."""
        for state in self.states.values():
            if state.loading is not None:
                state.loading.cancel()
            if state.traffic is not None:
                await state.traffic.close()
            if state.live is not None:
                await state.live.current.close()
        await asyncio.gather(*self._closing)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _load(self, state: ModelState) -> LiveModel:
        try:
            stamp = state.source.stamp()
            live, held = await asyncio.get_running_loop().run_in_executor(self._thread, self._opened, state)
            source = self._traffic.get(state.name)
            traffic = None if source is None else Traffic(live, source)
            if traffic is not None:
                # Before the first request: a key stays with its version.
                await traffic.start()
        except AutomlError as error:
            state.error = str(error)
            raise Unavailable(f"The model {state.name!r} cannot be loaded: {error}") from error
        finally:
            state.loading = None
        live.paused = pause_of(state.source)
        state.live, state.stamp, state.bytes, state.error, state.traffic = live, stamp, held, None, traffic
        self.loads += 1
        for tell in self.on_load:
            tell(state.name, live)
        self._make_room(state)
        return live

    def _opened(self, state: ModelState) -> tuple[LiveModel, int]:
        bundle, features, record_features = state.source.open()
        live = LiveModel.of(bundle, features, record_features, self._limits, self._policy, self.on_batch)
        return live, held_bytes(bundle, live.current.scorer)

    def _make_room(self, newest: ModelState) -> None:
        if self._memory_bytes is None:
            return
        loaded = sorted((state for state in self.states.values() if state.live is not None), key=lambda s: s.used)
        held = sum(state.held for state in loaded)
        for state in loaded:
            if held <= self._memory_bytes:
                return
            if state is not newest and not state.pinned:
                held -= state.held
                self.unload(state.name)

    async def _exchange(self, state: ModelState, live: LiveModel) -> None:
        def prepare() -> tuple[Any, int]:
            served = live.prepare(*state.source.open())
            return served, held_bytes(served.bundle, served.scorer)

        try:
            served, held = await asyncio.get_running_loop().run_in_executor(self._thread, prepare)
        except AutomlError as error:
            state.error = str(error)
            _LOG.error("The model %s is not exchanged: %s", state.name, error)
            return
        state.error = None
        if served.bundle.manifest.model_version != live.current.bundle.manifest.model_version:
            live.exchange(served)
            state.bytes = held
