"""Sums the leaves of decision trees, by walking many at once or by evaluating all tests of small ones.

Cells are first told by keys (`rank_cells`): a column of keys exists for each way in which some node reads a feature, so
that missing values, zeros and categories are dealt with once a cell, and every test is `key > test key`: right, else
left. Three kernels do the tests:

* `walk_sum` has eight (tree, row) pairs in flight, so that the latency of one hides that of the others. Both children
  of a node lie side by side, which makes a step an addition; a leaf leads to itself.
* `mask_sum` evaluates all tests of a tree for a block of rows with vector instructions. A test that fails rules out the
  leaves to its left: the row's leaf is the first that is left over (QuickScorer: Lucchese et al., SIGIR 2015; across
  rows: Lucchese et al., Exploiting CPU SIMD Extensions to Speed-up Document Scoring with Tree Ensembles, SIGIR 2016).
* `oblivious_sum` looks up the leaf by the answers of a tree that asks the same on all of a level.

A row by itself takes as long as the calls around it: `walk_cells` and `oblivious_cells` do all of it in one.

Leaves are added in the order of the trees: sums are equal to the last bit. Indices are not checked here: see
`inference.trees`.
"""

from __future__ import annotations

import numpy as np

from automl_runtime.kernels.arrays import Floats, Ints, Records
from automl_runtime.kernels.compiling import compiled

__all__ = [
    "COLUMN",
    "DE_BRUIJN",
    "WORD",
    "mask_sum",
    "mask_sum_numpy",
    "mask_type",
    "node_type",
    "oblivious_cells",
    "oblivious_row",
    "oblivious_sum",
    "oblivious_sum_numpy",
    "rank_cells",
    "rank_cells_numpy",
    "rank_row",
    "walk_cells",
    "walk_row",
    "walk_sum",
    "walk_sum_numpy",
]

WORD = 32
"""Leaves of a tree that one mask holds."""
DE_BRUIJN = 0x077CB531
"""Its product with a power of two has that power's own number in the uppermost five bits."""

COLUMN = np.dtype(
    [
        ("start", np.int64),
        ("edge", np.float64),
        ("feature", np.int32),
        ("size", np.int32),
        ("missing", np.uint32),
        ("other", np.uint32),
        ("coded", np.uint32),
    ],
)
"""How a column of keys is made from cells of `feature`; a missing cell has the key `missing`.

Of numbers (`coded` is 0): how many of the `size` thresholds from `start` lie below the cell; cells that are not farther
from 0 than `edge` have the key `other`. Of codes: bit `code` of the `size` words from `start`; codes that are not above
`edge`, or beyond the words, have the key `other`.
"""


def node_type(key: np.dtype[np.generic], columns: int) -> np.dtype[np.void]:
    """A node of `walk_sum`: the key of its test, which of `columns` it looks at, and where its left child lies.

    Eight bytes where keys are small and columns few.
    """
    column = np.uint16 if columns <= 1 << 16 else np.uint32
    return np.dtype([("child", np.uint32), ("column", column), ("key", key)], align=True)


def mask_type(key: np.dtype[np.generic]) -> np.dtype[np.void]:
    """A test of `mask_sum`: its key, the column that it looks at, and the leaves that are left over when it fails."""
    return np.dtype([("mask", np.uint32), ("column", np.int32), ("key", key)], align=True)


