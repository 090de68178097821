"""Whether a compiled backend predicts as the library does whose model it runs; if not, the library has to.

Rows are made where the two are most likely to part: every cell is a threshold or a category of its column, the number
next to it on either side, zero or nearly so, infinite, missing, or a category that training did not see. (What this
looks for is what broke 160 of 280 conversions of another library before it compared: scikit-learn-intelex, #3351.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import MissingExtraError
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["EXACT", "Comparison", "Refusable", "compare", "edge_rows", "gate"]

_ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-36, -1e-36, 1e300, -1.0, -0.5, 0.5, 3.7, 2.0**31, 2.0**40)
_FEWEST, _MOST = 300, 4_000
EXACT = 1e-12
"""Links of a library may be rounded otherwise than ours; a row that takes another way is off by far more."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a backend compares with the library: on how many rows, and how many of those differ by how much."""

    backend: str
    rows: int
    different: int
    largest: float | None
    """The largest difference, relative to values above 1; None where only one of both is a finite number."""


class Refusable(Protocol):
    """A predictor that runs by a backend of ours or by the library of its model."""

    @property
    def backend(self) -> str:
        """The backend by name; `library` is the model's own."""

    def edges(self) -> Sequence[Floats | Ints]:
        """For each column the thresholds and categories that trees ask for."""

    def predict(self, rows: Floats) -> Floats:
        """By the backend."""

    def by_library(self) -> Self:
        """The same model, run by its library.

        Raises:
            MissingExtraError: if it is not installed.
        """


R = TypeVar("R", bound=Refusable)


def edge_rows(edges: Sequence[Floats | Ints], *, seed: int = 0, most: int = _MOST) -> Floats:
    """Rows (float64, as many as the longest of `edges` needs, 300 at least and `most` at most) to compare on.

    `edges` are float64, or float32 where the model reads cells in single precision: the next number is one of those.
    Of integers, which are codes, there are no others.
    """
    rng = np.random.default_rng(seed)
    pools = [_pool(np.unique(each)) for each in edges]
    rows = int(np.clip(max((len(pool) for pool in pools), default=0), _FEWEST, most))
    return np.column_stack([rng.permutation(np.resize(rng.permutation(pool), rows)) for pool in pools])


def _pool(edges: NDArray[Any]) -> Floats:
    if edges.dtype.kind == "i":
        return edges.astype(np.float64)
    with np.errstate(over="ignore"):
        around = [np.nextafter(edges, edges.dtype.type(side)) for side in (-np.inf, np.inf)]
        return np.concatenate([edges, *around, np.array(_ODD).astype(edges.dtype)]).astype(np.float64)


def compare(
    backend: str,
    ours: Callable[[Floats], Floats],
    library: Callable[[Floats], Floats],
    rows: Floats,
    tolerance: float = EXACT,
) -> Comparison:
    """Predicts `rows` both ways; rows differ where an output is off by more than `tolerance` of its size."""
    mine, theirs = ours(rows), library(rows)
    with np.errstate(invalid="ignore"):
        off = np.abs(mine - theirs) / np.maximum(np.abs(theirs), 1.0)
    off = np.where((mine == theirs) | (np.isnan(mine) & np.isnan(theirs)), 0.0, off)
    off = np.where(np.isnan(off), np.inf, off)
    different = int((off.reshape(len(rows), -1) > tolerance).any(axis=1).sum())
    largest = float(off.max(initial=0.0))
    return Comparison(backend, len(rows), different, largest if np.isfinite(largest) else None)


def gate(predictor: R) -> tuple[R, dict[str, Any] | None]:
    """The predictor, run by its library where its backend differs from it, and the comparison as JSON.

    There is no comparison where the library runs the model anyhow, or is not installed.
    """
    if predictor.backend == "library":
        return predictor, None
    try:
        library = predictor.by_library()
    except MissingExtraError:
        return predictor, None
    comparison = compare(predictor.backend, predictor.predict, library.predict, edge_rows(predictor.edges()))
    return (library if comparison.different else predictor), asdict(comparison)
