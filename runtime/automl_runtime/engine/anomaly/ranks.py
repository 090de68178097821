"""Scores as shares of the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.engine.anomaly.tails import quantile_places
from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats

__all__ = ["Ranks", "fit_ranks"]

_KNOTS = 4_096
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where a score stands among those of the training rows, at knots; between them the share grows evenly."""

    values: Floats
    shares: Floats
    rows: int

    def share(self, scores: Floats) -> Floats:
        """Of each score, the share of the other training rows that have less: 0 to 1, float64."""
        return np.asarray(np.interp(scores, self.values, self.shares))

    def surprise(self, scores: Floats) -> Floats:
        """-log of the share of training rows that have as much or more; a row more than there are is none."""
        return np.asarray(-np.log(1.0 - self.share(scores) * (self.rows - 1) / self.rows))

    def check(self) -> None:
        """Refuses arrays that are no ascending shares.

        Raises:
            BundleError: if they are not.
        """
        sound = (
            self.values.ndim == 1
            and self.values.shape == self.shares.shape
            and len(self.values) > 0
            and self.values.dtype == self.shares.dtype == np.float64
            and bool((np.diff(self.values) > 0).all())
            and bool(((self.shares >= 0) & (self.shares <= 1)).all())
            and self.rows > 0
        )
        if not sound:
            raise BundleError("The ranks of the model are not valid.")


def fit_ranks(scores: Floats) -> Ranks:
    """The ranks of the scores of the training rows; of more than 4,096 some are kept, more of the largest.

    Scores that differ by rounding only are one: else the share would jump where equal rows lie.
    """
    scale = float(np.abs(scores).max()) or 1.0
    values, first = np.unique(np.sort(np.round(scores / scale, _DIGITS)) * scale, return_index=True)
    places = quantile_places(len(values), _KNOTS)
    return Ranks(values[places], first[places] / max(1, len(scores) - 1), len(scores))
