"""Weighted sums of radial basis functions around stored rows: support vector machines and Gaussian processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = ["KernelMachine", "radial"]

_MOST_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class KernelMachine:
    """`radial(rows * scales, stored) @ weights + intercept`, for each output."""

    scales: Floats
    """One over the length scale of each column."""
    stored: Floats
    """float32, stored rows x columns, scaled."""
    weights: Floats
    """float64, stored rows x outputs."""
    intercept: Floats

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds or values."""
        cells = np.asarray(rows, dtype=np.float64) * self.scales
        stored = self.stored.astype(np.float64)
        chunks = np.array_split(cells, max(1, -(-len(cells) * len(stored) // _MOST_CELLS)))
        return np.vstack([radial(chunk, stored) @ self.weights for chunk in chunks]) + self.intercept

    def check(self, width: int) -> None:
        """Refuses arrays that do not fit each other or a matrix of `width` columns.

        Raises:
            BundleError: if they do not.
        """
        sound = (
            self.stored.ndim == self.weights.ndim == 2
            and self.scales.shape == (width,) == self.stored.shape[1:]
            and len(self.stored) == len(self.weights)
            and self.intercept.shape == self.weights.shape[1:]
        )
        if not sound:
            raise BundleError(f"The stored rows of the kernel machine do not fit a matrix of {width} columns.")


def radial(left: Floats, right: Floats) -> NDArray[np.float64]:
    """exp(-distance² / 2) for each row of `left` (rows) and of `right` (columns)."""
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2.0 * left @ right.T
    return np.asarray(np.exp(-0.5 * np.maximum(squares, 0.0)))
