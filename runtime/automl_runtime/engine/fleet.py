"""Fleet memory: what the searches of a workspace learned, for the next of them.

A folder holds one file, `fleet.jsonl`, a line for each search: what its table was like (`engine.meta_features`), and
which configurations won with what error relative to the best. No cell and no name of a column is in it. Lines are
appended in one write, so that several processes may share the folder; lines that cannot be read are passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from automl_schemas.vocabulary import TaskType

from automl_runtime.engine.meta_features import META_FEATURES, meta_features
from automl_runtime.engine.metrics import error_of
from automl_runtime.engine.pairs import can_pair
from automl_runtime.engine.portfolio import smallest_leaf
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.trials import Config, TrialResult
from automl_runtime.errors import DataError
from automl_runtime.events import EventSink, Finding
from automl_runtime.inference.encoding import Encoded

__all__ = ["FILE", "Fleet", "PastRun"]

FILE = "fleet.jsonl"

_VERSION = 1
_READ_BYTES = 4_000_000
"""Of the end of the file: about two thousand searches."""
_KEPT = 8
"""Configurations of a search that are worth remembering, at most; their errors are within a tenth of the best."""
_WORSE = 0.1
_NEIGHBORS = 5
_FIRST = 6
"""Configurations that are moved forward."""
_ALIKE = 0.5
"""The largest mean distance, in standard deviations of a feature, of tables that learn from each other."""
_SPREAD = 0.15
"""The least standard deviation of a feature: with few searches the measured one means little."""


@dataclass(frozen=True, slots=True)
class Winner:
    """A configuration and its error beyond that of the best of its search, relative to it."""

    name: str
    learner: str
    params: dict[str, Any]
    cost: float
    worse: float


@dataclass(frozen=True, slots=True)
class PastRun:
    """A line of the file."""

    task: TaskType
    features: tuple[float, ...]
    winners: tuple[Winner, ...]

    @classmethod
    def of(cls, problem: Problem, data: Encoded, results: Sequence[TrialResult]) -> Self | None:
        """What a search leaves; None when no trial is complete."""
        errors = {
            result.number: error_of(problem.metric, result.score) for result in results if result.score is not None
        }
        if not errors:
            return None
        best = min(errors.values())
        ranked = sorted((result for result in results if result.number in errors), key=lambda r: errors[r.number])
        winners = [
            Winner(
                r.config.name, r.config.learner, dict(r.config.params), r.config.cost, _relative(errors[r.number], best)
            )
            for r in ranked[:_KEPT]
        ]
        features = tuple(meta_features(problem, data).values())
        return cls(problem.task, features, tuple(winner for winner in winners if winner.worse <= _WORSE))

    def to_json(self) -> dict[str, Any]:
        """The line as JSON."""
        winners = [
            {"name": w.name, "learner": w.learner, "params": w.params, "cost": w.cost, "worse": round(w.worse, 6)}
            for w in self.winners
        ]
        features = dict(zip(META_FEATURES, self.features, strict=True))
        return {"version": _VERSION, "task": self.task, "features": features, "winners": winners}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The line that `to_json` gave; raises KeyError, TypeError or ValueError if it is none."""
        if record["version"] != _VERSION:
            raise ValueError(f"version {record['version']}")
        winners = tuple(
            Winner(str(w["name"]), str(w["learner"]), dict(w["params"]), float(w["cost"]), float(w["worse"]))
            for w in record["winners"]
        )
        features = tuple(float(record["features"][name]) for name in META_FEATURES)
        if not all(np.isfinite(features)):
            raise ValueError("a feature is not finite")
        return cls(record["task"], features, winners)


def _relative(error: float, best: float) -> float:
    return error / best - 1.0 if best > 0 else float(error > best)