@compiled
def rank_cells(rows: Floats, columns: Records, grid: Floats, words: Ints, keys: Ints) -> None:
    """Fills `keys` (columns x rows, in any order) as `columns` (see `COLUMN`) say.

    `rows`: float64, C order, NaN where missing; `grid`: ascending within a column; `words`: uint32.
    """
    count = rows.shape[0]
    cells, places = np.empty(count), np.empty(count, np.int32)
    for place in range(columns.shape[0]):
        column = columns[place]
        start, edge, feature, size = column.start, column.edge, column.feature, column.size
        missing, other = column.missing, column.other
        if column.coded != 0:
            for row in range(count):
                cell = rows[row, feature]
                key = missing if np.isnan(cell) else other
                if cell > edge and cell < size * 32 and size > 0:
                    code = np.int64(cell)
                    key = (words[start + (code >> 5)] >> np.uint32(code & 31)) & np.uint32(1)
                keys[place, row] = key
            continue
        for row in range(count):
            cells[row] = rows[row, feature]
            places[row] = start
        # Halving goes level by level through all rows: their reads do not wait for each other.
        left = size
        while left > 1:
            half = left >> 1
            for row in range(count):
                places[row] += half if grid[places[row] + half - 1] < cells[row] else 0
            left -= half
        for row in range(count):
            cell = cells[row]
            key = np.uint32(places[row] - start + (1 if grid[places[row]] < cell else 0))
            if not np.abs(cell) > edge:
                key = missing if np.isnan(cell) else other
            keys[place, row] = key


def rank_cells_numpy(rows: Floats, columns: Records, grid: Floats, words: Ints, keys: Ints) -> None:
    """The twin of `rank_cells`: a column at a time."""
    for column, found in zip(columns, keys, strict=False):
        cells = rows[:, column["feature"]]
        start, size, edge = int(column["start"]), int(column["size"]), float(column["edge"])
        if column["coded"]:
            bits = np.unpackbits(words[start : start + size].view(np.uint8), bitorder="little")
            inside = (cells > edge) & (cells < len(bits)) & (size > 0)
            found[:] = column["other"]
            found[inside] = bits[cells[inside].astype(np.int64)]
        else:
            found[:] = np.searchsorted(grid[start : start + size], cells)
            found[np.abs(cells) <= edge] = column["other"]
        found[np.isnan(cells)] = column["missing"]


@compiled
def rank_row(cells: Floats, columns: Records, grid: Floats, words: Ints, keys: Ints) -> None:
    """As `rank_cells`, of one row: fills `keys` (uint32, one for each of `columns`); `cells`: float64, 1 x features."""
    for place in range(columns.shape[0]):
        column = columns[place]
        start, edge, size, cell = column.start, column.edge, column.size, cells[0, column.feature]
        key = column.missing if np.isnan(cell) else column.other
        if column.coded != 0:
            if cell > edge and cell < size * 32 and size > 0:
                code = np.int64(cell)
                key = (words[start + (code >> 5)] >> np.uint32(code & 31)) & np.uint32(1)
        elif np.abs(cell) > edge:
            found, left = start, np.int64(size)
            while left > 1:
                half = left >> 1
                found += half if grid[found + half - 1] < cell else 0
                left -= half
            key = np.uint32(found - start + (1 if grid[found] < cell else 0))
        keys[place] = key


@compiled
def walk_row(
    keys: Floats | Ints, nodes: Records, roots: Ints, leaves: Ints, values: Floats, outputs: Ints, sums: Floats
) -> None:
    """As `walk_sum`, of one row: `keys`: one for each column; `sums`: float64, one for each output."""
    trees = roots.shape[0]
    at = np.empty(8, np.uint32)
    for first in range(0, trees, 8):
        for lane in range(8):
            at[lane] = roots[min(first + lane, trees - 1)]
        moved = np.uint32(1)
        while moved != 0:
            for _ in range(3):
                moved = np.uint32(0)
                for lane in range(8):
                    node = nodes[at[lane]]
                    # Unsigned: an index that may be negative would cost a comparison at each step.
                    step = np.uint32(node.child + np.uint32(keys[np.uint64(node.column)] > node.key))
                    moved |= step ^ at[lane]
                    at[lane] = step
        for lane in range(min(8, trees - first)):
            output, leaf = outputs[first + lane], leaves[at[lane]]
            for more in range(values.shape[1]):
                sums[output + more] += values[leaf, more]


@compiled
def walk_cells(
    cells: Floats,
    sums: Floats,
    columns: Records,
    grid: Floats,
    words: Ints,
    nodes: Records,
    roots: Ints,
    leaves: Ints,
    values: Floats,
    outputs: Ints,
) -> None:
    """`rank_row` and `walk_row` in one call, which is what one row waits for; `sums`: float64, 1 x outputs."""
    keys = np.zeros(max(1, columns.shape[0]), np.uint32)
    rank_row(cells, columns, grid, words, keys)
    walk_row(keys, nodes, roots, leaves, values, outputs, sums[0])


