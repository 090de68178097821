"""Follows the traffic rule of a project, keeps its ledger, ends its canaries, and tells how the versions do."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl_runtime.errors import AutomlError
from automl_runtime.files import stamp_of
from automl_runtime.registry.bundle import Bundle
from automl_runtime.registry.canary import judge
from automl_runtime.registry.ledger import Arm, Delivered, Ledger
from automl_runtime.registry.standing import LEDGER, standing
from automl_runtime.registry.traffic import TrafficRule, finish_canary, read_traffic
from automl_runtime.serving.live import LiveModel, Served
from automl_runtime.serving.outcomes import losses_of, measure_of, read_outcomes
from automl_runtime.serving.record_scorer import RecordFeatures
from automl_runtime.serving.requests import BadRequest, Problem
from automl_runtime.serving.scorer import Features
from automl_runtime.serving.sizes import held_bytes
from automl_runtime.serving.splitting import Split

__all__ = ["Traffic", "TrafficSource"]

_LOG = logging.getLogger("automl_runtime.serving")


@dataclass(frozen=True, slots=True)
class TrafficSource:
    """Where rules and versions come from."""

    models: Path
    open: Callable[[str], tuple[Bundle, Features | None, RecordFeatures | None]]
    """The verified bundle of a version, what makes its features, and the same for one row, if there is."""
    trusted_keys: Path | None = None


class Traffic:
    """The rule that is in force for one live model; used on one event loop."""

    def __init__(self, live: LiveModel, source: TrafficSource) -> None:
        """Nothing is followed before `start`."""
        self._live, self._source = live, source
        self._ledger = Ledger(source.models / LEDGER)
        self._split: Split | None = None
        self._known: tuple[object, str] | None = None
        self._error: str | None = None
        self.bytes = 0
        """What the challenger holds in memory; 0 where there is none."""
        self._closed = False
        live.on_exchange.append(self._exchanged)

    async def start(self) -> None:
        """Puts the rule that there is into force, before the first request: a restart moves no key to the other arm."""
        try:
            await self._follow()
        except (AutomlError, OSError) as error:
            _LOG.error("Traffic: %s", error)

    async def run(self, *, every: float = 0.25) -> None:
        """Follows the rule, writes the ledger and ends canaries, until it is cancelled.

        Whatever fails is logged; requests are answered meanwhile.

        Args:
            every: seconds between two looks.
        """
        while True:
            await self.step()
            await asyncio.sleep(every)

    async def step(self) -> None:
        """One look of `run`."""
        try:
            await self._follow()
            await self.flush()
            await self._judge()
        except (AutomlError, OSError) as error:
            _LOG.error("Traffic: %s", error)

    async def close(self) -> None:
        """Ends the rule here, and writes what was counted."""
        try:
            await self.flush()
        except AutomlError as error:
            _LOG.error("Traffic: %s", error)
        self._closed = True
        self._apply(None)

    async def flush(self) -> None:
        """Writes what was counted to the ledger.

        Raises:
            DataError: if it cannot be written; those counts are lost.
        """
        if (split := self._split) is not None:
            await asyncio.to_thread(self._write, split)

    async def show(self) -> dict[str, Any]:
        """The rule, and what its versions did, as a JSON object."""
        split = self._split
        if split is None:
            return {"rule": None, "arms": [], "comparison": None, "measure": None, "error": self._error}
        await self.flush()
        arms = await asyncio.to_thread(self._ledger.arms, split.rule.id)
        measure = measure_of(self._live.current.bundle.manifest)
        return standing(split.rule, arms) | {"measure": measure, "error": self._error}

    async def deliver(self, body: bytes) -> dict[str, Any]:
        """Takes the outcomes in the body of a request.

        Raises:
            BadRequest: if an outcome cannot be one of this model, or there is no rule under which answers are kept.
        """
        split = self._split
        if split is None:
            message = "No answers are kept: there is no traffic rule. `automl traffic PROJECT watch` begins one."
            raise BadRequest([Problem(message)], status=409)
        manifest = self._live.current.bundle.manifest
        outcomes = read_outcomes(body, split.rule, manifest)
        await self.flush()
        done: Delivered = await asyncio.to_thread(
            self._ledger.deliver, split.rule.id, time.time(), outcomes, losses_of(manifest)
        )
        return asdict(done)

    def _write(self, split: Split) -> None:
        arms, predictions = split.notes.take()
        if arms or predictions:
            self._ledger.write(split.rule.id, arms, predictions)

    async def _follow(self) -> None:
        stamp = stamp_of(self._source.models / "traffic.json"), self._live.current.bundle.manifest.model_version
        if stamp == self._known:
            return
        self._known = stamp
        rule = await asyncio.to_thread(read_traffic, self._source.models)
        self._error = None
        if rule is None or rule.control != stamp[1]:
            self._apply(None)
            return
        if self._split is not None and self._split.rule == rule:
            return
        control = self._live.current
        try:
            challenger = await asyncio.to_thread(self._opened, rule)
        except AutomlError as error:
            self._apply(None)
            await self._cannot_open(rule, error)
            return
        if control is self._live.current:
            self._apply(Split(rule, control, challenger, most_rows=self._live.limits.rows))
            _LOG.info("Traffic: %s of %s beside %s", rule.kind, rule.challenger, rule.control)
        else:
            self._known = None

    def _opened(self, rule: TrafficRule) -> Served | None:
        if rule.challenger is None:
            return None
        served = self._live.prepare(*self._source.open(rule.challenger))
        self.bytes = held_bytes(served.bundle, served.scorer)
        return served

    async def _cannot_open(self, rule: TrafficRule, error: AutomlError) -> None:
        self._error = f"{rule.challenger} cannot be opened: {error}"
        _LOG.error("Traffic: %s", self._error)
        if rule.kind == "canary":
            await asyncio.to_thread(finish_canary, self._source.models, rule, fit=False, reason=self._error)

    async def _judge(self) -> None:
        split = self._split
        if split is None or split.rule.kind != "canary":
            return
        rule = split.rule
        arms = await asyncio.to_thread(self._ledger.arms, rule.id)
        found = judge(rule.limits, arms.get(rule.control, Arm()), arms.get(rule.challenger or "", Arm()))
        if found is None:
            return
        keys = self._source.trusted_keys
        await asyncio.to_thread(
            finish_canary, self._source.models, rule, fit=found.fit, reason=found.reason, trusted_keys=keys
        )
        _LOG.warning("%s %s: %s", rule.challenger, "is promoted" if found.fit else "is taken back", found.reason)
        await self._follow()

    def _apply(self, split: Split | None) -> None:
        if self._closed and split is not None:
            # A challenger that was still being opened comes too late.
            split.close()
            split = None
        before, self._split = self._split, split
        self._live.split = split
        if split is None or split.rule.challenger is None:
            self.bytes = 0
        if before is not None:
            before.close()

    def _exchanged(self, served: Served) -> None:
        """Another version is in production: it answers at once, not only when the rule has been read again."""
        if self._split is not None and self._split.rule.control != served.bundle.manifest.model_version:
            self._apply(None)
