"""Weights of linear models and networks as small integers or half-precision numbers.

Trees have no need of it: their kernels compare ranks of thresholds in one byte, which is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.network import Network, silu
from automl_runtime.inference.parts import FAR, Member, Part, Predictor
from automl_runtime.kernels.arrays import Floats, Ints, Matrix

__all__ = ["PRECISIONS", "Codes", "Precision", "Quantised", "quantise", "quantised_weights", "restored"]

Precision = Literal["int8", "uint8", "int16", "float16"]
PRECISIONS: tuple[Precision, ...] = ("int8", "uint8", "int16", "float16")

_CLIPS = (1.0, 0.995, 0.98, 0.95, 0.9, 0.8, 0.7)
"""Shares of the largest weight of an output beyond which weights are cut off, of which the best is taken."""
_LARGEST_HALF = 65504.0
_MOST_BYTE = 255
_FINEST = 2.0**-20
"""A step of uint8 as a share of the largest weight: so the code that stands for 0 stays a number of 32 bits."""


@dataclass(frozen=True)
class Quantised:
    """A linear model or a network whose weights are codes; it predicts with what they stand for."""

    kind: str
    """`linear` or `network`."""
    codes: NDArray[np.int8] | NDArray[np.uint8] | NDArray[np.int16] | NDArray[np.float16]
    """The weights of each layer (inputs x outputs) row by row, layer after layer."""
    scales: NDArray[np.float32]
    """What a code of each output of each layer is multiplied by; 1 for half-precision numbers."""
    biases: Floats
    """Of each output of each layer, in the precision that they had."""
    widths: Ints
    """Inputs, the widths of the hidden layers, outputs."""
    low: float = -FAR
    high: float = FAR
    zeros: NDArray[np.int32] | None = None
    """The code that stands for 0 in each output of each layer, of uint8; it may lie beyond those that there are."""

    @cached_property
    def restored(self) -> Linear | Network:
        """The model that predicts."""
        parts: list[Floats] = []
        start = first = 0
        for inputs, outputs in zip(self.widths.tolist(), self.widths[1:].tolist(), strict=False):
            stop, last = start + inputs * outputs, first + outputs
            codes = self.codes[start:stop].reshape(inputs, outputs).astype(np.float64)
            if self.zeros is not None:
                codes -= self.zeros[first:last]
            weights = codes * self.scales[first:last].astype(np.float64)
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
        sound = sound and shapes == ((weights,), (outputs,), (outputs,)) and str(self.codes.dtype) in PRECISIONS
        sound = sound and (self.codes.dtype == np.uint8) == (self.zeros is not None)
        if self.zeros is not None:
            sound = sound and self.zeros.shape == (outputs,) and self.zeros.dtype == np.int32
        if not sound:
            raise BundleError(f"The codes of the layers {widths.tolist()} do not read {width} columns.")
        self.restored.check(width)


def quantise(model: FittedModel, precision: Precision) -> FittedModel:
    """`model` with the weights of its linear models and networks in `precision`; all else stays as it is.

    Each output of a layer has a scale of its own, of uint8 also a code of its own that stands for 0. Of integers they
    are chosen so that the output is off least for rows like those that the model keeps to explain itself by
    (calibration); trees and other models do not change.
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


class Codes(NamedTuple):
    """The weights of one layer."""

    codes: NDArray[np.generic]
    """Inputs x outputs."""
    scales: NDArray[np.float32]
    """Of each output."""
    zeros: NDArray[np.int32] | None = None
    """Of each output the code that stands for 0; None: 0."""


def quantised_weights(weights: Floats, precision: Precision, energy: Floats | None = None) -> Codes:
    """The codes that come nearest to `weights` (inputs x outputs).

    Args:
        weights: finite.
        precision: of the codes.
        energy: mean square of each input, by which errors are weighed; None: all alike.
    """
    if precision == "float16":
        halves = np.clip(weights, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
        return Codes(halves, np.ones(weights.shape[1], np.float32))
    share = np.ones((len(weights), 1)) if energy is None else energy[:, None]
    if precision == "uint8":
        return _around_zeros(weights, share)
    most = np.iinfo(precision).max
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
    return Codes(codes, scales)


def _around_zeros(weights: Floats, share: Floats) -> Codes:
    """Asymmetric codes: all of them lie between the smallest and the largest weight of an output."""
    least, largest = weights.min(axis=0, initial=np.inf), weights.max(axis=0, initial=-np.inf)
    least, largest = (np.where(np.isfinite(end), end, 0.0) for end in (least, largest))
    # What is cut off lies far from 0: at both ends, or at one where all weights have the same sign.
    nearest = np.clip(0.0, least, largest)
    finest = np.maximum(np.maximum(-least, largest) * _FINEST, np.finfo(np.float32).tiny)
    outputs, ends = weights.shape[1], [least, largest]
    codes, scales, zeros = np.zeros(weights.shape, np.uint8), np.ones(outputs, np.float32), np.zeros(outputs, np.int32)
    best = np.full(outputs, np.inf)
    for side in (1, 0):
        whole, kept = ends[side], ends[side].copy()
        for clip in _CLIPS:
            ends[side] = nearest + clip * (whole - nearest)
            scale = np.maximum((ends[1] - ends[0]) / _MOST_BYTE, finest).astype(np.float32)
            step = scale.astype(np.float64)
            # Rounded, so that a weight of 0 stays exactly 0.
            zero = np.rint(-ends[0] / step)
            found = np.clip(np.rint(weights / step) + zero, 0, _MOST_BYTE)
            off = (share * ((found - zero) * step - weights) ** 2).sum(axis=0)
            better = off < best
            best[better], scales[better], zeros[better] = off[better], scale[better], zero[better].astype(np.int32)
            kept[better], codes[:, better] = ends[side][better], found[:, better].astype(np.uint8)
        ends[side] = kept
    return Codes(codes, scales, zeros)


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
    made: list[Codes] = []
    for weights, biases in layers:
        energy = None if matrix is None else np.asarray(_square(matrix).mean(axis=0)).ravel()
        made.append(quantised_weights(np.asarray(weights, np.float64), precision, energy))
        matrix = None if matrix is None else silu(np.asarray(matrix @ weights) + biases)
    widths = np.array([len(layers[0][0]), *(weights.shape[1] for weights, _ in layers)])
    all_biases = np.concatenate([biases for _, biases in layers])
    codes, scales = (
        np.concatenate([each.codes.ravel() for each in made]),
        np.concatenate([each.scales for each in made]),
    )
    zeros = [each.zeros for each in made if each.zeros is not None]
    small = Quantised(
        kind, codes, scales, all_biases, widths, low, high, zeros=np.concatenate(zeros) if zeros else None
    )
    return replace(part, predictor=small)


def _square(matrix: Matrix) -> Matrix:
    return matrix**2 if isinstance(matrix, np.ndarray) else matrix.power(2)
