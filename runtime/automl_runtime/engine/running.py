"""Statistics of numbers that come in chunks, equal to those of all rows at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from automl_schemas.preprocessing import PreprocessingSpec

from automl_runtime.engine.steps import keeps_infinite
from automl_runtime.errors import RequestError
from automl_runtime.inference.encoding import MISSING
from automl_runtime.inference.steps import Finite, Imputed, Logged, Rescaled, Step
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["Running", "check_in_chunks", "steps_of"]

_IN_CHUNKS = {
    "infinities": ("missing", "max_value", "constant"),
    "imputation": ("mean", "most_frequent", "constant"),
    "scaling": ("none", "standard", "minmax", "log"),
    "outliers": (),
    "encoding": (),
    "selection": (),
    "custom": (),
}
"""What needs nothing but counts, sums and extremes."""


def check_in_chunks(asked: PreprocessingSpec) -> None:
    """Refuses what cannot be learned chunk by chunk.

    Raises:
        RequestError: naming the option.
    """
    for option, possible in _IN_CHUNKS.items():
        chosen = getattr(asked, option)
        if chosen is not None and chosen not in possible:
            allowed = f" in chunks: {', '.join(possible)}" if possible else " needs all rows"
            raise RequestError(
                f"`{option}: {chosen}` cannot be learned by partial_fit;"
                + (f" possible{allowed}." if possible else f" it{allowed}."),
                hint="Use fit with all rows, or leave the option out.",
            )


@dataclass(frozen=True, slots=True)
class Running:
    """Of each column: how many finite numbers, their mean, squared deviations and extremes, and how many others.

    Chunks are merged as Chan, Golub and LeVeque do (Updating formulae and a pairwise algorithm, 1979).
    """

    count: Floats
    mean: Floats
    squares: Floats
    low: Floats
    high: Floats
    missing: Floats
    above: Floats
    """Positive infinities."""
    below: Floats
    values: tuple[Counter[float], ...] = field(default=())
    """How often each number occurs, where that was asked for."""

    @classmethod
    def of(cls, numbers: Floats, *, values: bool = False) -> Running:
        """The statistics of a chunk (rows x columns)."""
        finite = np.isfinite(numbers)
        count = finite.sum(axis=0).astype(np.float64)
        mean = np.where(finite, numbers, 0.0).sum(axis=0) / np.maximum(count, 1)
        counters = [Counter(column[known].tolist()) for column, known in zip(numbers.T, finite.T, strict=True)]
        return cls(
            count,
            mean,
            (np.where(finite, numbers - mean, 0.0) ** 2).sum(axis=0) if len(numbers) else np.zeros_like(mean),
            np.where(finite, numbers, np.inf).min(axis=0, initial=np.inf),
            np.where(finite, numbers, -np.inf).max(axis=0, initial=-np.inf),
            np.isnan(numbers).sum(axis=0).astype(np.float64),
            (numbers == np.inf).sum(axis=0).astype(np.float64),
            (numbers == -np.inf).sum(axis=0).astype(np.float64),
            tuple(counters) if values else (),
        )

    def merge(self, other: Running) -> Running:
        """The statistics of both together."""
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        apart = other.mean - self.mean
        return Running(
            count,
            self.mean + apart * share,
            self.squares + other.squares + apart**2 * self.count * share,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.missing + other.missing,
            self.above + other.above,
            self.below + other.below,
            tuple(mine + theirs for mine, theirs in zip(self.values, other.values, strict=True)),
        )

    def add(self, count: Floats, value: Floats) -> Running:
        """The statistics with `count` numbers more in each column, all of them `value`."""
        none = np.zeros_like(count)
        more = tuple(Counter({float(v): int(c)} if c else {}) for v, c in zip(value, count, strict=True))
        low, high = np.where(count > 0, value, np.inf), np.where(count > 0, value, -np.inf)
        return self.merge(Running(count, value, none, low, high, none, none, none, more if self.values else ()))


def steps_of(seen: Running, codes: Ints, asked: PreprocessingSpec) -> list[Step]:
    """What `fit_number_steps` gives for all rows at once; `codes` fill missing categories where that was asked for."""
    steps: list[Step] = []
    if keeps_infinite(asked):
        constant = np.full_like(seen.mean, asked.infinite_value or 0.0)
        extremes = asked.infinities == "max_value"
        low, high = (_known(seen, seen.low), _known(seen, seen.high)) if extremes else (constant, constant)
        steps.append(Finite(low, high))
        seen = seen.add(seen.above, high).add(seen.below, low)
    else:
        seen = replace(seen, missing=seen.missing + seen.above + seen.below)
    if asked.imputation is not None:
        fill = np.full_like(seen.mean, asked.fill_value or 0.0)
        if asked.imputation == "mean":
            fill = _known(seen, seen.mean)
        if asked.imputation == "most_frequent":
            fill = np.array([_mode(values) for values in seen.values], dtype=np.float64)
        flagged = np.flatnonzero(seen.missing > 0) if asked.indicator else np.empty(0, dtype=np.int64)
        kept = codes if asked.imputation == "most_frequent" else np.full_like(codes, MISSING)
        steps.append(Imputed(fill, kept, flagged))
        seen = _with_flags(seen.add(seen.missing, fill), seen.missing[flagged])
    if asked.scaling == "log":
        steps.append(Logged())
    elif asked.scaling in ("standard", "minmax"):
        center = seen.mean if asked.scaling == "standard" else _known(seen, seen.low)
        scale = np.sqrt(seen.squares / np.maximum(seen.count, 1)) if asked.scaling == "standard" else seen.high - center
        steps.append(Rescaled(_known(seen, center), np.where(seen.high > seen.low, scale, 1.0)))
    return steps


def _known(seen: Running, values: Floats) -> Floats:
    """0 where no number was seen."""
    return np.where(seen.count > 0, values, 0.0)


def _mode(values: Counter[float]) -> float:
    most = max(values.values(), default=0)
    return min((value for value, count in values.items() if count == most), default=0.0)


def _with_flags(seen: Running, missing: Floats) -> Running:
    """With a column of 0 and 1 for each flag, of which `missing` are 1."""
    if not len(missing):
        return seen
    rows = seen.count[0]
    none = np.zeros_like(missing)
    flags = Running(rows - missing, none, none, np.zeros_like(missing), none, none, none, none)
    flags = flags.add(missing, np.ones_like(missing))
    names = ("count", "mean", "squares", "low", "high", "missing", "above", "below")
    wider: dict[str, Any] = {name: np.concatenate([getattr(seen, name), getattr(flags, name)]) for name in names}
    return Running(**wider)
