"""Weights of linear models and networks as small integers or half-precision numbers.

Trees have no need of it: their kernels compare ranks of thresholds in one byte, which is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.network import Network, silu
from automl_runtime.inference.parts import FAR, Member, Part, Predictor
from automl_runtime.kernels.arrays import Floats, Ints, Matrix

__all__ = ["PRECISIONS", "Precision", "Quantised", "quantise", "quantised_weights", "restored"]

Precision = Literal["int8", "int16", "float16"]
PRECISIONS: tuple[Precision, ...] = ("int8", "int16", "float16")

_CLIPS = (1.0, 0.995, 0.98, 0.95, 0.9, 0.8, 0.7)
"""Shares of the largest weight of an output beyond which weights are cut off, of which the best is taken."""
_LARGEST_HALF = 65504.0


@dataclass(frozen=True)
class Quantised:
    """A linear model or a network whose weights are codes; it predicts with what they stand for."""

    kind: str
    """`linear` or `network`."""
    codes: NDArray[np.int8] | NDArray[np.int16] | NDArray[np.float16]
    """The weights of each layer (inputs x outputs) row by row, layer after layer."""
    scales: NDArray[np.float32]
    """What a code of each output of each layer is multiplied by; 1 for half-precision numbers."""
    biases: Floats
    """Of each output of each layer, in the precision that they had."""
    widths: Ints
    """Inputs, the widths of the hidden layers, outputs."""
    low: float = -FAR
    high: float = FAR

    @cached_property
    def restored(self) -> Linear | Network:
        """The model that predicts."""
        parts: list[Floats] = []
        start = first = 0
        for inputs, outputs in zip(self.widths.tolist(), self.widths[1:].tolist(), strict=False):
            stop, last = start + inputs * outputs, first + outputs
            codes = self.codes[start:stop].reshape(inputs, outputs)
            weights = codes.astype(np.float64) * self.scales[first:last].astype(np.float64)
            if self.kind == "linear":
                return Linear(weights, self.biases, self.low, self.high)
            parts += [weights.ravel(), self.biases[first:last]]
            start, first = stop, last
        return Network(np.concatenate(parts).astype(np.float32), self.widths)

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds, logits or values."""
        return self.restored.predict(rows)

    def check(self, width: int) -> None:
        """Refuses codes that do not fit a matrix of `width` columns.

        Raises:
            BundleError: if they do not.
        """
        widths = self.widths
        sound = widths.ndim == 1 and len(widths) > 1 and bool((widths > 0).all()) and widths[0] == width
        sound = sound and self.kind in ("linear", "network") and (self.kind == "network" or len(widths) == 2)
        weights, outputs = int((widths[:-1] * widths[1:]).sum()), int(widths[1:].sum())
        shapes = (self.codes.shape, self.scales.shape, self.biases.shape)
        if not sound or shapes != ((weights,), (outputs,), (outputs,)) or str(self.codes.dtype) not in PRECISIONS:
            raise BundleError(f"The codes of the layers {widths.tolist()} do not read {width} columns.")
        self.restored.check(width)


def quantise(model: FittedModel, precision: Precision) -> FittedModel:
    """`model` with the weights of its linear models and networks in `precision`; all else stays as it is.

    Each output of a layer has a scale of its own. Of integers the scale is chosen so that the output is off least for
    rows like those that the model keeps to explain itself by (calibration); trees and other models do not change.
    """
    rows = model.background
    members = tuple(
        Member(member.name, member.weight, tuple(_quantised(part, model, rows, precision) for part in member.parts))
        for member in model.members
    )
    return FittedModel(model.info, model.encoder, model.designs, members, model.background)


def restored(predictor: Predictor) -> Predictor:
    """The predictor itself, or the one that its codes stand for."""
    return predictor.restored if isinstance(predictor, Quantised) else predictor


def quantised_weights(
    weights: Floats, precision: Precision, energy: Floats | None = None
) -> tuple[NDArray[np.generic], NDArray[np.float32]]:
    """Codes (like `weights`, inputs x outputs) and the scale of each output.

    Args:
        weights: finite.
        precision: of the codes.
        energy: mean square of each input, by which errors are weighed; None: all alike.
    """
    if precision == "float16":
        halves = np.clip(weights, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
        return halves, np.ones(weights.shape[1], np.float32)
    most = np.iinfo(precision).max
    share = np.ones((len(weights), 1)) if energy is None else energy[:, None]
    largest = np.abs(weights).max(axis=0, initial=0.0)
    best = np.full(weights.shape[1], np.inf)
    codes, scales = np.zeros(weights.shape, precision), np.ones(weights.shape[1], np.float32)
    for clip in _CLIPS:
        # A scale of 0 would divide by it; one below the smallest single-precision number would become 0.
        scale = np.maximum(largest * clip / most, np.finfo(np.float32).tiny).astype(np.float32)
        found = np.clip(np.rint(weights / scale.astype(np.float64)), -most, most)
        off = (share * (found * scale.astype(np.float64) - weights) ** 2).sum(axis=0)
        better = off < best
        best[better], scales[better] = off[better], scale[better]
        codes[:, better] = found[:, better].astype(precision)
    return codes, scales


def _quantised(part: Part, model: FittedModel, rows: Encoded | None, precision: Precision) -> Part:
    predictor = restored(part.predictor)
    if not isinstance(predictor, Linear | Network):
        return part
    matrix = None if rows is None else model.designs[part.design].matrix(rows)
    if isinstance(predictor, Linear):
        layers: Sequence[tuple[Floats, Floats]] = [(predictor.weights, predictor.intercept)]
        kind, low, high = "linear", predictor.low, predictor.high
    else:
        layers, kind, low, high = predictor.layers(), "network", -FAR, FAR
    codes, scales = [], []
    for weights, biases in layers:
        energy = None if matrix is None else np.asarray(_square(matrix).mean(axis=0)).ravel()
        found, scale = quantised_weights(np.asarray(weights, np.float64), precision, energy)
        codes.append(found.ravel())
        scales.append(scale)
        matrix = None if matrix is None else silu(np.asarray(matrix @ weights) + biases)
    widths = np.array([len(layers[0][0]), *(weights.shape[1] for weights, _ in layers)])
    all_biases = np.concatenate([biases for _, biases in layers])
    made = Quantised(kind, np.concatenate(codes), np.concatenate(scales), all_biases, widths, low, high)
    return replace(part, predictor=made)


def _square(matrix: Matrix) -> Matrix:
    return matrix**2 if isinstance(matrix, np.ndarray) else matrix.power(2)
