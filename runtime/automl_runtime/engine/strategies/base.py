"""The interface of search strategies.

A strategy owns its history and its randomness and nothing else: it starts no thread, keeps no clock, runs no trial and
writes no file. Whoever uses it calls `ask`, runs the trial, and calls `tell`; all calls come from one thread at a time,
and several proposals may be open at once. Losses are always to be minimised. The same seed and the same history give
the same proposals; trials of an earlier search are told without having been asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from automl_runtime.engine.strategies.space import Params, SearchSpace, key_of

__all__ = ["History", "Observation", "SearchStrategy", "Status", "is_better"]

Status = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A finished trial."""

    params: Params
    losses: tuple[float, ...] | None
    """One for each objective; of a pruned trial the last that was reported; None when there is none."""
    status: Status = "complete"
    seconds: float = 1.0
    """What it cost, in any unit that is the same for all."""


class SearchStrategy(Protocol):
    """Chooses what to try next."""

    def ask(self) -> Params | None:
        """What to try; never what was asked or told before. None: nothing is left, or nothing more is to be gained."""

    def report(self, params: Params, step: int, loss: float) -> bool:
        """Takes the loss of an open proposal after `step` of its steps (from 1); whether it is worth going on."""

    def tell(self, observation: Observation) -> None:
        """Takes a finished trial, asked for or not."""


def is_better(losses: Sequence[float], others: Sequence[Sequence[float]]) -> bool:
    """Whether none of `others` is as good in every objective."""
    return not any(all(theirs <= mine for theirs, mine in zip(each, losses, strict=True)) for each in others)


class History:
    """The observations so far and what was proposed; the base of the strategies that are written here."""

    def __init__(self, space: SearchSpace, seed: int) -> None:
        self.space, self.seed = space, seed
        self.observations: list[Observation] = []
        self.seen: dict[str, None] = {}

    def report(self, params: Params, step: int, loss: float) -> bool:
        """Always goes on."""
        del params, step, loss
        return True

    def tell(self, observation: Observation) -> None:
        """Remembers it."""
        self.observations.append(observation)
        self.seen.setdefault(key_of(observation.params))

    def propose(self, candidates: Sequence[Params]) -> Params | None:
        """The first of `candidates` that is valid and new, from now on counted as seen."""
        for params in candidates:
            if key_of(params) not in self.seen and self.space.allows(params):
                self.seen[key_of(params)] = None
                return params
        return None
