"""Ensembles of decision trees, packed for the kernels in `kernels.trees`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError
from automl_runtime.kernels.arrays import Bools, Floats, Ints, Records, Singles
from automl_runtime.kernels.threads import over_rows
from automl_runtime.kernels.trees import (
    COLUMN,
    DE_BRUIJN,
    WORD,
    mask_sum,
    mask_type,
    node_type,
    oblivious_cells,
    oblivious_row,
    oblivious_sum,
    rank_cells,
    walk_cells,
    walk_row,
    walk_sum,
)

__all__ = [
    "NAN_IS_MISSING",
    "NAN_IS_ZERO",
    "ZERO_IS_MISSING",
    "ObliviousSum",
    "Splits",
    "Tests",
    "TreeSum",
    "Trees",
    "own_fields",
    "ranked",
    "singles",
]

NAN_IS_ZERO, ZERO_IS_MISSING, NAN_IS_MISSING = 0, 1, 2
"""What a node takes for missing."""

_MASKED_ROWS = 16
"""With fewer rows, walking is faster than evaluating all tests."""
_TESTS_A_TREE = 200
"""With more, walking is faster: a step costs as much as some thirty tests."""
_NO_CELLS = np.zeros(1, np.float32)
"""Of a row without columns: leaves look at one."""
_BLOCK = 256
_KEYS = 1 << 18
"""Keys of a block at most, so that they stay in the cache."""
_ROWS_FOR_THREADS = 4_096


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees one behind the other: node `i` leads to `left[i]` or `right[i]`; a leaf has `feature[i] == -1`."""

    roots: Ints
    feature: Ints
    left: Ints
    right: Ints

    def check(self, width: int) -> None:
        """Refuses nodes by which a walk could leave its tree, go round, or read a cell that is not there.

        Raises:
            BundleError: if a child does not lie behind its parent in the same tree, or a feature is not below `width`.
        """
        nodes = len(self.feature)
        sound = len({nodes, len(self.left), len(self.right)}) == 1 and len(self.roots) > 0
        sound = sound and self.roots[0] == 0 and bool((np.diff(self.roots) > 0).all()) and self.roots[-1] < nodes
        if sound:
            inner = self.inner
            ends = np.repeat([*self.roots[1:], nodes], np.diff([*self.roots, nodes]))[inner]
            children = np.concatenate([self.left[inner], self.right[inner]])
            sound = bool(((children > np.tile(inner, 2)) & (children < np.tile(ends, 2))).all())
            # Distinct: no node has two parents, or is both children of one.
            sound = sound and bool((np.bincount(children, minlength=1) < 2).all())
            sound = sound and bool((self.feature < width).all())
        if not sound:
            raise BundleError("The trees of the model are not valid: an index points out of its tree or backwards.")

    @property
    def inner(self) -> NDArray[np.int64]:
        """The nodes that are no leaves."""
        return np.flatnonzero(self.feature >= 0)

    def tree_of(self, nodes: Ints) -> Ints:
        """The tree that each of `nodes` belongs to."""
        return np.searchsorted(self.roots, nodes, side="right") - 1

    def leaf_ranges(self) -> tuple[Ints, Ints]:
        """For each node its first leaf, counted from the left of its tree, and how many there are below it.

        None are below nodes that no root leads to (XGBoost leaves such behind when it prunes).
        """
        first, count = np.zeros(len(self.feature), np.int64), np.zeros(len(self.feature), np.int64)
        levels, level = [], np.asarray(self.roots)
        while len(level):
            count[level] = 1
            level = level[self.feature[level] >= 0]
            levels.append(level)
            level = np.concatenate([self.left[level], self.right[level]])
        for level in reversed(levels):
            count[level] = count[self.left[level]] + count[self.right[level]]
        for level in levels:
            first[self.left[level]] = first[level]
            first[self.right[level]] = first[level] + count[self.left[level]]
        return first, count


@dataclass(frozen=True, slots=True)
class Splits:
    """How the inner nodes of trees split (arrays with a place for each inner node, in order).

    A number goes left when it is not above `threshold`; a code goes left unless its bit is set among the words of its
    set. What is missing goes left where `missing_left` says so.
    """

    threshold: Floats
    missing: Ints
    """`NAN_IS_ZERO`, `ZERO_IS_MISSING` or `NAN_IS_MISSING`."""
    missing_left: Bools
    sets: Ints
    """The set of each node, or -1: it splits numbers."""
    bounds: Ints
    """Where the words of each set begin, and the end of the last."""
    words: Ints
    other_left: bool
    """Where codes go that lie beyond the words."""
    edge: float
    """Numbers that are not farther from 0 count as 0."""
    least: float
    """Codes are larger than this."""


