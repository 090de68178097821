"""Designs as a program that fills one row: an instruction of `kernels.rows` for each column of their matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.blocks import (
    LARGEST_SCORE,
    PERIODS,
    Codes,
    Cycles,
    Filled,
    Numbers,
    OneHot,
    Pairs,
    Pieces,
    Scaled,
    TargetMeans,
    Topics,
    Words,
    weigh_one,
)
from automl_runtime.inference.groups import GROUP_STATISTICS, CrossedMeans, Grouped
from automl_runtime.inference.parts import Design
from automl_runtime.inference.records import RecordEncoder, Row
from automl_runtime.kernels import rows as kernels
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["Program"]

_UNCHANGED = (0.0, 0.0, 1.0, -np.inf, np.inf)
"""Not logged, not centered, not scaled, not cut off."""
_PLACES, _VALUES = 5, 6
_Write = Callable[[Row, Floats], None]
_Fill = Callable[[Ints, Ints, Ints, Floats, Floats], _Write]
_OF_NUMBERS = {"difference": kernels.DIFFERENCE, "ratio": kernels.SHARE, "rank": kernels.RANK}


class _Instruction(NamedTuple):
    """What makes a column of a matrix, or marks one of several; see `kernels.rows`."""

    fill: _Fill
    kind: int
    places: tuple[int, ...]
    values: tuple[float, ...] = ()
    width: int = 1
    """How many columns on the next one writes."""


class _Table:
    """One array that many tables lie in."""

    def __init__(self) -> None:
        self.parts: list[Floats] = []
        self.size = 0

    def put(self, part: Floats | Ints) -> int:
        """Where `part`, flattened, begins."""
        self.parts.append(np.asarray(part, dtype=np.float64).ravel())
        self.size += part.size
        return self.size - part.size


class Program:
    """Fills one row of the matrix of each of several designs. Thread-safe."""

    def __init__(self, designs: Sequence[Design], encoder: RecordEncoder, blank: Row) -> None:
        """Compiles designs that have the same steps; `blank` is an encoded record.

        Raises:
            BundleError: if a column that a design reads is not there.
        """
        self._steps, self._encoder = designs[0].steps, encoder
        blank = self._stepped(blank)
        table = _Table()
        self._writers: list[tuple[int, _Write]] = []
        made: dict[_Fill, list[tuple[int, _Instruction]]] = {}
        width = 0
        self.slices: list[slice] = []
        """Where the row of each design is."""
        for design in designs:
            first = width
            for block in design.blocks:
                if type(block) in _COMPILERS:
                    for instruction in _COMPILERS[type(block)](block, table):
                        made.setdefault(instruction.fill, []).append((width, instruction))
                        width += instruction.width
                else:
                    self._writers.append((width, _WRITERS.get(type(block), self._writer)(block)))
                    width += block.transform(encoder.encoded(blank)).shape[1]
            self.slices.append(slice(first, width))
        self._width = width
        whole = np.concatenate([np.empty(0), *table.parts])
        self._writers += [(0, fill(*_arrays(found, fill, blank), whole)) for fill, found in made.items()]

    def rows(self, row: Row) -> Floats:
        """The matrices of an encoded record side by side (see `slices`): float64, 1 x columns, never sparse."""
        if self._steps:
            row = self._stepped(row)
        made = np.zeros((1, self._width))
        out = made[0]
        for start, write in self._writers:
            write(row, out[start:] if start else out)
        return made

    def _stepped(self, row: Row) -> Row:
        data = self._encoder.encoded(row)
        for step in self._steps:
            data = step.apply(data)
        return row._replace(numbers=np.ascontiguousarray(data.numbers[0]), codes=data.codes[0].astype(np.int32))

    def _writer(self, block: Any) -> _Write:
        def write(row: Row, out: Floats) -> None:
            found = block.transform(self._encoder.encoded(row))[0]
            out[: len(found)] = found

        return write


def _arrays(instructions: list[tuple[int, _Instruction]], fill: _Fill, blank: Row) -> tuple[Ints, Ints, Ints, Floats]:
    """Columns, kinds, places and values. The kernels check tables, and not whether numbers and codes are there."""
    columns, kinds = [column for column, _ in instructions], [each.kind for _, each in instructions]
    places = np.array([[*each.places, *(0,) * (_PLACES - len(each.places))] for _, each in instructions])
    values = np.array([[*each.values, *(0.0,) * (_VALUES - len(each.values))] for _, each in instructions])
    numbers, codes = len(blank.numbers), len(blank.codes)
    sizes: dict[_Fill, tuple[int, int]] = {
        _by_number: (numbers, numbers),
        _by_code: (codes, max(numbers, 1)),
        _by_codes: (codes, codes),
    }
    if (places[:, :2] < 0).any() or (places[:, :2] >= sizes[fill]).any():
        raise BundleError("A block of the model reads a column that is not there.")
    return np.array(columns), np.array(kinds), places, values


def _by_number(columns: Ints, kinds: Ints, places: Ints, values: Floats, _: Floats) -> _Write:
    return lambda row, out: kernels.fill_numbers(row.numbers, columns, kinds, places, values, out)


def _by_code(columns: Ints, kinds: Ints, places: Ints, values: Floats, table: Floats) -> _Write:
    return lambda row, out: kernels.fill_entries(row.numbers, row.codes, columns, kinds, places, values, table, out)


def _by_codes(columns: Ints, _: Ints, places: Ints, __: Floats, table: Floats) -> _Write:
    return lambda row, out: kernels.fill_crossed(row.codes, columns, places, table, out)


def _number(place: int, *values: float) -> _Instruction:
    return _Instruction(_by_number, kernels.NUMBER, (place,), values)


def _flags(block: Filled | Scaled | Pieces) -> Iterator[_Instruction]:
    for place in block.columns[block.flagged].tolist():
        yield _Instruction(_by_number, kernels.FLAG, (place,))


def _numbers(block: Numbers, _: _Table) -> Iterator[_Instruction]:
    for place in block.columns.tolist():
        yield _number(place, np.nan, *_UNCHANGED)


def _filled(block: Filled, _: _Table) -> Iterator[_Instruction]:
    for place, fill in zip(block.columns.tolist(), block.fill.tolist(), strict=True):
        yield _number(place, fill, *_UNCHANGED)
    yield from _flags(block)


def _scaled(block: Scaled, _: _Table) -> Iterator[_Instruction]:
    parts = (block.columns, block.fill, block.logged, block.center, block.scale)
    for place, *values in zip(*(part.tolist() for part in parts), strict=True):
        yield _number(place, *values, -LARGEST_SCORE, LARGEST_SCORE)
    yield from _flags(block)


def _pieces(block: Pieces, _: _Table) -> Iterator[_Instruction]:
    offsets = block.offsets.tolist()
    for place, fill, first, last in zip(
        block.columns.tolist(), block.fill.tolist(), offsets, offsets[1:], strict=False
    ):
        for low, high in pairwise(block.edges[first:last].tolist()):
            yield _number(place, fill, 0.0, low, high - low, 0.0, 1.0)
    yield from _flags(block)


def _pairs(block: Pairs, _: _Table) -> Iterator[_Instruction]:
    parts = (block.left, block.right, block.first, block.second, block.ratio)
    for left, right, first, second, ratio in zip(*(part.tolist() for part in parts), strict=True):
        kind = kernels.RATIO if ratio else kernels.SUM
        yield _Instruction(_by_number, kind, (left, right), (first, second))


def _cycles(block: Cycles, _: _Table) -> Iterator[_Instruction]:
    for kept in block.kept.tolist():
        date, wave = divmod(kept, 2 * len(PERIODS))
        part, period = PERIODS[wave // 2]
        place = int(block.dates[date]) + part
        yield _Instruction(_by_number, kernels.SINE, (place,), (2.0 * np.pi / period, float(wave % 2)))


def _codes(block: Codes, table: _Table) -> Iterator[_Instruction]:
    start = table.put(block.table)
    for place, offset in zip(block.columns.tolist(), block.offsets.tolist(), strict=False):
        yield _Instruction(_by_code, kernels.ENTRY, (place, 0, start + offset, 1))


def _one_hot(block: OneHot, table: _Table) -> Iterator[_Instruction]:
    start = table.put(block.table)
    last = len(block.columns) - 1
    for number, (place, offset) in enumerate(zip(block.columns.tolist(), block.offsets.tolist(), strict=False)):
        width = block.width if number == last else 0
        yield _Instruction(_by_code, kernels.HOT, (place, 0, start + offset, 1), (float(block.width),), width)


def _target_means(block: TargetMeans, table: _Table) -> Iterator[_Instruction]:
    start, outputs = table.put(block.table), block.table.shape[1]
    for place, offset in zip(block.columns.tolist(), block.offsets.tolist(), strict=False):
        for output in range(outputs):
            places = (place, 0, start + offset * outputs + output, outputs)
            yield _Instruction(_by_code, kernels.ENTRY, places)


def _crossed_means(block: CrossedMeans, table: _Table) -> Iterator[_Instruction]:
    parts = (block.left, block.right, block.widths, block.starts, block.starts[1:])
    for left, right, width, first, last in zip(*(part.tolist() for part in parts), strict=False):
        for column in block.table.T:
            entries = np.concatenate([block.keys[first:last], column[first:last], column[-1:]])
            places = (left, right, table.put(entries), last - first, width)
            yield _Instruction(_by_codes, 0, places)


def _grouped(block: Grouped, table: _Table) -> Iterator[_Instruction]:
    width = block.edges.shape[1]
    starts = {"rank": table.put(block.edges), "spread": table.put(_finite(block.spreads))}
    means, finite_means = table.put(block.means), table.put(_finite(block.means))
    for kept in block.kept.tolist():
        pair, statistic = divmod(kept, len(GROUP_STATISTICS))
        name = GROUP_STATISTICS[statistic]
        span = width if name == "rank" else 1
        start = starts.get(name, finite_means if name == "mean" else means)
        code, number, offset = (int(part[pair]) for part in (block.categories, block.numbers, block.offsets))
        kind = _OF_NUMBERS.get(name, kernels.ENTRY)
        yield _Instruction(_by_code, kind, (code, number, start + offset * span, span))


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def _words(block: Words) -> _Write:
    def write(row: Row, out: Floats) -> None:
        places, values = weigh_one(*row.texts[block.text], block)
        out[places] = values

    return write


def _topics(block: Topics) -> _Write:
    def write(row: Row, out: Floats) -> None:
        places, values = weigh_one(*row.texts[block.text], block)
        out[: block.components.shape[1]] = values @ block.components[places].astype(np.float64)

    return write


_COMPILERS: dict[type, Callable[[Any, _Table], Iterator[_Instruction]]] = {
    Numbers: _numbers,
    Filled: _filled,
    Scaled: _scaled,
    Pieces: _pieces,
    Pairs: _pairs,
    Cycles: _cycles,
    Codes: _codes,
    OneHot: _one_hot,
    TargetMeans: _target_means,
    CrossedMeans: _crossed_means,
    Grouped: _grouped,
}
_WRITERS: dict[type, Callable[[Any], _Write]] = {Words: _words, Topics: _topics}
