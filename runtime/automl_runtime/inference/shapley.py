"""Shapley values: how much each input column moves a prediction away from the mean over a few background rows.

Interventional Shapley values (Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, 2017; Janzing et
al., Feature Relevance Quantification in Explainable AI, 2020): a column that is not in a coalition takes the value of a
background row. They are estimated along random orders of the columns, each walked forwards and backwards (antithetic
sampling; Mitchell et al., Sampling Permutations for Shapley Value Estimation, 2022), as in `PermutationExplainer` of
the package shap. Unlike there, each background row has an order of its own: at the same cost, as many orders are
walked as there are background rows.

What holds for every number of background rows: contributions and base add up to the prediction; columns that the model
does not use get 0; and a model in which no more than two columns act together is explained exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from automl_runtime.events import EventSink, Progress, ignore
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["Explained", "rounds_for", "shapley_values", "splice"]

_WALKS = 250
"""Walks over a column that a row may cost: each asks for two predictions."""
_FEWEST_ROUNDS = 2
_BATCH = 10_000
"""Predictions that are asked for at once."""

Outputs = Callable[[Encoded], Floats]


@dataclass(frozen=True, slots=True)
class Explained:
    """Contributions (rows x columns x outputs), and what they count from (one for each output).

    `rounds` is the number of background rows that they were compared with.
    """

    values: Floats
    base: Floats
    rounds: int


def rounds_for(columns: int, background: int) -> int:
    """How many background rows to compare with: the same for a row alone and among others.

    >>> rounds_for(columns=10, background=32), rounds_for(columns=1000, background=32)
    (25, 2)
    """
    return min(background, max(_FEWEST_ROUNDS, _WALKS // max(columns, 1)))


def shapley_values(
    outputs: Outputs,
    encoder: Encoder,
    data: Encoded,
    background: Encoded,
    *,
    rounds: int,
    seconds: float | None = None,
    seed: int = 0,
    on_event: EventSink = ignore,
) -> Explained:
    """The contribution of each column of `encoder` to the outputs of each row.

    A row gets the same values alone and among others, unless `seconds` cuts the work short.

    Args:
        outputs: the model: encoded rows to float64 (rows x outputs).
        encoder: tells which arrays belong to which column.
        data: the rows to explain.
        background: the rows to compare with; the first `rounds` of them are used.
        rounds: how many; each costs 2 x (columns - 1) predictions for each row.
        seconds: no new round is begun after that; the first is always finished.
        seed: of the orders.
        on_event: gets `Progress` of the stage `explaining`.
    """
    from threadpoolctl import threadpool_limits

    # The matrices are too small for threads of BLAS, which would also change the last digits.
    with threadpool_limits(limits=1, user_api="blas"):
        return _shapley_values(outputs, encoder, data, background, rounds, seconds, seed, on_event)


def _shapley_values(
    outputs: Outputs,
    encoder: Encoder,
    data: Encoded,
    background: Encoded,
    rounds: int,
    seconds: float | None,
    seed: int,
    on_event: EventSink,
) -> Explained:
    end = None if seconds is None else time.monotonic() + seconds
    columns, rows = len(encoder.columns), len(data)
    orders = [np.random.default_rng((seed, number)).permutation(columns) for number in range(rounds)]
    last = outputs(data)
    first = outputs(background.take(np.arange(rounds)))
    values = np.zeros((rows, columns, first.shape[1]))
    done = 0
    for number, order in enumerate(orders):
        if done and end is not None and time.monotonic() > end:
            break
        for part, walked in _walk(outputs, encoder, data, background, number, order, (first[number], last)):
            values[part] += walked
        done += 1
        on_event(Progress("explaining", done, rounds, f"{rows:,} rows"))
    return Explained(values / max(done, 1), first[: max(done, 1)].mean(axis=0), done)


def _walk(
    outputs: Outputs,
    encoder: Encoder,
    data: Encoded,
    background: Encoded,
    number: int,
    order: Ints,
    ends: tuple[Floats, Floats],
) -> Iterator[tuple[Ints, Floats]]:
    """For batches of rows: their places, and the mean of the steps of a walk along `order` and of the walk back."""
    columns = len(order)
    place = np.empty(columns, dtype=np.int64)
    place[order] = np.arange(columns)
    steps = np.arange(1, columns)[:, None]
    masks = np.vstack([place < steps, place >= columns - steps])
    size = max(1, _BATCH // max(len(masks), 1))
    for start in range(0, len(data), size):
        rows = np.arange(start, min(start + size, len(data)))
        part = data.take(rows)
        other = background.take(np.full(len(rows), number))
        asked = _predict(outputs, encoder, part, other, masks)
        begin, end = ends[0], ends[1][rows]
        values = np.zeros((len(rows), columns, len(begin)))
        for path, way in zip(np.split(asked, 2), (order, order[::-1]), strict=True):
            states = np.concatenate([np.broadcast_to(begin, (1, *end.shape)), path, end[None]])
            values[:, way] += np.diff(states, axis=0).transpose(1, 0, 2) / 2
        yield rows, values


def _predict(outputs: Outputs, encoder: Encoder, part: Encoded, other: Encoded, masks: Bools) -> Floats:
    """Outputs (masks x rows x outputs) of rows that take the columns of each mask from `part`, else from `other`."""
    if not len(masks):
        return np.empty((0, len(part), outputs(part).shape[1]))
    rows = len(part)
    found = []
    for group in np.array_split(masks, -(-len(masks) * rows // _BATCH)):
        tiled = np.tile(np.arange(rows), len(group))
        mixed = splice(encoder, part.take(tiled), other.take(tiled), np.repeat(group, rows, axis=0))
        found.append(outputs(mixed).reshape(len(group), rows, -1))
    return np.concatenate(found)


def splice(encoder: Encoder, one: Encoded, other: Encoded, mask: Bools) -> Encoded:
    """Rows that take a column from `one` where `mask` (rows x columns of `encoder`) is set, else from `other`."""
    places = {column.name: place for place, column in enumerate(encoder.columns)}

    def of(owners: tuple[str, ...]) -> NDArray[np.bool_]:
        return mask[:, [places[owner] for owner in owners]]

    texts = []
    for owner, left, right in zip(encoder.text_owners, one.texts, other.texts, strict=True):
        from scipy import sparse

        chosen = np.where(mask[:, places[owner]], 0, len(one)) + np.arange(len(one))
        texts.append(sparse.vstack([left, right], format="csr")[chosen])
    return replace(
        one,
        numbers=np.where(of(encoder.number_owners), one.numbers, other.numbers),
        codes=np.where(of(encoder.code_owners), one.codes, other.codes),
        texts=tuple(texts),
        images=tuple(
            np.where(mask[:, places[owner], None], left, right)
            for owner, left, right in zip(encoder.image_owners, one.images, other.images, strict=True)
        ),
        raws=tuple(
            np.where(mask[:, places[owner], None], left, right)
            for owner, left, right in zip(encoder.raw_owners, one.raws, other.raws, strict=True)
        ),
    )
