"""What a fitted model is made of: matrices that preprocessing makes, and the predictors that read them."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from automl_runtime.inference.blocks import Block
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.linear import sigmoid, softmax
from automl_runtime.inference.steps import Step
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = [
    "BATCHES",
    "FAR",
    "LINKS",
    "Backend",
    "Design",
    "Link",
    "Measured",
    "Member",
    "Part",
    "Predictor",
    "Reading",
    "blend",
    "centered_logs",
    "encoded_rows",
    "pool",
]

Link = Literal["none", "logistic", "softmax", "one_vs_rest", "log1p"]
LINKS: tuple[Link, ...] = ("none", "logistic", "softmax", "one_vs_rest", "log1p")
"""How raw predictions become probabilities or values; `one_vs_rest`: log odds of each class against all others;
`log1p`: the model predicts log(1 + value)."""

FAR = 1e300
"""A limit that cuts nothing off."""

Backend = Literal["kernels", "single_row", "library", "onnx"]
"""Our own code; the call that LightGBM has for one row; the library that trained the model; ONNX Runtime."""

BATCHES = (1, 32, 1_000)
"""Rows at a time for which backends are measured and chosen."""
_FEWEST = (1, 8, 256)
"""The fewest rows that are run as each of them."""

_CHUNK = 20_000
_LARGEST_LOG = 80.0
_LEAST_CHANCE = 1e-15
_LEAST_POOLED = 1e-6


@dataclass(frozen=True, slots=True)
class Design:
    """Blocks side by side, of rows that `steps` have changed one after the other."""

    blocks: tuple[Block, ...]
    steps: tuple[Step, ...] = ()

    def matrix(self, data: Encoded) -> Matrix:
        """Dense float64 (rows x columns), or CSR when one of the blocks is sparse."""
        for step in self.steps:
            data = step.apply(data)
        parts = [block.transform(data) for block in self.blocks]
        if all(isinstance(part, np.ndarray) for part in parts):
            return np.hstack(parts) if parts else np.empty((len(data), 0))
        from scipy import sparse

        return sparse.hstack(parts, format="csr")


class Predictor(Protocol):
    """A trained function of a design's matrix; thread-safe."""

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs."""

    def check(self, width: int) -> None:
        """Raises BundleError unless the predictor reads matrices of `width` columns."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How the raw output of a predictor is read.

    Values of a regression are `raw * scale + shift`, then the link is undone, then they are cut off at `low`
    and `high`.
    """

    link: Link = "none"
    scale: float = 1.0
    shift: float = 0.0
    low: float = -FAR
    high: float = FAR

    def outputs(self, raw: Floats, classes: int) -> Floats:
        """Probabilities (rows x classes), or values (rows x 1) when `classes` is 0."""
        if classes == 0:
            values = raw * self.scale + self.shift
            if self.link == "log1p":
                values = np.expm1(np.clip(values, -_LARGEST_LOG, _LARGEST_LOG))
            return np.asarray(np.clip(values, self.low, self.high))
        if self.link == "softmax":
            return softmax(raw)
        if self.link == "one_vs_rest":
            chances = np.maximum(sigmoid(raw), _LEAST_CHANCE)
            return np.asarray(chances / chances.sum(axis=1, keepdims=True))
        positive = sigmoid(raw) if self.link == "logistic" else raw
        return np.hstack([1.0 - positive, positive]) if classes == 2 and positive.shape[1] == 1 else positive

    def value(self, raw: float) -> float:
        """What `outputs` makes of one value of a regression."""
        value = raw * self.scale + self.shift
        if self.link == "log1p":
            value = math.expm1(min(max(value, -_LARGEST_LOG), _LARGEST_LOG))
        return min(max(value, self.low), self.high)


@dataclass(frozen=True, slots=True)
class Part:
    """One predictor, the place of its design, and how it is read."""

    design: int
    predictor: Predictor
    reading: Reading

    def outputs(self, matrix: Matrix, classes: int) -> Floats:
        """Probabilities (rows x classes), or values (rows x 1) when `classes` is 0."""
        return self.reading.outputs(self.predictor.predict(matrix), classes)


@dataclass(frozen=True, slots=True)
class Measured:
    """How a backend ran a member."""

    backend: Backend
    us: tuple[float, ...] = ()
    """Microseconds a row for each of `BATCHES`, all parts together; empty where it does not run the member at all."""
    largest: float | None = None
    """The largest difference from the library, relative to values above 1; None where it is not known or no number."""
    refused: str | None = None
    """Why it is never chosen."""


@dataclass(frozen=True, slots=True)
class Member:
    """A model of the ensemble: the mean of its parts (one for each fold, or one for all rows), with its weight."""

    name: str
    weight: float
    parts: tuple[Part, ...]
    measured: tuple[Measured, ...] = ()
    """By each backend, when the model was published; see `inference.backends`."""
    chosen: tuple[Backend, ...] = ()
    """The fastest of them for each of `BATCHES` that may be used; empty where none was measured."""
    ways: tuple[tuple[Part, ...], ...] = ()
    """The parts as `chosen` runs them; empty: as they stand."""

    def parts_for(self, rows: int) -> tuple[Part, ...]:
        """The parts as so many rows at a time are predicted by."""
        return self.ways[bisect_right(_FEWEST, rows) - 1] if self.ways else self.parts


def centered_logs(chances: Floats) -> Floats:
    """Log chances (rows x classes), less their mean over the classes; none is below that of one in a million."""
    logs = np.log(np.maximum(chances, _LEAST_POOLED))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def pool(logs: Floats, weights: Floats, shifts: Floats) -> Floats:
    """Chances (rows x classes) from the centred log chances of models (rows x classes x models)."""
    return softmax(logs @ weights + shifts)


def blend(
    members: Sequence[Member],
    designs: Sequence[Design],
    data: Encoded,
    classes: int,
    shifts: Sequence[float] = (),
) -> Floats:
    """The weighted mean of the members: float64, rows x classes, or rows x 1 when `classes` is 0.

    With `shifts` (one for each class) the members' log chances are pooled instead.
    """
    if not len(data):
        return np.empty((0, max(1, classes)))
    chunks = [
        _blend_chunk(members, designs, data if len(data) <= _CHUNK else data.take(rows), classes, shifts)
        for rows in np.array_split(np.arange(len(data)), -(-len(data) // _CHUNK))
    ]
    return np.vstack(chunks)


def _blend_chunk(
    members: Sequence[Member], designs: Sequence[Design], data: Encoded, classes: int, shifts: Sequence[float]
) -> Floats:
    matrices: dict[int, Matrix] = {}
    outputs = []
    for member in members:
        result = np.zeros((len(data), max(1, classes)))
        for part in member.parts_for(len(data)):
            if part.design not in matrices:
                matrices[part.design] = designs[part.design].matrix(data)
            result += part.outputs(matrices[part.design], classes) / len(member.parts)
        outputs.append(result)
    weights = np.array([member.weight for member in members])
    if len(shifts):
        return pool(np.stack([centered_logs(each) for each in outputs], axis=2), weights, np.array(shifts))
    return np.asarray(np.sum([each * weight for each, weight in zip(outputs, weights, strict=True)], axis=0))


def encoded_rows(numbers: int, codes: int, texts: int, images: int = 0, *, raws: Sequence[int] = ()) -> Encoded:
    """One row in which everything is missing; loading uses it to measure designs.

    `raws` are the widths of what is kept as it stands.
    """
    from automl_runtime.features.pictures import PICTURE_WIDTH
    from automl_runtime.inference.encoding import MISSING
    from automl_runtime.inference.texts import count_ngrams

    return Encoded(
        np.full((1, numbers), np.nan),
        np.full((1, codes), MISSING, dtype=np.int32),
        tuple(count_ngrams([""]) for _ in range(texts)),
        images=tuple(np.full((1, PICTURE_WIDTH), np.nan, dtype=np.float32) for _ in range(images)),
        raws=tuple(np.zeros((1, width), dtype=np.float32) for width in raws),
    )
