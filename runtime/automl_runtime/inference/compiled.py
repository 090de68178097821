"""A fitted model as one function of a raw record, without a frame on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.blocks import Words
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.network import Network
from automl_runtime.inference.parts import LINKS, Design, Member, Predictor
from automl_runtime.inference.program import Program
from automl_runtime.inference.quantising import restored
from automl_runtime.inference.records import RecordEncoder, Row
from automl_runtime.kernels.arrays import Floats
from automl_runtime.kernels.networks import dense_row
from automl_runtime.kernels.rows import pool_classes, read_classes

if TYPE_CHECKING:
    from automl_runtime.inference.model import FittedModel

__all__ = ["CompiledModel", "is_sparse", "one_row"]

_Predict = Callable[[Floats], Floats]
_Blend = Callable[[list[Floats]], list[float]]


class CompiledModel:
    """Answers one record at a time. Thread-safe: whatever is written to is made for the call."""

    def __init__(self, model: FittedModel) -> None:
        """Compiles `model`, and calls it once, so that kernels and libraries are loaded.

        Raises:
            BundleError: if its parts do not fit together.
        """
        self.encoder = RecordEncoder(model.encoder)
        blank = self.encoder.encode(dict.fromkeys(column.name for column in model.encoder.columns))
        parts = [part for member in model.members for part in member.parts_for(1)]
        groups = _by_steps(model.designs)
        self.programs = [Program([model.designs[place] for place in group], self.encoder, blank) for group in groups]
        """One for all designs that have the same steps."""
        places = {
            design: (number, program.slices[place])
            for number, (group, program) in enumerate(zip(groups, self.programs, strict=True))
            for place, design in enumerate(group)
        }
        self.predictors = [
            (*places[part.design], one_row(part.predictor, is_sparse(model.designs[part.design]))) for part in parts
        ]
        """Of each part its program, the columns that it reads there, and the function from them (1 x columns) to raw
        outputs (1 x n)."""
        raw = self.raw(blank)
        widths, classes, shifts = [len(each) for each in raw], len(model.info.classes), model.info.shifts
        self.blend = _class_blend(model.members, widths, classes, shifts) if classes else _value_blend(model.members)
        """From the raw outputs of all parts to those of the model."""
        self.blend(raw)

    def outputs(self, record: Mapping[str, Any]) -> list[float]:
        """The probability of each class, or the one value, for `record`.

        Raises:
            RequestError: if it is no mapping.
            SchemaMismatchError: if a column is missing.
            DataError: if a picture cannot be read.
        """
        return self.blend(self.raw(self.encoder.encode(record)))

    def raw(self, row: Row) -> list[Floats]:
        """What each part says of an encoded record: an array each, as long as the part has outputs."""
        made = [program.rows(row) for program in self.programs]
        return [predict(made[number][:, columns])[0] for number, columns, predict in self.predictors]


def _by_steps(designs: Sequence[Design]) -> list[list[int]]:
    """The places of designs without steps together, of each other design by itself."""
    bare = [place for place, design in enumerate(designs) if not design.steps]
    return [*([bare] if bare else []), *([place] for place, design in enumerate(designs) if design.steps)]


def is_sparse(design: Design) -> bool:
    """Whether most of a row is 0."""
    return any(isinstance(block, Words) or getattr(block, "sparse", False) for block in design.blocks)


def one_row(predictor: Predictor, sparse: bool) -> _Predict:
    """What `predictor` says of one row (1 x columns), most of which is 0 where it is `sparse`."""
    predictor = restored(predictor)
    if isinstance(predictor, Network):
        return _network(predictor)
    if isinstance(predictor, Linear) and sparse:
        return _sparse_linear(predictor)
    return predictor.predict


def _network(network: Network) -> _Predict:
    weights, widths = np.ascontiguousarray(network.weights), network.widths.astype(np.int64)
    outputs = int(widths[-1])

    def predict(row: Floats) -> Floats:
        out = np.empty((1, outputs))
        dense_row(np.ascontiguousarray(row), weights, widths, out)
        return out

    return predict


def _sparse_linear(linear: Linear) -> _Predict:
    """Looks only at what is not 0."""

    def predict(row: Floats) -> Floats:
        places = np.flatnonzero(row[0])
        raw = row[:, places] @ linear.weights[places] + linear.intercept
        return np.clip(raw, linear.low, linear.high)

    return predict


def _value_blend(members: tuple[Member, ...]) -> _Blend:
    read = [(part.reading, member.weight / len(member.parts)) for member in members for part in member.parts]

    def blend(raw: list[Floats]) -> list[float]:
        return [sum(reading.value(float(each[0])) * weight for each, (reading, weight) in zip(raw, read, strict=True))]

    return blend


def _class_blend(members: tuple[Member, ...], widths: list[int], classes: int, shifts: Sequence[float]) -> _Blend:
    wrong = [width for width in widths if width != classes and (width, classes) != (1, 2)]
    if wrong:
        raise BundleError(f"A part of the model says {wrong[0]} numbers of {classes} classes.")
    counts = [len(member.parts) for member in members]
    links = np.array([LINKS.index(part.reading.link) for member in members for part in member.parts])
    owners, shares = np.repeat(np.arange(len(members)), counts), np.repeat(1.0 / np.array(counts), counts)
    lengths, weights = np.array(widths), np.array([member.weight for member in members], dtype=np.float64)
    moved = np.array(shifts, dtype=np.float64)

    def blend(raw: list[Floats]) -> list[float]:
        found, out = np.zeros((len(members), classes)), np.empty(classes)
        read_classes(np.concatenate(raw), lengths, links, owners, shares, found)
        pool_classes(found, weights, moved, out)
        chances: list[float] = out.tolist()
        return chances

    return blend
