"""What distinguishes a cluster, column by column, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl_runtime.engine.clustering.assignment import NOISE
from automl_runtime.errors import shorten
from automl_runtime.inference.encoding import Column, spell, to_texts
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["ClusterProfile", "Trait", "describe"]

_MOST_TRAITS = 5
_WEAK = 0.15
_LONGEST = 40
_LACK = 0.5
_WORD = re.compile(r"\w{2,}")


@dataclass(frozen=True, slots=True)
class Trait:
    """How a cluster differs from all other rows in one column."""

    column: str
    strength: float
    """0 to 1. Of numbers and dates: the size of Cliff's delta (Cliff 1993), how surely a row of the cluster has more
    (or less) than another; of categories, words and missing cells: the difference of the shares."""
    text: str
    """For a person to read; values are quoted and escaped."""


@dataclass(frozen=True, slots=True)
class ClusterProfile:
    """A cluster (or, last, the noise: label -1), and its traits, strongest first."""

    label: int
    rows: int
    share: float
    """Of the training rows."""
    traits: tuple[Trait, ...]

    def __str__(self) -> str:
        name = "noise" if self.label == NOISE else f"cluster {self.label}"
        lines = [f"{name}: {self.rows} rows ({self.share:.1%})"]
        return "\n".join([*lines, *(f"  {trait.text}" for trait in self.traits)])

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> ClusterProfile:
        """The profile that `to_json` wrote."""
        traits = tuple(
            Trait(str(trait["column"]), float(trait["strength"]), str(trait["text"])) for trait in record["traits"]
        )
        return cls(int(record["label"]), int(record["rows"]), float(record["share"]), traits)


def describe(
    frame: pd.DataFrame, columns: Sequence[Column], labels: Ints, sizes: dict[int, int]
) -> list[ClusterProfile]:
    """A profile of each cluster, by these rows and their labels; `sizes` counts all training rows of each label."""
    total = sum(sizes.values())
    names = sorted(sizes, key=lambda label: (label == NOISE, label))
    masks = {label: labels == label for label in names}
    compared = [label for label in names if 0 < masks[label].sum() < len(labels)]
    traits: dict[int, list[Trait]] = {label: [] for label in names}
    for column in columns:
        values = frame[column.name]
        compare, absent = _comparison(column, values), _missing(column, values.isna().to_numpy())
        for label in compared:
            pair = (compare(masks[label]), absent(masks[label]))
            traits[label].append(max(pair, key=lambda trait: trait.strength))
    return [ClusterProfile(label, sizes[label], sizes[label] / total, _strongest(traits[label])) for label in names]


def _strongest(traits: list[Trait]) -> tuple[Trait, ...]:
    ordered = sorted(traits, key=lambda trait: (-trait.strength, trait.column))
    return tuple(trait for place, trait in enumerate(ordered[:_MOST_TRAITS]) if place == 0 or trait.strength >= _WEAK)


def _comparison(column: Column, values: pd.Series) -> Callable[[Bools], Trait]:
    """Compares the cells of a column inside a cluster with those outside."""
    if column.kind in ("number", "date"):
        return _ranked(column, _numbers(column, values))
    if column.kind == "text":
        words = [sorted(set(_WORD.findall(text.lower()))) if text else [] for text in to_texts(values)]
        rows = np.repeat(np.arange(len(words)), [len(found) for found in words])
        return _shares(column, [word for found in words for word in found], rows, "says")
    known = np.flatnonzero(values.notna().to_numpy())
    codes, uniques = pd.factorize(values.iloc[known].astype("object"))
    levels = [spell(level) for level in uniques]
    return _shares(column, [levels[code] for code in codes], known, "is")


def _missing(column: Column, missing: Bools) -> Callable[[Bools], Trait]:
    def compare(inside: Bools) -> Trait:
        here, there = float(missing[inside].mean()), float(missing[~inside].mean())
        text = f"{_quoted(column.name)} is missing: {here:.0%} (others {there:.0%})"
        return Trait(column.name, abs(here - there), text)

    return compare


def _numbers(column: Column, values: pd.Series) -> Floats:
    """Finite numbers, seconds for dates; NaN where there is none."""
    if column.kind == "date":
        moments = pd.to_datetime(values, errors="coerce", utc=True, format="mixed").dt.tz_localize(None)
        return np.where(moments.isna(), np.nan, moments.to_numpy("datetime64[s]").astype(np.float64))
    cells = pd.to_numeric(values.astype("object"), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(cells), cells, np.nan)


def _ranked(column: Column, numbers: Floats) -> Callable[[Bools], Trait]:
    ranks, known = pd.Series(numbers).rank().to_numpy(), np.isfinite(numbers)

    def compare(inside: Bools) -> Trait:
        here, there = inside & known, ~inside & known
        count, others = int(here.sum()), int(there.sum())
        if not count or not others:
            return Trait(column.name, 0.0, f"{_quoted(column.name)} is not known")
        delta = float(2 * (ranks[here].sum() - count * (count + 1) / 2) / (count * others) - 1)
        middle, other = (_typical(column, numbers[rows]) for rows in (here, there))
        word = ("later" if delta > 0 else "earlier") if column.kind == "date" else ("high" if delta > 0 else "low")
        return Trait(column.name, abs(delta), f"{_quoted(column.name)} {word}: median {middle} (others {other})")

    return compare


def _typical(column: Column, numbers: Floats) -> str:
    median = float(np.median(numbers))
    return str(np.datetime64(int(median), "s").astype("datetime64[D]")) if column.kind == "date" else f"{median:,.4g}"


def _shares(column: Column, words: Sequence[str], rows: Ints, verb: str) -> Callable[[Bools], Trait]:
    """The word whose share differs most, where word `i` stands in row `rows[i]`; `verb` says what a cell does."""
    codes, uniques = pd.factorize(np.array(words, dtype=object), sort=True)

    def compare(inside: Bools) -> Trait:
        if not len(uniques):
            return Trait(column.name, 0.0, f"{_quoted(column.name)} is not known")
        marked = inside[rows]
        here = np.bincount(codes[marked], minlength=len(uniques)) / inside.sum()
        there = np.bincount(codes[~marked], minlength=len(uniques)) / (~inside).sum()
        gains = here - there
        # What a cluster has says more than what it lacks, unless that is by far the larger difference.
        best = int(np.argmax(gains)) if gains.max() >= -_LACK * gains.min() else int(np.argmin(gains))
        text = f"{_quoted(column.name)} {verb} {_quoted(uniques[best])}: {here[best]:.0%} (others {there[best]:.0%})"
        return Trait(column.name, float(abs(gains[best])), text)

    return compare


def _quoted(value: str) -> str:
    return shorten(value, _LONGEST)
