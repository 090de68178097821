"""What distinguishes a cluster, column by column, in words."""

from __future__ import annotations

import re
from collections import Counter
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
    traits: dict[int, list[Trait]] = {label: [] for label in sizes}
    for column in columns:
        compare = _Comparison.of(column, frame[column.name])
        for label, found in traits.items():
            inside = labels == label
            if inside.any() and not inside.all():
                found.append(compare(inside))
    return [
        ClusterProfile(label, sizes[label], sizes[label] / total, _strongest(traits[label]))
        for label in sorted(sizes, key=lambda label: (label == NOISE, label))
    ]


def _strongest(traits: list[Trait]) -> tuple[Trait, ...]:
    ordered = sorted(traits, key=lambda trait: (-trait.strength, trait.column))
    return tuple(trait for place, trait in enumerate(ordered[:_MOST_TRAITS]) if place == 0 or trait.strength >= _WEAK)


class _Comparison:
    """Compares the cells of a column inside a cluster with those outside."""

    @staticmethod
    def of(column: Column, values: pd.Series) -> Callable[[Bools], Trait]:
        known = values.notna().to_numpy()
        if column.kind in ("number", "date"):
            numbers = _numbers(column, values)
            known = np.isfinite(numbers)
            compare = _ranked(column, numbers, known)
        elif column.kind == "text":
            compare = _shares(column, [_words(text) for text in to_texts(values)], "says")
        else:
            cells = [set() if null else {spell(cell)} for cell, null in zip(values, ~known, strict=True)]
            compare = _shares(column, cells, "is")
        absent = _shares(column, [set() if there else {""} for there in known], "is missing")

        def stronger(inside: Bools) -> Trait:
            return max(compare(inside), absent(inside), key=lambda trait: trait.strength)

        return stronger


def _numbers(column: Column, values: pd.Series) -> Floats:
    if column.kind == "date":
        moments = pd.to_datetime(values, errors="coerce", utc=True, format="mixed").dt.tz_localize(None)
        return np.where(moments.isna(), np.nan, moments.to_numpy("datetime64[s]").astype(np.float64))
    found = pd.to_numeric(values.astype("object"), errors="coerce")
    return np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan))


def _ranked(column: Column, numbers: Floats, known: Bools) -> Callable[[Bools], Trait]:
    from scipy.stats import rankdata

    ranks = np.zeros(len(numbers))
    ranks[known] = rankdata(numbers[known])

    def compare(inside: Bools) -> Trait:
        here, there = inside & known, ~inside & known
        if not here.any() or not there.any():
            return Trait(column.name, 0.0, f"{_quoted(column.name)} is not known")
        count = int(here.sum())
        wins = ranks[here].sum() - count * (count + 1) / 2
        delta = float(2 * wins / (count * there.sum()) - 1)
        middle, other = (_typical(column, numbers[rows]) for rows in (here, there))
        word = ("later" if delta > 0 else "earlier") if column.kind == "date" else ("high" if delta > 0 else "low")
        return Trait(column.name, abs(delta), f"{_quoted(column.name)} {word}: median {middle} (others {other})")

    return compare


def _typical(column: Column, numbers: Floats) -> str:
    median = float(np.median(numbers))
    return str(np.datetime64(int(median), "s").astype("datetime64[D]")) if column.kind == "date" else f"{median:,.4g}"


def _shares(column: Column, cells: Sequence[set[str]], verb: str) -> Callable[[Bools], Trait]:
    """The value whose share differs most; `verb` says what a cell does with it."""

    def compare(inside: Bools) -> Trait:
        here: Counter[str] = Counter()
        there: Counter[str] = Counter()
        for place, cell in enumerate(cells):
            (here if inside[place] else there).update(cell)
        rows, others = int(inside.sum()), int((~inside).sum())
        differences = {word: here[word] / rows - there[word] / others for word in sorted(here | there)}
        if not differences:
            return Trait(column.name, 0.0, f"{_quoted(column.name)} {verb} alike")
        word = max(differences, key=lambda word: (abs(differences[word]), differences[word] > 0))
        value = f" {_quoted(word)}" if word or verb != "is missing" else ""
        text = f"{_quoted(column.name)} {verb}{value}: {here[word] / rows:.0%} (others {there[word] / others:.0%})"
        return Trait(column.name, abs(differences[word]), text)

    return compare


def _words(text: str | None) -> set[str]:
    return set(_WORD.findall(text.lower())) if text is not None else set()


def _quoted(value: str) -> str:
    return shorten(value, _LONGEST)
