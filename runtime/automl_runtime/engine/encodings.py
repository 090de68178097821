"""Fits the encoding of categories that was asked for."""

from __future__ import annotations

import numpy as np
from automl_schemas.preprocessing import Encoding

from automl_runtime.engine.target_means import Target, by_frequency, fit_target_means, flatten_tables, level_counts
from automl_runtime.inference.blocks import Block, Codes, OneHot
from automl_runtime.inference.encoding import UNSEEN, Encoded
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["MOST_CATEGORIES", "fit_encoding"]

MOST_CATEGORIES = 20


def fit_encoding(
    encoding: Encoding,
    data: Encoded,
    columns: Ints,
    target: Target,
    *,
    most: int = MOST_CATEGORIES,
    unit: bool = False,
    sparse: bool = False,
    seed: int = 0,
) -> tuple[Block, Floats | None]:
    """The block for the categories at `columns`, and its matrix where it is another one for the rows that train.

    Args:
        encoding: `onehot`: a column for each of the `most` - 1 most frequent levels and one for all others, which
            unseen levels share; `ordinal`: places in alphabetical order, -1 where missing or unseen; `target`: means
            of the target, out of fold; `frequency`: the share of the rows with that level, 0 for unseen ones.
        data: the rows that train.
        columns: places among the codes.
        target: of the rows.
        most: columns for each category at most, of `onehot`.
        unit: divide `ordinal` by the largest place, for models that weigh columns by their size.
        sparse: whether `onehot` gives a sparse matrix.
        seed: of the folds of `target`.
    """
    if encoding == "target":
        return fit_target_means(data, columns, target, seed)
    if encoding == "onehot":
        return _one_hot(data, columns, most, sparse), None
    table = _ordinal if encoding == "ordinal" else _frequency
    tables = [table(data, column) for column in columns]
    if encoding == "ordinal" and unit:
        tables = [found / max(found.max(), 1.0) for found in tables]
    return Codes(columns, *flatten_tables(tables)), None


def _ordinal(data: Encoded, column: int) -> Floats:
    seen = level_counts(data, column)[-UNSEEN:] > 0
    order = data.orders[column]
    table = np.full(len(seen) - UNSEEN, -1.0)
    order = order[seen[order]]
    table[order - UNSEEN] = np.arange(len(order))
    return table


def _frequency(data: Encoded, column: int) -> Floats:
    counts = level_counts(data, column).astype(np.float64)
    counts[0] = 0.0
    return counts / len(data)


def _one_hot(data: Encoded, columns: Ints, most: int, sparse: bool) -> OneHot:
    tables, width = [], 0
    for column in columns:
        seen = by_frequency(data, column)
        table = np.full(data.levels[column] - UNSEEN, -1, dtype=np.int64)
        if len(seen) > most:
            own = seen[: most - 1]
            table[:] = width + len(own)
        else:
            own = seen
        table[own] = width + np.arange(len(own))
        width = int(table.max()) + 1
        tables.append(table)
    return OneHot(columns, *flatten_tables(tables), width, sparse)