@dataclass(frozen=True, slots=True)
class Tests:
    """What inner nodes ask (in order): a row goes right when its key in `column` is above `key`."""

    column: Ints
    key: NDArray[Any]
    ranks: tuple[Records, Floats, Ints] | None = None
    """The columns, thresholds and words by which `kernels.trees.rank_cells` makes keys; None: cells are keys."""


def singles(trees: Trees, threshold: Singles) -> Tests:
    """A number of float32 goes left when it is not above the threshold (one for each inner node)."""
    return Tests(trees.feature[trees.inner].astype(np.int32), threshold)


def ranked(feature: Ints, splits: Splits) -> Tests:
    """Tests of float64 cells: a column for each way in which some node reads its `feature`."""
    coded = splits.sets >= 0
    kind = np.where(coded, NAN_IS_MISSING, splits.missing)
    ways = np.stack([splits.sets + 1, feature, kind, splits.missing_left & (kind != NAN_IS_ZERO)]).astype(np.int64)
    code = np.ravel_multi_index(tuple(ways), tuple(ways.max(axis=1, initial=0) + 1))
    _, first, column = np.unique(code, return_index=True, return_inverse=True)
    columns = np.zeros(len(first), COLUMN)
    columns["feature"], columns["coded"] = feature[first], coded[first]
    grid, key = _ranks(splits.threshold, column, coded, columns)
    _read_codes(columns, splits, first)
    _read_numbers(columns, splits, first, grid)
    most = int(columns["size"][columns["coded"] == 0].max(initial=1))
    key = key.astype(np.min_scalar_type(most))
    return Tests(column.astype(np.int32), key, (columns, grid, splits.words))


def _ranks(threshold: Floats, column: Ints, coded: Bools, columns: Records) -> tuple[Floats, Ints]:
    """The thresholds of all columns, each once and ascending, and each node's place among those of its column."""
    numbers = np.flatnonzero(~coded)
    order = numbers[np.lexsort((threshold[numbers], column[numbers]))]
    owners, sorted_ = column[order], threshold[order]
    new = np.ones(len(order), np.bool_)
    new[1:] = (owners[1:] != owners[:-1]) | (sorted_[1:] != sorted_[:-1])
    columns["size"] = np.bincount(owners[new], minlength=len(columns))
    columns["start"] = np.cumsum(columns["size"]) - columns["size"]
    key = np.zeros(len(threshold), np.int64)
    key[order] = np.cumsum(new) - 1 - columns["start"][owners]
    return sorted_[new], key


def _read_codes(columns: Records, splits: Splits, first: Ints) -> None:
    chosen = columns["coded"] == 1
    sets, left = splits.sets[first[chosen]], splits.missing_left[first[chosen]]
    columns["start"][chosen] = splits.bounds[sets]
    columns["size"][chosen] = splits.bounds[sets + 1] - splits.bounds[sets]
    columns["missing"][chosen] = ~left
    columns["other"][chosen] = not splits.other_left
    columns["edge"][chosen] = splits.least


def _read_numbers(columns: Records, splits: Splits, first: Ints, grid: Floats) -> None:
    for place in np.flatnonzero(columns["coded"] == 0):
        start, size = columns["start"][place], columns["size"][place]
        zero = int(np.searchsorted(grid[start : start + size], 0.0))
        kind, left = splits.missing[first[place]], splits.missing_left[first[place]]
        missing = zero if kind == NAN_IS_ZERO else 0 if left else size
        columns["missing"][place] = missing
        columns["other"][place] = missing if kind == ZERO_IS_MISSING else zero
        columns["edge"][place] = splits.edge


def own_fields(model: Any) -> dict[str, Any]:
    """The state of a dataclass that is pickled: what it has derived from its fields is left out."""
    return {field.name: getattr(model, field.name) for field in fields(model)}


