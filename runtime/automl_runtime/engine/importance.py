"""How much the score falls when a column is shuffled."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.cost import predictions_within
from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import trial_score
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.model import FittedModel
from automl_runtime.kernels.arrays import Ints

__all__ = ["permutation_importance"]

_SECONDS = 2.0
_PREDICTIONS = 30_000
_FEWEST_PREDICTIONS = 6_000
_FEWEST_ROWS = 100
_MOST_ROWS = 1_000
_MOST_REPEATS = 3


def permutation_importance(
    model: FittedModel, data: Encoded, problem: Problem, *, seconds: float, seed: int
) -> dict[str, float]:
    """The loss of score for each feature, cut off at 0 and scaled to sum 1, largest first.

    Asks for about 30,000 predictions, fewer of models that take long: of 1,000 rows, three times, where there are few
    features; of a hundred rows, once, where there are many. A model that needs more than `seconds` all the same is cut
    short: features that were not come to count 0.
    """
    end = time.monotonic() + seconds
    rng = np.random.default_rng(seed)
    width = max(len(model.features), 1)
    affordable = predictions_within(model, _SECONDS, least=_FEWEST_PREDICTIONS, most=_PREDICTIONS)
    most = min(max(affordable // width, _FEWEST_ROWS), _MOST_ROWS)
    repeats = min(max(affordable // (width * most), 1), _MOST_REPEATS)
    rows = np.sort(rng.permutation(len(data))[:most])
    data = data.take(rows)
    base = loss_of(problem.metric, trial_score(problem, rows, model.outputs(data)))
    lost = dict.fromkeys(model.features, 0.0)
    for _ in range(repeats):
        order = rng.permutation(len(rows))
        for feature in model.features:
            if time.monotonic() > end:
                return _normalised(lost)
            outputs = model.outputs(_shuffled(model, data, feature, order))
            lost[feature] += loss_of(problem.metric, trial_score(problem, rows, outputs)) - base
    return _normalised(lost)


def _shuffled(model: FittedModel, data: Encoded, feature: str, order: Ints) -> Encoded:
    encoder = model.encoder
    numbers, codes = data.numbers.copy(), data.codes.copy()
    for matrix, owners in ((numbers, encoder.number_owners), (codes, encoder.code_owners)):
        places = _owned(owners, feature)
        matrix[:, places] = matrix[np.ix_(order, places)]
    texts = tuple(
        text[order] if owner == feature else text for text, owner in zip(data.texts, encoder.text_owners, strict=True)
    )
    images = tuple(
        image[order] if owner == feature else image
        for image, owner in zip(data.images, encoder.image_owners, strict=True)
    )
    raws = tuple(
        raw[order] if owner == feature else raw for raw, owner in zip(data.raws, encoder.raw_owners, strict=True)
    )
    return replace(data, numbers=numbers, codes=codes, texts=texts, images=images, raws=raws)


def _owned(owners: tuple[str, ...], feature: str) -> NDArray[np.int64]:
    return np.array([place for place, owner in enumerate(owners) if owner == feature], dtype=np.int64)


def _normalised(lost: dict[str, float]) -> dict[str, float]:
    total = sum(max(value, 0.0) for value in lost.values())
    ranked = sorted(lost, key=lambda name: (-lost[name], name))
    return {name: max(lost[name], 0.0) / total if total > 0 else 0.0 for name in ranked}