@compiled
def walk_sum(
    keys: Ints, nodes: Records, roots: Ints, leaves: Ints, values: Floats, outputs: Ints, sums: Floats
) -> None:
    """Adds to `sums` (float64, outputs x rows) the leaves of all trees.

    `keys`: rows x columns, C order, of the type of the nodes' keys; `nodes`: see `node_type`, both children of a node
    side by side, a leaf being its own child by the largest key (it looks at column 0, which there has to be); `roots`,
    `outputs`: int32, where each tree begins and its first output; `leaves`: int32, the row in `values` (float64,
    leaves x outputs of a tree) of each node.
    """
    flat, (rows, columns) = keys.reshape(-1), keys.shape
    if rows < 8:
        # Of few rows each goes down eight trees at once, of many eight go down a tree together.
        for row in range(rows):
            walk_row(keys[row], nodes, roots, leaves, values, outputs, sums[:, row])
        return
    at, seen = np.empty(8, np.uint32), np.empty(8, np.uint64)
    for tree in range(roots.shape[0]):
        for first in range(0, rows, 8):
            for lane in range(8):
                at[lane] = roots[tree]
                seen[lane] = min(first + lane, rows - 1) * columns
            moved = np.uint32(1)
            while moved != 0:
                for _ in range(2):
                    moved = np.uint32(0)
                    for lane in range(8):
                        node = nodes[at[lane]]
                        above = flat[seen[lane] + np.uint64(node.column)] > node.key
                        step = np.uint32(node.child + np.uint32(above))
                        moved |= step ^ at[lane]
                        at[lane] = step
            for lane in range(min(8, rows - first)):
                leaf = leaves[at[lane]]
                for more in range(values.shape[1]):
                    sums[outputs[tree] + more, first + lane] += values[leaf, more]


def walk_sum_numpy(
    keys: Ints, nodes: Records, roots: Ints, leaves: Ints, values: Floats, outputs: Ints, sums: Floats
) -> None:
    """The twin of `walk_sum`: all rows go down one tree together."""
    every = np.arange(len(keys))
    for root, output in zip(roots, outputs, strict=True):
        at, last = np.full(len(every), root), None
        while last is None or (at != last).any():
            last, node = at, nodes[at]
            at = node["child"] + (keys[every, node["column"]] > node["key"])
        sums[output : output + values.shape[1]] += values[leaves[at]].T


@compiled
def mask_sum(
    keys: Ints, tests: Records, starts: Ints, trees: Ints, values: Floats, outputs: Ints, sums: Floats
) -> None:
    """Adds to `sums` (float64, outputs x rows) the leaves of all trees.

    `keys`: columns x rows, C order, of the type of the tests' keys; `tests`: see `mask_type`, word by word (of 32
    leaves, from the left); `starts`: int32, where each word's tests begin, and their end; `trees`: int32, likewise the
    words of each tree; `values`: float64, 32 a word, in the places that `DE_BRUIJN` gives their bits; `outputs`: int32.
    """
    rows = keys.shape[1]
    left_over, at = np.empty(rows, np.uint32), np.empty(rows, np.int32)
    for tree in range(outputs.shape[0]):
        # Backwards: a leaf that is left over in an earlier word comes first.
        for word in range(trees[tree + 1] - 1, trees[tree] - 1, -1):
            left_over[:] = np.uint32(0xFFFFFFFF)
            for place in range(starts[word], starts[word + 1]):
                test = tests[place]
                key, mask, column = test.key, test.mask, keys[test.column]
                for row in range(rows):
                    left_over[row] &= mask if column[row] > key else np.uint32(0xFFFFFFFF)
            for row in range(rows):
                bits = left_over[row]
                lowest = np.uint32(bits & (~bits + np.uint32(1)))
                found = np.int32(word * 32 + (np.uint32(lowest * np.uint32(0x077CB531)) >> np.uint32(27)))
                at[row] = found if bits != 0 else at[row]
        output = sums[outputs[tree]]
        for row in range(rows):
            output[row] += values[at[row]]


