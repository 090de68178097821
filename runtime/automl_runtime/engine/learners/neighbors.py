"""K nearest neighbours over scaled numbers and one-hot categories, nearer ones louder.

Cover and Hart, Nearest Neighbor Pattern Classification, 1967; weights by distance as in Dudani, 1976.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.learners.samples import sample
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.engine.scoring import selection_loss
from automl_runtime.inference.neighbors import Neighbors, find
from automl_runtime.inference.parts import Reading

__all__ = ["COUNTS", "MOST_STORED", "NeighborsLearner", "most_stored"]

COUNTS = (20, 10, 40, 5, 80, 3)
"""How many neighbours are tried."""
MOST_STORED = 20_000
_MOST_CELLS = 2_000_000
_FEWEST_STORED = 1_000


class NeighborsLearner:
    """The final model holds all rows, or a sample of at most `MOST_STORED`."""

    name: ClassVar[str] = "neighbors"
    refits: ClassVar[bool] = True

    def recipe(self, params: Params) -> Recipe:
        """`scaled`."""
        del params
        return "scaled"

    def prepare(self) -> None:
        """Needs nothing but NumPy."""

    def fit(self, job: Job) -> Fit:
        """Stores the rows, and keeps the number of neighbours with the least loss on those that validate."""
        problem, train, valid = job.problem, job.rows.fold.train, job.rows.fold.valid
        matrix = job.rows.train_matrix()
        rows = sample(len(train), most_stored(matrix.shape[1]), job.seed)
        weights = job.train_weights()
        if problem.classes:
            y, reading, prior = problem.y[train], Reading(), problem.baseline(train)
        else:
            scaled = target_scale(problem, train, job.params)
            y, reading, prior = scaled.y[train], scaled.reading, np.empty(0)
        mass = np.ones(len(rows)) if weights is None else np.maximum(weights[rows], 1e-9)
        stored = np.ascontiguousarray(matrix[rows], dtype=np.float32)
        models = [Neighbors(stored, y[rows], mass, prior, min(count, len(rows))) for count in COUNTS]
        if not len(valid):
            chosen = min(job.rounds or 1, len(COUNTS))
            return Fit(models[chosen - 1], reading, chosen, chosen)
        places, distances = find(job.rows.valid_matrix(), stored, max(model.count for model in models))
        loss = selection_loss(problem, valid)
        losses: list[float] = []
        for model in models[: job.rounds]:
            raw = model.vote(places[:, : model.count], distances[:, : model.count])
            losses.append(loss(reading.outputs(raw, len(problem.classes))))
            if job.stop():
                break
        best = int(np.argmin(losses))
        return Fit(models[best], reading, len(losses), best + 1)


def most_stored(width: int) -> int:
    """How many rows of `width` columns a model may hold."""
    return min(MOST_STORED, max(_FEWEST_STORED, _MOST_CELLS // max(width, 1)))
