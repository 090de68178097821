"""How far rows have moved away from those that a model was trained on, column by column, with a verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from automl_runtime.kernels.arrays import Floats, Ints
from automl_runtime.monitoring.reference import Reference, bins_of, psi

__all__ = ["Drift", "Verdict", "drift_of", "stability"]

Verdict = Literal["same", "shifted", "far"]

_SHIFTED: Final = 0.1
_FAR: Final = 0.25
_FEWEST: Final = 5
_HALF: Final = 0.5
_CHANCE: Final = 0.001
"""How often one of the columns is called shifted although none has moved."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The population stability index of a column, and the one that chance alone hardly exceeds for any column.

    `missing` are the shares of rows without a value, before and now.
    """

    column: str
    psi: float
    chance: float
    missing: tuple[float, float]
    verdict: Verdict


def drift_of(reference: Reference, rows: pd.DataFrame) -> list[Drift]:
    """The drift of each column of `reference` that `rows` has, largest first.

    The index of few rows is large by chance: over n bins it is (1/N + 1/M) times a chi-square with n - 1 degrees of
    freedom (Yurdakul, Statistical Properties of Population Stability Index, 2018). A column counts as shifted when its
    index is above 0.1 and above what chance explains, and as far off above 0.25.
    """
    from scipy.special import chdtri

    found = []
    for column in reference.columns:
        if column.name not in rows.columns or not len(rows) or not column.rows:
            continue
        before, now = bins_of(column, rows[column.name])
        index, free = stability(before, now)
        rarest = float(chdtri(free, _CHANCE / len(reference.columns)))
        chance = rarest * (1 / column.rows + 1 / len(rows))
        verdict: Verdict = "same"
        if index > max(_SHIFTED, chance):
            verdict = "far" if index > _FAR else "shifted"
        missing = (column.missing_share, float(now[-1] / len(rows)))
        found.append(Drift(column.name, index, chance, missing, verdict))
    return sorted(found, key=lambda drift: (-drift.psi, drift.column))


def stability(before: Floats, now: Floats) -> tuple[float, int]:
    """The population stability index of two vectors of counts over the same bins, and its degrees of freedom.

    Neighbouring bins that would hold fewer than five of the fewer rows are counted as one, and half a row is added to
    each.
    """
    ends = _merged(before + now, before.sum() + now.sum(), min(before.sum(), now.sum()))
    index = psi(*(np.add.reduceat(counts, ends) + _HALF for counts in (before, now)))
    return index, max(len(ends) - 1, 1)


def _merged(pooled: Floats, total: float, fewer: float) -> Ints:
    """Where each merged bin begins, for `np.add.reduceat`: each holds enough of the pooled rows."""
    least = _FEWEST * total / fewer
    starts, held = [0], 0.0
    for place, amount in enumerate(pooled):
        if held >= least and pooled[place:].sum() >= least:
            starts.append(place)
            held = 0.0
        held += amount
    return np.array(starts)