def mask_sum_numpy(
    keys: Ints, tests: Records, starts: Ints, trees: Ints, values: Floats, outputs: Ints, sums: Floats
) -> None:
    """The twin of `mask_sum`."""
    rows = np.arange(keys.shape[1])
    for output, begin, end in zip(outputs, trees[:-1], trees[1:], strict=True):
        left_over = np.full((end - begin, len(rows)), 0xFFFFFFFF, dtype=np.uint32)
        for word in range(begin, end):
            for test in tests[starts[word] : starts[word + 1]]:
                left_over[word - begin, keys[test["column"]] > test["key"]] &= test["mask"]
        word = np.argmax(left_over != 0, axis=0)
        bits = left_over[word, rows].astype(np.uint64)
        lowest = bits & (~bits + np.uint64(1))
        place = ((lowest * np.uint64(DE_BRUIJN)) & np.uint64(0xFFFFFFFF)) >> np.uint64(27)
        sums[output] += values[(begin + word) * WORD + place.astype(np.int64)]


@compiled
def oblivious_row(
    keys: Floats | Ints, columns: Ints, tests: Floats | Ints, levels: Ints, leaves: Ints, values: Floats, sums: Floats
) -> None:
    """As `oblivious_sum`, of one row: `keys`: one for each column; `sums`: float64, one for each output."""
    for tree in range(leaves.shape[0]):
        leaf, first = leaves[tree], levels[tree]
        for level in range(first, levels[tree + 1]):
            leaf += np.int32(keys[columns[level]] > tests[level]) << (level - first)
        for output in range(values.shape[1]):
            sums[output] += values[leaf, output]


@compiled
def oblivious_cells(
    cells: Floats,
    sums: Floats,
    ranked: Records,
    grid: Floats,
    words: Ints,
    columns: Ints,
    tests: Ints,
    levels: Ints,
    leaves: Ints,
    values: Floats,
) -> None:
    """`rank_row` and `oblivious_row` in one call; `sums`: float64, 1 x outputs."""
    keys = np.zeros(max(1, ranked.shape[0]), np.uint32)
    rank_row(cells, ranked, grid, words, keys)
    oblivious_row(keys, columns, tests, levels, leaves, values, sums[0])


@compiled
def oblivious_sum(
    keys: Ints, columns: Ints, tests: Ints, levels: Ints, leaves: Ints, values: Floats, sums: Floats
) -> None:
    """Adds to `sums` (float64, outputs x rows) the leaves of trees that ask the same on all of a level.

    `keys`: columns x rows, C order, of the type of `tests`; `columns` (int32) and `tests`: of each level what it
    compares; `levels`: int32, where each tree's levels begin, and their end; `leaves`: int32, where each tree's leaves
    begin in `values` (float64, leaves x outputs): the answer at level i is bit i of a row's leaf.
    """
    rows = keys.shape[1]
    if rows < 8:
        # Too few for vectors.
        for row in range(rows):
            oblivious_row(keys[:, row], columns, tests, levels, leaves, values, sums[:, row])
        return
    at = np.empty(rows, np.int32)
    for tree in range(leaves.shape[0]):
        at[:] = leaves[tree]
        for level in range(levels[tree], levels[tree + 1]):
            key, column = tests[level], keys[columns[level]]
            bit = np.int32(1 << (level - levels[tree]))
            for row in range(rows):
                at[row] += bit if column[row] > key else np.int32(0)
        for output in range(values.shape[1]):
            summed = sums[output]
            for row in range(rows):
                summed[row] += values[at[row], output]


def oblivious_sum_numpy(
    keys: Ints, columns: Ints, tests: Ints, levels: Ints, leaves: Ints, values: Floats, sums: Floats
) -> None:
    """The twin of `oblivious_sum`."""
    for leaf, begin, end in zip(leaves, levels[:-1], levels[1:], strict=True):
        answers = keys[columns[begin:end]] > tests[begin:end, None]
        sums += values[leaf + (1 << np.arange(end - begin)) @ answers].T
