"""Linear models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = ["Linear", "sigmoid", "softmax"]


@dataclass(frozen=True, slots=True)
class Linear:
    """`rows @ weights + intercept`, cut off at `low` and `high`, for each output."""

    weights: Floats
    """Columns x outputs."""
    intercept: Floats
    low: float
    high: float

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds, logits or values."""
        return np.clip(np.asarray(rows @ self.weights) + self.intercept, self.low, self.high)

    def check(self, width: int) -> None:
        """Refuses weights that do not fit a matrix of `width` columns.

        Raises:
            BundleError: if they do not.
        """
        if self.weights.ndim != 2 or self.weights.shape != (width, len(self.intercept)):
            raise BundleError(f"The weights of the linear model are {self.weights.shape}, expected {width} rows.")


def sigmoid(raw: Floats) -> Floats:
    """1 / (1 + exp(-raw)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * raw)))


def softmax(raw: Floats) -> Floats:
    """Probabilities of each row."""
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
