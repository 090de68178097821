"""Fitted models as one function of a raw record, without a frame on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.blocks import Words, write_block
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.network import Network
from automl_runtime.inference.parts import LINKS, Design, Member, Predictor
from automl_runtime.inference.program import Program
from automl_runtime.inference.quantising import restored
from automl_runtime.inference.records import RecordEncoder, Row
from automl_runtime.kernels.arrays import Floats, Ints
from automl_runtime.kernels.networks import dense_row
from automl_runtime.kernels.rows import pool_classes, pool_heads, read_classes

if TYPE_CHECKING:
    from automl_runtime.inference.model import FittedModel

__all__ = ["CompiledHeads", "CompiledModel", "CompiledParts", "is_sparse", "one_row"]

_Predict = Callable[[Floats], Floats]
_Blend = Callable[[list[Floats]], list[float]]


class CompiledParts:
    """What each part of some models says of one record. Thread-safe: whatever is written to is made for the call."""

    def __init__(self, models: Sequence[FittedModel]) -> None:
        """Compiles models that have the same encoder; a design that several of them have is compiled once.

        Raises:
            BundleError: if their parts do not fit together.
        """
        self.encoder = RecordEncoder(models[0].encoder)
        blank = self.encoder.encode(dict.fromkeys(column.name for column in models[0].encoder.columns))
        designs, numbers = _distinct(models)
        groups = _by_steps(designs)
        self.programs = [Program([designs[place] for place in group], self.encoder, blank) for group in groups]
        """One for all designs that have the same steps."""
        places = {
            design: (number, program.slices[place])
            for number, (group, program) in enumerate(zip(groups, self.programs, strict=True))
            for place, design in enumerate(group)
        }
        sparse = [is_sparse(design) for design in designs]
        parts = [
            (number[part.design], part.predictor)
            for model, number in zip(models, numbers, strict=True)
            for member in model.members
            for part in member.parts_for(1)
        ]
        self.predictors = [(*places[design], one_row(predictor, sparse[design])) for design, predictor in parts]
        """Of each part its program, the columns that it reads there, and the function from them (1 x columns) to raw
        outputs (1 x n)."""
        self.widths = [len(each) for each in self.raw(blank)]
        """How many outputs each part has."""

    def raw(self, row: Row) -> list[Floats]:
        """What each part says of an encoded record: an array each, as long as the part has outputs."""
        made = [program.rows(row) for program in self.programs]
        return [predict(made[number][:, columns])[0] for number, columns, predict in self.predictors]


class CompiledModel(CompiledParts):
    """Answers one record at a time with a model. Thread-safe."""

    def __init__(self, model: FittedModel) -> None:
        """Compiles `model`, and calls it once, so that kernels and libraries are loaded.

        Raises:
            BundleError: if its parts do not fit together.
        """
        super().__init__([model])
        classes, members = len(model.info.classes), model.members
        self.blend = (
            _class_blend(members, self.widths, classes, model.info.shifts) if classes else _value_blend(members)
        )
        """From the raw outputs of all parts to those of the model."""
        self.blend([np.zeros(width) for width in self.widths])

    def outputs(self, record: Mapping[str, Any]) -> list[float]:
        """The probability of each class, or the one value, for `record`.

        Raises:
            RequestError: if it is no mapping.
            SchemaMismatchError: if a column is missing.
            DataError: if a picture cannot be read.
        """
        return self.blend(self.raw(self.encoder.encode(record)))


class CompiledHeads(CompiledParts):
    """Answers one record at a time with several models of two classes over one encoder. Thread-safe."""

    def __init__(self, models: Sequence[FittedModel]) -> None:
        """Compiles `models`, and calls them once, so that kernels and libraries are loaded.

        Raises:
            BundleError: if their parts do not fit together, or one has not two classes.
        """
        super().__init__(models)
        if any(len(model.info.classes) != 2 for model in models):
            raise BundleError("Each label of a model of several labels is there or not: two classes.")
        members = [member for model in models for member in model.members]
        self._reading = _reading_of(members, self.widths, 2)
        self._weights = np.array([member.weight for member in members], dtype=np.float64)
        self._ends = np.cumsum([len(model.members) for model in models])
        self._pooled = np.array([len(model.info.shifts) > 0 for model in models])
        self._shifts = np.array([model.info.shifts or (0.0, 0.0) for model in models], dtype=np.float64)
        self._blended([np.zeros(width) for width in self.widths])

    def chances(self, record: Mapping[str, Any]) -> Floats:
        """The probability that each model gives its second class, for `record`; see `CompiledModel.outputs`."""
        return self._blended(self.raw(self.encoder.encode(record)))

    def _blended(self, raw: list[Floats]) -> Floats:
        found, out = np.zeros((len(self._weights), 2)), np.empty(len(self._ends))
        read_classes(np.concatenate(raw), *self._reading, found)
        pool_heads(found, self._weights, self._ends, self._pooled, self._shifts, out)
        return out


def _distinct(models: Sequence[FittedModel]) -> tuple[list[Design], list[list[int]]]:
    """The designs of all models, equal ones once; and for each design of each model its place among them."""
    if len(models) == 1:
        return list(models[0].designs), [list(range(len(models[0].designs)))]
    known: dict[str, int] = {}
    designs: list[Design] = []
    numbers: list[list[int]] = []
    for model in models:
        numbers.append([])
        for design in model.designs:
            content = _content(design)
            if content not in known:
                known[content] = len(designs)
                designs.append(design)
            numbers[-1].append(known[content])
    return designs, numbers


def _content(design: Design) -> str:
    """A hash of all that a design consists of."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    parts = [write_block(part, str(place), arrays) for place, part in enumerate([*design.steps, *design.blocks])]
    shapes = {name: (array.dtype.str, array.shape) for name, array in sorted(arrays.items())}
    digest = hashlib.sha256(json.dumps([parts, shapes], sort_keys=True).encode())
    for name in shapes:
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


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


def _class_blend(members: Sequence[Member], widths: list[int], classes: int, shifts: Sequence[float]) -> _Blend:
    reading = _reading_of(members, widths, classes)
    weights, moved = np.array([member.weight for member in members], dtype=np.float64), np.array(shifts, np.float64)

    def blend(raw: list[Floats]) -> list[float]:
        found, out = np.zeros((len(members), classes)), np.empty(classes)
        read_classes(np.concatenate(raw), *reading, found)
        pool_classes(found, weights, moved, out)
        chances: list[float] = out.tolist()
        return chances

    return blend


def _reading_of(members: Sequence[Member], widths: list[int], classes: int) -> tuple[Ints, Ints, Ints, Floats]:
    """How `read_classes` reads what the parts of `members` say: widths, links, members and shares of the parts.

    Raises:
        BundleError: if a part says another number of outputs than there are classes.
    """
    wrong = [width for width in widths if width != classes and (width, classes) != (1, 2)]
    if wrong:
        raise BundleError(f"A part of the model says {wrong[0]} numbers of {classes} classes.")
    counts = [len(member.parts) for member in members]
    links = np.array([LINKS.index(part.reading.link) for member in members for part in member.parts])
    owners, shares = np.repeat(np.arange(len(members)), counts), np.repeat(1.0 / np.array(counts), counts)
    return np.array(widths), links, owners, shares
