"""Finds categories that act together, and numbers that mean something else in every level of a category.

Trees split one column at a time, and see a category with many levels as a mean: what depends on two of them, or on how
a number stands among its like, costs them many splits.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np

from automl_runtime.engine.pairs import gains
from automl_runtime.engine.target_means import Target, fit_target_means
from automl_runtime.inference.blocks import Block
from automl_runtime.inference.encoding import UNSEEN, Encoded
from automl_runtime.inference.groups import GROUP_STATISTICS, CrossedMeans, Grouped, cross
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["can_group", "fit_groups"]

_MOST_CATEGORIES = 6
_MOST_PAIRS = 6
_MOST_ROWS = 10_000
_MOST_CLASSES = 10
_MOST_GROUPING = 3
_MOST_NUMBERS = 4
_MOST_STATISTICS = 10
_FEWEST_VALUES = 10
_EDGES = 15
_SMOOTHING = 10.0


def can_group(data: Encoded) -> bool:
    """Whether there are two categories, or a category and a number with many values."""
    categories = sum(len(np.unique(column)) > 1 for column in data.codes[:_MOST_ROWS].T)
    return categories > 1 or (categories == 1 and len(_fine(data.numbers[:_MOST_ROWS])) > 0)


def fit_groups(data: Encoded, target: Target, seed: int) -> list[tuple[Block, Floats]]:
    """The blocks that a short boosting gains from, each with its matrix for the rows it was fitted on (out of fold).

    Of up to six categories by their own target means, and four numbers; looks at 10,000 rows at most to choose.
    """
    if target.classes > _MOST_CLASSES:
        return []
    rows = np.sort(np.random.default_rng(seed).permutation(len(data))[:_MOST_ROWS])
    some = data.take(rows)
    aim = Target(target.y[rows], target.classes, None if target.groups is None else target.groups[rows])
    categories, numbers = _ranked_categories(some, aim, seed), _ranked_numbers(some, aim, seed)
    means = fit_target_means(some, categories, aim, seed)[1] if len(categories) else np.empty((len(some), 0))
    known = np.hstack([some.numbers, means])

    def added(made: Floats) -> Floats:
        return gains(np.hstack([known, made]), aim.y, aim.classes, seed)[known.shape[1] :]

    blocks: list[tuple[Block, Floats]] = []
    pairs = [(min(pair), max(pair)) for pair in combinations(categories[:_MOST_CATEGORIES].tolist(), 2)]
    if pairs:
        found = added(_crossed(some, pairs, aim, seed)[1]).reshape(len(pairs), -1).sum(axis=1)
        chosen = _best(found, _MOST_PAIRS).tolist()
        blocks += [_crossed(data, [pairs[place] for place in chosen], target, seed)] if chosen else []
    groups = list(product(categories[:_MOST_GROUPING].tolist(), numbers[:_MOST_NUMBERS].tolist()))
    if groups:
        kept = _best(added(_grouped(some, groups).transform(some)), _MOST_STATISTICS)
        block = _grouped(data, groups, kept)
        blocks += [(block, block.transform(data))] if len(kept) else []
    return blocks


def _best(found: Floats, most: int) -> Ints:
    chosen = np.argsort(-found, kind="stable")[:most]
    return np.sort(chosen[found[chosen] > 0])


def _ranked_categories(data: Encoded, target: Target, seed: int) -> Ints:
    columns = np.array([place for place, codes in enumerate(data.codes.T) if len(np.unique(codes)) > 1], dtype=np.int64)
    if len(columns) < 2:
        return columns
    means = fit_target_means(data, columns, target, seed)[1]
    found = gains(means, target.y, target.classes, seed).reshape(len(columns), -1).sum(axis=1)
    return columns[np.argsort(-found, kind="stable")]


def _ranked_numbers(data: Encoded, target: Target, seed: int) -> Ints:
    fine = _fine(data.numbers)
    if len(fine) < 2:
        return fine
    return fine[np.argsort(-gains(data.numbers[:, fine], target.y, target.classes, seed), kind="stable")]


def _fine(values: Floats) -> Ints:
    many = [len(np.unique(column[np.isfinite(column)])) >= _FEWEST_VALUES for column in values.T]
    return np.flatnonzero(np.array(many, dtype=bool))


def _crossed(data: Encoded, pairs: list[tuple[int, int]], target: Target, seed: int) -> tuple[CrossedMeans, Floats]:
    """The means of all combinations that occur, and the matrix out of fold."""
    left, right = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    widths = np.array([data.levels[column] - UNSEEN for column in right], dtype=np.int64)
    keys, codes = [], []
    for column in cross(data, left, right, widths).T:
        found, places = np.unique(column, return_inverse=True)
        keys.append(found)
        codes.append(places)
    sizes = [len(found) for found in keys]
    combined = Encoded(np.empty((len(data), 0)), np.column_stack(codes).astype(np.int32), (), tuple(sizes))
    means, matrix = fit_target_means(combined, np.arange(len(pairs)), target, seed)
    # The table of a block of codes begins with those for unseen and missing cells, which a combination cannot be.
    rows = [means.table[first - UNSEEN : last] for first, last in zip(means.offsets, means.offsets[1:], strict=False)]
    table = np.vstack([*rows, np.zeros((1, means.table.shape[1]))])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    return CrossedMeans(left, right, widths, np.concatenate(keys), starts, table), matrix


def _grouped(data: Encoded, groups: list[tuple[int, int]], kept: Ints | None = None) -> Grouped:
    """All statistics of `groups` (category, number), or those `kept`."""
    every = np.arange(len(groups) * len(GROUP_STATISTICS)) if kept is None else kept
    used = np.unique(every // len(GROUP_STATISTICS))
    categories, numbers = np.array(groups, dtype=np.int64)[used].reshape(-1, 2).T
    sizes = [data.levels[column] - UNSEEN for column in categories]
    means, spreads, edges = [], [], []
    for column, number, size in zip(categories, numbers, sizes, strict=True):
        values, places = data.numbers[:, number], data.codes[:, column] - UNSEEN
        known = np.isfinite(values)
        values, places = values[known], places[known]
        counts = np.bincount(places, minlength=size)
        mean = (np.bincount(places, values, size) + _SMOOTHING * values.mean()) / (counts + _SMOOTHING)
        around = np.bincount(places, (values - mean[places]) ** 2, size) + _SMOOTHING * values.var()
        means.append(mean)
        spreads.append(np.sqrt(around / (counts + _SMOOTHING)))
        edges.append(_edges(values, places, counts))
    pair, statistic = np.divmod(every, len(GROUP_STATISTICS))
    return Grouped(
        categories,
        numbers,
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([*means, np.empty(0)]),
        np.concatenate([*spreads, np.empty(0)]),
        np.vstack([*edges, np.empty((0, _EDGES))]),
        np.searchsorted(used, pair) * len(GROUP_STATISTICS) + statistic,
    )


def _edges(values: Floats, places: Ints, counts: Ints) -> Floats:
    """Quantiles of the values of each level; of all values where a level has fewer than twice as many."""
    shares = (np.arange(_EDGES) + 0.5) / _EDGES
    edges = np.tile(np.quantile(values, shares), (len(counts), 1))
    order = np.argsort(places, kind="stable")
    parts = np.split(values[order], np.cumsum(counts)[:-1])
    for level in np.flatnonzero(counts >= 2 * _EDGES):
        edges[level] = np.quantile(parts[level], shares)
    return edges