class _Sum(ABC):
    """Sums leaves block by block of rows; immutable and thread-safe."""

    def __init__(self, tests: Tests) -> None:
        self._ranks, self._type = tests.ranks, tests.key.dtype
        # Leaves look at a column, too: there has to be one.
        self._columns = 0 if tests.ranks is None else max(1, len(tests.ranks[0]))

    def keys(self, cells: Floats) -> NDArray[Any]:
        """The keys of `cells` (rows x features): columns x rows, the columns one behind the other."""
        return self._fill(np.zeros((self._columns or max(1, cells.shape[1]), len(cells)), self._type), cells)

    def rows(self, cells: Floats) -> NDArray[Any]:
        """The keys of `cells` (rows x features): rows x columns, the rows one behind the other."""
        keys = np.zeros((len(cells), self._columns or max(1, cells.shape[1])), self._type)
        self._fill(keys.T, cells)
        return keys

    def _fill(self, keys: NDArray[Any], cells: Floats) -> NDArray[Any]:
        if self._ranks is not None:
            rank_cells(cells, *self._ranks, keys)
        elif cells.shape[1]:
            keys[:] = cells.T
        return keys

    def edges(self, width: int) -> list[Floats]:
        """For each of `width` features the thresholds and codes that nodes compare with."""
        found: list[list[Floats]] = [[np.empty(0)] for _ in range(width)]
        columns, grid, _ = self._ranks or (np.zeros(0, COLUMN), np.empty(0), None)
        for column in columns:
            start, size = int(column["start"]), int(column["size"])
            edges = np.arange(size * WORD, dtype=np.float64) if column["coded"] else grid[start : start + size]
            found[int(column["feature"])].append(edges)
        return [np.concatenate(each) for each in found]

    def coded(self, width: int) -> Bools:
        """For each of `width` features whether some node reads it as a code."""
        columns = np.zeros(0, COLUMN) if self._ranks is None else self._ranks[0]
        return np.isin(np.arange(width), columns["feature"][columns["coded"] == 1])

    def add_to(self, sums: Floats, cells: Floats, *, threads: int | None = None) -> None:
        """Adds the leaves to `sums` (float64, rows x outputs), tree by tree.

        Args:
            sums: changed in place.
            cells: rows x features, in C order; float64, or float32 where the tests are `singles`.
            threads: for many rows; None: as many as there are cores.
        """
        if len(cells) == 1:
            self._add_row(sums, cells)
            return
        rows, columns = len(cells), self._columns or cells.shape[1]
        block = min(_BLOCK, max(_MASKED_ROWS, _KEYS // max(1, columns)))
        if rows <= block:
            self._add(sums, cells)
        else:
            over_rows(
                lambda begin, end: self._add(sums[begin:end], cells[begin:end]),
                rows,
                block,
                least=_ROWS_FOR_THREADS,
                threads=threads,
            )

    def _add(self, sums: Floats, cells: Floats) -> None:
        part = np.ascontiguousarray(sums.T)
        self._sum(part, cells)
        if part.base is not sums:
            sums[:] = part.T

    @abstractmethod
    def _add_row(self, sums: Floats, cells: Floats) -> None:
        """Adds to `sums` (1 x outputs) the leaves that one row (1 x features) reaches."""

    @abstractmethod
    def _sum(self, sums: Floats, cells: Floats) -> None:
        """Adds to `sums` (outputs x rows) the leaves that the rows `cells` reach."""


class TreeSum(_Sum):
    """The sum of the leaves that rows reach; immutable and thread-safe."""

    def __init__(self, trees: Trees, tests: Tests, leaf: Ints, values: Floats, outputs: Ints) -> None:
        """Packs `trees`, which have been checked.

        Args:
            trees: their nodes.
            tests: what the inner ones ask.
            leaf: for each node that is a leaf its row in `values`.
            values: float64, leaves x outputs of a tree.
            outputs: the first output of each tree.
        """
        super().__init__(tests)
        self._walk = (*_walk(trees, tests, leaf), values, outputs.astype(np.int32))
        self._one: tuple[Any, ...] | None = None if tests.ranks is None else (*tests.ranks, *self._walk)
        small = values.shape[1] == 1 and len(trees.inner) <= _TESTS_A_TREE * len(trees.roots)
        self._masks = (*_masks(trees, tests, leaf, values), outputs.astype(np.int32)) if small else None

    def edges(self, width: int) -> list[Floats]:
        """For each of `width` features the thresholds and codes that nodes compare with."""
        if self._ranks is not None:
            return super().edges(width)
        nodes = self._walk[0]
        inner = nodes[nodes["child"] != np.arange(len(nodes))]
        return [inner["key"][inner["column"] == feature] for feature in range(width)]

    def _add_row(self, sums: Floats, cells: Floats) -> None:
        if self._one is not None:
            walk_cells(cells, sums, *self._one)
        else:
            walk_row(cells[0] if cells.shape[1] else _NO_CELLS, *self._walk, sums[0])

    def _sum(self, sums: Floats, cells: Floats) -> None:
        if self._masks is not None and len(cells) >= _MASKED_ROWS:
            mask_sum(self.keys(cells), *self._masks, sums)
        else:
            walk_sum(self.rows(cells), *self._walk, sums)


class ObliviousSum(_Sum):
    """The sum of the leaves of trees that ask the same on all of a level; immutable and thread-safe."""

    def __init__(self, tests: Tests, depths: Ints, values: Floats) -> None:
        """Packs trees.

        Args:
            tests: what each level asks, tree by tree; the answer at level i is bit i of a row's leaf.
            depths: the levels of each tree.
            values: float64, the leaves of all trees x outputs.
        """
        super().__init__(tests)
        levels = np.concatenate([[0], np.cumsum(depths)]).astype(np.int32)
        leaves = np.concatenate([[0], np.cumsum(1 << depths)[:-1]]).astype(np.int32)
        self._packed = (tests.column, tests.key, levels, leaves, values)
        self._one: tuple[Any, ...] | None = None if tests.ranks is None else (*tests.ranks, *self._packed)

    def _add_row(self, sums: Floats, cells: Floats) -> None:
        if self._one is not None:
            oblivious_cells(cells, sums, *self._one)
        else:
            oblivious_row(cells[0], *self._packed, sums[0])

    def _sum(self, sums: Floats, cells: Floats) -> None:
        oblivious_sum(self.keys(cells), *self._packed, sums)


def _walk(trees: Trees, tests: Tests, leaf: Ints) -> tuple[Records, Ints, Ints]:
    """Nodes, roots and leaves for `walk_sum`: the k-th inner node of a tree has its children at 2k + 1 and 2k + 2."""
    inner = trees.inner
    tree = trees.tree_of(inner)
    child = trees.roots[tree] + 1 + 2 * (np.arange(len(inner)) - np.searchsorted(inner, trees.roots)[tree])
    place = np.arange(len(trees.feature))
    place[trees.left[inner]], place[trees.right[inner]] = child, child + 1
    nodes = np.zeros(len(place), node_type(tests.key.dtype, int(tests.column.max(initial=0)) + 1))
    nodes["child"], nodes["key"] = np.arange(len(place)), _largest(tests.key.dtype)
    split = place[inner]
    nodes["child"][split], nodes["column"][split], nodes["key"][split] = child, tests.column, tests.key
    leaves = np.zeros(len(place), np.int32)
    ends = np.flatnonzero(trees.feature < 0)
    leaves[place[ends]] = leaf[ends]
    return nodes, trees.roots.astype(np.int32), leaves


def _masks(trees: Trees, tests: Tests, leaf: Ints, values: Floats) -> tuple[Records, Ints, Ints, Floats]:
    """Tests, the bounds of words and of trees, and leaves for `mask_sum`.

    A test is there for each word of leaves that it may rule out.
    """
    inner, (first, count) = trees.inner, trees.leaf_ranges()
    bounds = np.concatenate([[0], np.cumsum(-(-count[trees.roots] // WORD))])
    begin = first[trees.left[inner]]
    end = begin + count[trees.left[inner]]
    copies = (end - 1) // WORD - begin // WORD + 1
    node = np.repeat(np.arange(len(inner)), copies)
    word = (begin // WORD)[node] + np.arange(len(node)) - np.repeat(np.cumsum(copies) - copies, copies)
    low, high = np.maximum(begin[node] - word * WORD, 0), np.minimum(end[node] - word * WORD, WORD)
    made = np.zeros(len(node), mask_type(tests.key.dtype))
    made["mask"] = ~((1 << high) - (1 << low)) & 0xFFFFFFFF
    made["column"], made["key"] = tests.column[node], tests.key[node]
    word += bounds[trees.tree_of(inner)][node]
    order = np.argsort(word, kind="stable")
    starts = np.searchsorted(word[order], np.arange(bounds[-1] + 1))
    ends = np.flatnonzero((trees.feature < 0) & (count > 0))
    bit = np.uint64(1) << (first[ends] % WORD).astype(np.uint64)
    place = (bit * np.uint64(DE_BRUIJN) & np.uint64(0xFFFFFFFF)) >> np.uint64(27)
    spread = np.zeros(int(bounds[-1]) * WORD)
    spread[(bounds[trees.tree_of(ends)] + first[ends] // WORD) * WORD + place.astype(np.int64)] = values[leaf[ends], 0]
    return made[order], starts.astype(np.int32), bounds.astype(np.int32), spread


def _largest(dtype: np.dtype[Any]) -> float | int:
    return np.inf if dtype.kind == "f" else int(np.iinfo(dtype).max)
