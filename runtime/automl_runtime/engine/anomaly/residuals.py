"""What is left of a row when it is rebuilt from the directions that the columns share.

Principal component analysis as a detector: Shyu et al., A novel anomaly detection scheme based on principal component
classifier (2003), there the minor components. A row whose columns do not go together as usual cannot be rebuilt,
however usual each of its cells is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.engine.axes import main_axes
from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Bools, Floats

__all__ = ["Residuals", "fit_residuals"]

_SHARE = 0.8
_MOST = 100
_SMALLEST = 0.05


@dataclass(frozen=True, slots=True)
class Residuals:
    """`axes` (coordinates x directions) through `center`; `spread` is the usual residual of each coordinate."""

    center: Floats
    axes: Floats
    spread: Floats

    def squares(self, coordinates: Floats) -> Floats:
        """The squared residual of each coordinate in units of what is usual: rows x coordinates, float64."""
        centered = coordinates - self.center
        rebuilt = (centered @ self.axes) @ self.axes.T
        return np.asarray(((centered - rebuilt) / self.spread) ** 2)

    def check(self, width: int) -> None:
        """Refuses arrays that do not fit `width` coordinates.

        Raises:
            BundleError: if they do not.
        """
        sound = (
            self.center.shape == self.spread.shape == (width,)
            and self.axes.ndim == 2
            and len(self.axes) == width
            and all(array.dtype == np.float64 for array in (self.center, self.axes, self.spread))
            and bool((self.spread > 0).all())
        )
        if not sound:
            raise BundleError("The directions of the model do not fit its columns.")


def fit_residuals(coordinates: Floats, usual: Bools) -> Residuals:
    """Directions with 80 % of the variance of the `usual` rows, but at most half as many as there are coordinates,
    and 100.

    Other rows must not take part: a few wild ones would turn the directions towards themselves. The usual residual
    is a quantile, but at least 5 % of the spread of the coordinate: what is rebuilt exactly would make the smallest
    rounding strange.
    """
    rows = coordinates[usual]
    center = rows.mean(axis=0)
    axes = main_axes(rows, _SHARE, min(len(center) // 2, _MOST)) if len(center) > 1 else np.empty((1, 0))
    centered = coordinates - center
    left = np.abs(centered - (centered @ axes) @ axes.T)
    # 1.645 standard deviations contain 90 % of a normal distribution.
    spread = np.quantile(left, 0.9, axis=0) / 1.645
    return Residuals(center, axes, np.maximum(spread, _SMALLEST * np.maximum(coordinates.std(axis=0), _SMALLEST)))
