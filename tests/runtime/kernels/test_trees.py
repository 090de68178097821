"""The kernels that sum trees, their NumPy twins and a plain walk in Python do the same."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.inference.trees import (
    NAN_IS_MISSING,
    NAN_IS_ZERO,
    ZERO_IS_MISSING,
    ObliviousSum,
    Splits,
    Trees,
    TreeSum,
    ranked,
    singles,
)
from automl_runtime.kernels.trees import (
    mask_sum,
    mask_sum_numpy,
    oblivious_sum_numpy,
    rank_cells_numpy,
    rank_row,
    walk_cells,
    walk_sum,
    walk_sum_numpy,
)
from hypothesis import given, settings
from hypothesis import strategies as st

WIDTH, CODES = 5, 3
"""Features; those from `CODES` on hold codes."""


def grow(rng, leaves):
    """One tree that splits a random leaf until it has `leaves`; children lie behind their parent."""
    left, right, ends = [0], [0], [0]
    while len(ends) < leaves:
        node = ends.pop(rng.integers(len(ends)))
        left[node], right[node] = len(left), len(left) + 1
        ends += [left[node], right[node]]
        left += [0, 0]
        right += [0, 0]
    feature = np.where(np.array(left) > 0, rng.integers(0, WIDTH, len(left)), -1)
    return feature, np.array(left), np.array(right)


def grown(rng, sizes):
    parts = [grow(rng, size) for size in sizes]
    roots = np.cumsum([0, *(len(part[0]) for part in parts[:-1])])
    feature = np.concatenate([part[0] for part in parts])
    sides = [
        np.concatenate([part[side] + root for part, root in zip(parts, roots, strict=True)]).astype(np.int32)
        for side in (1, 2)
    ]
    return Trees(roots, feature.astype(np.int32), *sides)


def split(rng, trees, edge=1e-35, least=-1.0):
    feature = trees.feature[trees.inner]
    coded = feature >= CODES
    bounds = np.concatenate([[0], np.cumsum(rng.integers(0, 3, coded.sum()))])
    return Splits(
        rng.choice([-1.0, -1e-40, 0.0, 0.25, 0.5, 2.0, np.inf], len(feature)),
        rng.choice([NAN_IS_ZERO, ZERO_IS_MISSING, NAN_IS_MISSING], len(feature)),
        rng.random(len(feature)) < 0.5,
        np.where(coded, np.cumsum(coded) - 1, -1),
        bounds,
        rng.integers(0, 2**32, bounds[-1], dtype=np.uint32),
        other_left=bool(rng.random() < 0.5),
        edge=edge,
        least=least,
    )


def cells_for(rng, rows):
    numbers = rng.choice([-np.inf, -1.0, -1e-36, 0.0, 1e-36, 0.25, 0.3, 0.5, 2.0, 5.0, np.inf, np.nan], (rows, CODES))
    codes = rng.choice([-2.0, -0.5, 0.0, 1.0, 31.0, 32.0, 63.7, 64.0, 1e12, np.inf, np.nan], (rows, WIDTH - CODES))
    return np.hstack([numbers, codes])


def goes_left(splits, place, cell):
    if splits.sets[place] >= 0:
        begin, end = splits.bounds[splits.sets[place] : splits.sets[place] + 2]
        if np.isnan(cell):
            return splits.missing_left[place]
        if begin == end or not splits.least < cell < 32 * (end - begin):
            return splits.other_left
        return not int(splits.words[begin + int(cell) // 32]) >> (int(cell) % 32) & 1
    kind = splits.missing[place]
    if abs(cell) <= splits.edge or (np.isnan(cell) and kind != NAN_IS_MISSING):
        cell = 0.0
    if np.isnan(cell) or (kind == ZERO_IS_MISSING and cell == 0.0):
        return splits.missing_left[place]
    return cell <= splits.threshold[place]


def plain(trees, splits, leaf, values, outputs, cells):
    sums = np.zeros((len(cells), outputs.max() + 1))
    places = {node: place for place, node in enumerate(trees.inner.tolist())}
    for row, cell in enumerate(cells):
        for root, output in zip(trees.roots, outputs, strict=True):
            node = root
            while trees.feature[node] >= 0:
                left = goes_left(splits, places[node], cell[trees.feature[node]])
                node = (trees.left if left else trees.right)[node]
            sums[row, output] += values[leaf[node], 0]
    return sums


def ensemble(seed, sizes):
    """A sum of trees, and how to tell it for some cells by a plain walk."""
    rng = np.random.default_rng(seed)
    trees = grown(rng, sizes)
    trees.check(WIDTH)
    splits = split(rng, trees)
    leaf = np.cumsum(trees.feature < 0) - 1
    values, outputs = rng.normal(size=(leaf[-1] + 1, 1)), rng.integers(0, 2, len(sizes))
    outputs[0] = 1
    model = TreeSum(trees, ranked(trees.feature[trees.inner], splits), leaf, values, outputs)
    return model, lambda cells: plain(trees, splits, leaf, values, outputs, cells)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 90), min_size=1, max_size=9))
def test_all_ways_of_summing_trees_agree_to_the_last_bit(seed, sizes):
    model, wanted = ensemble(seed, sizes)
    cells = cells_for(np.random.default_rng(seed), 21)
    keys = model.keys(cells)
    twins = np.zeros_like(keys)
    rank_cells_numpy(cells, *model._ranks, twins)
    np.testing.assert_array_equal(keys, twins)
    for function, arrays in (
        *((walk, (keys.T.copy(), *model._walk)) for walk in (walk_sum, walk_sum_numpy)),
        *((mask, (keys, *model._masks)) for mask in (mask_sum, mask_sum_numpy)),
    ):
        sums = np.zeros((2, len(cells)))
        function(*arrays, sums)
        np.testing.assert_array_equal(sums.T, wanted(cells))
    for row, cell in enumerate(cells):
        ranks = np.zeros(len(keys), np.uint32)
        rank_row(cell[None], *model._ranks, ranks)
        np.testing.assert_array_equal(ranks, keys[:, row])
        alone = np.zeros((1, 2))
        walk_cells(cell[None], alone, *model._one)
        np.testing.assert_array_equal(alone, wanted(cell[None]))


@pytest.mark.parametrize("rows", [0, 1, 3, 15, 16, 300, 5_000])
def test_a_row_has_the_same_sum_alone_and_among_others(rows):
    model, wanted = ensemble(1, [31] * 20)
    cells, sums = cells_for(np.random.default_rng(0), rows), np.zeros((rows, 2))
    model.add_to(sums, cells, threads=2)
    np.testing.assert_array_equal(sums[-20:], wanted(cells[-20:]))


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_leaves_of_several_outputs_are_added_for_cells_of_single_precision(seed):
    rng = np.random.default_rng(seed)
    trees = grown(rng, [1, 40, 7])
    inner, leaf = trees.inner, np.cumsum(trees.feature < 0) - 1
    threshold = rng.choice(np.array([-1.0, 0.1, 0.5], np.float32), len(inner))
    values = rng.normal(size=(48, 3))
    model = TreeSum(trees, singles(trees, threshold), leaf, values, np.zeros(3, int))
    cells = rng.choice(np.array([-1.0, 0.1, 0.3, 0.5, 9.0], np.float32), (20, WIDTH))
    sums, wanted = np.zeros((20, 3)), np.zeros((20, 3))
    model.add_to(sums, cells)
    alone = np.zeros((20, 3))
    for row in range(20):
        model.add_to(alone[row : row + 1], cells[row : row + 1])
    np.testing.assert_array_equal(alone, sums)
    walk_sum_numpy(model.rows(cells), *model._walk, twin := np.zeros((3, 20)))
    for row, root in ((row, root) for row in range(20) for root in trees.roots):
        node = root
        while trees.feature[node] >= 0:
            side = cells[row, trees.feature[node]] <= threshold[np.searchsorted(inner, node)]
            node = (trees.left if side else trees.right)[node]
        wanted[row] += values[leaf[node]]
    np.testing.assert_array_equal(sums, wanted)
    np.testing.assert_array_equal(twin.T, wanted)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), depths=st.lists(st.integers(0, 7), min_size=1, max_size=9))
def test_trees_that_ask_the_same_on_a_level_lead_to_the_leaf_of_their_answers(seed, depths):
    rng = np.random.default_rng(seed)
    feature = rng.integers(0, CODES, sum(depths))
    splits = split(rng, Trees(np.zeros(1), feature, feature, feature))
    values = rng.normal(size=(sum(1 << depth for depth in depths), 2))
    model = ObliviousSum(ranked(feature, splits), np.array(depths), values)
    cells = cells_for(rng, 19)
    sums, wanted, twin = np.zeros((19, 2)), np.zeros((19, 2)), np.zeros((2, 19))
    model.add_to(sums[:14], cells[:14])
    model.add_to(sums[14:], cells[14:])
    alone = np.zeros((19, 2))
    for row in range(19):
        model.add_to(alone[row : row + 1], cells[row : row + 1])
    np.testing.assert_array_equal(alone, sums)
    oblivious_sum_numpy(model.keys(cells), *model._packed, twin)
    for row, cell in enumerate(cells):
        level = leaf = 0
        for depth in depths:
            answers = [not goes_left(splits, place, cell[feature[place]]) for place in range(level, level + depth)]
            wanted[row] += values[leaf + sum(1 << bit for bit, answer in enumerate(answers) if answer)]
            level, leaf = level + depth, leaf + (1 << depth)
    np.testing.assert_array_equal(sums, wanted)
    np.testing.assert_array_equal(twin.T, wanted)


def test_ranks_take_as_many_bytes_as_they_need():
    rng = np.random.default_rng(0)
    trees = Trees(np.array([0]), *(np.array(each, np.int32) for each in zip(*chain(400), strict=True)))
    trees.check(1)
    count = len(trees.inner)
    bounds, none = np.zeros(1, int), np.full(count, -1)
    splits = Splits(
        rng.normal(size=count), np.full(count, NAN_IS_MISSING), none > 0, none, bounds, bounds[:0], False, -1.0, -1.0
    )
    assert count == 400
    assert ranked(trees.feature[trees.inner], splits).key.dtype == np.uint16


def chain(splits):
    """Rows (feature, left, right) of a tree whose right children split on."""
    for place in range(splits):
        yield from ((0, 2 * place + 1, 2 * place + 2), (-1, 0, 0))
    yield (-1, 0, 0)
