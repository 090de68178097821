"""Multilayer perceptrons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Floats, Ints, Matrix

__all__ = ["Network", "silu"]


@dataclass(frozen=True, slots=True)
class Network:
    """Dense layers with `silu` between them, for matrices that are dense."""

    weights: Floats
    """float32: the weights of each layer (inputs x outputs) row by row, then its biases; layer after layer."""
    widths: Ints
    """Inputs, the widths of the hidden layers, outputs."""

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds, logits or values."""
        # In double precision, so that a row gives the same alone and among others.
        layer: Floats = np.asarray(rows, dtype=np.float64)
        layers = self.layers()
        for place, (weights, biases) in enumerate(layers):
            layer = layer @ weights + biases
            if place < len(layers) - 1:
                layer = silu(layer)
        return layer

    def layers(self) -> list[tuple[Floats, Floats]]:
        """Weights (inputs x outputs) and biases of each layer."""
        found, start = [], 0
        for inputs, outputs in zip(self.widths.tolist(), self.widths[1:].tolist(), strict=False):
            middle = start + inputs * outputs
            stop = middle + outputs
            found.append((self.weights[start:middle].reshape(inputs, outputs), self.weights[middle:stop]))
            start = stop
        return found

    def check(self, width: int) -> None:
        """Refuses weights that do not fit a matrix of `width` columns.

        Raises:
            BundleError: if they do not.
        """
        widths = self.widths
        sound = widths.ndim == 1 and len(widths) > 1 and bool((widths > 0).all()) and widths[0] == width
        needed = int(((widths[:-1] + 1) * widths[1:]).sum()) if sound else -1
        if self.weights.dtype != np.float32 or self.weights.shape != (needed,):
            raise BundleError(f"The layers {widths.tolist()} of the network do not read {width} columns.")


def silu(values: Floats) -> Floats:
    """values x sigmoid(values)."""
    return np.asarray(values * (0.5 * (1.0 + np.tanh(0.5 * values))))