class Fleet:
    """The memory in a folder, which is made with the first search."""

    def __init__(self, folder: Path) -> None:
        """Reads nothing yet."""
        self.path = folder / FILE

    def read(self) -> list[PastRun]:
        """The searches in the order in which they ended; of a long file the last.

        Raises:
            DataError: if there is a file that cannot be opened.
        """
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _READ_BYTES))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DataError(f"The memory {self.path} cannot be read: {error.strerror}.") from error
        found = []
        for line in lines[1:] if size > _READ_BYTES else lines:
            # A process that was killed may leave half a line.
            try:
                found.append(PastRun.from_json(json.loads(line)))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
        return found

    def append(self, run: PastRun) -> None:
        """Adds a line.

        Raises:
            DataError: if it cannot be written.
        """
        line = b"\n" + json.dumps(run.to_json(), allow_nan=False).encode() + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                file.write(line)
        except OSError as error:
            raise DataError(
                f"The memory {self.path} cannot be written: {error.strerror}.", hint="Give another folder, or none."
            ) from error

    def forward(self, configs: Sequence[Config], problem: Problem, data: Encoded, on_event: EventSink) -> list[Config]:
        """The portfolio with what won on the tables that are most like this one behind its first configuration.

        That one stays where it is: it is cheap, and others are measured by it. Winners that are not in the portfolio
        join it where its families and the table allow them. Always the same for the same memory.
        """
        past = [run for run in self.read() if run.task == problem.task and run.winners]
        near = _nearest(past, tuple(meta_features(problem, data).values()))
        chosen = [config for winner in _ranked(near) if (config := _fitted(winner, configs, problem, data)) is not None]
        chosen = [config for config in chosen if config.key() != configs[0].key()][:_FIRST]
        if not chosen:
            return list(configs)
        names = ", ".join(config.name for config in chosen)
        on_event(Finding("remembered", f"{len(near)} of {len(past)} past searches are alike; tried early: {names}"))
        keys = {config.key() for config in chosen}
        return [configs[0], *chosen, *(config for config in configs[1:] if config.key() not in keys)]


def _nearest(past: Sequence[PastRun], features: tuple[float, ...]) -> list[tuple[PastRun, float]]:
    """The most similar searches and how much each counts; equally near ones: the latest first."""
    if not past:
        return []
    table = np.array([run.features for run in past])
    spread = np.maximum(np.vstack([table, features]).std(axis=0), _SPREAD)
    distances = np.abs((table - np.array(features)) / spread).mean(axis=1)
    order = np.lexsort((-np.arange(len(past)), distances))[:_NEIGHBORS]
    return [(past[place], 1.0 - distances[place] / _ALIKE / 2) for place in order if distances[place] <= _ALIKE]


def _ranked(near: Sequence[tuple[PastRun, float]]) -> list[Winner]:
    """Winners, those first that were good on many and on the nearest tables."""
    merits: dict[str, float] = {}
    winners: dict[str, Winner] = {}
    for run, weight in near:
        for winner in run.winners:
            key = json.dumps([winner.learner, winner.params], sort_keys=True)
            winners.setdefault(key, winner)
            merits[key] = merits.get(key, 0.0) + weight * (1.0 - winner.worse / _WORSE)
    return [winners[key] for key in sorted(winners, key=lambda key: (-merits[key], key))]


def _fitted(winner: Winner, configs: Sequence[Config], problem: Problem, data: Encoded) -> Config | None:
    """The configuration of the portfolio that won, or the winning variation as this table bears it, if it does."""
    own = [config for config in configs if config.learner == winner.learner]
    named = next((config for config in own if config.name == winner.name), None)
    if named is not None or not own:
        return named
    params = dict(winner.params)
    if params.get("pairs") and not can_pair(data):
        return None
    if "min_samples_leaf" in params and "trees" in params:
        params["min_samples_leaf"] = max(params["min_samples_leaf"], smallest_leaf(problem, params))
    for setting in ("target", "loss"):
        # The table settles how the target is read, not the configuration.
        params.pop(setting, None)
        if setting in own[0].params:
            params[setting] = own[0].params[setting]
    return replace(own[0], name=winner.name, params=params, cost=winner.cost)
