"""Which backend runs which member of a model, by the rows at a time: measured when the model is published.

Each backend is compared with the library that trained the member, where that is installed and the bundle can be run by
it; with our own code else. One that differs by more than rounding is refused. ONNX Runtime is judged more mildly, as it
adds in another order and precision, and is chosen only by those who allow that. Of the others the fastest is chosen,
ours unless another is faster by a tenth: clocks are not exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from time import perf_counter
from typing import Any, Final

import numpy as np

from automl_runtime.errors import BundleError, MissingExtraError, RequestError
from automl_runtime.inference.backends import backend_of, run_by
from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.compiled import is_sparse, one_row
from automl_runtime.inference.equivalence import EXACT, compare, edge_rows
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.parts import BATCHES, Backend, Measured, Member, Predictor
from automl_runtime.inference.storage import stored_bytes
from automl_runtime.kernels.arrays import Floats

__all__ = ["INEXACT", "with_backends"]

INEXACT: Final = 1e-5
"""By which ONNX Runtime may differ."""
_BACKENDS: Final[tuple[Backend, ...]] = ("kernels", "single_row", "library", "onnx")
_WORTH = 0.9
_SECONDS = 0.2
"""Of calls for one member and one number of rows."""
_ROUNDS, _FEWEST_ROUNDS = 400, 3
_UNDISTURBED = 0.25
"""The quantile of the times that counts: others had to wait for the rest of the machine."""
_MOST_EXPORTED = 4_000_000
"""Bytes of a member above which it is not exported to be measured: that would take longer than it is worth."""
_LARGEST_SINGLE = 1e30


@dataclass(frozen=True, slots=True)
class _Ways:
    """The predictors of a member by backend, and why others are not among them."""

    runners: dict[Backend, list[Predictor]]
    refused: dict[Backend, str]


def with_backends(model: FittedModel, *, inexact: bool = False) -> FittedModel:
    """`model` with the backends of its members measured and chosen; takes a second or so for each member.

    Args:
        model: as it was trained; where it keeps no rows (`background`), or they are sparse, a member stays as it is.
        inexact: whether what differs by up to 1e-5 may be chosen.
    """
    data = model.background
    if data is None or not len(data):
        return model
    matrices = {place: design.matrix(data) for place, design in enumerate(model.designs) if not is_sparse(design)}
    levels = max(model.encoder.levels, default=0)
    members = tuple(
        _measured(member, [matrices[part.design] for part in member.parts], levels, inexact)
        if all(part.design in matrices for part in member.parts)
        else member
        for member in model.members
    )
    return FittedModel(model.info, model.encoder, model.designs, members, model.background)


def _measured(member: Member, matrices: Sequence[Floats], levels: int, inexact: bool) -> Member:
    ways = _ways(member, matrices, levels)
    largest: dict[Backend, float | None] = {}
    predictors = [part.predictor for part in member.parts]
    reference = ways.runners.get("library") or ways.runners["kernels"]
    for backend, runners in list(ways.runners.items()):
        tolerance = INEXACT if backend == "onnx" else EXACT
        try:
            found = [
                compare(backend, ours.predict, theirs.predict, _compared_rows(each, matrix, backend, levels), tolerance)
                for ours, theirs, each, matrix in zip(runners, reference, predictors, matrices, strict=True)
            ]
        except BundleError as error:
            ways.refused[backend] = str(error)
            del ways.runners[backend]
            continue
        off = [each.largest for each in found]
        largest[backend] = None if None in off else max(each for each in off if each is not None)
        different = sum(each.different for each in found)
        if different:
            ways.refused[backend] = f"differs on {different:,} of {sum(each.rows for each in found):,} rows"
        elif backend == "onnx" and not inexact:
            ways.refused[backend] = f"the same within {INEXACT:g} only; deployment.inexact_backends allows it"
    taken = [_microseconds(ways.runners, matrices, rows) for rows in BATCHES]
    measured = tuple(
        Measured(
            backend,
            tuple(each[backend] for each in taken) if backend in ways.runners else (),
            largest.get(backend),
            ways.refused.get(backend),
        )
        for backend in _BACKENDS
        if backend in ways.runners or backend in ways.refused
    )
    allowed = [backend for backend in ways.runners if backend not in ways.refused]
    chosen = tuple(_fastest(each, allowed) for each in taken)
    parts = tuple(
        tuple(
            replace(part, predictor=predictor)
            for part, predictor in zip(member.parts, ways.runners[backend], strict=True)
        )
        for backend in chosen
    )
    return replace(member, measured=measured, chosen=chosen, ways=parts)


def _fastest(taken: Mapping[Backend, float], allowed: Sequence[Backend]) -> Backend:
    """The first of those `allowed` is ours, or the library where ours is refused."""
    first = allowed[0]
    best = min(allowed, key=taken.__getitem__)
    return best if taken[best] < _WORTH * taken[first] else first


def _ways(member: Member, matrices: Sequence[Floats], levels: int) -> _Ways:
    found = _Ways({}, {})
    size = sum(stored_bytes(part.predictor) for part in member.parts)
    for backend in _BACKENDS:
        if backend == "onnx" and size > _MOST_EXPORTED:
            found.refused[backend] = f"not tried on models above {_MOST_EXPORTED / 1e6:g} MB"
            continue
        try:
            made = [
                _made(part.predictor, backend, matrix.shape[1], levels, member.name)
                for part, matrix in zip(member.parts, matrices, strict=True)
            ]
        except (BundleError, MissingExtraError, RequestError) as error:
            found.refused[backend] = str(error)
            continue
        runners = [each for each in made if each is not None]
        if len(runners) == len(made):
            found.runners[backend] = runners
    return found


def _made(predictor: Predictor, backend: Backend, width: int, levels: int, name: str) -> Predictor | None:
    if backend != "onnx":
        return run_by(predictor, backend)
    from automl_runtime.inference.exporting.predictors import predictor_graph

    return run_by(predictor, backend, predictor_graph(predictor, width, levels, name))


def _compared_rows(predictor: Predictor, matrix: Floats, backend: Backend, levels: int) -> Floats:
    """Rows that the model keeps, and rows on the thresholds and categories of its trees."""
    width = matrix.shape[1]
    if isinstance(predictor, LightGbm | CatBoost) and backend_of(predictor) == "kernels":
        rows = edge_rows(predictor.edges())
    elif isinstance(predictor, Boosted | Forest):
        rows = edge_rows(predictor.edges(width))
    else:
        return matrix
    if isinstance(predictor, Forest):
        # It reads no missing and no infinite cells.
        rows = np.nan_to_num(rows).clip(-_LARGEST_SINGLE, _LARGEST_SINGLE)
    elif backend == "onnx" and isinstance(predictor, CatBoost):
        # Its tables hold the codes that there are, and no others come.
        rows[:, predictor.numbers :] = np.minimum(rows[:, predictor.numbers :], levels)
    elif backend == "onnx" and isinstance(predictor, LightGbm | Boosted):
        # Codes are whole; what a library makes of others is its own affair.
        coded = predictor.coded() if isinstance(predictor, LightGbm) else predictor.coded(width)
        rows[:, coded] = np.trunc(rows[:, coded])
    return np.vstack([matrix, rows])


def _microseconds(
    ways: Mapping[Backend, Sequence[Predictor]], matrices: Sequence[Floats], rows: int
) -> dict[Backend, float]:
    """A row, by each backend, all parts together; each is called in turn."""
    many = [np.resize(matrix, (max(rows, len(matrix)), matrix.shape[1])) for matrix in matrices]
    calls: dict[Backend, list[Callable[[Any], Floats]]] = {
        backend: [one_row(each, False) if rows == 1 else each.predict for each in runners]
        for backend, runners in ways.items()
    }
    taken: dict[Backend, list[float]] = {backend: [] for backend in ways}
    stop = perf_counter() + _SECONDS
    for number in count():
        first = number % (len(many[0]) - rows + 1)
        batches = [matrix[first : first + rows] for matrix in many]
        for backend, predicts in calls.items():
            start = perf_counter()
            for predict, batch in zip(predicts, batches, strict=True):
                predict(batch)
            taken[backend].append(perf_counter() - start)
        if number >= _ROUNDS or (number >= _FEWEST_ROUNDS and perf_counter() > stop):
            break
    # The first call may have loaded or compiled something.
    return {
        backend: round(float(np.quantile(each[1:], _UNDISTURBED)) * 1e6 / rows, 3) for backend, each in taken.items()
    }
