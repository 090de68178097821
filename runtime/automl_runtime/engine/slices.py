"""Finds the rows on which a model does worst: levels of a category, quarters of a number."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import trial_score
from automl_runtime.inference.encoding import MISSING, Encoded, Encoder
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["worst_slices"]

_LEAST_SHARE = 0.02
_LEAST_ROWS = 30
_LEAST_OF_CLASS = 5
_COMMON_CLASS = 0.05
_LEVELS = 20
_MOST = 5


def worst_slices(
    encoder: Encoder, data: Encoded, problem: Problem, outputs: Floats
) -> list[tuple[str, int, float, str]]:
    """Condition, rows, score and column of up to five slices that score worse than all rows together, worst first.

    A slice has 30 rows and 2 % of all at least, and five rows of each class that has 5 % of all rows (of both of two).
    """
    base = loss_of(problem.metric, trial_score(problem, np.arange(len(data)), outputs))
    found = []
    least = max(_LEAST_ROWS, int(_LEAST_SHARE * len(data)))
    for condition, rows, column in _candidates(encoder, data):
        if not least <= len(rows) < len(data) or not _has_all_classes(problem, rows):
            continue
        value = trial_score(problem, rows, outputs[rows])
        if loss_of(problem.metric, value) > base:
            found.append((loss_of(problem.metric, value), condition, len(rows), value, column))
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    return [(condition, count, value, column) for _, condition, count, value, column in found[:_MOST]]


def _has_all_classes(problem: Problem, rows: Ints) -> bool:
    if not problem.classes:
        return True
    common = np.bincount(problem.codes, minlength=len(problem.classes)) >= _COMMON_CLASS * len(problem)
    if problem.task == "binary":
        common[:] = True
    counts = np.bincount(problem.codes[rows], minlength=len(problem.classes))
    return bool(np.all(counts[common] >= _LEAST_OF_CLASS))


def _candidates(encoder: Encoder, data: Encoded) -> Iterator[tuple[str, Ints, str]]:
    vocabularies = {column.name: column.vocabulary for column in encoder.columns}
    for place, name in enumerate(encoder.code_owners):
        codes = data.codes[:, place]
        yield f"{name} is missing", np.flatnonzero(codes == MISSING), name
        for code, word in enumerate(vocabularies[name][:_LEVELS]):
            yield f"{name} = {word}", np.flatnonzero(codes == code), name
    kinds = {column.name: column.kind for column in encoder.columns}
    for place, name in enumerate(encoder.number_owners):
        if kinds[name] not in ("number", "boolean"):
            continue
        values = data.numbers[:, place]
        known = values[~np.isnan(values)]
        yield f"{name} is missing", np.flatnonzero(np.isnan(values)), name
        edges = np.unique(np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0])) if len(known) else known
        for low, high in pairwise(edges):
            last = high == edges[-1]
            inside = (values >= low) & ((values <= high) if last else (values < high))
            yield f"{name} from {low:g} to {high:g}", np.flatnonzero(inside), name
