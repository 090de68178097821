"""Evens out the classes among the rows that train."""

from __future__ import annotations

import numpy as np
from automl_schemas.preprocessing import Imbalance

from automl_runtime.inference.encoding import Encoded
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["class_weights", "even_out"]

_NEIGHBOURS = 5
_MOST_CANDIDATES = 10_000
_CELLS_AT_ONCE = 4_000_000


def class_weights(codes: Ints, classes: int) -> Floats:
    """The weight of each class: rows / (classes that occur x rows of the class), as scikit-learn's `balanced`."""
    counts = np.bincount(codes, minlength=classes)
    return np.asarray(len(codes) / (np.maximum(counts, 1) * (counts > 0).sum()))


def even_out(data: Encoded, codes: Ints, how: Imbalance, seed: int) -> tuple[Encoded, Ints]:
    """Rows of which each class has as many, and the row of `data` that each is, or was made from.

    Args:
        data: the rows.
        codes: the class of each.
        how: `undersample` keeps as many of each class as the rarest has, in order; `oversample` and `smote` put
            more of the rarer classes behind the rows that there are, copies or synthetic ones.
        seed: of what is drawn.
    """
    rng = np.random.default_rng(seed)
    present = [np.flatnonzero(codes == code) for code in np.unique(codes)]
    if how == "undersample":
        least = min(map(len, present))
        rows = np.sort(np.concatenate([rng.choice(members, least, replace=False) for members in present]))
        return data.take(rows), rows
    most = max(map(len, present))
    drawn = [rng.choice(members, most - len(members)) for members in present]
    rows = np.concatenate([np.arange(len(data)), *drawn])
    result = data.take(rows)
    if how == "smote":
        first = len(data)
        for members, bases in zip(present, drawn, strict=True):
            if len(bases) and len(members) > 1:
                place = slice(first, first + len(bases))
                result.numbers[place], result.codes[place] = _synthesise(data, members, bases, rng)
            first += len(bases)
    return result, rows


def _synthesise(data: Encoded, members: Ints, bases: Ints, rng: np.random.Generator) -> tuple[Floats, Ints]:
    """SMOTE-NC (Chawla et al., SMOTE, 2002, section 6.1): numbers and codes of a synthetic row for each of `bases`.

    Numbers lie between the base and one of its five nearest neighbours of the class, where both are known; of two
    possible values one is taken. A category is the most frequent one among the neighbours.
    """
    candidates = members if len(members) <= _MOST_CANDIDATES else rng.choice(members, _MOST_CANDIDATES, replace=False)
    neighbours = _nearest(data, bases, candidates)
    chosen = neighbours[np.arange(len(bases)), rng.integers(0, neighbours.shape[1], len(bases))]
    base, other = data.numbers[bases], data.numbers[chosen]
    step = rng.random((len(bases), 1))
    two_valued = np.array([len(np.unique(column[~np.isnan(column)])) <= 2 for column in data.numbers.T], dtype=bool)
    between = np.where(two_valued, np.where(step < 0.5, base, other), base + step * (other - base))
    numbers = np.where(np.isnan(between), base, between)
    codes = [_majority(column[neighbours], column[bases]) for column in data.codes.T]
    return numbers, np.column_stack(codes) if codes else data.codes[bases]


def _majority(cells: Ints, own: Ints) -> Ints:
    """The most frequent cell of each row; ties: the row's own when it is among them, else the smallest."""
    counts = (cells[:, :, None] == cells[:, None, :]).sum(axis=2)
    best = counts.max(axis=1, keepdims=True)
    often = np.where(counts == best, cells, np.iinfo(cells.dtype).max).min(axis=1)
    tied = ((cells == own[:, None]) & (counts == best)).any(axis=1)
    return np.where(tied, own, often)


def _nearest(data: Encoded, bases: Ints, candidates: Ints) -> Ints:
    """The nearest five candidates (or as many as there are) of each base, itself left out.

    Numbers count by their standard deviation, filled with their mean; two categories are as far apart as the median
    of the standard deviations of the candidates' numbers.
    """
    known = ~np.isnan(data.numbers)
    counts = np.maximum(known.sum(axis=0), 1)
    center = np.where(known, data.numbers, 0.0).sum(axis=0) / counts
    filled = np.where(known, data.numbers, center)
    spread = filled.std(axis=0)
    scaled = (filled - center) / np.where(spread > 0, spread, 1.0)
    spreads = scaled[candidates].std(axis=0)
    apart = float(np.median(spreads)) ** 2 if len(spreads) else 1.0
    unique, places = np.unique(bases, return_inverse=True)
    wanted = min(_NEIGHBOURS, len(candidates) - 1)
    found = []
    for part in np.array_split(unique, max(1, -(-len(unique) * len(candidates) // _CELLS_AT_ONCE))):
        distances = _squared(scaled[part], scaled[candidates])
        for column in data.codes.T:
            distances += apart * (column[part][:, None] != column[candidates][None, :])
        distances[part[:, None] == candidates[None, :]] = np.inf
        found.append(np.argsort(distances, axis=1, kind="stable")[:, :wanted])
    return np.asarray(candidates[np.concatenate(found)][places])


def _squared(left: Floats, right: Floats) -> Floats:
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.asarray(np.maximum(squares, 0.0))
