"""Links as LightGBM computes them: by the exponential function of the C library, in the same order, to the last bit."""

from __future__ import annotations

import math

import numpy as np

from automl_runtime.kernels.arrays import Floats
from automl_runtime.kernels.compiling import compiled

__all__ = ["sigmoids", "sigmoids_numpy", "softmaxes", "softmaxes_numpy"]


@compiled
def sigmoids(raw: Floats, slope: float) -> None:
    """Replaces log odds in `raw` (float64, rows x outputs) by 1 / (1 + exp(-slope x log odds))."""
    for row in range(raw.shape[0]):
        for output in range(raw.shape[1]):
            raw[row, output] = 1.0 / (1.0 + math.exp(-slope * raw[row, output]))


def sigmoids_numpy(raw: Floats, slope: float) -> None:
    """The twin of `sigmoids`; NumPy's own exponential function may differ in the last bit."""
    with np.errstate(over="ignore"):
        raw[:] = 1.0 / (1.0 + np.exp(-slope * raw))


@compiled
def softmaxes(raw: Floats) -> None:
    """Replaces each row of `raw` (float64, rows x outputs) by its softmax."""
    for row in range(raw.shape[0]):
        largest = raw[row, 0]
        for output in range(1, raw.shape[1]):
            largest = max(raw[row, output], largest)
        total = 0.0
        for output in range(raw.shape[1]):
            raw[row, output] = math.exp(raw[row, output] - largest)
            total += raw[row, output]
        for output in range(raw.shape[1]):
            raw[row, output] /= total


def softmaxes_numpy(raw: Floats) -> None:
    """The twin of `softmaxes`; NumPy's own exponential function may differ in the last bit."""
    np.exp(raw - raw.max(axis=1, keepdims=True), out=raw)
    raw /= raw.sum(axis=1, keepdims=True)
